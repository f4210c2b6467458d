package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A script does all that a Spool can do to its disk, and does again what failed.
type script struct {
	t *testing.T
	d *disk
	s *Spool
}

// until calls f until it succeeds.
func (sc *script) until(what string, f func() error) {
	sc.t.Helper()
	for range 10 {
		if f() == nil {
			return
		}
	}
	sc.t.Fatalf("%s: %v, although the fault is over", what, f())
}

func (sc *script) open() {
	sc.until("Open", func() (err error) {
		if sc.s, err = Open(testDir, testOptions(sc.d)); err != nil {
			return err
		}
		// A segment that cannot be read waits for the next Open.
		if err := errors.Join(sc.s.Recovered().Foreign...); err != nil {
			return errors.Join(err, sc.s.Close())
		}
		return nil
	})
}

func (sc *script) append(n int, streams ...string) {
	sc.until("Append", func() error { return sc.s.Append(batch(n, streams...)) })
}

func (sc *script) run() {
	sc.open()
	sc.append(0, "a")
	sc.append(1, "a", "b")
	sc.until("Quarantine", func() error { return sc.s.Quarantine("chunk", strings.NewReader("bytes")) })
	sc.until("Seal", sc.s.Seal)
	sc.append(2, "a")
	first := sc.s.Sealed()[0]
	var c *Contents
	sc.until("Load", func() (err error) {
		c, err = sc.s.Load(first)
		return err
	})
	sc.until("Remove", func() error { return sc.s.Remove(c) })
	sc.append(3, "a")
	sc.until("Close", sc.s.Close)
	sc.open()
	sc.append(4, "a")
}

// want fails the test unless what the script leaves is there, once. A fault of
// the first segment makes two of it, of which only one is removed.
func (sc *script) want(when string) {
	sc.t.Helper()
	got, damage := stored(sc.t, sc.s)
	if len(damage) > 0 {
		sc.t.Errorf("%s: damage %v", when, damage)
	}
	want := lines("a", 2, 3, 4)
	if !strings.HasSuffix(got["a"], want) || strings.Count(got["a"], "\n") > 5 {
		sc.t.Errorf("%s: stored %q, want %q", when, got, want)
	}
	for line := range strings.Lines(got["a"]) {
		if strings.Count(got["a"], line) != 1 {
			sc.t.Errorf("%s: %q is stored twice", when, line)
		}
	}
	if kept := sc.d.get(sc.t, quarantinePath("chunk")); string(kept) != "bytes" {
		sc.t.Errorf("%s: quarantine holds %q", when, kept)
	}
}

// Whatever call of the disk fails, and for how long, the same can be done again
// when the fault is over, and nothing is lost or there twice: not now, not after
// the death of the process, not after a power loss.
func TestAnyCallFails(t *testing.T) {
	healthy := &script{t: t, d: newDisk()}
	healthy.run()
	calls := len(healthy.d.calls)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, tt := range []struct {
		name string
		err  error
	}{{"EIO", unix.EIO}, {"ENOSPC", unix.ENOSPC}, {"short write", shortWrite{unix.EIO, 100}}} {
		t.Run(tt.name, func(t *testing.T) {
			for first := range calls {
				for _, length := range []int{1, 2, 4} {
					sc := &script{t: t, d: newDisk()}
					seen := 0
					sc.d.before = func(c call) error {
						if seen++; seen <= first || seen > first+length || c.op == "close" && sc.s != nil && sc.s.open == nil {
							return nil
						}
						if _, short := tt.err.(shortWrite); short && c.op != "write" {
							return unix.EIO
						}
						return tt.err
					}
					sc.run()
					sc.d.before = nil
					when := fmt.Sprintf("%d failures from call %d on", length, first)
					mustSealAny(t, sc.s)
					sc.want(when)
					for _, after := range []*disk{sc.d.kill(), sc.d.crash(rng)} {
						again := &script{t: t, d: after, s: openDisk(t, after)}
						again.want(when + " and a crash")
						mustClose(t, again.s)
					}
					mustClose(t, sc.s)
				}
			}
		})
	}
}

