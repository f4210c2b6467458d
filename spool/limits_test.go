package spool

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestSegmentLimits(t *testing.T) {
	for _, tt := range []struct {
		name    string
		limit   func(o *Options)
		batches []*Batch
		want    []int // batches of each segment
	}{
		{
			name: "a batch that would pass SegmentBytes goes to the next segment", want: []int{2, 2, 1},
			limit:   func(o *Options) { o.SegmentBytes = 380 },
			batches: []*Batch{batch(0, "a"), batch(1, "a"), batch(2, "a"), batch(3, "a"), batch(4, "a")},
		},
		{
			name: "a batch that is larger than SegmentBytes is alone", want: []int{1, 1, 1},
			limit: func(o *Options) { o.SegmentBytes = 500 },
			batches: []*Batch{
				batch(0, "a"),
				{Digest: digest(1), Objects: []Object{object("a", strings.Repeat("x", 5000)+"\n")}},
				batch(2, "a"),
			},
		},
		{
			name: "a batch that would pass MaxStreams goes to the next segment", want: []int{3, 1},
			limit:   func(o *Options) { o.MaxStreams = 2 },
			batches: []*Batch{batch(0, "a"), batch(1, "b"), batch(2, "a", "b"), batch(3, "c")},
		},
		{
			name: "a batch of more than MaxStreams is alone", want: []int{1, 1, 1},
			limit:   func(o *Options) { o.MaxStreams = 2 },
			batches: []*Batch{batch(0, "a"), batch(1, "a", "b", "c"), batch(2, "a")},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := testOptions(newDisk())
			tt.limit(&o)
			s := mustOpen(t, testDir, o)
			mustAppend(t, s, tt.batches...)
			mustSeal(t, s)
			var got []int
			for _, seg := range s.Sealed() {
				got = append(got, len(mustLoad(t, s, seg).digests))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("batches of the segments: %v, want %v", got, tt.want)
			}
		})
	}
}

// A segment of nothing but notes makes no room by its removal: its notes would be
// carried forward into the next one, at every refusal.
func TestFullSpoolDoesNotSealNotes(t *testing.T) {
	o := testOptions(newDisk())
	o.MaxBytes = 500
	s := mustOpen(t, testDir, o)
	for n := 0; ; n++ {
		if err := s.Append(batch(n, "a")); err != nil {
			break
		}
	}
	mustAppend(t, s, &Batch{Notes: []Note{{Kind: 1, Data: []byte("note")}}})
	for n := range 3 {
		if err := s.Append(batch(n, "a")); !errors.Is(err, ErrFull) {
			t.Fatalf("Append: %v, want ErrFull", err)
		}
	}
	if n := len(s.Sealed()); n != 1 {
		t.Errorf("%d segments are sealed, want the one with objects", n)
	}
	mustAppend(t, s, &Batch{Notes: []Note{{Kind: 1, Data: []byte("note")}}})
}

func TestFullSpoolRefusesSealsAndTakesAgain(t *testing.T) {
	o := testOptions(newDisk())
	o.MaxBytes = 390
	s := mustOpen(t, testDir, o)
	mustAppend(t, s, batch(0, "a"), batch(1, "a"))
	err := s.Append(batch(2, "a"))
	if err == nil {
		t.Fatal("the limit is not kept")
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("Append: %v, want ErrFull", err)
	}
	select {
	case <-s.SealedC():
	default:
		t.Error("what is open was not sealed to make room")
	}
	if st := s.Stats(); st.Bytes > st.MaxBytes || st.Segments != 1 {
		t.Errorf("full: %+v", st)
	}
	wantStored(t, s, map[string]string{"a": lines("a", 0, 1)})
	mustRemove(t, s, mustLoad(t, s, s.Sealed()[0]))
	mustAppend(t, s, batch(2, "a"))
	mustSeal(t, s)
	wantStored(t, s, map[string]string{"a": lines("a", 2)})
}

func TestFullInAGroupKeepsThoseThatFit(t *testing.T) {
	o := testOptions(newDisk())
	o.MaxBytes = 390
	s := mustOpen(t, testDir, o)
	var group []*pending
	for n := range 4 {
		group = append(group, mustPending(t, batch(n, "a")))
	}
	s.commitGroup(group)
	fit := map[string]string{}
	for n, p := range group {
		if p.err == nil {
			fit["a"] += line(n, "a")
		} else if !errors.Is(p.err, ErrFull) {
			t.Errorf("batch %d: %v", n, p.err)
		}
	}
	if group[0].err != nil || group[3].err == nil {
		t.Errorf("first: %v, last: %v", group[0].err, group[3].err)
	}
	wantStored(t, s, fit)
}

func TestStatsCountTheOpenSegment(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	if st := s.Stats(); st.Segments != 0 || st.Bytes != 0 || !st.Oldest.IsZero() || st.MaxBytes != 1<<30 {
		t.Errorf("empty: %+v", st)
	}
	mustAppend(t, s, batch(0, "a"))
	st := s.Stats()
	if st.Segments != 1 || st.Bytes != int64(len(d.get(t, s.open.Path))) || st.Oldest.IsZero() {
		t.Errorf("one batch: %+v", st)
	}
	seg := mustSeal(t, s)
	if sealed := s.Stats(); sealed.Bytes != st.Bytes || sealed.Segments != 1 || !sealed.Oldest.Equal(seg.Created) {
		t.Errorf("sealed: %+v", sealed)
	}
	mustSealAny(t, s)
	if len(s.Sealed()) != 1 {
		t.Error("sealing nothing made a segment")
	}
}
