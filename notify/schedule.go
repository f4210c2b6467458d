package notify

import (
	"math/rand/v2"
	"time"
)

// GiveUpAfter is how long after its first attempt a notice is given up.
const GiveUpAfter = 24 * time.Hour

// MaxRetryAfter is the longest wait that a receiver can ask for.
const MaxRetryAfter = 2 * time.Hour

var delays = [...]time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, 2 * time.Hour,
}

// Next says how long after now the next attempt is due, when the first one was
// at first and the failed ones so far are attempts (at least 1), or that the
// notice is to be given up. The delays are varied by a tenth, so that what
// failed together does not come back together, and are never shorter than
// retryAfter, the receiver's own wish ([SendError.RetryAfter]). The last
// attempt is at GiveUpAfter.
func Next(attempts int, first, now time.Time, retryAfter time.Duration) (delay time.Duration, giveUp bool) {
	left := first.Add(GiveUpAfter).Sub(now)
	if left <= 0 {
		return 0, true
	}
	delay = delays[min(max(attempts, 1), len(delays))-1]
	delay += time.Duration((rand.Float64() - 0.5) * 0.2 * float64(delay))
	return min(max(delay, retryAfter), left), false
}
