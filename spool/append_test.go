package spool

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestSteadyAppendIsOneWriteAndOneSync(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	mustAppend(t, s, batch(0, "a", "b"))
	d.calls = nil
	for n := range 10 {
		mustAppend(t, s, batch(1+n, "a", "b"))
	}
	if len(d.calls) != 20 || d.count("write") != 10 || d.count("sync") != 10 {
		t.Errorf("10 appends made these calls: %v", d.calls)
	}
}

func TestConcurrentAppendsShareAWriteAndASync(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	mustAppend(t, s, batch(0, "a"))
	d.calls = nil
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.before = func(c call) error {
		if c.op == "sync" {
			once.Do(func() { close(held); <-release })
		}
		return nil
	}
	const n = 50
	var wg sync.WaitGroup
	start := func(n int) {
		wg.Go(func() {
			if err := s.Append(batch(n, "a")); err != nil {
				t.Error(err)
			}
		})
	}
	start(1)
	<-held // the first is in its sync: the others have to wait for it
	for i := range n - 1 {
		start(2 + i)
	}
	for queued := 0; queued < n-1; {
		s.queueMu.Lock()
		queued = len(s.queue)
		s.queueMu.Unlock()
	}
	close(release)
	wg.Wait()
	if w, f := d.count("write"), d.count("sync"); w != 2 || f != 2 {
		t.Errorf("%d appends took %d writes and %d syncs, want 2 and 2", n, w, f)
	}
	mustSeal(t, s)
	got, _ := stored(t, s)
	if strings.Count(got["a"], "\n") != n+1 {
		t.Errorf("%d batches are stored, want %d", strings.Count(got["a"], "\n"), n+1)
	}
}

func TestConcurrentAppendsSealsAndRemovals(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(nil)
	o.SegmentBytes = 8 << 10
	s := mustOpen(t, dir, o)
	const producers, each = 32, 20
	var producing, consuming sync.WaitGroup
	for p := range producers {
		producing.Go(func() {
			for i := range each {
				n := p*each + i
				if err := s.Append(batch(n, fmt.Sprint("s", n%3))); err != nil {
					t.Error(err)
				}
				if i%10 == 9 {
					if err := s.Seal(); err != nil {
						t.Error(err)
					}
				}
				s.Stats()
				s.Known(digest(n))
			}
		})
	}
	seen := map[string]int{}
	quit := make(chan struct{})
	consuming.Go(func() {
		for open := true; open; {
			select {
			case <-s.SealedC():
			case <-quit:
				open = false
			}
			for _, seg := range s.Sealed() {
				c, err := s.Load(seg)
				if err != nil {
					t.Error(err)
					return
				}
				for _, st := range c.Streams {
					for line := range strings.Lines(readStream(t, st)) {
						seen[line]++
					}
				}
				if err := s.Remove(c); err != nil {
					t.Error(err)
				}
			}
		}
	})
	producing.Wait()
	mustSealAny(t, s)
	close(quit)
	consuming.Wait()
	if len(seen) != producers*each {
		t.Errorf("%d batches came out, want %d", len(seen), producers*each)
	}
	for line, n := range seen {
		if n != 1 {
			t.Errorf("%q came out %d times", line, n)
		}
	}
	if st := s.Stats(); st.Bytes != 0 || st.Segments != 0 || !st.Oldest.IsZero() {
		t.Errorf("after the last removal: %+v", st)
	}
}

func mustSealAny(t *testing.T, s *Spool) {
	t.Helper()
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
}

func TestBatchesOfAnyShapeComeBack(t *testing.T) {
	many := &Batch{Digest: digest(0)}
	for i := range maxIOV + 10 {
		many.Objects = append(many.Objects, object(fmt.Sprint(i), line(i, "x")))
	}
	for _, tt := range []struct {
		name  string
		batch *Batch
		want  map[string]string
		notes int
	}{
		{name: "nothing but a digest", batch: &Batch{Digest: digest(0)}, want: map[string]string{}},
		{name: "only notes", batch: &Batch{Digest: digest(0), Notes: []Note{{Kind: 3, Data: []byte("n")}, {}}}, want: map[string]string{}, notes: 2},
		{
			name:  "an object of no bytes",
			batch: &Batch{Digest: digest(0), Objects: []Object{object("a", "")}}, want: map[string]string{"a": ""},
		},
		{
			name:  "a stream twice",
			batch: &Batch{Digest: digest(0), Objects: []Object{object("a", "1\n"), object("b", "2\n"), object("a", "3\n")}},
			want:  map[string]string{"a": "1\n3\n", "b": "2\n"},
		},
		{
			name:  "a stream without a name",
			batch: &Batch{Digest: digest(0), Objects: []Object{object("", "1\n")}}, want: map[string]string{"": "1\n"},
		},
		{name: "more buffers than one system call takes", batch: many, want: func() map[string]string {
			m := map[string]string{}
			for i := range maxIOV + 10 {
				m[fmt.Sprint(i)] = line(i, "x")
			}
			return m
		}()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			o := testOptions(nil)
			s := mustOpen(t, dir, o)
			mustAppend(t, s, tt.batch)
			mustSeal(t, s)
			wantStored(t, s, tt.want)
			mustClose(t, s)
			notes := 0
			o.Replay = func(Position, Note) { notes++ }
			again := mustOpen(t, dir, o)
			wantStored(t, again, tt.want)
			wantKnown(t, again, 2, 0)
			if notes != tt.notes {
				t.Errorf("%d notes came back, want %d", notes, tt.notes)
			}
		})
	}
}

