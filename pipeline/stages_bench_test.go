package pipeline

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"siem-s3/formatter"
	"siem-s3/test/chunk"
	"siem-s3/test/events"
)

// stageEvents is as many as the chunks of a loaded Fluent Bit have, which are of
// about 2 MB.
const stageEvents = 7000

// eventsChunk returns a chunk of the events that the macro benchmark takes too.
func eventsChunk(b *testing.B, from, to int) []byte {
	b.Helper()
	c, err := chunk.FromNDJSON(chunk.V2, bytes.NewReader(events.Set(1).Records(from, to)), sampleTime, time.Millisecond)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// cpuTime is the CPU time of this process. On a machine that others use too it
// tells more than a clock.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// memoryDir is a directory of a file system in memory, where fdatasync does
// nothing, if the machine has one.
func memoryDir(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "siem-s3-")
	if err != nil {
		return b.TempDir()
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// lines are the formatted events of a chunk, by stream.
func lines(b *testing.B, p *Pipeline, c []byte) (raw [][]byte) {
	b.Helper()
	w := newWriter(p, p.o.Codec.NewCompressor())
	if err := w.read("app", c); err != nil {
		b.Fatal(err)
	}
	for _, to := range w.parts {
		raw = append(raw, bytes.Clone(to.raw))
	}
	return raw
}

// BenchmarkStages takes what Write does apart: each row is some of its stages on
// the same chunk, without a disk. In turns with it the lines in JSON are
// compressed, and the CPU time of the row is given as a multiple of that too:
// x-gzip (level 5) and x-zstd (the fastest).
func BenchmarkStages(b *testing.B) {
	c := eventsChunk(b, 0, stageEvents)
	json := open(b, options(b, &memory{}))
	references := map[string][][]byte{"gzip": lines(b, json, c), "zstd": lines(b, json, c)}
	for _, format := range []Format{formatter.JSON{}, benchSyslog(b)} {
		for _, name := range []string{"none", "gzip", "zstd"} {
			p := open(b, options(b, &memory{}, func(o *Options) {
				o.Codec, o.Format, o.StoreDir, o.StoreDirLimit = codec(b, name), format, memoryDir(b), 1<<40
			}))
			raw := lines(b, p, c)
			w := newWriter(p, p.o.Codec.NewCompressor())
			if name == "none" {
				benchStage(b, "read/"+format.Ext(), c, references, func() { w.read("app", c); w.reset() })
			} else {
				benchStage(b, "compress/"+format.Ext()+"/"+name, c, references, func() { compressAll(b, w.comp, raw) })
			}
			benchStage(b, "write/"+format.Ext()+"/"+name, c, references, func() { write(b, p, "app", c) }, func() { discard(b, p) })
		}
	}
}

func benchSyslog(b *testing.B) Format {
	b.Helper()
	s, err := formatter.NewSyslog(formatter.SyslogOptions{Hostname: "gw-1", AppName: "siem_s3", Facility: 13, EnterpriseID: "32473"})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

var compressed []byte

func compressAll(b *testing.B, comp formatter.Compressor, raw [][]byte) {
	b.Helper()
	for _, r := range raw {
		var err error
		if compressed, err = comp.Append(compressed[:0], r); err != nil {
			b.Fatal(err)
		}
	}
}

// benchStage runs stage, and what comes after it outside of the measure. What it
// reports of CPU time are medians: others' use of the machine hits few rounds.
func benchStage(b *testing.B, name string, c []byte, references map[string][][]byte, stage func(), after ...func()) {
	b.Run(name, func(b *testing.B) {
		comps := map[string]formatter.Compressor{}
		cpu := map[string][]time.Duration{}
		for ref := range references {
			comps[ref] = codec(b, ref).NewCompressor()
		}
		measured := func(what string, f func()) {
			start := cpuTime(b)
			f()
			cpu[what] = append(cpu[what], cpuTime(b)-start)
		}
		b.SetBytes(int64(len(c)))
		b.ReportAllocs()
		for b.Loop() {
			measured("stage", stage)
			b.StopTimer()
			for _, f := range after {
				f()
			}
			for ref, raw := range references {
				measured(ref, func() { compressAll(b, comps[ref], raw) })
			}
			b.StartTimer()
		}
		one := middle(cpu["stage"])
		b.ReportMetric(one/stageEvents, "cpu-ns/event")
		for ref := range references {
			b.ReportMetric(one/middle(cpu[ref]), "x-"+ref)
		}
	})
}

// middle is the median, in nanoseconds.
func middle(all []time.Duration) float64 {
	slices.Sort(all)
	return float64(all[len(all)/2])
}

// BenchmarkWorkers has several goroutines write chunks at once.
func BenchmarkWorkers(b *testing.B) {
	c := eventsChunk(b, 0, stageEvents)
	for _, workers := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			p := open(b, options(b, &memory{}, func(o *Options) { o.StoreDir, o.StoreDirLimit = memoryDir(b), 1<<40 }))
			b.SetBytes(int64(len(c)))
			start := cpuTime(b)
			spread(b, workers, b.N, func(int) { write(b, p, "app", c) })
			b.ReportMetric(float64((cpuTime(b)-start).Nanoseconds())/float64(b.N*stageEvents), "cpu-ns/event")
		})
	}
}
