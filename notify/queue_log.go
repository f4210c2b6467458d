package notify

import (
	"fmt"
	"slices"
)

// Replay takes over an entry that the log holds at start, in the log's order.
func (q *Queue) Replay(at Position, e Entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.state.replay(at, e); err != nil {
		q.o.Log.Error("an alert in the log can't be read and is left out", "error", err)
	}
	switch {
	case e.Kind == EntryAlerts:
		q.missing(at)
	case e.Kind == entrySnapshot:
		q.lastSnapshot, q.missed = at, Position{}
		if len(q.state.waiting) > 0 {
			q.missing(q.state.waiting[0].at)
		}
	}
}

// missing notes that the last snapshot has no word of the alerts at a position.
func (q *Queue) missing(at Position) {
	if q.missed == (Position{}) {
		q.missed = at
	}
}

// Committed tells the Queue of an entry that became durable, in the order of the
// log. It is quick, keeps nothing of e, and calls nothing back.
func (q *Queue) Committed(at Position, e Entry) {
	q.inboxMu.Lock()
	defer q.inboxMu.Unlock()
	switch e.Kind {
	case EntryAlerts:
		q.inbox = append(q.inbox, positioned{at, slices.Clone(e.Data)})
		q.missing(at)
		select {
		case q.wake <- struct{}{}:
		default:
		}
	case entrySnapshot:
		q.lastSnapshot = at
	}
}

// Release says that a segment is about to leave the log. What is in it and still
// needed is carried forward, durably, before Release returns nil. older says that
// earlier segments are still there: they may hold what this one settles.
func (q *Queue) Release(seq uint64, older bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	if q.carried(seq) || q.state.empty() && !older {
		return nil
	}
	e, err := q.state.snapshot()
	if err != nil {
		return err
	}
	if err := q.o.Append([]Entry{e}); err != nil {
		return fmt.Errorf("carry alerts forward: %w", err)
	}
	q.inboxMu.Lock()
	defer q.inboxMu.Unlock()
	q.missed = Position{}
	if len(q.inbox) > 0 { // came since collect
		q.missed = q.inbox[0].at
	}
	return nil
}

// carried reports whether the last snapshot is in a segment after seq and tells
// all that the segments up to seq do.
func (q *Queue) carried(seq uint64) bool {
	q.inboxMu.Lock()
	defer q.inboxMu.Unlock()
	return q.lastSnapshot.Seq > seq && (q.missed == Position{} || q.missed.Seq > seq)
}

// wrote logs whether the log takes entries, if that is news.
func (q *Queue) wrote(err error) {
	switch {
	case err != nil && !q.stuck:
		q.o.Log.Error("can't write to store_dir; alerts wait until that succeeds, since each is on disk before it is sent", "error", err)
	case err == nil && q.stuck:
		q.o.Log.Info("recovered, alerts can be written to store_dir again")
	}
	q.stuck = err != nil
}
