package crash

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"siem-s3/test/faultproxy"
	"siem-s3/test/host"
)

// mount makes the site's store_dir a file system of its own, ext4 of that many
// bytes. It takes root and mkfs.ext4; without them the test is skipped.
func (s *site) mount(size int64) {
	s.Helper()
	image := filepath.Join(s.dir, "disk")
	s.must(os.WriteFile(image, nil, 0o600))
	s.must(os.Truncate(image, size))
	s.must(os.MkdirAll(s.store, 0o700))
	for _, args := range [][]string{
		// Without blocks that only root may use, which would not count as full here.
		{"mkfs.ext4", "-q", "-m", "0", image},
		{"mount", "-o", "loop", image, s.store},
	} {
		if out, err := exec.CommandContext(s.ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			s.Skipf("skipped, a file system can't be made and mounted: %v\n%s", err, out)
		}
	}
	s.Cleanup(func() {
		if err := unix.Unmount(s.store, unix.MNT_DETACH); err != nil {
			s.Error(err)
		}
	})
}

// fill leaves no byte free on the disk of store_dir, as a neighbour's files may.
func (s *site) fill() (neighbour string) {
	s.Helper()
	neighbour = filepath.Join(s.store, "neighbour")
	s.must(os.Mkdir(neighbour, 0o700))
	for size := 64 << 10; size > 0; size /= 4 {
		for i := 0; ; i++ {
			err := writeSynced(filepath.Join(neighbour, fmt.Sprintf("%d-%d", size, i)), size)
			if errors.Is(err, unix.ENOSPC) {
				break
			}
			s.must(err)
		}
	}
	return neighbour
}

func writeSynced(path string, size int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, size))
	return errors.Join(err, f.Sync(), f.Close())
}

// until a flush is answered with a status.
func (s *site) untilStatus(h *host.Host, data []byte, want host.Status) {
	s.Helper()
	s.until(func() error {
		status, err := h.Flush(s.ctx, "a", "siem", data)
		s.must(err)
		if status != want {
			return fmt.Errorf("answered %s, want %s", status, want)
		}
		return nil
	})
}

const (
	cannotStore = "[error] [output:siem_s3:siem_s3.0] can't store a chunk"
	storesAgain = "[ info] [output:siem_s3:siem_s3.0] storing chunks again"
)

// noRoomToRemember is why the tests of a disk without a free block are skipped.
const noRoomToRemember = "skipped: a disk that is full to its last byte has no room to remember a removed segment, which stays until there is"

// A disk that others have filled to the last block refuses chunks until there is
// room again. What was stored is uploaded meanwhile, and leaves the disk.
func TestFullDiskGivesBackWhatItCan(t *testing.T) {
	t.Skip(noRoomToRemember)
	t.Parallel()
	s := newSite(t, time.Minute)
	s.mount(4 << 20)
	s.proxy.Choose(func(*http.Request) *faultproxy.Fault { return faultproxy.SlowDown })
	h := s.start(s.output("store_dir_limit_size", "2G"))
	for n := range 100 {
		s.flush(h, eventChunk(n*20, n*20+20))
	}
	s.waitLog(h, cannotUpload)
	s.until(func() error { // there is no open segment to grow
		if time.Now().Truncate(time.Second).Before(newest(s)) {
			return errors.New("a window is open")
		}
		return nil
	})
	neighbour := s.fill()
	s.untilStatus(h, eventChunk(2000, 3000), host.Retry)
	s.proxy.Choose(nil)
	s.until(func() error {
		if left := s.glob("*.seg"); len(left) > 0 {
			return fmt.Errorf("on the full disk are still %v", left)
		}
		return nil
	})
	s.must(os.RemoveAll(neighbour))
	s.untilStatus(h, eventChunk(2000, 3000), host.OK)
	s.waitLog(h, storesAgain)
	s.exit(h)
	s.want(3000)
	s.wantLines(h, 1, cannotStore)
	s.wantLines(h, 1, storesAgain)
}

// newest is when the last of the segments was written to.
func newest(s *site) (at time.Time) {
	s.Helper()
	for _, path := range s.glob("*.seg") {
		info, err := os.Stat(path)
		s.must(err)
		if info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	return at
}

// A disk as small as the load of one window makes the plugin take what it can
// upload, and no more. Small chunks fill the disk to its last byte.
func TestSmallDiskIsUsedOverAndOver(t *testing.T) {
	t.Parallel()
	for _, each := range []int{1, 500} { // some 280 bytes or 140 kB
		t.Run(fmt.Sprintf("chunks of %d events", each), func(t *testing.T) {
			t.Parallel()
			if each == 1 {
				t.Skip(noRoomToRemember)
			}
			s := newSite(t, time.Minute)
			s.mount(1 << 20)
			h := s.start(s.output("store_dir_limit_size", "2G", "compression", "none", "upload_timeout", "1h"))
			n := 0
			for ; n < 6000; n += each {
				s.untilStatus(h, eventChunk(n, n+each), host.OK)
			}
			s.exit(h)
			s.want(n)
			s.wantLines(h, 1, cannotStore)
		})
	}
}

func TestStoreDirThatCannotBeWrittenStopsTheStart(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*site){
		"a file": func(s *site) { s.must(os.WriteFile(s.store, nil, 0o600)) },
		"read-only": func(s *site) {
			s.mount(1 << 20)
			s.must(unix.Mount("", s.store, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		},
		"full": func(s *site) {
			s.mount(1 << 20)
			s.fill()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, time.Minute)
			prepare(s)
			_, err := s.tryStart(nil, s.output())
			var refused *host.InitError
			if !errors.As(err, &refused) {
				t.Fatalf("started, or failed otherwise: %v", err)
			}
			t.Log(err)
			for _, text := range []string{"store_dir", s.store} {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("no word of %s in %v", text, err)
				}
			}
		})
	}
}

// What was in a store_dir that is removed is gone. The plugin takes no more until
// the directory is there again, and goes on then.
func TestStoreDirThatIsRemoved(t *testing.T) {
	t.Parallel()
	s := newSite(t, time.Minute)
	h := s.start(s.output("upload_timeout", "1h", "shutdown_timeout", "2s"))
	s.flush(h, eventChunk(0, 100))
	s.must(os.RemoveAll(s.store))
	for range 5 {
		s.untilStatus(h, eventChunk(100, 200), host.Retry)
	}
	s.wantLines(h, 1, cannotStore)
	s.must(os.Mkdir(s.store, 0o700))
	s.untilStatus(h, eventChunk(100, 200), host.OK)
	s.exit(h)
	s.exit(s.start(s.output()))
	s.until(func() error {
		if got := s.tally(200); got.lost != 100 || got.doubled+got.odd > 0 {
			return fmt.Errorf("%s, want the later half", &got)
		}
		return nil
	})
}
