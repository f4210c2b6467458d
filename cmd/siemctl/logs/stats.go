package logs

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"siem-s3/event"
)

// maxReaders is how many objects are read at once to be counted, in no order.
const maxReaders = 4

// A Level is a group of severities.
type Level int

// The levels, the gravest first.
const (
	Grave   Level = iota // alert and critical
	Warning              // warning
	Routine              // notice and information
	levels
)

// String returns the level's name.
func (l Level) String() string { return [...]string{"alert", "warning", "routine"}[l] }

// levelOf returns the level of a log type.
func levelOf(t event.LogType) Level {
	switch s := t.Severity(); {
	case s <= event.Critical:
		return Grave
	case s == event.Warning:
		return Warning
	}
	return Routine
}

// Stats is what was counted.
type Stats struct {
	Range Span
	// Step is the length of a bucket of Timeline: an hour or a day.
	Step             time.Duration
	Events, Rejected int
	// Types has a count for each log type, at its number.
	Types [256]int
	// Timeline has a bucket for every hour or day of Range, in their order.
	Timeline []Bucket
	// Devices and Admins are those with most events, the first with the most.
	Devices, Admins []Actor
	// Reasons are why records were rejected, the most frequent first.
	Reasons []Reason
}

// A Bucket is the events of an hour or a day.
type Bucket struct {
	Start  time.Time
	Levels [levels]int
}

// Total returns how many events are in the bucket.
func (b *Bucket) Total() (n int) {
	for _, count := range b.Levels {
		n += count
	}
	return n
}

// An Actor is a device or an admin.
type Actor struct {
	ID, Name string // of an admin, e-mail address and name
	Events   int
	// Severe is how many of them were warnings or worse.
	Severe int
}

// String returns the name with the ID behind it, as far as they are known.
func (a Actor) String() string {
	switch {
	case a.Name == "":
		return a.ID
	case a.ID == "":
		return a.Name
	}
	return a.Name + " (" + a.ID + ")"
}

// A Reason is one of those for which records are rejected.
type Reason struct {
	Reason  string
	Records int
}

// Count reads objects and counts what is in them. top is how many devices and
// admins are wanted, step an hour or a day. progress is told of every object that
// was read.
func Count(ctx context.Context, objects []*Object, q *Query, f *Filter, step time.Duration, top int, problems *Problems, progress func(*Object)) (*Stats, error) {
	tallies := make(chan *tally, maxReaders)
	for range maxReaders {
		tallies <- newTally(q, f, step)
	}
	err := parallel(ctx, maxReaders, objects, func(ctx context.Context, o *Object) error {
		t := <-tallies
		defer func() { tallies <- t }()
		defer progress(o)
		return t.read(ctx, o, problems)
	})
	total := <-tallies
	for range maxReaders - 1 {
		total.add(<-tallies)
	}
	return total.stats(top), err
}

// A tally counts the objects that one goroutine reads.
type tally struct {
	*printing
	span             Span
	step             time.Duration
	events, rejected int
	types            [256]int
	buckets          map[int64]*[levels]int // by the number of the hour or day since 1970
	devices, admins  map[string]*Actor      // by ID
	reasons          map[string]int
	buf              []byte
}

func newTally(q *Query, f *Filter, step time.Duration) *tally {
	return &tally{
		printing: q.printing(f, encoding{}), span: q.Range, step: step,
		buckets: map[int64]*[levels]int{}, devices: map[string]*Actor{}, admins: map[string]*Actor{}, reasons: map[string]int{},
	}
}

// read counts an object. Only errors that all objects would meet are returned.
func (t *tally) read(ctx context.Context, o *Object, problems *Problems) (err error) {
	reader, number := newLineReader(o.Format), 0
	var e Entry
	t.buf, err = eachLine(ctx, o, t.buf, func(text []byte) error {
		number++
		at, err := t.look(reader, text, false, &e)
		switch {
		case err != nil:
			problems.line(o, number, err)
		case at >= t.from && at < t.until && t.filter.match(&e):
			t.count(&e, at)
		}
		return nil
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case hopeless(err):
		return err
	case err != nil:
		problems.object(o, err)
	}
	return nil
}

func (t *tally) count(e *Entry, at int64) {
	if e.Rejected() {
		t.rejected++
		t.reasons[string(e.Reason)]++
		return
	}
	t.events++
	ev, level := &e.Event, levelOf(e.Event.Type)
	t.types[ev.Type]++
	number := floor(at, t.step.Milliseconds())
	b := t.buckets[number]
	if b == nil {
		b = new([levels]int)
		t.buckets[number] = b
	}
	b[level]++
	if ev.Category() == event.Device {
		count(t.devices, ev.Get(event.DeviceID), ev.Get(event.DeviceName), level)
	} else {
		count(t.admins, ev.Get(event.AdminEmail), ev.Get(event.AdminName), level)
	}
}

// floor divides, towards the past for times before 1970 too.
func floor(a, b int64) int64 {
	n := a / b
	if a%b < 0 {
		n--
	}
	return n
}

// count adds an event to an actor, who is known by ID, or by name without one.
func count(actors map[string]*Actor, id, name []byte, level Level) {
	key := id
	if len(key) == 0 {
		key = name
	}
	if len(key) == 0 {
		return
	}
	a := actors[string(key)]
	if a == nil {
		a = &Actor{ID: string(id)}
		actors[string(key)] = a
	}
	if a.Name < string(name) { // names change: the same one is shown every time
		a.Name = string(name)
	}
	a.Events++
	if level < Routine {
		a.Severe++
	}
}

// add adds what another tally has counted.
func (t *tally) add(o *tally) {
	t.events += o.events
	t.rejected += o.rejected
	for i, n := range o.types {
		t.types[i] += n
	}
	for number, b := range o.buckets {
		if t.buckets[number] == nil {
			t.buckets[number] = new([levels]int)
		}
		for i, n := range b {
			t.buckets[number][i] += n
		}
	}
	addActors(t.devices, o.devices)
	addActors(t.admins, o.admins)
	for reason, n := range o.reasons {
		t.reasons[reason] += n
	}
}

func addActors(to, from map[string]*Actor) {
	for key, a := range from {
		if sum := to[key]; sum == nil {
			to[key] = a
		} else {
			sum.Name = max(sum.Name, a.Name)
			sum.Events += a.Events
			sum.Severe += a.Severe
		}
	}
}

func (t *tally) stats(top int) *Stats {
	s := &Stats{
		Range: t.span, Step: t.step, Events: t.events, Rejected: t.rejected, Types: t.types,
		Devices: mostOf(t.devices, top), Admins: mostOf(t.admins, top),
	}
	for at := t.span.Start.Truncate(t.step); at.Before(t.span.End); at = at.Add(t.step) {
		b := Bucket{Start: at}
		if counts := t.buckets[floor(at.UnixMilli(), t.step.Milliseconds())]; counts != nil {
			b.Levels = *counts
		}
		s.Timeline = append(s.Timeline, b)
	}
	for reason, n := range t.reasons {
		s.Reasons = append(s.Reasons, Reason{reason, n})
	}
	slices.SortFunc(s.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Reason, b.Reason))
	})
	return s
}

// mostOf returns the n actors with most events.
func mostOf(actors map[string]*Actor, n int) []Actor {
	var list []Actor
	for _, a := range slices.Collect(maps.Values(actors)) {
		list = append(list, *a)
	}
	slices.SortFunc(list, func(a, b Actor) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Name, b.Name))
	})
	return list[:min(n, len(list))]
}
