package spool

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"golang.org/x/sys/unix"
)

func TestQuarantineCountsTowardsTheLimit(t *testing.T) {
	d := newDisk()
	o := testOptions(d)
	o.MaxBytes = 1000
	s := mustOpen(t, testDir, o)
	text := strings.Repeat("x", 1000)
	for range 2 { // the second time it is there already
		if err := s.Quarantine("chunk", strings.NewReader(text[:900])); err != nil {
			t.Fatal(err)
		}
	}
	if st := s.Stats(); st.Bytes != 900 {
		t.Errorf("%d bytes are used, want 900", st.Bytes)
	}
	if err := s.Append(batch(0, "a", "b", "c")); !errors.Is(err, ErrFull) {
		t.Errorf("Append: %v, want ErrFull", err)
	}
	if err := s.Quarantine("more", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if err := s.Quarantine("no more", strings.NewReader(text)); !errors.Is(err, ErrFull) {
		t.Errorf("Quarantine: %v, want ErrFull", err)
	}
	mustClose(t, s)
	if st := openDisk(t, d).Stats(); st.Bytes != 1900 {
		t.Errorf("%d bytes are used after a restart, want 1900", st.Bytes)
	}
}

func TestQuarantineFailures(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	if err := s.Quarantine("chunk", iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("its source fails: %v", err)
	}
	d.free = 3
	if err := s.Quarantine("chunk", strings.NewReader("bytes")); !errors.Is(err, ErrFull) || !errors.Is(err, unix.ENOSPC) {
		t.Errorf("the disk is full: %v, want ErrFull", err)
	}
	d.free = unlimited
	mend := d.failing("syncDir", 1, unix.EIO)
	for range 2 { // the file is there after the first time, but not for sure
		if err := s.Quarantine("chunk", strings.NewReader("bytes")); !errors.Is(err, unix.EIO) {
			t.Errorf("the directory cannot be synced: %v, want EIO", err)
		}
	}
	mend()
	if err := s.Quarantine("chunk", strings.NewReader("bytes")); err != nil {
		t.Fatal(err)
	}
	if got := string(d.get(t, quarantinePath("chunk"))); got != "bytes" {
		t.Errorf("kept %q", got)
	}
	for _, name := range []string{"", ".", "..", "a/b", "/a", "../a", "a/", "a.tmp"} {
		if err := s.Quarantine(name, strings.NewReader("x")); err == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
}

func TestQuarantineAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, testOptions(nil))
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			if err := s.Quarantine(fmt.Sprint("chunk", i%4), strings.NewReader("the same")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if st := s.Stats(); st.Bytes != 4*int64(len("the same")) {
		t.Errorf("%d bytes are used, want those of 4 files", st.Bytes)
	}
}

func TestDamageIsKeptOnceAndWhateverTheLimit(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	mustAppend(t, s, batch(0, "a"), batch(1, "a"))
	seg := mustSeal(t, s)
	path, offs := segmentAt(t, d, seg)
	d.get(t, path)[offs[1]-1] ^= 1
	mustClose(t, s)
	o := testOptions(d)
	o.MaxBytes = 1
	s = mustOpen(t, testDir, o)
	before := s.Stats().Bytes
	for range 2 {
		c := mustLoad(t, s, s.Sealed()[0])
		if len(c.Damage) != 1 || c.Damage[0].Offset != offs[0] {
			t.Fatalf("damage %v", c.Damage)
		}
	}
	if got := s.Stats().Bytes - before; got != offs[1]-offs[0] {
		t.Errorf("%d bytes were added, want %d", got, offs[1]-offs[0])
	}
	mustRemove(t, s, mustLoad(t, s, s.Sealed()[0]))
	if n := len(d.files(testDir+"/"+quarantineDir, ".damaged")); n != 1 {
		t.Errorf("%d files in quarantine, want 1", n)
	}
}
