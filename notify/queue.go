package notify

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// QueueOptions are the options of a Queue. NewQueue does not default them.
type QueueOptions struct {
	Log      hclog.Logger
	Channels []Channel
	// GroupWait is how long the first event of a quiet period waits for others.
	// Interval is the least time between two notices of one group.
	GroupWait, Interval time.Duration
	// Append makes entries durable in the log, all or none.
	Append func([]Entry) error
	// Objects says where the events of a notice are stored; see Notice.Objects.
	Objects func(n *Notice) []string
	// Source is what notices give as their sender.
	Source string
}

// A Queue makes notices of alerts and sees to their delivery. What it knows is
// in the log of its caller, so a crash loses nothing. Each channel has a
// goroutine of its own, so none delays another.
type Queue struct {
	o       QueueOptions
	workers []*worker
	stats   queueCounters

	inboxMu      sync.Mutex
	inbox        []positioned // committed alerts, in the order of the log
	lastSnapshot Position
	// missed is the first of the alerts that are not in the last snapshot,
	// wherever in the log they are: some may be before it.
	missed Position
	wake   chan struct{}

	mu    sync.Mutex // guards state and workers; held while an entry is appended
	state *state
	stuck bool // the log did not take the last notices that were to be formed

	stop    chan struct{} // closed by Stop: have no patience any more
	stopped chan struct{} // closed by run when there is nothing to try after that
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

type queueCounters struct{ formed, delivered, failed, refused, gaveUp, groups atomic.Int64 }

// QueueStats are a Queue's figures since it was made.
type QueueStats struct {
	Formed    int64 // notices, by channel
	Delivered int64 // notices that no receiver needs any more
	Failed    int64 // attempts
	Refused   int64 // notices, or single receivers of one, that were refused for good
	GaveUp    int64 // notices that were tried for GiveUpAfter in vain
	Groups    int   // that have something to tell now, by channel
}

// NewQueue returns a Queue. Replay it, then Start it.
func NewQueue(o QueueOptions) *Queue {
	q := &Queue{
		o: o, wake: make(chan struct{}, 1), state: &state{channels: map[string]*channelState{}},
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	for _, c := range o.Channels {
		q.workers = append(q.workers, newWorker(c, o.Log))
		q.state.channels[c.Name()] = newChannelState()
	}
	return q
}

// Stats returns the current figures. It waits for nothing, be it a disk that does
// not answer.
func (q *Queue) Stats() QueueStats {
	return QueueStats{
		Formed: q.stats.formed.Load(), Delivered: q.stats.delivered.Load(), Failed: q.stats.failed.Load(),
		Refused: q.stats.refused.Load(), GaveUp: q.stats.gaveUp.Load(), Groups: int(q.stats.groups.Load()),
	}
}

// Start begins to form and deliver notices.
func (q *Queue) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	q.cancel = cancel
	results := make(chan result)
	for _, w := range q.workers {
		q.wg.Go(func() { w.run(ctx, results) })
	}
	q.wg.Go(func() { q.run(ctx, results) })
}

// Stop ends the Queue. Before that, until ctx is done, it makes notices of what
// only waits for others to come, and gives what was not tried yet one attempt.
// The rest stays in the log.
func (q *Queue) Stop(ctx context.Context) {
	if q.cancel == nil {
		return
	}
	close(q.stop)
	select {
	case <-q.stopped:
	case <-ctx.Done():
	}
	q.cancel()
	q.wg.Wait()
}

// run is the Queue's own goroutine: it alone forms notices and gives out work.
func (q *Queue) run(ctx context.Context, results chan result) {
	stop, stopping := q.stop, false
	for {
		next, busy := q.step(time.Now(), stopping)
		if stopping && !busy {
			close(q.stopped)
			return
		}
		var timer <-chan time.Time
		if !next.IsZero() {
			timer = time.After(time.Until(next))
		}
		select {
		case <-timer:
		case <-q.wake:
		case r := <-results:
			q.handle(r, time.Now())
		case <-stop:
			stop, stopping = nil, true
		case <-ctx.Done():
			return
		}
	}
}

// step does all that is due, and returns when the next thing is, zero if nothing
// is, and whether an attempt is under way or about to be.
func (q *Queue) step(now time.Time, stopping bool) (next time.Time, busy bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	q.form(now, stopping)
	groups := 0
	for _, w := range q.workers {
		c := q.state.channels[w.channel.Name()]
		if c == nil {
			continue // turned off
		}
		q.dispatch(w, c, now, stopping)
		busy = busy || w.busy
		groups += len(c.groups)
		for _, g := range c.groups {
			if at := q.due(c, g, now, w.busy); !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	q.stats.groups.Store(int64(groups))
	return next, busy
}

// due returns when something can be done about g, zero if that depends on other
// things than time.
func (q *Queue) due(c *channelState, g *group, now time.Time, busy bool) time.Time {
	switch {
	case g.Formed == nil:
		return q.ready(c, g, now)
	case busy:
		return time.Time{}
	}
	return g.Formed.due
}

// collect takes what was committed into the state. It needs q.mu.
func (q *Queue) collect() {
	q.inboxMu.Lock()
	q.state.waiting = append(q.state.waiting, q.inbox...)
	q.inbox = nil
	q.inboxMu.Unlock()
	for len(q.state.waiting) > 0 {
		if err := q.state.takeInAll(); err != nil {
			q.o.Log.Error("an alert can't be read and is left out", "error", err)
		}
	}
}

// ready returns when what is pending in g may become a notice.
func (q *Queue) ready(c *channelState, g *group, now time.Time) time.Time {
	at := g.First.Add(q.o.GroupWait)
	if last, ok := c.formedAt[g.key()]; ok && last.Add(q.o.Interval).After(at) {
		at = last.Add(q.o.Interval)
	}
	if at.Sub(now) > max(q.o.GroupWait, q.o.Interval) {
		return now // the clock was set back
	}
	return at
}

// retryForm is when forming is tried again after the log did not take an entry.
const retryForm = time.Second

// form makes notices of all that is ready, with one append. It needs q.mu.
func (q *Queue) form(now time.Time, stopping bool) {
	var entries []Entry
	var made []formedEntry
	for name, c := range q.state.channels {
		c.forget(now.Add(-q.o.Interval))
		for _, g := range c.sorted() {
			_, recent := c.formedAt[g.key()]
			if g.Formed != nil || q.ready(c, g, now).After(now) && (!stopping || recent) {
				continue
			}
			f := formedEntry{UpTo: q.state.upTo, Channel: name, Type: g.Type, Key: g.Key, ID: newID(), At: now.UTC()}
			e, err := entry(entryFormed, f)
			if err != nil {
				q.o.Log.Error("form a notice", "error", err)
				continue
			}
			entries, made = append(entries, e), append(made, f)
		}
	}
	if len(made) == 0 {
		return
	}
	err := q.o.Append(entries)
	q.wrote(err)
	if err != nil {
		for _, f := range made { // not before a second has passed
			if _, g := q.state.group(f.Channel, f.Type, f.Key); g != nil {
				g.First = now.Add(retryForm - q.o.GroupWait)
			}
		}
		return
	}
	for _, f := range made {
		q.state.form(f)
	}
	q.stats.formed.Add(int64(len(made)))
}

// dispatch gives w the notice that is due longest, if w has nothing to do.
func (q *Queue) dispatch(w *worker, c *channelState, now time.Time, stopping bool) {
	if w.busy {
		return
	}
	var first *group
	for _, g := range c.sorted() {
		f := g.Formed
		if f == nil || f.due.After(now) || stopping && f.attempts > 0 {
			continue
		}
		if first == nil || f.due.Before(first.Formed.due) {
			first = g
		}
	}
	if first == nil {
		return
	}
	n := first.notice()
	n.Source = q.o.Source
	n.Objects = q.o.Objects(n)
	w.busy = true
	w.jobs <- job{key: first.key(), notice: n, settled: first.Formed.Settled}
}
