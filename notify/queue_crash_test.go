package notify

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"siem-s3/event"
)

// Whatever the order of alerts, failures, crashes and removals of segments, every
// event is told to every receiver, in exactly one notice.
func TestNothingIsLostOrToldTwiceOverCrashes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 60).Draw(rt, "steps")
		synctest.Test(t, func(t *testing.T) {
			flaky := false
			fail := func(*Notice, []string) error {
				if flaky = !flaky; flaky {
					return &SendError{text: "flaky"}
				}
				return nil
			}
			a, b := &receiver{name: "a"}, &receiver{name: "b", fail: fail}
			l := newMemoryLog()
			q := l.open(testOptions(a, b))
			q.Start()
			want := map[event.LogType]int{}
			var sealed []uint64
			for i, step := range steps {
				switch step {
				case 0, 1:
					l.alert(t, i+1, threat)
					want[threat] += i + 1
				case 2:
					l.alert(t, 2, threat, logon)
					want[threat] += 2
					want[logon] += 2
				case 3:
					time.Sleep(time.Duration(i) * 7 * time.Second)
				case 4:
					sealed = append(sealed, l.seal())
				case 5: // not always the oldest first
					if n := len(sealed); n > 0 {
						if err := l.remove(sealed[n-1]); err != nil {
							rt.Fatal(err)
						}
						sealed = sealed[:n-1]
					}
				case 6:
					stopQueue(t, q)
					q = l.open(testOptions(a, b))
					q.Start()
				}
			}
			time.Sleep(3 * time.Hour)
			synctest.Wait()
			for _, r := range []*receiver{a, b} {
				got := r.counts()
				if got[threat] != want[threat] || got[logon] != want[logon] {
					rt.Errorf("receiver %s was told of %v, want %v", r.name, got, want)
				}
			}
			stopQueue(t, q)
		})
	})
}

// A replay of the log comes to the state that the Queue had, even where alerts
// came into the log between the decision to form a notice and its entry.
func TestReplayComesToTheSameState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMemoryLog()
		r := &receiver{name: "r", fail: func(n *Notice, _ []string) error {
			if n.Type == threat {
				return &SendError{text: "busy", Settled: []string{"x"}}
			}
			return nil
		}}
		q := l.open(testOptions(r))
		l.race = func() { l.alert(t, 1, threat, logon) }
		q.Start()
		for i := range 40 {
			l.alert(t, 1+i%3, threat, logon)
			time.Sleep(17 * time.Second)
			if i == 20 {
				if err := l.remove(l.seal()); err != nil {
					t.Fatal(err)
				}
			}
		}
		synctest.Wait()
		stopQueue(t, q)
		want, err := q.state.snapshot()
		if err != nil {
			t.Fatal(err)
		}
		again := l.open(testOptions(r))
		again.collect()
		got, err := again.state.snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Data) != string(want.Data) {
			t.Errorf("replayed\n%s\nwant\n%s", got.Data, want.Data)
		}
	})
}

func TestDamagedEntriesAreLeftOut(t *testing.T) {
	l, r := newMemoryLog(), &receiver{name: "r"}
	l.alert(t, 2, threat)
	for kind := range uint8(6) {
		if err := l.append([]Entry{{kind, []byte("{")}}); err != nil {
			t.Fatal(err)
		}
	}
	l.alert(t, 3, threat)
	q := l.open(testOptions(r))
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	if g := q.state.channels["r"].groups[groupKey{threat, ""}]; g == nil || g.Count != 5 {
		t.Errorf("got %+v, want 5 events pending", g)
	}
}

func FuzzReplay(f *testing.F) {
	c := NewCollector(Grouping{Selected: ^Selection(0)})
	var e event.Event
	e.Type = threat
	c.Add(&e)
	data, err := c.Take(time.Unix(0, 0))
	if err != nil {
		f.Fatal(err)
	}
	formed, err := json.Marshal(formedEntry{Channel: "r", Type: threat.String(), ID: "x"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(EntryAlerts, data)
	f.Add(entryFormed, formed)
	f.Add(entrySettled, []byte(`{"channel":"r","type":"logon","id":"x","finished":true}`))
	f.Add(entrySnapshot, []byte(`{"channels":{"r":[{"type":"logon","count":1,"formed":null}]}}`))
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		l := newMemoryLog()
		l.alert(t, 1, threat)
		l.entries = append(l.entries, loggedEntry{Position{Seq: 2}, Entry{kind, data}})
		q := l.open(testOptions(&receiver{name: "r"}))
		q.collect()
		if _, err := q.state.snapshot(); err != nil {
			t.Error(err)
		}
	})
}