func TestAppendRefusesWhatDoesNotFitTheFormat(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	for _, tt := range []struct {
		name  string
		batch *Batch
		want  string
	}{
		{"too many frames", &Batch{Notes: make([]Note, 1<<16)}, "65536 frames"},
		{"a name that is too long", &Batch{Objects: []Object{{Stream: long}}}, "name of 65536 bytes"},
		{"a negative number of records", &Batch{Objects: []Object{{Records: -1}}}, "out of range"},
		{"a negative length", &Batch{Objects: []Object{{RawLen: -1}}}, "out of range"},
		{"too many records", &Batch{Objects: []Object{{Records: 1 << 32}}}, "out of range"},
		{"metadata that is too long", &Batch{Objects: []Object{{Stream: "huge"}}}, "described in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := testOptions(newDisk())
			o.Describe = func(stream string, _ ID) []byte {
				if stream == "huge" {
					return make([]byte, maxHeadLen)
				}
				return []byte("meta of " + stream)
			}
			s := mustOpen(t, testDir, o)
			if err := s.Append(tt.batch); err == nil {
				t.Error("Append to a new segment: no error")
			}
			mustSealAny(t, s)
			if n := len(s.Sealed()); n != 0 {
				t.Errorf("%d segments were sealed, want none", n)
			}
			mustAppend(t, s, batch(0, "a"))
			if err := s.Append(tt.batch); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Append: %v, want %q", err, tt.want)
			}
			mustAppend(t, s, batch(1, "a"))
			mustSeal(t, s)
			wantStored(t, s, map[string]string{"a": lines("a", 0, 1)})
		})
	}
}

func TestPanicInACallbackLosesAndDoublesNothing(t *testing.T) {
	panics := func(f func()) (did bool) {
		defer func() { did = recover() != nil }()
		f()
		return false
	}
	t.Run("Describe", func(t *testing.T) {
		o := testOptions(newDisk())
		armed := true
		describe := o.Describe
		o.Describe = func(stream string, id ID) []byte {
			if stream == "bad" && armed {
				panic("describe")
			}
			return describe(stream, id)
		}
		s := mustOpen(t, testDir, o)
		// A group of three, of which the second panics.
		group := []*pending{mustPending(t, batch(0, "a")), mustPending(t, batch(1, "bad")), mustPending(t, batch(2, "a"))}
		if !panics(func() { s.commitGroup(group) }) {
			t.Fatal("no panic")
		}
		for i, p := range group {
			if p.err == nil {
				t.Errorf("batch %d: no error", i)
			}
		}
		armed = false
		mustAppend(t, s, batch(0, "a"), batch(1, "bad"), batch(2, "a"))
		mustSeal(t, s)
		wantStored(t, s, map[string]string{"a": lines("a", 0, 2), "bad": lines("bad", 1)})
	})
	t.Run("Committed", func(t *testing.T) {
		o := testOptions(newDisk())
		o.Committed = func(Position, *Batch) { panic("committed") }
		s := mustOpen(t, testDir, o)
		noted := batch(0, "a")
		noted.Notes = []Note{{}}
		group := []*pending{mustPending(t, noted), mustPending(t, batch(1, "a"))}
		if !panics(func() { s.commitGroup(group) }) {
			t.Fatal("no panic")
		}
		for i, p := range group {
			if p.err != nil {
				t.Errorf("batch %d is durable, but: %v", i, p.err)
			}
		}
		mustSeal(t, s)
		wantStored(t, s, map[string]string{"a": lines("a", 0, 1)})
	})
}

func mustPending(t *testing.T, b *Batch) *pending {
	t.Helper()
	p, err := newPending(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCommittedIsToldOfNotesInTheOrderOfTheLog(t *testing.T) {
	o := testOptions(newDisk())
	var mu sync.Mutex
	var at []Position
	var data []string
	o.Committed = func(p Position, b *Batch) {
		mu.Lock()
		defer mu.Unlock()
		at, data = append(at, p), append(data, string(b.Notes[0].Data))
	}
	o.SegmentBytes = 2000
	s := mustOpen(t, testDir, o)
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			b := batch(n, "a")
			if n%2 == 0 {
				b.Notes = []Note{{Kind: 1, Data: fmt.Append(nil, n)}}
			}
			if err := s.Append(b); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(at) != 20 {
		t.Fatalf("told of %d batches, want 20", len(at))
	}
	if !slices.IsSortedFunc(at, func(a, b Position) int {
		if a.Before(b) {
			return -1
		}
		return 1
	}) {
		t.Errorf("out of order: %v", at)
	}
	mustClose(t, s)
	var replayed []Position
	var replayedData []string
	o.Replay = func(p Position, n Note) {
		replayed, replayedData = append(replayed, p), append(replayedData, string(n.Data))
	}
	mustOpen(t, testDir, o)
	if !slices.Equal(replayed, at) || !slices.Equal(replayedData, data) {
		t.Errorf("replayed %v %q, want %v %q", replayed, replayedData, at, data)
	}
}
