package spool

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestClosedSpoolRefusesEverything(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	mustAppend(t, s, batch(0, "a"))
	seg := mustSeal(t, s)
	c := mustLoad(t, s, seg)
	mustAppend(t, s, batch(1, "a"))
	mustClose(t, s)
	mustClose(t, s)
	files := maps.Clone(d.dirs[testDir].names)
	for name, err := range map[string]error{
		"Append":     s.Append(batch(2, "a")),
		"Seal":       s.Seal(),
		"Remove":     s.Remove(c),
		"Quarantine": s.Quarantine("x", strings.NewReader("x")),
		"Load":       func() error { _, err := s.Load(seg); return err }(),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
	if !maps.Equal(files, d.dirs[testDir].names) {
		t.Error("a closed spool changed its directory")
	}
	again := openDisk(t, d)
	wantStored(t, again, map[string]string{"a": lines("a", 0, 1)})
}

func TestCloseWaitsForTheAppendsUnderWay(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.before = func(c call) error {
		if c.op == "write" {
			once.Do(func() { close(held); <-release })
		}
		return nil
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Append(batch(0, "a")); err != nil {
			t.Error(err)
		}
	})
	<-held
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = s.Append(batch(1+i, "a")) })
	}
	wg.Go(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	close(release)
	wg.Wait()
	want := lines("a", 0)
	again := openDisk(t, d)
	got, _ := stored(t, again)
	for i, err := range errs {
		if err == nil {
			want += line(1+i, "a")
		} else if !errors.Is(err, ErrClosed) {
			t.Errorf("Append while closing: %v", err)
		}
	}
	if sortedLines(got["a"]) != sortedLines(want) {
		t.Errorf("stored %q, want %q in any order", got["a"], want)
	}
}

func sortedLines(s string) string {
	l := slices.Collect(strings.Lines(s))
	slices.Sort(l)
	return strings.Join(l, "")
}
