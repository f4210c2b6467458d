package test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"siem-s3/test/events"
	"siem-s3/test/fluentbit"
)

const (
	largeEvents = 1_000_000
	largeTime   = 10 * time.Minute
	// largeMemory is what Fluent Bit with the plugin may use, in bytes.
	largeMemory = 150_000_000
)

// A million events of 276 MB go through a real Fluent Bit. It takes a minute, and
// runs only if $SIEM_S3_LARGE is set; with -v it tells what it took.
func TestMillionEventsThroughFluentBit(t *testing.T) {
	if os.Getenv("SIEM_S3_LARGE") == "" {
		t.Skip("SIEM_S3_LARGE is not set")
	}
	fluentbit.Need(t)
	s := newSite(t)
	s.wait(largeTime)
	j := s.job(false)
	j.output["upload_timeout"] = "5s"
	j.output["total_file_size"] = "50M"
	size := writeLarge(s, j.file)

	start := time.Now()
	p := j.start()
	s.awaitTaken(j.port, largeEvents)
	took := time.Since(start)
	s.awaitLines(largeEvents) // uploads take memory too
	peak := peakMemory(t, p.Pid())
	s.must(p.Stop(s.ctx))
	s.wantEvents(1, largeEvents)

	stored, objects := 0, s.objects()
	for _, o := range objects {
		stored += o.Size
	}
	u := p.Usage()
	t.Logf("%d events of %.1f MB taken in %s: %.1f s of CPU time (%.1f user, %.1f system), peak memory %.1f MB, %d objects of %.1f MB",
		largeEvents, float64(size)/1e6, took.Round(100*time.Millisecond), (u.User + u.System).Seconds(),
		u.User.Seconds(), u.System.Seconds(), float64(peak)/1e6, len(objects), float64(stored)/1e6)
	if peak > largeMemory {
		t.Errorf("peak memory of %d bytes, want at most %d", peak, largeMemory)
	}
}

// writeLarge writes the records to a file and returns its size.
func writeLarge(s *site, path string) (size int) {
	s.Helper()
	f, err := os.Create(path)
	s.must(err)
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for n := range largeEvents {
		line = events.Set(1).AppendRecord(line[:0], n)
		size += len(line)
		_, err := w.Write(line)
		s.must(err)
	}
	s.must(w.Flush())
	s.must(f.Close())
	return size
}

// peakMemory is the most memory that a process has had, in bytes (VmHWM of
// proc_pid_status(5)). What getrusage(2) says includes its parent's.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kb int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb * 1024
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
