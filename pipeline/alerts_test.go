package pipeline

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"siem-s3/event"
	"siem-s3/notify"
	"siem-s3/spool"
)

// inbox is a Channel that keeps what it gets.
type inbox struct {
	fail error // of every attempt, if set

	mu  sync.Mutex
	got []*notify.Notice
}

func (c *inbox) Name() string { return "inbox" }

func (c *inbox) Send(ctx context.Context, n *notify.Notice, _ []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, n)
	return c.fail
}

// events returns how many events the notices tell of, each notice once.
func (c *inbox) events() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[string]bool{}
	for _, notice := range c.got {
		if !seen[notice.ID] {
			n += notice.Count
		}
		seen[notice.ID] = true
	}
	return n
}

// alerting has events alert c. Those of devices in the tests are of the log type
// added.
func alerting(t testing.TB, events string, c notify.Channel) func(*Options) {
	t.Helper()
	selected, err := notify.ParseSelection(events)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) {
		o.Window = 5 * time.Minute
		o.Alerts = &Alerts{
			Grouping: notify.Grouping{Selected: selected}, Channels: []notify.Channel{c},
			GroupWait: 10 * time.Second, Interval: 5 * time.Minute, Source: "gw-1",
		}
	}
}

func TestSelectedEventsAlertAndAreStored(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, c := &memory{}, &inbox{}
		o := options(t, b, alerting(t, "added", c))
		o.Key = keys(t, "siem/$CATEGORY/dt=%Y-%m-%d/$HOSTNAME/%H-$UUID")
		p := start(t, o)
		write(t, p, "app", devices(0, 3))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(c.got) != 1 || c.got[0].Count != 3 || c.got[0].Source != "gw-1" {
			t.Fatalf("got %+v", c.got)
		}
		day := time.Now().UTC().Format("2006-01-02")
		if want := []string{"s3://audit/siem/device/dt=" + day + "/gw-1/"}; !slices.Equal(c.got[0].Objects, want) {
			t.Errorf("objects are in %q, want %q", c.got[0].Objects, want)
		}
		finish(t, p)
		sameLines(t, b.lines(t, ""), deviceLines(0, 3))
		if got := p.Stats().Alerts; got.Formed != 1 || got.Delivered != 1 || got.Groups != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestOtherEventsDoNotAlert(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &inbox{}
		o := options(t, &memory{}, alerting(t, "added", c))
		o.Alerts.Grouping.Selected = 0
		p := start(t, o)
		write(t, p, "app", devices(0, 3))
		time.Sleep(time.Minute)
		finish(t, p)
		if len(c.got) != 0 {
			t.Errorf("got %d notices", len(c.got))
		}
	})
}

func TestAlertsOnlyStoresNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, c := &memory{check: func() error { t.Error("the bucket was asked"); return nil }}, &inbox{}
		o := options(t, b, alerting(t, "added", c))
		o.AlertsOnly = true
		p := start(t, o)
		write(t, p, "app", devices(0, 3))
		time.Sleep(time.Minute)
		finish(t, p)
		if c.events() != 3 || len(b.keys()) != 0 || c.got[0].Objects != nil {
			t.Errorf("%d events alerted, %d objects", c.events(), len(b.keys()))
		}
	})
}

func TestAlertSurvivesACrash(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, c := &memory{}, &inbox{}
		o := options(t, b, alerting(t, "added", c))
		p := open(t, o) // not started: dies between the append and the first attempt
		write(t, p, "app", devices(0, 3))
		if err := p.spool.Close(); err != nil {
			t.Fatal(err)
		}
		p = start(t, o)
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.events() != 3 {
			t.Errorf("%d events alerted, want 3", c.events())
		}
		finish(t, p)
	})
}

func TestAlertOutlivesItsSegment(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, c := &memory{}, &inbox{fail: errors.New("mail server is down")}
		o := options(t, b, alerting(t, "added", c))
		p := start(t, o)
		write(t, p, "app", devices(0, 3))
		for range 6 { // each window removes the segment that carries the alert
			time.Sleep(o.Window)
			synctest.Wait()
			sameLines(t, b.lines(t, ""), deviceLines(0, 3))
			if st := p.spool.Stats(); st.Bytes > 4096 {
				t.Fatalf("%d bytes are left on disk", st.Bytes)
			}
		}
		id := c.got[0].ID
		if err := p.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.fail = nil
		p = start(t, o)
		time.Sleep(time.Minute)
		synctest.Wait()
		if last := c.got[len(c.got)-1]; c.events() != 3 || last.ID != id {
			t.Errorf("%d events alerted under id %s, want 3 under %s", c.events(), last.ID, id)
		}
		finish(t, p)
		p = open(t, o)
		if left := p.spool.Sealed(); len(left) > 1 {
			t.Errorf("%d segments are left", len(left))
		}
	})
}

func TestNothingOfAnAlertIsLeftInTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := options(t, &memory{}, alerting(t, "added", &inbox{}))
		p := start(t, o)
		write(t, p, "app", devices(0, 3))
		time.Sleep(3 * o.Window)
		synctest.Wait()
		if st := p.spool.Stats(); st.Segments != 0 || st.Bytes != 0 {
			t.Errorf("left: %+v", st)
		}
		finish(t, p)
	})
}

func TestAlertsOfARefusedChunkAreNotSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := &inbox{}
		o := options(t, &memory{}, alerting(t, "added", c))
		o.StoreDirLimit = 200
		p := start(t, o)
		if err := p.Write("app", devices(0, 100)); !errors.Is(err, spool.ErrFull) {
			t.Fatalf("got %v, want ErrFull", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(c.got) != 0 {
			t.Errorf("got %d notices", len(c.got))
		}
		finish(t, p)
	})
}

func TestFolderEndsBeforeWhatDiffers(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 5, 0, 0, time.UTC)
	for template, want := range map[string]string{
		"siem/category=$CATEGORY/dt=%Y-%m-%d/hour=%H/%Y%m%dT%H%M%SZ-$UUID": "siem/category=account/dt=2026-11-22/hour=08/",
		"$UUID":                     "",
		"a/$device_group/$UUID":     "a/",
		"a/b-$TAG/%Y/$UUID":         "a/",
		"$HOSTNAME/$CATEGORY-$UUID": "gw-1/",
	} {
		if got := keys(t, template).folder(event.Account, at); got != want {
			t.Errorf("%s: got %q, want %q", template, got, want)
		}
	}
}
