package pipeline

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// spread has workers call f with 0 to n-1.
func spread(b *testing.B, workers, n int, f func(i int)) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				f(int(i - 1))
			}
		})
	}
	wg.Wait()
}

// sink is a Bucket that reads objects and keeps nothing.
type sink struct{}

func (sink) Check(context.Context) error { return nil }

func (sink) Put(_ context.Context, _ string, body io.ReadSeeker, _ int64, _ string, _ map[string]string) error {
	_, err := io.Copy(io.Discard, body)
	return err
}

// BenchmarkWindow is one window from its first chunk to the removal of its
// segments, all objects uploaded, by the events in it.
func BenchmarkWindow(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			benchWindow(b, eventsChunk(b, 0, min(n, 10_000)), (n+9999)/10_000, n, testKeys)
		})
	}
}

// BenchmarkStreams is a window of 100,000 events that go to so many objects.
func BenchmarkStreams(b *testing.B) {
	c := eventsChunk(b, 0, 10_000)
	for _, row := range []struct{ name, keys string }{
		{"of the window", "all/$UUID"},
		{"by category", testKeys},
		{"by log type", "$CATEGORY/$log_type/$UUID"},
		{"by group and log type", "$CATEGORY/$device_group/$log_type/$UUID"},
	} {
		k := keys(b, row.keys)
		p := open(b, options(b, sink{}, func(o *Options) { o.Key = k }))
		b.Run(fmt.Sprintf("%s=%d", row.name, len(lines(b, p, c))), func(b *testing.B) {
			benchWindow(b, c, 10, 100_000, row.keys)
		})
	}
}

// benchWindow writes a chunk so often, without a disk, and uploads the events.
func benchWindow(b *testing.B, c []byte, times, events int, template string) {
	b.Helper()
	p := open(b, options(b, sink{}, func(o *Options) {
		o.Key, o.StoreDir, o.StoreDirLimit = keys(b, template), memoryDir(b), 1<<40
	}))
	var cpu []time.Duration
	for b.Loop() {
		start := cpuTime(b)
		for range times {
			write(b, p, "app", c)
		}
		if err := p.spool.Seal(); err != nil {
			b.Fatal(err)
		}
		for _, seg := range p.spool.Sealed() {
			p.upload.settle(b.Context(), seg)
		}
		cpu = append(cpu, cpuTime(b)-start)
	}
	b.ReportMetric(middle(cpu)/float64(events), "cpu-ns/event")
}

// BenchmarkSmallChunks has 4 workers write 1,000 chunks of 10 events a second to
// the disk of the temporary directory. It gives how long Write takes, and an
// fdatasync alone before that, and how many fdatasyncs a chunk needs.
func BenchmarkSmallChunks(b *testing.B) {
	const workers, apart = 4, time.Millisecond
	c := eventsChunk(b, 0, 10)
	p := open(b, options(b, sink{}))
	alone := syncTimes(b, 200)
	took := make([]time.Duration, b.N)
	before := p.Stats().Sync.Count
	b.ResetTimer()
	start := time.Now()
	spread(b, workers, b.N, func(i int) {
		time.Sleep(time.Until(start.Add(time.Duration(i) * apart)))
		begin := time.Now()
		write(b, p, "app", c)
		took[i] = time.Since(begin)
	})
	b.StopTimer()
	slices.Sort(took)
	one := alone[len(alone)/2]
	b.ReportMetric(one.Seconds()*1e3, "ms/fdatasync-p50")
	b.ReportMetric(alone[len(alone)*99/100].Seconds()*1e3, "ms/fdatasync-p99")
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "ms/write-p50")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "ms/write-p99")
	b.ReportMetric(float64(p.Stats().Sync.Count-before)/float64(b.N), "fdatasyncs/chunk")
}

// syncTimes returns how long fdatasync takes after an append of 2 KB, in order.
func syncTimes(b *testing.B, n int) (took []time.Duration) {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for range n {
		if _, err := f.Write(make([]byte, 2<<10)); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took
}
