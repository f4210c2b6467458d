package notify

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNextFollowsTheSchedule(t *testing.T) {
	for attempts, want := range map[int]time.Duration{
		1: 5 * time.Second, 2: 30 * time.Second, 3: 2 * time.Minute, 4: 10 * time.Minute,
		5: 30 * time.Minute, 6: 2 * time.Hour, 7: 2 * time.Hour, 1000: 2 * time.Hour,
		0: 5 * time.Second, // no attempt at all is taken for one
	} {
		delay, giveUp := Next(attempts, noon, noon, 0)
		if giveUp || delay < want*9/10 || delay > want*11/10 {
			t.Errorf("after %d attempts: %s, give up %v", attempts, delay, giveUp)
		}
	}
}

func TestNextAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		name       string
		since      time.Duration
		retryAfter time.Duration
		want       time.Duration
		giveUp     bool
	}{
		{"a last attempt is made at the end", 23 * time.Hour, 0, time.Hour, false},
		{"a receiver's wish does not move the end", 23 * time.Hour, MaxRetryAfter, time.Hour, false},
		{"a moment before", GiveUpAfter - 1, 0, 1, false},
		{"at the end", GiveUpAfter, 0, 0, true},
		{"long after", 100 * time.Hour, time.Minute, 0, true},
	} {
		delay, giveUp := Next(20, noon, noon.Add(c.since), c.retryAfter)
		if delay != c.want || giveUp != c.giveUp {
			t.Errorf("%s: %s, give up %v", c.name, delay, giveUp)
		}
	}
}

func TestNextHeedsTheReceiver(t *testing.T) {
	if delay, _ := Next(1, noon, noon, time.Hour); delay != time.Hour {
		t.Errorf("delay is %s", delay)
	}
	if delay, _ := Next(6, noon, noon, time.Second); delay < 108*time.Minute {
		t.Errorf("a short wish shortens the delay to %s", delay)
	}
}

// From the first failure on, whatever the receiver asks for, attempts come to
// an end after 24 hours, the last of them right then, and are few.
func TestNextComesToAnEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := noon
		for attempts := 1; ; attempts++ {
			wish := time.Duration(rapid.Int64Range(0, int64(MaxRetryAfter)).Draw(t, "wish"))
			delay, giveUp := Next(attempts, noon, now, wish)
			if giveUp {
				if now != noon.Add(GiveUpAfter) || attempts > 20 {
					t.Fatalf("given up after %s and %d attempts", now.Sub(noon), attempts)
				}
				return
			}
			if delay <= 0 || delay < min(wish, noon.Add(GiveUpAfter).Sub(now)) {
				t.Fatalf("delay is %s with the wish %s", delay, wish)
			}
			now = now.Add(delay)
		}
	})
}
