package pipeline

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const notAll = "not everything is uploaded; what is left waits in store_dir for the next start (segments: 1)"

func TestStopUploadsWhatIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := &memory{before: func(context.Context, string) error { time.Sleep(3 * time.Second); return nil }}
		p := start(t, options(t, b))
		sealed(t, p, "app", devices(0, 5))
		write(t, p, "app", devices(5, 10))
		finish(t, p)
		sameLines(t, b.lines(t, ""), deviceLines(0, 10))
		if err := p.Write("app", devices(10, 11)); !errors.Is(err, ErrStopped) {
			t.Errorf("Write after Stop: %v", err)
		}
		finish(t, p) // once more
		if n := len(b.keys()); n != 2 {
			t.Errorf("%d objects", n)
		}
	})
}

func TestStopTriesAtOnceWhatWaitsForItsNextAttempt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		down := true
		b := &memory{before: func(context.Context, string) error {
			if down {
				return errors.New("unreachable")
			}
			return nil
		}}
		p := start(t, options(t, b))
		sealed(t, p, "app", devices(0, 5))
		time.Sleep(time.Hour)
		synctest.Wait()
		down = false
		began := time.Now()
		finish(t, p)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
		sameLines(t, b.lines(t, ""), deviceLines(0, 5))
	})
}

func TestStopLeavesOnDiskWhatItHasNoTimeFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		down := true
		b := &memory{before: func(ctx context.Context, _ string) error {
			if !down {
				return nil
			}
			<-ctx.Done() // a server that hangs
			return ctx.Err()
		}}
		log := &logged{}
		o := options(t, b, func(o *Options) { o.Log = log.logger() })
		p := start(t, o)
		write(t, p, "app", devices(0, 5))
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		began := time.Now()
		if err := p.Stop(ctx); err == nil || err.Error() != notAll {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("took %v", took)
		}
		log.want(t, checked)

		down = false
		next := start(t, o)
		synctest.Wait()
		log.want(t, "info: found what an earlier run left in store_dir", checked)
		finish(t, next)
		sameLines(t, b.lines(t, ""), deviceLines(0, 5))
	})
}

func TestStopBeforeStartOnlySeals(t *testing.T) {
	t.Parallel()
	b := &memory{}
	o := options(t, b)
	p := open(t, o)
	write(t, p, "app", devices(0, 5))
	if err := p.Stop(t.Context()); err == nil || err.Error() != notAll {
		t.Errorf("got %v", err)
	}
	if err := open(t, o).Stop(t.Context()); err == nil || err.Error() != notAll {
		t.Errorf("the next one: got %v", err)
	}
}

// A disk that does not answer can't be interrupted, nor can a Bucket that breaks
// its contract.
func TestStopDoesNotWaitForWhatNeverEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		b := &memory{before: func(context.Context, string) error { <-release; return errors.New("too late") }}
		p := start(t, options(t, b))
		write(t, p, "app", devices(0, 5))
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		began := time.Now()
		if err := p.Stop(ctx); err == nil || !strings.Contains(err.Error(), "does not come to an end") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 15*time.Second+stopGrace {
			t.Errorf("took %v", took)
		}
		close(release)
		synctest.Wait()
		if len(b.keys()) != 0 {
			t.Error("uploaded after all")
		}
	})
}

// Every chunk whose Write returned nil must be there; every other must not.
func TestStopWhileChunksAreWritten(t *testing.T) {
	t.Parallel()
	for range 5 {
		b := &memory{}
		p := start(t, options(t, b))
		var mu sync.Mutex
		var want []string
		var wg, first sync.WaitGroup
		for w := range 8 {
			first.Add(1)
			wg.Go(func() {
				for n := w * 1000; ; n++ {
					err := p.Write("app", devices(n, n+1))
					if n == w*1000 {
						first.Done()
					}
					if errors.Is(err, ErrStopped) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					want = append(want, deviceLine(n))
					mu.Unlock()
				}
			})
		}
		first.Wait()
		var stops sync.WaitGroup
		for range 3 {
			stops.Go(func() { finish(t, p) })
		}
		wg.Wait()
		stops.Wait()
		sameLines(t, b.lines(t, ""), want)
	}
}
