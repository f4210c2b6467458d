package crash

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"siem-s3/test/bucket"
	"siem-s3/test/chunk"
	"siem-s3/test/events"
	"siem-s3/test/faultproxy"
	"siem-s3/test/host"
)

// share returns all where $CRASH_ROUNDS asks for a long run, and otherwise a part.
func share(all, part int) int {
	if os.Getenv("CRASH_ROUNDS") != "" {
		return all
	}
	return part
}

// Many chunks of one event, from several workers, across windows.
func TestTinyChunks(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10*time.Minute)
	o := s.output()
	o.Workers = 4
	h := s.start(o)
	n := share(100_000, 5_000)
	start := time.Now()
	var open []*host.Flight
	wait := func() {
		r, err := open[0].Wait(s.ctx)
		s.must(err)
		if r.Status != host.OK {
			t.Fatalf("a flush was answered %s", r.Status)
		}
		open = open[1:]
	}
	for i := range n {
		f, err := h.Send("a", "siem", eventChunk(i, i+1))
		s.must(err)
		if open = append(open, f); len(open) == 64 {
			wait()
		}
	}
	for len(open) > 0 {
		wait()
	}
	t.Logf("%d chunks in %s", n, time.Since(start).Round(time.Millisecond))
	s.exit(h)
	s.want(n)
	s.wantLines(h, 0, "[error]")
}

// A record of 64 MB is stored as it came.
func TestHugeRecord(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2*time.Minute)
	h := s.start(s.output("compression", "zstd", "store_dir_limit_size", "1G"))
	details := strings.Repeat("0123456789abcdef", 4<<20)
	s.flush(h, chunk.Build(chunk.V2, chunk.Record{
		Time: time.Unix(1_800_000_000, 0), Body: map[string]any{"log_type": "logon", "details": details},
	}))
	s.exit(h)
	all := s.objects()
	if len(all) != 1 || all[0].Number != 1 || !bytes.Contains(all[0].Text, []byte(`"details":"`+details+`"`)) {
		t.Errorf("%d objects", len(all))
	}
}

// More partitions in one window than can be open at once.
func TestManyPartitions(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10*time.Minute)
	h := s.start(s.output("s3_key_format", "p/$device_group/$UUID", "compression", "none", "shutdown_timeout", "5m"))
	n := share(10_000, 500)
	const each = 250
	for from := 0; from < n; from += each {
		var records []chunk.Record
		for i := from; i < from+each; i++ {
			records = append(records, chunk.Record{Time: time.Unix(1_800_000_000, 0), Body: map[string]any{
				"log_type": "added", "device_group": fmt.Sprintf("group/%05d", i), "details": fmt.Sprintf("ref=%09d", i),
			}})
		}
		s.flush(h, chunk.Build(chunk.V2, records...))
	}
	s.exit(h)
	seen := map[string]int{}
	for _, o := range s.objects() {
		seen[strings.Split(o.Key, "/")[1]] += o.Number
	}
	for i := range n {
		if k := seen[fmt.Sprintf("group%%2F%05d", i)]; k != 1 {
			t.Fatalf("group %d: %d events, want 1", i, k)
		}
	}
	if len(seen) != n {
		t.Errorf("%d partitions, want %d", len(seen), n)
	}
}

func (s *site) objects() []bucket.Object {
	s.Helper()
	all, err := bucket.New(s.server, s.bucket).Objects(s.ctx)
	s.must(err)
	return all
}

// A start with much in store_dir waits for no upload.
func TestStartWithALargeStoreDir(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10*time.Minute)
	s.proxy.Choose(func(*http.Request) *faultproxy.Fault { return faultproxy.SlowDown })
	o := s.output("compression", "none", "store_dir_limit_size", "3G", "shutdown_timeout", "5m")
	h := s.start(o)
	const each = 7000 // some 1.9 MB
	n := 0
	for ; n*events.Mean < share(2_000_000_000, 50_000_000); n += each {
		s.flush(h, eventChunk(n, n+each))
	}
	h.Kill()
	start := time.Now()
	h = s.start(o)
	took := time.Since(start)
	line := s.waitLog(h, "found what an earlier run left")
	t.Logf("%s; the start took %s", line, took.Round(time.Millisecond))
	if want := fmt.Sprintf(" chunks=%d ", n/each); !strings.Contains(line, want) {
		t.Errorf("no%sin %s", want, line)
	}
	if took > 30*time.Second {
		t.Errorf("the start took %s", took)
	}
	h.Kill()
}
