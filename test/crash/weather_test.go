package crash

import (
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"siem-s3/test/faultproxy"
)

// faults are those that come and go with single requests.
var faults = []*faultproxy.Fault{
	faultproxy.LostAnswer, faultproxy.ResetAnswer, faultproxy.ResetBody, faultproxy.Refused, faultproxy.FlippedBit,
	faultproxy.Twice, faultproxy.Late(700 * time.Millisecond), faultproxy.Stall(300 * time.Millisecond),
	faultproxy.SlowDown, faultproxy.SlowDownFor1s, faultproxy.InternalError, faultproxy.Conflict,
	faultproxy.RequestTimeout, faultproxy.BadGateway, faultproxy.ExpiredToken,
}

// outages are those that an administrator has to end.
var outages = []*faultproxy.Fault{
	faultproxy.ExpiredToken, faultproxy.AccessDenied, faultproxy.ClockSkew, faultproxy.WrongRegion, faultproxy.Refused,
	faultproxy.SlowDown, faultproxy.Stall(10 * time.Second),
}

// A weather is what befalls the way to S3 during one life of the process.
type weather struct {
	name string
	// rate of the requests that meet a fault.
	rate float64
	// outage, until it ends, is what every request meets.
	outage *faultproxy.Fault
	// event is what happens at the server, and undo how it ends.
	event, undo func(*site) error
	from, to    time.Duration
}

func chooseWeather(r *rand.Rand) weather {
	at := func(most int) time.Duration { return time.Duration(r.IntN(most)) * time.Millisecond }
	w := weather{from: at(1000)}
	w.to = w.from + at(1500)
	switch n := r.IntN(10); {
	case n < 2:
		w.name = "fair"
	case n < 5:
		w.name, w.rate = "some faults", 0.2
	case n < 7:
		w.name, w.rate = "many faults", 0.7
	case n < 8:
		w.outage = outages[r.IntN(len(outages))]
		w.name = "outage: " + w.outage.Name
	case n < 9:
		w.name, w.event = "server killed and started", (*site).stopServer
		w.undo = (*site).startServer
	default:
		w.name, w.event = "bucket removed and made again", (*site).hideBucket
		w.undo = (*site).showBucket
	}
	return w
}

func (s *site) stopServer() error  { s.server.Stop(); return nil }
func (s *site) startServer() error { return s.server.Restart(s.ctx) }
func (s *site) hideBucket() error  { return os.Rename(s.bucketDir(), s.bucketDir()+"-away") }
func (s *site) showBucket() error  { return os.Rename(s.bucketDir()+"-away", s.bucketDir()) }

// begin makes the weather, and returns what ends it. kill is the fault that the
// PUT of that number meets, if there is one.
func (w weather) begin(s *site, seed uint64, kill *faultproxy.Fault, puts int) (end func()) {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 1))
	start, seen := time.Now(), 0
	s.proxy.Choose(func(req *http.Request) *faultproxy.Fault {
		mu.Lock()
		defer mu.Unlock()
		if isPut(req) && kill != nil {
			if seen++; seen == puts {
				return kill
			}
		}
		now := time.Since(start)
		switch {
		case w.outage != nil && now >= w.from && now < w.to:
			return w.outage
		case w.rate > 0 && r.Float64() < w.rate:
			return faults[r.IntN(len(faults))]
		}
		return nil
	})
	if w.event == nil {
		return func() { s.proxy.Choose(nil) }
	}
	over := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- w.happen(s, over) }()
	return func() {
		s.Helper()
		close(over)
		s.proxy.Choose(nil)
		s.must(<-done)
	}
}

// happen does what happens at the server, and undoes it, at the latest when over
// is closed.
func (w weather) happen(s *site, over <-chan struct{}) error {
	start := time.Now()
	if !until(over, start.Add(w.from)) {
		return nil
	}
	if err := w.event(s); err != nil {
		return err
	}
	until(over, start.Add(w.to))
	return w.undo(s)
}

// until waits for a time, and reports whether it came before over was closed.
func until(over <-chan struct{}, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-over:
		return false
	}
}
