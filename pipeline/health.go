package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// health follows whether a kind of work gets done. It tells the log of each
// change once, and when the work gets done again it lets everybody go who waits
// for the next attempt.
type health struct {
	log       hclog.Logger
	bad, good string // what the log says when it fails, and when it works again

	mu      sync.Mutex
	failing map[string]bool // the jobs whose last attempt failed
	last    error           // of these
	since   time.Time       // of the first failure of these
	fails   int             // since then
	told    bool            // whether the log was told since then
	fresh   bool            // whether a job joined failing since the last success
	logged  map[string]time.Time
	wake    chan struct{} // closed to end every sleep
}

const (
	// remindEvery spaces the error lines of a failure that goes on.
	remindEvery = 10 * time.Minute
	// flapEvery spaces those of a failure that comes and goes.
	flapEvery = time.Minute
	// maxKinds bounds how many kinds of failure the log is told of in remindEvery.
	maxKinds = 16
)

func newHealth(log hclog.Logger, bad, good string) *health {
	return &health{
		log: log, bad: bad, good: good,
		failing: map[string]bool{}, logged: map[string]time.Time{}, wake: make(chan struct{}),
	}
}

// failed says that an attempt at a job failed, and logs err if it is news. The
// channel is closed when the next attempt should not wait any longer.
func (h *health) failed(job string, err error) (wake <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.failing) == 0 {
		h.since, h.fails, h.told = time.Now(), 0, false
	}
	h.fails++
	h.last = err
	if !h.failing[job] {
		h.failing[job], h.fresh = true, true
	}
	if h.tell(failureKind(err)) {
		h.log.Error(h.bad, "error", err, "attempts", h.fails, "since", h.since.UTC().Format(time.RFC3339))
	} else {
		h.log.Debug(h.bad, "error", err, "job", job)
	}
	return h.wake
}

// tell decides whether the log is told of a failure of that kind. It needs h.mu.
func (h *health) tell(kind string) bool {
	now, quiet := time.Now(), flapEvery
	if h.told {
		quiet = remindEvery
	}
	at, known := h.logged[kind]
	if known && now.Sub(at) < quiet {
		return false
	}
	maps.DeleteFunc(h.logged, func(_ string, at time.Time) bool { return now.Sub(at) >= remindEvery })
	if !known && len(h.logged) >= maxKinds {
		return false
	}
	h.logged[kind], h.told = now, true
	return true
}

// failureKind is the same for errors that an administrator would call the same:
// what their Kind() says, or else the innermost cause. The whole texts can differ
// by the name of a file or a port alone.
func failureKind(err error) string {
	var k interface{ Kind() string }
	if errors.As(err, &k) {
		return k.Kind()
	}
	for {
		var cause error
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			cause = e.Unwrap()
		case interface{ Unwrap() []error }:
			cause = e.Unwrap()[0]
		}
		if cause == nil {
			return err.Error()
		}
		err = cause
	}
}

// succeeded says that a job is done. The first success after failures ends every
// sleep; the log is told when no job is failing any more.
func (h *health) succeeded(job string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.failing) == 0 {
		return
	}
	if h.fresh {
		h.fresh = false
		h.wakeAllLocked()
	}
	delete(h.failing, job)
	if len(h.failing) == 0 && h.told {
		h.log.Info(h.good, "attempts", h.fails, "after", time.Since(h.since).Round(time.Second).String())
	}
}

// trouble returns since when there are failing jobs, and the last failure.
func (h *health) trouble() (since time.Time, last error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.failing) == 0 {
		return time.Time{}, nil
	}
	return h.since, h.last
}

// wakeAll ends every sleep, so that everybody tries now.
func (h *health) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wakeAllLocked()
}

func (h *health) wakeAllLocked() {
	close(h.wake)
	h.wake = make(chan struct{})
}

// sleep waits for d, for wake, or for ctx.
func sleep(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
}

const (
	minPause = 500 * time.Millisecond
	maxPause = time.Minute
)

// pause returns how long to wait after the attempt of that number, from 0: a
// random time up to a bound that doubles (full jitter). Where an administrator
// has to act, and where the server says so, it is longer.
func pause(err error, attempt int) time.Duration {
	var config interface{ Config() bool }
	if errors.As(err, &config) && config.Config() {
		attempt += 4
	}
	limit := min(minPause<<min(attempt, 16), maxPause)
	d := limit/10 + rand.N(limit-limit/10)
	var after interface{ RetryAfter() time.Duration }
	if errors.As(err, &after) {
		d = max(d, min(after.RetryAfter(), maxPause))
	}
	return d
}

// recovered calls f and makes an error of a panic: it must not end Fluent Bit.
func recovered(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{r, debug.Stack()}
		}
	}()
	return f()
}

// panicError is a panic. The stack differs from one to the next.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("%s\n%s", e.Kind(), e.stack) }

// Kind is described at failureKind.
func (e *panicError) Kind() string { return fmt.Sprintf("panic: %v", e.value) }
