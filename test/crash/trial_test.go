package crash

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"siem-s3/test/bucket"
	"siem-s3/test/events"
	"siem-s3/test/faultproxy"
	"siem-s3/test/host"
)

// A trial is a workload on one store_dir during which the process is killed a
// number of times.
type trial struct {
	*site
	seed     uint64
	rand     *rand.Rand
	producer *producer
	receiver *receiver
	report   *report
}

// killsOfATrial is how often the process is killed before the bucket is checked.
const killsOfATrial = 10

func newTrial(t *testing.T, seed uint64, report *report) *trial {
	t.Helper()
	tr := &trial{site: newSite(t, 5*time.Minute), seed: seed, report: report}
	tr.rand = rand.New(rand.NewPCG(seed, 0))
	tr.receiver = newReceiver(t, seed)
	tr.producer = &producer{site: tr.site, rand: rand.New(rand.NewPCG(seed, 2)), set: events.Set(seed)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again: CRASH_SEED=%d CRASH_ROUNDS=%d go test -run Kills -v ./test/crash", seed, killsOfATrial)
		}
	})
	return tr
}

func (t *trial) run() {
	for i := range killsOfATrial {
		t.life(i)
	}
	t.finish()
}

// settings draws those of one life: what is in store_dir must go out as it was
// meant to, whatever they are by then.
func (t *trial) settings() host.Output {
	pick := func(values ...string) string { return values[t.rand.IntN(len(values))] }
	size := pick("1M", "50M")
	limit := "2G"
	if size == "1M" {
		limit = pick("2M", "2M", "2G")
	}
	o := t.alertingOutput(
		"notify_group_by", pick("", "device_group"),
		"format", pick("json", "syslog"), "compression", pick("gzip", "gzip", "zstd", "none"),
		"s3_key_format", pick("siem/category=$CATEGORY/%Y%m%d-$UUID", "siem/category=$CATEGORY/$device_group/$TAG[1]/$UUID"),
		"checksum", pick("crc32", "crc64nvme", "sha256"),
		"total_file_size", size, "store_dir_limit_size", limit, "shutdown_timeout", pick("1s", "15s"),
	)
	o.Workers = []int{0, 1, 3}[t.rand.IntN(3)]
	return o
}

// alertingOutput is an output whose alerts go to the receiver.
func (t *trial) alertingOutput(more ...string) host.Output {
	o := t.output("notify", "on", "notify_events", strings.Join(alerting, ","), "webhook_url", t.receiver.url,
		"notify_group_wait", "1s", "notify_interval", "1s")
	return with(o, more...)
}

// life runs the process until it is killed.
func (t *trial) life(number int) {
	t.Helper()
	e, w, o := chooseEnding(t.rand, number == 0), chooseWeather(t.rand), t.settings()
	t.Logf("%d: %s; %s; %s %s", number, e, w.name, o.Settings["format"], o.Settings["compression"])
	var process victim
	var env []string
	var kill *faultproxy.Fault
	if e.put != nil {
		kill = e.put(e.name, process.kill)
	}
	if e.alerts > 0 {
		t.receiver.behave(w.rate/2, e.alerts, func(answered bool) {
			if answered == e.answer {
				process.kill()
			}
		})
	} else {
		t.receiver.behave(w.rate/2, 0, nil)
	}
	if e.disk != "" {
		env = []string{"SIEM_S3_CRASH=" + e.disk}
	}
	fair := w.begin(t.site, t.rand.Uint64(), kill, e.puts)
	defer fair()
	h, err := t.tryStart(env, o)
	if err != nil {
		t.diedAtStart(e, err)
		return
	}
	process.set(h)
	reached := t.live(h, e)
	t.report.killed(e, reached)
	t.producer.crashed()
	if err := checkLog(h.Log.String()); err != nil {
		t.Errorf("life %d: %v\n%s", number, err, h.Log)
	}
}