// What failed to be cut from a segment is voided by the next one.
func TestFailedAppendThatCannotBeCutIsVoid(t *testing.T) {
	// setUp fails the sync of batch 1, which is whole on disk, and all that could
	// cut it, and appends it again.
	setUp := func(t *testing.T) (*disk, *Spool) {
		d := newDisk()
		s := openDisk(t, d)
		mustAppend(t, s, batch(0, "a"))
		d.before = func(c call) error {
			if c.op == "sync" || c.op == "truncate" {
				return unix.EIO
			}
			return nil
		}
		if err := s.Append(batch(1, "a")); !errors.Is(err, unix.EIO) {
			t.Fatalf("Append: %v, want EIO", err)
		}
		d.before = nil
		mustAppend(t, s, batch(1, "a"))
		if n := strings.Count(string(d.get(t, s.Sealed()[0].Path)), line(1, "a")); n != 1 {
			t.Fatalf("the failed append is on disk %d times, want 1", n)
		}
		return d, s
	}
	t.Run("in this process", func(t *testing.T) {
		_, s := setUp(t)
		mustSeal(t, s)
		wantStored(t, s, map[string]string{"a": lines("a", 0, 1)})
	})
	t.Run("after the death of the process", func(t *testing.T) {
		d, _ := setUp(t)
		again := openDisk(t, d.kill())
		wantStored(t, again, map[string]string{"a": lines("a", 0, 1)})
		wantKnown(t, again, 3, 0, 1)
	})
	t.Run("after power losses", func(t *testing.T) {
		d, _ := setUp(t)
		rng := rand.New(rand.NewPCG(1, 1))
		for range 200 {
			lost := d.crash(rng)
			again := openDisk(t, lost)
			wantStored(t, again, map[string]string{"a": lines("a", 0, 1)})
			mustClose(t, again)
		}
	})
	t.Run("when the next segment is removed first", func(t *testing.T) {
		d, s := setUp(t)
		next := mustSeal(t, s)
		mend := d.failing("truncate", 1, unix.EIO)
		c := mustLoad(t, s, next)
		if err := s.Remove(c); !errors.Is(err, unix.EIO) {
			t.Fatalf("Remove while the segment before cannot be cut: %v, want EIO", err)
		}
		mend()
		mustRemove(t, s, c)
		again := openDisk(t, d.crash(rand.New(rand.NewPCG(1, 1))))
		wantStored(t, again, map[string]string{"a": lines("a", 0)})
		wantKnown(t, again, 3, 0, 1)
	})
}

// The header of a segment that never got its first batch whole voids what is
// behind the one before, until that is cut for good.
func TestUnfinishedSegmentGoesOnlyWhenTheOneBeforeIsCut(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	mustAppend(t, s, batch(0, "a"))
	mend := d.failing("sync", 1, unix.EIO)
	if err := s.Append(batch(1, "a")); !errors.Is(err, unix.EIO) {
		t.Fatalf("Append: %v, want EIO", err)
	}
	mend() // batch 1 is cut from the file, but not durably
	var dead *disk
	d.midway = func() {
		// Half of the last buffer is missing.
		if last := d.kill(); len(last.files(testDir, segExt)) == 2 {
			dead = last
			d.midway = nil
		}
	}
	mustAppend(t, s, batch(2, strings.Repeat("long", 50)))
	again := openDisk(t, dead)
	if torn := again.Recovered().Torn; len(torn) != 1 {
		t.Fatalf("torn %v, want the second segment", torn)
	}
	wantKnown(t, again, 3, 0)
	mustAppend(t, again, batch(1, "a"))
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		last := openDisk(t, dead.crash(rng))
		wantStored(t, last, map[string]string{"a": lines("a", 0, 1)})
		mustClose(t, last)
	}
}

