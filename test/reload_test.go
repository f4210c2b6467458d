package test

import (
	"strings"
	"testing"

	"siem-s3/test/bucket"
	"siem-s3/test/events"
	"siem-s3/test/host"
	"siem-s3/test/s3server"
)

// A stream sends chunks of one set of events to an output, one after the other, as
// Fluent Bit does: what is not taken comes again.
type stream struct {
	s    *site
	h    *host.Host
	sent chan int      // events taken so far, after each chunk
	stop chan struct{} // closed to end it
	done chan struct{} // closed when it has ended
	next int
}

const streamChunk = 20 // events

func (s *site) stream(h *host.Host, output string, set events.Set) *stream {
	st := &stream{s: s, h: h, sent: make(chan int), stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(st.done)
		for {
			status, err := h.Flush(s.ctx, output, "siem", eventChunk(set, st.next, st.next+streamChunk))
			if err != nil {
				s.Error(err)
				return
			}
			if status == host.OK {
				st.next += streamChunk
			}
			select {
			case <-st.stop:
				return
			case st.sent <- st.next:
			default:
			}
		}
	}()
	return st
}

// more waits for that many more events and returns how many there are then.
func (st *stream) more(n int) int {
	st.s.Helper()
	until := 0
	for {
		select {
		case now := <-st.sent:
			if until == 0 {
				until = now + n
			}
			if now >= until {
				return now
			}
		case <-st.done:
			st.s.FailNow()
		case <-st.s.ctx.Done():
			st.s.Fatal("the stream is stuck")
		}
	}
}

// end ends the stream and returns how many events were taken.
func (st *stream) end() int {
	close(st.stop)
	<-st.done
	return st.next
}

func TestReloadInMidStreamLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.output("a", "s3_key_format", "0/$CATEGORY/$UUID")
	h := s.start(a)
	st := s.stream(h, "a", 1)
	st.more(200)
	before := []int{0}
	for _, settings := range [][]string{
		{"format", "syslog", "s3_key_format", "1/$CATEGORY/$UUID"},
		{"format", "syslog", "compression", "zstd", "s3_key_format", "2/$CATEGORY/$UUID"},
		{"compression", "none", "s3_key_format", "3/$CATEGORY/$UUID"},
	} {
		s.must(h.Reload(s.ctx, with(a, settings...)))
		before = append(before, st.more(200))
	}
	n := st.end()
	s.exit(h)
	s.wantEvents(1, n)
	for _, o := range s.objects() {
		wantEra(t, o, before)
	}
}

// wantEra checks that an object is of the format of its configuration, which its
// key begins with, and that it has no event that was sent under a later one.
// before says, for each configuration, how many events there were when it ran.
func wantEra(t *testing.T, o bucket.Object, before []int) {
	t.Helper()
	exts := []string{"json.gz", "log.gz", "log.zst", "json"}
	era := int(o.Key[0] - '0')
	if o.Ext != exts[era] {
		t.Errorf("%s, want %s", o.Key, exts[era])
	}
	for line := range strings.Lines(string(o.Text)) {
		n := events.Number([]byte(line))
		if era+1 < len(before) && n >= before[era+1] {
			t.Errorf("%s has event %d, which was sent under a later configuration", o.Key, n)
		}
	}
}

// What was stored before a reload or a restart, and could not be uploaded, goes out
// as it was meant to, whatever the settings are by then.
func TestRecoveredObjectsKeepTheirKeysAndFormat(t *testing.T) {
	t.Parallel()
	for _, again := range []string{"reload", "restart"} {
		t.Run(again, func(t *testing.T) {
			t.Parallel()
			server := s3server.Start(t)
			s := siteOn(t, server)
			s.createBucket()
			old := s.output("a", "s3_key_format", "old/$CATEGORY-$UUID", "upload_timeout", "1h", "shutdown_timeout", "1s")
			h := s.start(old)
			s.waitLog(h, "checked the bucket, it can be used")
			server.Stop()
			s.flush(h, "a", "x", eventChunk(1, 0, 100))
			changed := with(old, "s3_key_format", "new/$CATEGORY-$UUID", "format", "syslog", "compression", "zstd")
			if again == "reload" {
				s.must(h.Reload(s.ctx, changed))
			} else {
				s.exit(h)
				h = s.start(changed)
			}
			s.flush(h, "a", "x", eventChunk(1, 100, 200))
			s.must(server.Restart(s.ctx))
			s.exit(h)
			h = s.start(changed) // for what the exit had no time for
			s.awaitLines(200)
			s.exit(h)
			s.wantEvents(1, 200)
			s.wantExts(map[string]string{"old": "json.gz", "new": "log.zst"})
		})
	}
}

// wantExts checks the extensions of the objects by the first folder of their keys.
func (s *site) wantExts(want map[string]string) {
	s.Helper()
	seen := map[string]bool{}
	for _, o := range s.objects() {
		folder, _, _ := strings.Cut(o.Key, "/")
		if seen[folder] = true; o.Ext != want[folder] {
			s.Errorf("%s, want %s", o.Key, want[folder])
		}
	}
	if len(seen) != len(want) {
		s.Errorf("objects in the folders %v, want %v", seen, want)
	}
}
