package spool

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNobodyElseMayReadTheDirectory(t *testing.T) {
	old := unix.Umask(0)
	defer unix.Umask(old)
	parent := filepath.Join(t.TempDir(), "new")
	dir := filepath.Join(parent, "spool")
	s := mustOpen(t, dir, testOptions(nil))
	mustAppend(t, s, batch(0, "a"))
	c := mustLoad(t, s, mustSeal(t, s))
	mustAppend(t, s, batch(1, "a"))
	mustRemove(t, s, c)
	if err := s.Quarantine("chunk", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	var seen []string
	err := filepath.WalkDir(parent, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = fs.ModeDir | 0o700
		} else {
			seen = append(seen, filepath.Ext(path))
		}
		if info.Mode() != want {
			t.Errorf("%s is %v, want %v", path, info.Mode(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(seen)
	if want := []string{"", "", ".done", ".key", ".seg"}; !slices.Equal(seen, want) {
		t.Errorf("files ending in %q, want %q", seen, want)
	}
}

func TestWriteAtWritesAllOfManyBuffers(t *testing.T) {
	f, err := osFS{}.create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	var bufs [][]byte
	for range 3*maxIOV + 1 {
		bufs = append(bufs, randomBytes(rng, rng.IntN(20)))
	}
	want := slices.Concat(bufs...)
	if err := f.writeAt(bufs, 7); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := f.ReadAt(got, 7); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, or what was read differs", err)
	}
	if size, err := f.size(); err != nil || size != int64(7+len(want)) {
		t.Errorf("size %d, %v, want %d", size, err, 7+len(want))
	}
}

func TestAdvanceDropsBytes(t *testing.T) {
	for _, tt := range []struct {
		n    int
		want string
	}{{0, "ab,,cd,e"}, {1, "b,,cd,e"}, {2, "cd,e"}, {3, "d,e"}, {4, "e"}, {5, ""}} {
		got := advance([][]byte{[]byte("ab"), {}, []byte("cd"), []byte("e")}, tt.n)
		if s := string(bytes.Join(got, []byte(","))); s != tt.want {
			t.Errorf("without %d bytes: %q, want %q", tt.n, s, tt.want)
		}
	}
}

func TestRemovedFileDoesNotCountAsDurable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := mustOpen(t, dir, testOptions(nil))
	mustAppend(t, s, batch(0, "a"))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Append(batch(1, "a")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Append: %v, want that the file does not exist", err)
		}
	}
	if _, err := s.Load(s.Sealed()[0]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load: %v, want that the file does not exist", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, batch(1, "a"))
}

func TestWriteFileIsWholeOrNotThere(t *testing.T) {
	for first := 1; ; first++ {
		d := newDisk()
		if err := d.mkdirAll(testDir); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(testDir, "f")
		seen := 0
		d.before = func(call) error {
			if seen++; seen == first {
				return unix.EIO
			}
			return nil
		}
		_, err := writeFile(d, path, strings.NewReader("contents"))
		d.before = nil
		if err == nil && seen >= first {
			t.Errorf("call %d fails: no error", first)
		}
		rng := rand.New(rand.NewPCG(uint64(first), 1))
		for range 20 {
			crashed := d.crash(rng)
			names := crashed.files(testDir, "f")
			if err == nil && len(names) == 0 {
				t.Errorf("call %d fails: lost", first)
			}
			if len(names) > 0 && string(crashed.get(t, path)) != "contents" {
				t.Errorf("call %d fails: %q after a power loss", first, crashed.get(t, path))
			}
		}
		if err != nil {
			if _, err := writeFile(d, path, strings.NewReader("contents")); err != nil {
				t.Errorf("call %d failed: %v afterwards", first, err)
			}
		}
		if tmp := d.files(testDir, tmpExt); len(tmp) > 0 {
			t.Errorf("call %d fails: left %v", first, tmp)
		}
		if seen < first {
			return
		}
	}
}
