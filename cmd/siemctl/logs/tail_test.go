package logs

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"siem-s3/event"
)

func TestTheLastEvents(t *testing.T) {
	s := newSource(t, newBucket(t))
	lt := logType(t, "compliant")
	var all []string
	for n := range 40 {
		start := sampleTime.Add(time.Duration(n) * window)
		var events []*event.Event
		for i := range 3 {
			name := fmt.Sprintf("LT%02d-%d", n, i)
			all = append(all, name)
			events = append(events, deviceEvent(lt, start.Add(time.Duration(i)*time.Second), name))
		}
		store(t, s, start, n, events)
	}
	objects := find(t, s, query())
	for _, n := range []int{0, 1, 2, 10, 60, 119, 120, 500} {
		var out bytes.Buffer
		p, err := NewPrinter(&out, Output{Format: CSV}, &Filter{}, NewProblems(func(text string) { t.Error(text) }))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Last(t.Context(), objects, query(), n); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, line := range slices.Collect(strings.Lines(out.String()))[1:] {
			got = append(got, strings.Split(line, ",")[5])
		}
		if want := all[max(0, len(all)-n):]; !slices.Equal(got, want) {
			t.Errorf("the last %d: %q, want %q", n, got, want)
		}
	}
}

func TestTheLastEventsReportWhatCannotBeReadOnce(t *testing.T) {
	s := newSource(t, newBucket(t))
	put(t, s, objectKey, []byte("x\n"))
	for n := range 30 {
		store(t, s, sampleTime.Add(time.Duration(n+1)*window), n, []*event.Event{deviceEvent(logType(t, "compliant"), sampleTime, "a"), deviceEvent(logType(t, "compliant"), sampleTime, "b")})
	}
	var problems []string
	p, err := NewPrinter(&bytes.Buffer{}, Output{Format: NDJSON}, &Filter{}, NewProblems(func(text string) { problems = append(problems, text) }))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Last(t.Context(), find(t, s, query()), query(), 100); err != nil || len(problems) != 1 {
		t.Errorf("%v, %q", err, problems)
	}
}

// lines hands on what is written to it, line by line.
type lines struct {
	mu  sync.Mutex
	buf []byte
	ch  chan string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	for {
		i := bytes.IndexByte(l.buf, '\n')
		if i < 0 {
			return len(p), nil
		}
		l.ch <- string(l.buf[:i])
		l.buf = l.buf[i+1:]
	}
}

func TestFollowingPrintsNewObjectsOnceAndEndsWithItsContext(t *testing.T) {
	s := newSource(t, newBucket(t))
	lt, now := logType(t, "compliant"), time.Now().UTC()
	start := now.Truncate(window)
	store(t, s, start, 0, []*event.Event{deviceEvent(lt, now, "old"), deviceEvent(lt, now, "old")})
	out := &lines{ch: make(chan string, 100)}
	p, err := NewPrinter(out, Output{Format: NDJSON}, &Filter{}, NewProblems(func(text string) { t.Error(text) }))
	if err != nil {
		t.Fatal(err)
	}
	f := &Follower{
		Printer: p, Sources: []*Source{s}, Categories: Categories[:2], Lookback: time.Hour, Interval: 10 * time.Millisecond,
		Failed: func(err error) { t.Error(err) },
	}
	found, err := Find(t.Context(), f.Sources, &Query{Range: Span{now.Add(-time.Hour), now.Add(time.Hour)}, Categories: Categories})
	if err != nil || len(found.Objects) != 1 {
		t.Fatalf("%v, %+v", err, found)
	}
	f.Seen(found.Objects)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	// The second is of a window that was over when it came, as after an outage.
	for n, at := range []time.Time{start, start.Add(-9 * window), start.Add(window)} {
		name := fmt.Sprintf("new%d", n)
		store(t, s, at, 100+n, []*event.Event{deviceEvent(lt, at, name), deviceEvent(lt, at, name)})
		for range 2 {
			if line := <-out.ch; !strings.Contains(line, name) {
				t.Errorf("%s, want %s", line, name)
			}
		}
	}
	cancel()
	if err := <-done; err != nil || len(out.ch) != 0 {
		t.Errorf("%v, %d more lines", err, len(out.ch))
	}
	if len(f.seen) != 4 {
		t.Errorf("%d objects are remembered", len(f.seen))
	}
}

func TestFollowingForgetsOldObjects(t *testing.T) {
	f := &Follower{Lookback: time.Hour, Printer: &Printer{}, Categories: Categories}
	f.Sources = []*Source{{Layout: newLayout(t, defaultKeys), Store: &fakeStore{}}}
	s := f.Sources[0]
	f.Seen([]*Object{
		{Source: s, Key: "old", Window: Span{End: time.Now().Add(-3 * time.Hour)}},
		{Source: s, Key: "new", Window: Span{End: time.Now().Add(-time.Minute)}},
	})
	if err := f.look(t.Context()); err != nil || len(f.seen) != 1 {
		t.Errorf("%v, %v", f.seen, err)
	}
}
