package notify

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"siem-s3/event"
)

// memoryLog is the log of a Queue: segments of entries, in memory.
type memoryLog struct {
	mu      sync.Mutex
	entries []loggedEntry
	next    Position
	queue   *Queue
	err     error  // of every append, if set
	race    func() // called before an entry of the Queue's goes in, if set
}

type loggedEntry struct {
	at Position
	e  Entry
}

func newMemoryLog() *memoryLog { return &memoryLog{next: Position{Seq: 1}} }

// append is one batch: its entries share a position.
func (l *memoryLog) append(entries []Entry) error {
	if l.race != nil && entries[0].Kind != EntryAlerts {
		l.race()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	for _, e := range entries {
		l.entries = append(l.entries, loggedEntry{l.next, e})
		if l.queue != nil {
			l.queue.Committed(l.next, e)
		}
	}
	l.next.Offset++
	return nil
}

// seal begins the next segment and returns the number of the one before.
func (l *memoryLog) seal() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = Position{Seq: l.next.Seq + 1}
	return l.next.Seq - 1
}

// remove drops a segment as the pipeline does: released, then gone.
func (l *memoryLog) remove(seq uint64) error {
	l.mu.Lock()
	older := slices.ContainsFunc(l.entries, func(e loggedEntry) bool { return e.at.Seq < seq })
	l.mu.Unlock()
	if err := l.queue.Release(seq, older); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = slices.DeleteFunc(l.entries, func(e loggedEntry) bool { return e.at.Seq == seq })
	return nil
}

// open makes a Queue of the log, as a start does.
func (l *memoryLog) open(o QueueOptions) *Queue {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	o.Append = l.append
	o.Objects = func(*Notice) []string { return nil }
	q := NewQueue(o)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		q.Replay(e.at, e.e)
	}
	l.queue = q
	return q
}

// alert puts the alerts of one chunk into the log: n events of each log type.
func (l *memoryLog) alert(t testing.TB, n int, types ...event.LogType) {
	t.Helper()
	c := NewCollector(Grouping{Selected: ^Selection(0)})
	for _, logType := range types {
		for i := range n {
			var e event.Event
			e.Type = logType
			e.Set(event.Details, fmt.Appendf(nil, "%s %d", logType, i))
			c.Add(&e)
		}
	}
	l.commit(t, c)
}

func (l *memoryLog) commit(t testing.TB, c *Collector) {
	t.Helper()
	data, err := c.Take(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.append([]Entry{{EntryAlerts, data}}); err != nil {
		t.Fatal(err)
	}
}

// receiver is a Channel that notes what it got.
type receiver struct {
	name string
	fail func(n *Notice, settled []string) error // nil: every attempt succeeds

	mu       sync.Mutex
	got      []*Notice
	at       []time.Time
	attempts int
}

func (r *receiver) Name() string { return r.name }

func (r *receiver) Send(ctx context.Context, n *Notice, settled []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts++
	if err := n.check(); err != nil {
		return err
	}
	if r.fail != nil {
		if err := r.fail(n, settled); err != nil {
			return err
		}
	}
	r.got = append(r.got, n)
	r.at = append(r.at, time.Now())
	return nil
}

// counts returns the events told, by log type; a notice that came twice counts once.
func (r *receiver) counts() map[event.LogType]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	counts := map[event.LogType]int{}
	for _, n := range r.got {
		if !seen[n.ID] {
			counts[n.Type] += n.Count
		}
		seen[n.ID] = true
	}
	return counts
}

func (r *receiver) notices() []*Notice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

var logon, threat = mustType("logon"), mustType("process_scan_infection_found")

func mustType(name string) event.LogType {
	t, ok := event.Lookup([]byte(name))
	if !ok {
		panic(name)
	}
	return t
}

const (
	testWait     = 10 * time.Second
	testInterval = 5 * time.Minute
)

func testOptions(channels ...Channel) QueueOptions {
	return QueueOptions{Channels: channels, GroupWait: testWait, Interval: testInterval, Source: "test"}
}

func stopQueue(t *testing.T, q *Queue) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // at once, as a crash would
	q.Stop(ctx)
}
