package pipeline

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTimingCountsByBucket(t *testing.T) {
	var c timing
	for _, took := range []time.Duration{0, 500 * time.Microsecond, time.Millisecond, 20 * time.Millisecond, time.Minute} {
		c.observe(took)
	}
	s := c.snapshot()
	if s.Count != 5 || s.Sum != time.Minute+21500*time.Microsecond {
		t.Errorf("got %d in %v", s.Count, s.Sum)
	}
	for i, bound := range TimingBounds {
		want := uint64(2)
		if bound >= .001 {
			want = 3
		}
		if bound >= .025 {
			want = 4
		}
		if s.Buckets[i] != want {
			t.Errorf("%d took at most %v s, want %d", s.Buckets[i], bound, want)
		}
	}
}

func TestReadyTellsWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name  string
		fails error
		after time.Duration
		want  string // "" for ready
	}{
		{"all is well", nil, time.Second, ""},
		{"an outage begins", errors.New("connection refused"), time.Second, ""},
		{"an outage lasts", errors.New("connection refused"), 10 * time.Minute, "objects are not uploaded: connection refused"},
		{"an administrator has to act", &failure{text: "no such bucket", config: true}, time.Second, "objects are not uploaded: no such bucket"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var up atomic.Bool
				p := start(t, options(t, &memory{before: func(context.Context, string) error {
					if up.Load() {
						return nil
					}
					return test.fails
				}}))
				sealed(t, p, "app", devices(0, 1))
				time.Sleep(test.after)
				synctest.Wait()
				if err := p.Ready(); err == nil && test.want != "" || err != nil && err.Error() != test.want {
					t.Errorf("got %v, want %q", err, test.want)
				}
				up.Store(true)
				time.Sleep(time.Hour)
				synctest.Wait()
				if err := p.Ready(); err != nil {
					t.Errorf("after it: %v", err)
				}
				finish(t, p)
				if err := p.Ready(); !errors.Is(err, ErrStopped) {
					t.Errorf("after Stop: %v", err)
				}
			})
		})
	}
}

func TestReadyTellsThatChunksAreRefused(t *testing.T) {
	p := start(t, options(t, &memory{}, func(o *Options) { o.StoreDirLimit = 10 }))
	if p.Write("app", devices(0, 5)) == nil {
		t.Fatal("a chunk that has no room was taken")
	}
	if err := p.Ready(); err == nil || !strings.HasPrefix(err.Error(), "chunks are not stored: ") {
		t.Errorf("got %v", err)
	}
	finish(t, p)
}