// A segment without any batch leaves nothing, even if its file cannot be removed
// at first.
func TestFirstAppendOfASegmentFails(t *testing.T) {
	for _, op := range []string{"create", "syncDir", "write", "sync"} {
		t.Run(op, func(t *testing.T) {
			d := newDisk()
			s := openDisk(t, d)
			d.before = func(c call) error {
				if c.op == op || c.op == "remove" {
					return unix.EIO
				}
				return nil
			}
			for range 3 {
				if err := s.Append(batch(0, "a")); !errors.Is(err, unix.EIO) {
					t.Fatalf("Append: %v, want EIO", err)
				}
			}
			if n := len(d.files(testDir, segExt)); n > 1 {
				t.Errorf("%d segment files, want at most 1", n)
			}
			d.before = nil
			mustAppend(t, s, batch(0, "a"))
			if n := len(d.files(testDir, segExt)); n != 1 {
				t.Errorf("%d segment files, want 1", n)
			}
			mustSeal(t, s)
			wantStored(t, s, map[string]string{"a": lines("a", 0)})
		})
	}
}

func TestDiskRunsFullAtAnyByte(t *testing.T) {
	for free := range int64(600) {
		d := newDisk()
		s := openDisk(t, d)
		d.free = free
		want := ""
		for n := range 5 {
			err := s.Append(batch(n, "a"))
			for err != nil {
				if !errors.Is(err, ErrFull) || !errors.Is(err, unix.ENOSPC) {
					t.Fatalf("%d bytes free: %v, want ErrFull and ENOSPC", free, err)
				}
				d.free = unlimited
				err = s.Append(batch(n, "a"))
			}
			want += line(n, "a")
		}
		mustSeal(t, s)
		wantStored(t, s, map[string]string{"a": want})
		mustClose(t, s)
		again := openDisk(t, d)
		wantStored(t, again, map[string]string{"a": want})
		mustClose(t, again)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	mustAppend(t, s, batch(0, "a"))
	d.before = readOnly
	for range 3 {
		if err := s.Append(batch(1, "a")); !errors.Is(err, unix.EROFS) {
			t.Fatalf("Append: %v, want EROFS", err)
		}
	}
	wantStored(t, s, map[string]string{"a": lines("a", 0)})
	if err := s.Remove(mustLoad(t, s, s.Sealed()[0])); !errors.Is(err, unix.EROFS) {
		t.Errorf("Remove: %v, want EROFS", err)
	}
	dead := d.kill()
	dead.before = readOnly
	if _, err := Open(testDir, testOptions(dead)); !errors.Is(err, unix.EROFS) {
		t.Errorf("Open: %v, want EROFS", err)
	}
	d.before = nil
	mustAppend(t, s, batch(1, "a"))
	mustSeal(t, s)
	wantStored(t, s, map[string]string{"a": lines("a", 0, 1)})
}

func TestReadFails(t *testing.T) {
	t.Run("in Load, which can be called again", func(t *testing.T) {
		d := newDisk()
		s := openDisk(t, d)
		mustAppend(t, s, batch(0, "a"))
		seg := mustSeal(t, s)
		for _, op := range []string{"open", "read"} {
			mend := d.failing(op, 1, unix.EIO)
			if _, err := s.Load(seg); !errors.Is(err, unix.EIO) {
				t.Errorf("Load: %v, want EIO", err)
			}
			mend()
		}
		wantStored(t, s, map[string]string{"a": lines("a", 0)})
	})
	t.Run("in a stream, which goes on afterwards", func(t *testing.T) {
		d := newDisk()
		s := openDisk(t, d)
		mustAppend(t, s, batch(0, "a"), batch(1, "b"), batch(2, "a"))
		st := mustLoad(t, s, mustSeal(t, s)).Streams[0]
		for fail := 1; ; fail++ {
			r, err := st.Open()
			if err != nil {
				t.Fatal(err)
			}
			mend := d.failing("read", fail, unix.EIO)
			first, err := io.ReadAll(r)
			mend()
			rest, restErr := io.ReadAll(r)
			if restErr != nil || string(first)+string(rest) != lines("a", 0, 2) {
				t.Errorf("read %d fails: %q and then %q, %v", fail, first, rest, restErr)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if err == nil {
				break // there are no more reads to fail
			}
			if !errors.Is(err, unix.EIO) {
				t.Errorf("read %d fails: %v, want EIO", fail, err)
			}
		}
	})
	t.Run("in a stream of a file that was cut", func(t *testing.T) {
		d := newDisk()
		s := openDisk(t, d)
		mustAppend(t, s, batch(0, "a"), batch(1, "a"))
		seg := mustSeal(t, s)
		st := mustLoad(t, s, seg).Streams[0]
		original := d.get(t, seg.Path)
		for n := range original {
			d.put(seg.Path, original[:n])
			r, err := st.Open()
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%d bytes left: read %q, %v, want an unexpected EOF", n, b, err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("in Open, which leaves the segment for later", func(t *testing.T) {
		d, segs := logOf(t)
		name := strings.TrimPrefix(segs[1].Path, testDir+"/")
		for _, op := range []string{"open", "read"} {
			d.before = func(c call) error {
				if c.op == op && c.name == name {
					return unix.EIO
				}
				return nil
			}
			s := openDisk(t, d)
			wantStored(t, s, logStreams(0, 1, 2, 5, 6))
			if rep := s.Recovered(); len(rep.Foreign) != 1 || !errors.Is(rep.Foreign[0], unix.EIO) {
				t.Errorf("foreign %v, want EIO", rep.Foreign)
			}
			mustClose(t, s)
		}
		d.before = nil
		wantStored(t, openDisk(t, d), logStreams(0, 1, 2, 3, 4, 5, 6))
	})
}

// The segments and .done files are the same after any failure of Remove, and the
// next try.
func TestRemoveFailsAtAnyCall(t *testing.T) {
	for first := 1; ; first++ {
		d := newDisk()
		s := openDisk(t, d)
		mustAppend(t, s, batch(0, "a"))
		c := mustLoad(t, s, mustSeal(t, s))
		mustAppend(t, s, batch(1, "a"))
		seen := 0
		d.before = func(call) error {
			if seen++; seen == first {
				return unix.EIO
			}
			return nil
		}
		err := s.Remove(c)
		d.before = nil
		for _, crashed := range []*disk{d.kill(), d.crash(rand.New(rand.NewPCG(uint64(first), 1)))} {
			again := openDisk(t, crashed)
			if got, _ := stored(t, again); got["a"] != lines("a", 0, 1) && got["a"] != lines("a", 1) {
				t.Errorf("call %d fails: stored %q after a crash", first, got)
			}
			wantKnown(t, again, 3, 0, 1)
			mustClose(t, again)
		}
		if err == nil && seen < first {
			return
		}
		mustRemove(t, s, c)
		mustRemove(t, s, c)
		if segs, done := d.files(testDir, segExt), d.files(testDir, doneExt); len(segs) != 1 || len(done) != 1 {
			t.Errorf("call %d fails: left %v and %v", first, segs, done)
		}
		if tmp := d.files(testDir, tmpExt); len(tmp) > 0 {
			t.Errorf("call %d fails: left %v", first, tmp)
		}
		if st := s.Stats(); st.Segments != 1 || st.Bytes != s.open.size {
			t.Errorf("call %d fails: %+v", first, st)
		}
	}
}

func TestFailedOpenLetsGoOfTheDirectory(t *testing.T) {
	intact, _ := logOf(t)
	for first := 1; ; first++ {
		d := intact.kill()
		seen := 0
		d.before = func(c call) error {
			if seen++; seen == first {
				return unix.EIO
			}
			return nil
		}
		s, err := Open(testDir, testOptions(d))
		d.before = nil
		if err == nil {
			mustClose(t, s)
		} else if !errors.Is(err, unix.EIO) {
			t.Errorf("call %d fails: %v, want EIO", first, err)
		}
		again := openDisk(t, d)
		wantStored(t, again, logStreams(0, 1, 2, 3, 4, 5, 6))
		mustClose(t, again)
		if seen < first {
			return
		}
	}
}

func TestRemovedDirectoryIsNotAppendedTo(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	mustAppend(t, s, batch(0, "a"))
	mustSeal(t, s)
	d.mu.Lock()
	dirs := maps.Clone(d.dirs)
	delete(d.dirs, testDir)
	d.mu.Unlock()
	if err := s.Append(batch(1, "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Append: %v, want that the directory does not exist", err)
	}
	d.mu.Lock()
	d.dirs = dirs
	d.mu.Unlock()
	mustAppend(t, s, batch(1, "a"))
}
