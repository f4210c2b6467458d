package logs

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"siem-s3/s3"
)

const (
	// maxWaiting is how many objects are requested before their turn, so that their
	// first bytes are there by then.
	maxWaiting = 8
	// maxOpen is how many objects are read side by side at most.
	maxOpen = 64
	// ahead is how long before the start of an object's window its events may
	// have happened for the object to be read in time.
	ahead = time.Minute
)

// Problems collects what could not be read. It is safe for concurrent use.
type Problems struct {
	mu      sync.Mutex
	Objects int // that could not be read, or not to their end
	Lines   int // that were no events
	report  func(string)
}

// maxReports is how many lines are reported one by one.
const maxReports = 5

func (p *Problems) line(o *Object, number int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Lines++; p.Lines <= maxReports {
		p.report(fmt.Sprintf("%s: line %d: %v", o.Source.URL(o.Key), number, err))
	}
}

func (p *Problems) object(o *Object, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Objects++
	p.report(fmt.Sprintf("%s: %v", o.Source.URL(o.Key), err))
}

// Err says how much could not be read, nil if all was.
func (p *Problems) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var what []string
	if p.Objects > 0 {
		what = append(what, Counted(p.Objects, "object"))
	}
	if p.Lines > 0 {
		what = append(what, Counted(p.Lines, "line"))
	}
	if what == nil {
		return nil
	}
	return errors.New(strings.Join(what, " and ") + " could not be read")
}

// A stream is an object that is being read.
type stream struct {
	object *Object
	number int   // among the objects, which decides between equal times
	due    int64 // when its turn is, in milliseconds since 1970
	ch     chan *batch
	batch  *batch
	next   int // line of the batch
}

func (s *stream) head() *line { return &s.batch.lines[s.next] }

// merge writes the events of objects, a Write for each, in the order that
// Printer.Cat promises.
func merge(ctx context.Context, objects []*Object, p *printing, w io.Writer, problems *Problems) error {
	ctx, cancel := context.WithCancel(ctx)
	m := &merger{printing: p, objects: objects, problems: problems, sorter: sorter{w: w}}
	defer m.wg.Wait()
	defer cancel()
	if err := m.run(ctx); err != nil {
		return err
	}
	return m.sorter.flush()
}

type merger struct {
	*printing
	objects  []*Object
	begun    int // of objects
	waiting  []*stream
	streams  streams
	sorter   sorter
	pool     batchPool
	wg       sync.WaitGroup
	problems *Problems
}

func (m *merger) run(ctx context.Context) error {
	for {
		if err := m.admit(ctx); err != nil {
			return err
		}
		if len(m.streams) == 0 {
			return nil
		}
		s := m.streams[0]
		l := s.head()
		if err := m.sorter.add(l.at, s.batch.text[l.from:l.to]); err != nil {
			return err
		}
		s.next++
		more := s.next < len(s.batch.lines)
		if !more {
			var err error
			if more, err = m.advance(ctx, s); err != nil {
				return err
			}
		}
		if more {
			heap.Fix(&m.streams, 0)
		} else {
			heap.Pop(&m.streams)
		}
	}
}

// admit lets the objects join whose turn it is.
func (m *merger) admit(ctx context.Context) error {
	m.prefetch(ctx)
	for len(m.waiting) > 0 && m.turn(m.waiting[0]) {
		s := m.waiting[0]
		m.waiting = m.waiting[1:]
		m.prefetch(ctx)
		more, err := m.advance(ctx, s)
		if err != nil {
			return err
		}
		if more {
			heap.Push(&m.streams, s)
		}
	}
	return nil
}

// turn reports whether the next object is to join.
func (m *merger) turn(s *stream) bool {
	return len(m.streams) == 0 || len(m.streams) < maxOpen && s.due <= m.streams[0].head().at
}

// prefetch begins to read the objects whose turn is soon. What they hold waits
// for it, as far as it is in a batch or two.
func (m *merger) prefetch(ctx context.Context) {
	for m.begun < len(m.objects) && len(m.waiting) < maxWaiting {
		o := m.objects[m.begun]
		s := &stream{object: o, number: m.begun, due: o.begin.Add(-ahead).UnixMilli(), ch: make(chan *batch, 1)}
		m.begun++
		m.waiting = append(m.waiting, s)
		m.wg.Go(func() { m.produce(ctx, o, s.ch, &m.pool, m.problems.line) })
	}
}

// advance goes to the next batch of s, and reports whether there is one.
func (m *merger) advance(ctx context.Context, s *stream) (bool, error) {
	for {
		if s.batch != nil {
			m.pool.put(s.batch)
			s.batch = nil
		}
		var open bool
		select {
		case s.batch, open = <-s.ch:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
		if !open {
			return false, nil
		}
		if err := s.batch.err; err != nil {
			if ctx.Err() != nil {
				return false, context.Cause(ctx)
			}
			if hopeless(err) {
				return false, err
			}
			m.problems.object(s.object, err)
		}
		if s.next = 0; len(s.batch.lines) > 0 {
			return true, nil
		}
	}
}

// hopeless reports whether an error is one that the next object will meet as well.
func hopeless(err error) bool {
	var e *s3.Error
	return errors.As(err, &e) && e.Config() && e.Code != "NoSuchKey" && e.Code != "InvalidObjectState"
}

// streams is a heap by time.
type streams []*stream

// Len implements heap.Interface.
func (s streams) Len() int { return len(s) }

// Less implements heap.Interface.
func (s streams) Less(i, j int) bool {
	a, b := s[i].head().at, s[j].head().at
	return a < b || a == b && s[i].number < s[j].number
}

// Swap implements heap.Interface.
func (s streams) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

// Push implements heap.Interface.
func (s *streams) Push(x any) { *s = append(*s, x.(*stream)) }

// Pop implements heap.Interface.
func (s *streams) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}
