package logs

import (
	"bufio"
	"context"
	"io"
	"math"
)

// A Printer prints events. It must be closed, whatever happened.
type Printer struct {
	encoding
	w        *bufio.Writer
	count    int
	filter   *Filter
	problems *Problems
}

// NewPrinter returns a Printer of the events that f takes.
func NewPrinter(w io.Writer, o Output, f *Filter, problems *Problems) (*Printer, error) {
	enc, err := o.encoding()
	if err != nil {
		return nil, err
	}
	return &Printer{encoding: enc, w: bufio.NewWriterSize(w, 64<<10), filter: f, problems: problems}, nil
}

// Cat prints the events of objects, which are as Find returns them, in the order
// of time. What can't be read is noted among the problems, unless nothing can.
//
// Side by side are read all objects whose windows begin up to a minute after the
// time that has been come to, at most 64; the earliest of their next events is
// taken each time, of equal ones that of the first object. What is taken then
// passes a buffer that sorts it. So an event is out of place only if more than
// 32,768 events (or 16 MB) with later timestamps were stored before it; it then
// comes as early as it can. The order is the same for the same objects every time.
func (p *Printer) Cat(ctx context.Context, objects []*Object, q *Query) error {
	return merge(ctx, objects, q.printing(p.filter, p.encoding), p, p.problems)
}

// Count returns how many entries have been printed.
func (p *Printer) Count() int { return p.count }

// Write prints one entry.
func (p *Printer) Write(text []byte) (int, error) {
	lead := p.between
	if p.count == 0 {
		lead = p.before
	}
	p.count++
	_, _ = p.w.WriteString(lead) // the last call has the error as well
	_, _ = p.w.Write(text)
	if _, err := p.w.WriteString(p.end); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Close ends the output.
func (p *Printer) Close() error {
	end := p.after
	if p.count == 0 {
		end = p.none
	}
	_, _ = p.w.WriteString(end)
	return p.w.Flush()
}

// NewProblems returns a place for problems, of each of which report is told in a
// line, but of no more than a few lines of objects.
func NewProblems(report func(string)) *Problems { return &Problems{report: report} }

// printing says which of the events of objects are printed.
func (q *Query) printing(f *Filter, e encoding) *printing {
	p := &printing{from: math.MinInt64, until: math.MaxInt64, filter: f, format: e.append, as: e.as}
	if !q.Range.Start.IsZero() {
		p.from = q.Range.Start.UnixMilli()
	}
	if !q.Range.End.IsZero() {
		p.until = q.Range.End.UnixMilli()
	}
	return p
}
