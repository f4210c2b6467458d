package notify

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
)

// newID returns a new name for a notice.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return "siem-" + hex.EncodeToString(b[:])
}

// A worker makes the attempts of one channel, one at a time.
type worker struct {
	channel Channel
	log     hclog.Logger
	jobs    chan job

	// guarded by Queue.mu
	busy    bool
	failing string // what the last attempt's error said, "" if it succeeded
}

type job struct {
	key     groupKey
	notice  *Notice
	settled []string
}

type result struct {
	worker *worker
	job    job
	err    *SendError // nil: delivered
}

func newWorker(c Channel, log hclog.Logger) *worker {
	return &worker{channel: c, log: log, jobs: make(chan job, 1)}
}

func (w *worker) run(ctx context.Context, results chan<- result) {
	for {
		select {
		case j := <-w.jobs:
			r := result{worker: w, job: j, err: w.send(ctx, j)}
			select {
			case results <- r:
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// send makes one attempt. Whatever goes wrong is an attempt that failed.
func (w *worker) send(ctx context.Context, j job) (failed *SendError) {
	defer func() {
		if r := recover(); r != nil {
			failed = &SendError{text: fmt.Sprintf("panic: %v\n%s", r, debug.Stack())}
		}
	}()
	err := w.channel.Send(ctx, j.notice, j.settled)
	if err != nil && !errors.As(err, &failed) {
		failed = &SendError{text: err.Error()}
	}
	return failed
}

// handle takes an attempt's outcome into the state.
func (q *Queue) handle(r result, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r.worker.busy = false
	name := r.worker.channel.Name()
	c := q.state.channels[name]
	if c == nil {
		return
	}
	g := c.groups[r.job.key]
	if g == nil || g.Formed == nil || g.Formed.ID != r.job.notice.ID {
		return
	}
	done := settledEntry{UpTo: q.state.upTo, Channel: name, Type: g.Type, Key: g.Key, ID: g.Formed.ID, Finished: true}
	switch err := r.err; {
	case err == nil:
		q.stats.delivered.Add(1)
		r.worker.succeeded()
	case err.Disable:
		r.worker.log.Error("the receiver wants no more alerts and gets none until the next start", "channel", name, "error", err)
		q.stats.refused.Add(1)
		delete(q.state.channels, name)
		return
	case err.Permanent && len(err.Settled) > len(err.Refused): // others have it
		q.stats.delivered.Add(1)
		q.stats.refused.Add(int64(len(err.Refused)))
		r.worker.refused(err)
	case err.Permanent:
		q.stats.failed.Add(1)
		q.stats.refused.Add(1)
		r.worker.log.Error("an alert was refused for good and is given up", "channel", name, "id", done.ID, "events", g.Formed.Count, "error", err)
	default:
		q.failed(r, g.Formed, now)
		done.Settled = err.Settled
		if len(done.Settled) == 0 { // of an attempt that never got so far
			done.Settled = g.Formed.Settled
		}
		done.Finished = g.Formed.gaveUp
		if !done.Finished && slices.Equal(done.Settled, g.Formed.Settled) {
			return // nothing that the log should know
		}
	}
	q.settle(done)
}

// failed plans the next attempt, or gives up.
func (q *Queue) failed(r result, f *formed, now time.Time) {
	q.stats.failed.Add(1)
	q.stats.refused.Add(int64(len(r.err.Refused)))
	r.worker.failed(r.err)
	f.attempts++
	delay, giveUp := Next(f.attempts, f.At, now, r.err.RetryAfter)
	f.due = now.Add(delay)
	if f.gaveUp = giveUp; giveUp {
		q.stats.gaveUp.Add(1)
		r.worker.log.Error("an alert could not be delivered in time and is given up", "channel", r.worker.channel.Name(),
			"id", f.ID, "type", r.job.notice.Type, "events", f.Count, "after", GiveUpAfter.String(), "error", r.err)
	}
}

// settle writes down what needs no further attempt. If the log does not take
// that, it costs a repeat with the same id after a restart.
func (q *Queue) settle(done settledEntry) {
	e, err := entry(entrySettled, done)
	if err == nil {
		err = q.o.Append([]Entry{e})
	}
	if err != nil {
		q.o.Log.Warn("can't note in the log that an alert was delivered; it may come again after a restart", "id", done.ID, "error", err)
	}
	q.state.settle(done)
}

// refused logs the receivers that an attempt gave up.
func (w *worker) refused(err *SendError) {
	for _, who := range err.Refused {
		w.log.Error("a receiver was refused for good and does not get this alert", "channel", w.channel.Name(), "receiver", who, "error", err)
	}
}

// failed logs an attempt that failed, if it is news.
func (w *worker) failed(err *SendError) {
	w.refused(err)
	if text := err.Error(); text != w.failing {
		w.log.Error("can't deliver alerts; they are kept and tried again", "channel", w.channel.Name(), "error", text)
		w.failing = text
	}
}

func (w *worker) succeeded() {
	if w.failing != "" {
		w.log.Info("recovered, alerts are delivered again", "channel", w.channel.Name())
	}
	w.failing = ""
}
