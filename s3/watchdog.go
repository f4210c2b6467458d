package s3

import (
	"context"
	"fmt"
	"io"
	"time"
)

// slowestServer is the rate, in bytes a second, at which a server at least
// stores what it has received before it answers.
const slowestServer = 4 << 20

// A stallError ends an attempt that made no progress.
type stallError struct{ after time.Duration }

func (e stallError) Error() string { return fmt.Sprintf("no progress for %s", e.after) }

// A watchdog cancels its context unless it is fed. It replaces a limit on the
// whole attempt, which would be too short for a slow line or too long for a dead one.
type watchdog struct {
	after  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// watch starts a watchdog. It must be stopped.
func watch(ctx context.Context, after time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{after: after, cancel: cancel}
	w.timer = time.AfterFunc(after, func() { cancel(stallError{after}) })
	return ctx, w
}

// fed reports progress and grants the time until the next, and extra on top.
func (w *watchdog) fed(extra time.Duration) { w.timer.Reset(w.after + extra) }

func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// body wraps what is sent, size bytes long, such that reading it is progress.
func (w *watchdog) body(r io.ReadSeeker, size int64) io.ReadSeeker {
	return &watchedBody{ReadSeeker: r, w: w, left: size, size: size}
}

type watchedBody struct {
	io.ReadSeeker
	w          *watchdog
	left, size int64
}

// Read is called when the connection has taken what was read before.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadSeeker.Read(p)
	b.left -= int64(n)
	if b.left > 0 {
		b.w.fed(0)
	} else {
		// All is sent. What was sent may still be on its way, in buffers of
		// proxies even to the last byte.
		b.w.fed(time.Duration(float64(b.size) / slowestServer * float64(time.Second)))
	}
	return n, err
}
