package pipeline

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// health follows whether a kind of work gets done, tells the log of each change
// once, and lets everybody who waits for the next attempt go when one succeeds.
type health struct {
	log  hclog.Logger
	what string // for people, such as "upload to s3://audit"

	mu      sync.Mutex
	failing map[string]bool // the jobs whose last attempt failed
	kind    string          // of the failure that was logged last
	logged  time.Time
	since   time.Time     // of the first failure
	fails   int           // since then
	wake    chan struct{} // closed to end every sleep
}

// remindEvery spaces the error lines of a failure that goes on.
const remindEvery = 10 * time.Minute

func newHealth(log hclog.Logger, what string) *health {
	return &health{log: log, what: what, failing: map[string]bool{}, wake: make(chan struct{})}
}

// failed says that an attempt at a job failed, and logs err if it is news.
func (h *health) failed(job string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.failing) == 0 {
		h.since, h.fails, h.kind = time.Now(), 0, ""
	}
	h.failing[job] = true
	h.fails++
	kind := failureKind(err)
	if kind == h.kind && time.Since(h.logged) < remindEvery {
		h.log.Debug("failed again: "+h.what, "job", job, "error", err)
		return
	}
	h.kind, h.logged = kind, time.Now()
	h.log.Error("can't "+h.what+"; nothing is lost, it is tried again",
		"error", err, "attempts", h.fails, "since", h.since.UTC().Format(time.RFC3339))
}

// failureKind is the same for errors that an administrator would call the same.
// The texts of two errors can differ by a request id alone.
func failureKind(err error) string {
	var k interface{ Kind() string }
	if errors.As(err, &k) {
		return k.Kind()
	}
	return err.Error()
}

// succeeded says that a job is done. It logs the end of a failure when no other
// job is failing.
func (h *health) succeeded(job string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.failing) == 0 {
		return
	}
	h.wakeAllLocked()
	delete(h.failing, job)
	if len(h.failing) == 0 {
		h.log.Info("recovered: "+h.what, "attempts", h.fails, "after", time.Since(h.since).Round(time.Second).String())
	}
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

// sleep waits for d, for a success elsewhere, or for ctx.
func (h *health) sleep(ctx context.Context, d time.Duration) {
	h.mu.Lock()
	wake := h.wake
	h.mu.Unlock()
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