// live lets the producer send until the process is dead, and reports whether it
// came to its chosen end.
func (t *trial) live(h *host.Host, e ending) (reached bool) {
	t.Helper()
	var late atomic.Bool
	guard := time.AfterFunc(longest, func() {
		late.Store(true)
		h.Kill()
	})
	defer guard.Stop()
	answers := 0
	if e.after > 0 && e.during == nil {
		timer := time.AfterFunc(e.after, h.Kill)
		defer timer.Stop()
	}
	fresh := 1 + t.rand.IntN(60)
	cut := t.rand.Float64()
	if e.during != nil {
		done := make(chan struct{})
		go func() {
			defer close(done)
			e.during(t, h, cut)
			until(h.Done(), time.Now().Add(e.after))
			h.Kill()
		}()
		defer func() { <-done }()
	}
	t.producer.run(h, fresh, func() {
		if answers++; answers == e.answers {
			h.Kill()
		}
	})
	if e.answers > 0 {
		h.Kill()
	}
	<-h.Done()
	return !late.Load() && (e.answers == 0 || answers >= e.answers)
}

// A victim is a process that may be killed before it is known to have started.
type victim struct {
	mu      sync.Mutex
	process interface{ Kill() }
	dead    bool
}

func (v *victim) set(process interface{ Kill() }) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.process = process; v.dead {
		process.Kill()
	}
}

func (v *victim) kill() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.dead = true; v.process != nil {
		v.process.Kill()
	}
}

// exitAt ends the outputs, after a while.
func (t *trial) exitAt(h *host.Host, share float64) {
	until(h.Done(), time.Now().Add(time.Duration(share*float64(2*time.Second))))
	go func() { _ = h.Exit(t.ctx) }() // it is killed meanwhile
}

// reloadAt replaces the outputs, after a while.
func (t *trial) reloadAt(h *host.Host, share float64) {
	until(h.Done(), time.Now().Add(time.Duration(share*float64(2*time.Second))))
	o := t.alertingOutput("format", "json", "s3_key_format", "siem/category=$CATEGORY/reloaded-$UUID", "shutdown_timeout", "1s")
	go func() { _ = h.Reload(t.ctx, o) }() // it is killed meanwhile
}

// diedAtStart is for a process that did not come to run: killed as it should be,
// or else the trial has failed.
func (t *trial) diedAtStart(e ending, err error) {
	t.Helper()
	var refused *host.InitError
	if errors.As(err, &refused) || (e.disk == "" && e.put == nil) {
		t.Fatalf("%v", err)
	}
	t.report.killed(e, true)
	t.producer.crashed()
}

// finish lets the process end what it has to do, and checks the bucket and the
// alerts.
func (t *trial) finish() {
	t.Helper()
	t.receiver.behave(0, 0, nil)
	t.settle()
	if left := t.glob("quarantine/*"); len(left) > 0 {
		t.Errorf("in quarantine: %v", left)
	}
	objects, err := bucket.New(t.server, t.bucket).Objects(t.ctx)
	t.must(err)
	result := count(objects, t.producer.set, t.producer.next)
	t.report.checked(t, &result)
	if err := result.err(); err != nil {
		t.Error(err)
	}
	for _, problem := range t.receiver.check(t.producer.set, t.producer.next) {
		t.Error(problem)
	}
	t.Log(&result)
}

// settle runs the process, with everything in order, until nothing is left to do.
// The first exit may leave alerts that notify_interval holds back; what tells that
// they were delivered then may take one more start to go.
func (t *trial) settle() {
	t.Helper()
	fresh := 5
	for again := 0; ; again++ {
		h := t.start(t.alertingOutput("shutdown_timeout", "60s"))
		t.producer.run(h, fresh, func() {})
		t.exit(h)
		if err := checkLog(h.Log.String()); err != nil {
			t.Errorf("at the end: %v\n%s", err, h.Log)
		}
		left := t.glob("*.seg")
		switch {
		case len(left) == 0:
			return
		case again == 3:
			t.Errorf("left in store_dir: %v\n%s", left, h.Log)
			return
		}
		fresh = 0
	}
}
