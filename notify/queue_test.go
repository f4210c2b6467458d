package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"siem-s3/event"
)

func TestFirstEventOfAQuietPeriodGoesOutAfterTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := newMemoryLog(), &receiver{name: "r"}
		q := l.open(testOptions(r))
		q.Start()
		defer stopQueue(t, q)
		start := time.Now()
		l.alert(t, 1, threat)
		time.Sleep(testWait)
		synctest.Wait()
		if len(r.got) != 1 || r.at[0].Sub(start) != testWait {
			t.Fatalf("got %d notices at %v, want one after %s", len(r.got), r.at, testWait)
		}
		if n := r.got[0]; n.Type != threat || n.Count != 1 || n.Source != "test" {
			t.Errorf("got %+v", n)
		}
	})
}

func TestLaterEventsAreGroupedByInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := newMemoryLog(), &receiver{name: "r"}
		q := l.open(testOptions(r))
		q.Start()
		defer stopQueue(t, q)
		l.alert(t, 1, threat)
		time.Sleep(testWait)
		synctest.Wait()
		for range 150 {
			l.alert(t, 2, threat)
			time.Sleep(time.Second)
		}
		time.Sleep(testInterval)
		synctest.Wait()
		if len(r.got) != 2 || r.got[1].Count != 300 || len(r.got[1].Events) != MaxEvents {
			t.Fatalf("got %d notices, the second of %d events with %d shown, want 2, 300, %d",
				len(r.got), r.got[1].Count, len(r.got[1].Events), MaxEvents)
		}
		if d := r.at[1].Sub(r.at[0]); d != testInterval {
			t.Errorf("the second came %s after the first, want %s", d, testInterval)
		}
	})
}

func TestLogTypesAreGroupedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := newMemoryLog(), &receiver{name: "r"}
		q := l.open(testOptions(r))
		q.Start()
		defer stopQueue(t, q)
		l.alert(t, 3, threat, logon)
		time.Sleep(testWait)
		synctest.Wait()
		if got := r.counts(); len(r.got) != 2 || got[threat] != 3 || got[logon] != 3 {
			t.Errorf("got %d notices, %v", len(r.got), got)
		}
	})
}

func TestStormIsABoundedNumberOfNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := newMemoryLog(), &receiver{name: "r"}
		q := l.open(testOptions(r))
		q.Start()
		defer stopQueue(t, q)
		c := NewCollector(Grouping{Selected: ^Selection(0), ByField: true, By: event.DeviceID})
		const events = 100_000
		for i := range events {
			var e event.Event
			e.Type = threat
			e.Set(event.DeviceID, fmt.Appendf(nil, "device-%d", i%5000))
			c.Add(&e)
			if i%1000 == 999 {
				l.commit(t, c)
			}
		}
		time.Sleep(testWait)
		synctest.Wait()
		if got := r.counts()[threat]; got != events || len(r.got) > maxGroups+1 {
			t.Errorf("got %d events in %d notices, want %d in at most %d", got, len(r.got), events, maxGroups+1)
		}
	})
}

func TestDeadReceiverForADayCostsBoundedMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("connection refused")
		dead := &receiver{name: "dead", fail: func(*Notice, []string) error { return &SendError{text: down.Error()} }}
		alive := &receiver{name: "alive"}
		l := newMemoryLog()
		q := l.open(testOptions(dead, alive))
		q.Start()
		defer stopQueue(t, q)
		const day, perMinute = 24 * time.Hour, 6000 // 100 a second
		start, largest := time.Now(), 0
		for time.Since(start) < day+time.Hour {
			c := NewCollector(Grouping{Selected: ^Selection(0)})
			for range MaxEvents {
				c.Add(&event.Event{Type: threat})
			}
			c.order[0].Count = perMinute // the rest would only be counted
			l.commit(t, c)
			time.Sleep(time.Minute)
			if err := l.remove(l.seal()); err != nil {
				t.Fatal(err)
			}
			size := 0
			for _, e := range l.entries {
				size += len(e.e.Data)
			}
			largest = max(largest, size)
		}
		synctest.Wait()
		s := q.Stats()
		if s.GaveUp != 1 || s.Groups > 2 {
			t.Errorf("got %+v, want one notice given up and at most a group for each channel", s)
		}
		if len(alive.got) < 280 || dead.attempts > 30 {
			t.Errorf("the other receiver got %d notices; %d attempts at the dead one", len(alive.got), dead.attempts)
		}
		if largest > 1<<20 {
			t.Errorf("the log grew to %d bytes", largest)
		}
		t.Logf("after a day: %+v, at most %d bytes in the log", s, largest)
	})
}

func TestSlowReceiverDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		slow := &receiver{name: "slow", fail: func(*Notice, []string) error { <-block; return nil }}
		quick := &receiver{name: "quick"}
		l := newMemoryLog()
		q := l.open(testOptions(slow, quick))
		q.Start()
		defer func() { close(block); stopQueue(t, q) }()
		l.alert(t, 1, threat, logon)
		time.Sleep(testWait)
		synctest.Wait()
		if len(quick.notices()) != 2 {
			t.Errorf("got %d notices, want 2", len(quick.notices()))
		}
	})
}

func TestFailedAttemptsFollowTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 3
		r := &receiver{name: "r", fail: func(*Notice, []string) error {
			if left--; left >= 0 {
				return &SendError{text: "busy"}
			}
			return nil
		}}
		l := newMemoryLog()
		q := l.open(testOptions(r))
		q.Start()
		defer stopQueue(t, q)
		l.alert(t, 1, threat)
		time.Sleep(testWait + time.Hour)
		synctest.Wait()
		if r.attempts != 4 || len(r.got) != 1 || !q.state.empty() {
			t.Errorf("%d attempts, %d notices, empty: %v", r.attempts, len(r.got), q.state.empty())
		}
	})
}

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		permanent := &receiver{name: "permanent", fail: func(*Notice, []string) error { return &SendError{text: "no such user", Permanent: true} }}
		gone := &receiver{name: "gone", fail: func(*Notice, []string) error { return &SendError{text: "gone", Disable: true} }}
		some := &receiver{name: "some", fail: func(*Notice, []string) error {
			return &SendError{text: "no such user", Permanent: true, Settled: []string{"a@x.example", "b@x.example"}, Refused: []string{"b@x.example"}}
		}}
		var second []string
		partial := &receiver{name: "partial", fail: func(_ *Notice, settled []string) error {
			if len(settled) == 0 {
				return &SendError{text: "one of two", Settled: []string{"a@example.com"}}
			}
			second = settled
			return nil
		}}
		l := newMemoryLog()
		q := l.open(testOptions(permanent, gone, partial, some))
		q.Start()
		defer stopQueue(t, q)
		l.alert(t, 1, threat)
		time.Sleep(testWait + time.Minute)
		l.alert(t, 1, threat)
		time.Sleep(testInterval + time.Minute)
		synctest.Wait()
		if permanent.attempts != 2 || gone.attempts != 1 || partial.attempts != 4 {
			t.Errorf("attempts: permanent %d, gone %d, partial %d, want 2, 1, 4", permanent.attempts, gone.attempts, partial.attempts)
		}
		if !slices.Equal(second, []string{"a@example.com"}) {
			t.Errorf("the attempt after a partial one was told %q", second)
		}
		if !q.state.empty() {
			t.Error("something is left to tell")
		}
		// Of two notices each: partial and some deliver, permanent and one receiver of
		// some are refused; gone is refused once.
		if s := q.Stats(); s.Delivered != 4 || s.Refused != 5 {
			t.Errorf("got %+v, want 4 delivered and 5 refused", s)
		}
	})
}

func TestAttemptAfterARestartHasTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMemoryLog()
		var ids, told []string
		r := &receiver{name: "r", fail: func(n *Notice, settled []string) error {
			ids = append(ids, n.ID)
			told = append(told, fmt.Sprint(n.Count, settled))
			return &SendError{text: "answer lost", Settled: []string{"a"}}
		}}
		q := l.open(testOptions(r))
		q.Start()
		l.alert(t, 7, threat)
		time.Sleep(testWait)
		synctest.Wait()
		stopQueue(t, q)

		l.alert(t, 5, threat) // committed, but not seen by the Queue that died
		q = l.open(testOptions(r))
		q.Start()
		defer stopQueue(t, q)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(ids) != 2 || ids[0] != ids[1] || !slices.Equal(told, []string{"7 []", "7 [a]"}) {
			t.Errorf("got %q with %q, want the same id and count, and a settled the second time", ids, told)
		}
	})
}

func TestStopTellsWhatOnlyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := newMemoryLog(), &receiver{name: "r"}
		q := l.open(testOptions(r))
		q.Start()
		l.alert(t, 2, threat)
		start := time.Now()
		q.Stop(t.Context())
		if len(r.got) != 1 || r.got[0].Count != 2 || time.Since(start) >= testWait {
			t.Errorf("got %d notices after %s", len(r.got), time.Since(start))
		}
	})
}

func TestStopGivesUpWaitingForAReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMemoryLog()
		r := &hanging{}
		q := l.open(testOptions(r))
		q.Start()
		l.alert(t, 2, threat)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		q.Stop(ctx)
		if q.state.empty() {
			t.Error("the alert is gone")
		}
	})
}

type hanging struct{}

func (hanging) Name() string { return "hanging" }
func (hanging) Send(ctx context.Context, _ *Notice, _ []string) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestLogThatTakesNothingDelaysNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := newMemoryLog(), &receiver{name: "r"}
		q := l.open(testOptions(r))
		q.Start()
		defer stopQueue(t, q)
		l.alert(t, 1, threat)
		l.mu.Lock()
		l.err = errors.New("no space left on device")
		l.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.attempts != 0 {
			t.Fatal("a notice was sent before its id was in the log")
		}
		l.mu.Lock()
		l.err = nil
		l.mu.Unlock()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := r.counts()[threat]; got != 1 {
			t.Errorf("got %d events, want 1", got)
		}
	})
}

func TestPanickingChannelIsAFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		r := &receiver{name: "r", fail: func(*Notice, []string) error {
			if first {
				first = false
				panic("oops")
			}
			return nil
		}}
		l := newMemoryLog()
		q := l.open(testOptions(r))
		q.Start()
		defer stopQueue(t, q)
		l.alert(t, 1, threat)
		time.Sleep(testWait + time.Minute)
		synctest.Wait()
		if len(r.got) != 1 {
			t.Errorf("got %d notices, want 1", len(r.got))
		}
	})
}

func TestCollectorCostsNothingWithoutAlerts(t *testing.T) {
	c := NewCollector(Grouping{Selected: 1 << threat})
	var e event.Event
	e.Type = logon
	if n := testing.AllocsPerRun(100, func() { c.Add(&e) }); n != 0 {
		t.Errorf("got %v allocations", n)
	}
	if data, err := c.Take(time.Now()); data != nil || err != nil {
		t.Errorf("got %s, %v", data, err)
	}
}
