package logs

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"siem-s3/s3"
)

// maxTries is how often a request is made that fails for a reason that may pass.
const maxTries = 5

// retry calls f until it succeeds or fails for good.
func retry(ctx context.Context, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		if err == nil || try == maxTries || !passing(err) {
			return err
		}
		if !sleep(ctx, pause(err, try)) {
			return context.Cause(ctx)
		}
	}
}

// passing reports whether another try may succeed.
func passing(err error) bool {
	var e *s3.Error
	return errors.As(err, &e) && !e.Config() && e.Status != http.StatusPreconditionFailed &&
		!errors.Is(err, context.Canceled)
}

// pause returns how long to wait after a failed try: up to a bound that doubles
// from 200 ms, or what the server asks for, but no more than 10 s.
func pause(err error, try int) time.Duration {
	bound := 100 * time.Millisecond << try
	d := bound/2 + rand.N(bound/2)
	var e *s3.Error
	if errors.As(err, &e) {
		d = max(d, e.RetryAfter())
	}
	return min(d, 10*time.Second)
}

// sleep waits for d, and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
