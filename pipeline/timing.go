package pipeline

import (
	"sync/atomic"
	"time"
)

// TimingBounds are the upper bounds of a Timing's buckets, in seconds.
var TimingBounds = [...]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// A Timing says how long something took, as a histogram.
type Timing struct {
	Count uint64
	Sum   time.Duration
	// Buckets has how often it took at most so many seconds, by TimingBounds.
	Buckets [len(TimingBounds)]uint64
}

// timing collects a Timing. It is safe for concurrent use.
type timing struct {
	sum    atomic.Int64                         // ns
	counts [len(TimingBounds) + 1]atomic.Uint64 // by bucket, the last one without a bound
}

func (t *timing) observe(took time.Duration) {
	i := 0
	for i < len(TimingBounds) && took.Seconds() > TimingBounds[i] {
		i++
	}
	t.counts[i].Add(1)
	t.sum.Add(int64(took))
}

func (t *timing) snapshot() Timing {
	s := Timing{Sum: time.Duration(t.sum.Load())}
	for i := range t.counts {
		s.Count += t.counts[i].Load()
		if i < len(s.Buckets) {
			s.Buckets[i] = s.Count
		}
	}
	return s
}
