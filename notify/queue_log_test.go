package notify

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"siem-s3/event"
)

// logBuffer is what a logger wrote.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), text)
}

// pending returns the events that a start would find to tell of.
func pending(t *testing.T, l *memoryLog) int {
	t.Helper()
	q := l.open(testOptions(&receiver{name: "r"}))
	q.collect()
	n := 0
	for _, g := range q.state.channels["r"].groups {
		n += g.Count
	}
	return n
}

// A snapshot can come to be in a later segment than alerts that it does not tell.
func TestAlertsThatComeWhileOthersAreCarriedAreNotLost(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		t.Run(fmt.Sprintf("restarted %v", restarted), func(t *testing.T) {
			l := newMemoryLog()
			l.open(testOptions(&receiver{name: "r"}))
			l.alert(t, 1, threat)
			first := l.seal()
			var second uint64
			l.race = func() {
				l.race = nil
				l.alert(t, 2, threat)
				second = l.seal()
			}
			if err := l.remove(first); err != nil {
				t.Fatal(err)
			}
			if restarted {
				l.open(testOptions(&receiver{name: "r"}))
			}
			if err := l.remove(second); err != nil {
				t.Fatal(err)
			}
			if got := pending(t, l); got != 3 {
				t.Errorf("%d events are left to tell, want 3", got)
			}
		})
	}
}

// One snapshot serves all the segments before it.
func TestSegmentsShareASnapshot(t *testing.T) {
	l := newMemoryLog()
	l.open(testOptions(&receiver{name: "r"}))
	for range 5 {
		l.alert(t, 1, threat)
		l.seal()
	}
	for seq := uint64(1); seq <= 5; seq++ {
		if err := l.remove(seq); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.entries) != 1 || pending(t, l) != 5 {
		t.Errorf("%d entries are left, and %d events to tell; want 1 and 5", len(l.entries), pending(t, l))
	}
}

func TestReplayKeepsFewAlertsApart(t *testing.T) {
	l := newMemoryLog()
	const chunks = 10 * maxWaiting
	for range chunks {
		l.alert(t, 1, threat)
	}
	q := l.open(testOptions(&receiver{name: "r"}))
	if n := len(q.state.waiting); n > maxWaiting {
		t.Errorf("%d chunks are kept apart, want at most %d", n, maxWaiting)
	}
	if got := pending(t, l); got != chunks {
		t.Errorf("%d events are left to tell, want %d", got, chunks)
	}
}

func TestLogThatTakesNothingIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b logBuffer
		l := newMemoryLog()
		o := testOptions(&receiver{name: "r"})
		o.Log = hclog.New(&hclog.LoggerOptions{Output: &b})
		q := l.open(o)
		q.Start()
		defer stopQueue(t, q)
		l.alert(t, 1, threat)
		setError := func(err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.err = err
		}
		setError(errors.New("no space left on device"))
		time.Sleep(time.Hour)
		synctest.Wait()
		setError(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if down, up := b.count("can't write to store_dir"), b.count("recovered"); down != 1 || up != 1 {
			t.Errorf("told %d times that it can't write and %d times that it can again, want once each", down, up)
		}
	})
}

// Figures are for those who look what is wrong, such as a disk that hangs.
func TestStatsDoNotWaitForTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMemoryLog()
		q := l.open(testOptions(&receiver{name: "r"}))
		l.alert(t, 1, threat)
		hung := make(chan struct{})
		l.race = func() { <-hung }
		q.Start()
		defer stopQueue(t, q)
		time.Sleep(testWait)
		synctest.Wait()
		if got := q.Stats(); got.Groups != 1 || got.Formed != 0 {
			t.Errorf("got %+v", got)
		}
		close(hung)
	})
}

// What a chunk adds to the log is bounded, however many devices it is about.
func TestCollectorTellsFewGroupsApart(t *testing.T) {
	c := NewCollector(Grouping{Selected: ^Selection(0), ByField: true, By: event.DeviceID})
	const devices = 5000
	for range 2 { // the second chunk is as free as the first
		for i := range devices {
			var e event.Event
			e.Type = threat
			e.Set(event.DeviceID, fmt.Appendf(nil, "device-%d", i))
			c.Add(&e)
		}
		sum, events := 0, 0
		for _, a := range c.order {
			sum, events = sum+a.Count, events+len(a.Events)
		}
		if len(c.order) != maxGroups+1 || sum != devices || events != maxGroups+MaxEvents {
			t.Errorf("%d groups with %d of %d events, want %d with %d of %d", len(c.order), events, sum, maxGroups+1, maxGroups+MaxEvents, devices)
		}
		c.Reset()
	}
}
