package crash

import (
	"math/rand/v2"
	"net/http"
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
	faultproxy.NoSuchBucket, faultproxy.SlowDown, faultproxy.Stall(10 * time.Second),
}

// A weather is what befalls the way to S3 during one life of the process.
type weather struct {
	name string
	// rate of the requests that meet a fault.
	rate float64
	// outage, until it ends, is what every request meets.
	outage *faultproxy.Fault
	// restart says that the server is killed, and started again later.
	restart  bool
	from, to time.Duration // of the outage, or of the server's absence
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
	case n < 9:
		w.outage = outages[r.IntN(len(outages))]
		w.name = "outage: " + w.outage.Name
	default:
		w.name, w.restart = "server killed and started", true
	}
	return w
}

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
	if !w.restart {
		return func() { s.proxy.Choose(nil) }
	}
	over := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- w.absent(s, over) }()
	return func() {
		s.Helper()
		close(over)
		s.proxy.Choose(nil)
		s.must(<-done)
	}
}

// absent keeps the server down for its time, at the latest until over is closed.
func (w weather) absent(s *site, over <-chan struct{}) error {
	start := time.Now()
	if !until(over, start.Add(w.from)) {
		return nil
	}
	s.server.Stop()
	until(over, start.Add(w.to))
	return s.server.Restart(s.ctx)
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
