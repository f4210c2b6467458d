package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"siem-s3/test/bucket"
	"siem-s3/test/host"
)

// Load with reloads, faults and recoveries, for $LEAK_TIME: what a process uses is
// the same afterwards as before.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	total := 15 * time.Second
	if text := os.Getenv("LEAK_TIME"); text != "" {
		var err error
		if total, err = time.ParseDuration(text); err != nil {
			t.Fatalf("$LEAK_TIME: %v", err)
		}
	}
	seed := setting(t, "CRASH_SEED", uint64(rand.Uint32()))
	t.Logf("CRASH_SEED=%d", seed)
	tr := newTrial(t, seed, newReport())
	var cancel context.CancelFunc
	tr.ctx, cancel = context.WithTimeout(t.Context(), total+3*time.Minute)
	defer cancel()

	l := &leakHunt{trial: tr, host: tr.start(tr.alertingOutput())}
	l.load(min(total/5, 30*time.Second)) // what is made once and kept
	before := l.quiet(nil)
	l.load(total)
	after := l.quiet(&before)
	t.Logf("%d reloads, %d chunks; before: %s; after: %s; faults met: %s",
		l.reloads, tr.producer.sent, &before, &after, list(tr.proxy.Counts()))
	after.compare(t, &before)
	tr.exit(l.host)
	l.checkEvents()
}

type leakHunt struct {
	*trial
	host    *host.Host
	reloads int
}

// load makes the process work for that long.
func (l *leakHunt) load(d time.Duration) {
	l.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		w := chooseWeather(l.rand)
		l.receiver.behave(w.rate/4, 0, nil)
		fair := w.begin(l.site, l.rand.Uint64(), nil, 0)
		for range 10 {
			l.producer.run(l.host, 4, func() {})
			until(l.host.Done(), time.Now().Add(100*time.Millisecond))
		}
		if l.rand.IntN(3) == 0 {
			l.must(l.host.Reload(l.ctx, with(l.settings(), "shutdown_timeout", "1s", "notify_group_by", "")))
			l.reloads++
		}
		fair()
	}
}

// A usage is what a process holds of the machine when it has nothing to do.
type usage struct {
	goroutines, threads, files int
	heap, memory, disk         int64 // bytes: of Go's heap, of the whole process, in store_dir
	done                       int   // files that remember removed segments
}

// quiet waits until the process has nothing left to do and holds no more than
// limit does, or the time for that is over.
func (l *leakHunt) quiet(limit *usage) usage {
	l.Helper()
	l.receiver.behave(0, 0, nil)
	l.must(l.host.Reload(l.ctx, l.alertingOutput()))
	patience := time.Now().Add(time.Minute)
	var last usage
	for {
		// Connections without use are closed after 10 seconds.
		until(l.host.Done(), time.Now().Add(11*time.Second))
		u := l.usage()
		settled := u.disk <= 4096 && u.goroutines == last.goroutines && u.files == last.files
		if settled && (limit == nil || u.goroutines <= limit.goroutines && u.files <= limit.files) || time.Now().After(patience) {
			return u
		}
		last = u
	}
}

func (l *leakHunt) usage() (u usage) {
	l.Helper()
	mark := l.host.Log.Mark()
	l.must(l.host.Signal(syscall.SIGUSR1))
	line, err := l.host.Log.WaitAfter(l.ctx, mark, "goroutines=")
	l.must(err)
	_, err = fmt.Sscanf(line, "goroutines=%d heap=%d", &u.goroutines, &u.heap)
	l.must(err)
	proc := fmt.Sprintf("/proc/%d/", l.host.Pid())
	fds, err := os.ReadDir(proc + "fd")
	l.must(err)
	u.files = len(fds)
	status, err := os.ReadFile(proc + "status")
	l.must(err)
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "Threads: %d", &u.threads)
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &u.memory); n == 1 {
			u.memory *= 1024
		}
	}
	for _, path := range append(l.glob("*.seg"), l.glob("*.tmp")...) {
		if info, err := os.Stat(path); err == nil { // or it is gone by now
			u.disk += info.Size()
		}
	}
	u.done = len(l.glob("*.done"))
	return u
}

// String has the figures.
func (u *usage) String() string {
	return fmt.Sprintf("%d goroutines, %d threads, %d open files, %.1f MB of heap, %.1f MB of memory, %d bytes in store_dir and %d lists of digests",
		u.goroutines, u.threads, u.files, float64(u.heap)/1e6, float64(u.memory)/1e6, u.disk, u.done)
}

// compare checks that nothing has grown. Go keeps a few threads for blocking calls
// once it made them; a heap in pieces, and what is C's, need more memory.
func (u *usage) compare(t *testing.T, before *usage) {
	t.Helper()
	const moreThreads, moreHeap, moreMemory = 8, 2_000_000, 30_000_000
	if u.goroutines > before.goroutines || u.files > before.files || u.disk > 4096 ||
		u.threads > before.threads+moreThreads || u.heap > before.heap+moreHeap || u.memory > before.memory+moreMemory {
		t.Errorf("before: %s\nafter: %s", before, u)
	}
}

func (l *leakHunt) checkEvents() {
	l.Helper()
	objects, err := bucket.New(l.server, l.bucket).Objects(l.ctx)
	l.must(err)
	result := count(objects, l.producer.set, l.producer.next)
	l.Log(&result)
	if err := result.err(); err != nil {
		l.Error(err)
	}
}
