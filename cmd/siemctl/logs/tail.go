package logs

import (
	"context"
	"io"
	"time"

	"siem-s3/event"
)

// Last prints the last n events of objects, in the order of Cat. It reads the last
// windows first, and only as many objects as it takes to find n.
func (p *Printer) Last(ctx context.Context, objects []*Object, q *Query, n int) error {
	if n == 0 {
		return nil
	}
	for count := 16; ; count *= 4 {
		from := windowStart(objects, len(objects)-count)
		last := &ring{size: n}
		noted := NewProblems(func(string) {})
		if from == 0 {
			noted = p.problems
		}
		if err := merge(ctx, objects[from:], q.printing(p.filter, p.encoding), last, noted); err != nil {
			return err
		}
		if from == 0 || len(last.lines) == n && noted.Err() == nil {
			return last.writeTo(p)
		}
	}
}

// windowStart returns the index of the first object whose window begins when that
// of the i-th does.
func windowStart(objects []*Object, i int) int {
	for i = max(i, 0); i > 0 && objects[i-1].begin.Equal(objects[i].begin); i-- {
	}
	return i
}

// A ring keeps the last lines that are written to it.
type ring struct {
	lines [][]byte
	size  int
	next  int // the oldest, once there are size lines
}

// Write takes one line.
func (r *ring) Write(line []byte) (int, error) {
	if len(r.lines) < r.size {
		r.lines = append(r.lines, append([]byte(nil), line...))
		return len(line), nil
	}
	r.lines[r.next] = append(r.lines[r.next][:0], line...)
	r.next = (r.next + 1) % r.size
	return len(line), nil
}

func (r *ring) writeTo(w io.Writer) error {
	for i := range r.lines {
		if _, err := w.Write(r.lines[(r.next+i)%len(r.lines)]); err != nil {
			return err
		}
	}
	return nil
}

// A Follower prints what new objects hold, as they come.
type Follower struct {
	Printer *Printer
	Sources []*Source
	// Categories are those followed.
	Categories []event.Category
	// Lookback is how old a window may be whose object comes only now, after an
	// outage perhaps. Each look lists the keys of that time.
	Lookback time.Duration
	// Interval is how long to wait between two looks.
	Interval time.Duration
	// Failed is told of a look that failed. The next one may succeed.
	Failed func(error)

	seen map[string]time.Time // the windows of objects that were printed, by URL
}

// Seen notes objects that are not to be printed.
func (f *Follower) Seen(objects []*Object) {
	if f.seen == nil {
		f.seen = map[string]time.Time{}
	}
	for _, o := range objects {
		f.seen[o.Source.URL(o.Key)] = o.Window.End
	}
}

// Run looks for new objects until ctx is done, and then returns nil. Each look
// costs one request for each bucket and category, or more where a thousand keys
// are not enough or the key format hides the time. Events come in the order of
// time only within what came with one look.
func (f *Follower) Run(ctx context.Context) error {
	for {
		err := f.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case hopeless(err):
			return err
		case err != nil:
			f.Failed(err)
		}
		if err := f.Printer.w.Flush(); err != nil {
			return err
		}
		if !sleep(ctx, f.Interval) {
			return nil
		}
	}
}

// look prints what is new.
func (f *Follower) look(ctx context.Context) error {
	now := time.Now()
	q := &Query{Range: Span{now.Add(-f.Lookback), now.Add(24 * time.Hour)}, Categories: f.Categories}
	found, err := Find(ctx, f.Sources, q)
	if err != nil {
		return err
	}
	var fresh []*Object
	for _, o := range found.Objects {
		if _, old := f.seen[o.Source.URL(o.Key)]; !old {
			fresh = append(fresh, o)
		}
	}
	f.Seen(fresh)
	for url, end := range f.seen {
		if end.Before(q.Range.Start.Add(-time.Hour)) {
			delete(f.seen, url)
		}
	}
	// Events are new however long ago they happened.
	return f.Printer.Cat(ctx, fresh, &Query{})
}
