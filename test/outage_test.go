package test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siem-s3/test/events"
	"siem-s3/test/host"
	"siem-s3/test/link"
	"siem-s3/test/s3server"
)

// segments are the files in store_dir with events that are not in the bucket yet.
func segments(t *testing.T, o host.Output) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(o.Settings["store_dir"], "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// wantLines checks how many lines of the log have a text.
func wantLines(t *testing.T, h *host.Host, n int, text string) {
	t.Helper()
	if got := strings.Count(h.Log.String(), text); got != n {
		t.Errorf("%d lines with %q, want %d", got, text, n)
	}
}

// What the log says of an outage: of its start, of further failures where it is
// verbose, and of its end.
const (
	cannotUpload = "[error] [output:siem_s3:siem_s3.0] can't upload"
	stillCannot  = "[debug] [output:siem_s3:siem_s3.0] can't upload"
	uploadsAgain = "[ info] [output:siem_s3:siem_s3.0] uploading to "
)

func TestWrongCredentialsLoseNothing(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string][]string{
		"unknown key":  {"aws_access_key_id", "AKIDNOBODYKNOWS"},
		"wrong secret": {"aws_secret_access_key", "not-the-secret-of-this-key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			right := s.output("a", "verbosity", "debug", "shutdown_timeout", "1s")
			h := s.start(with(right, wrong...))
			s.waitLog(h, "checked the bucket, it may not be usable")
			s.flush(h, "a", "x", eventChunk(1, 0, 100))
			s.waitLog(h, cannotUpload)
			s.flush(h, "a", "x", eventChunk(1, 100, 200))
			s.waitLog(h, stillCannot)
			s.exit(h)
			wantLines(t, h, 1, cannotUpload)
			wantLines(t, h, 0, right.Settings["aws_secret_access_key"])
			wantLines(t, h, 0, wrong[1])
			if len(s.objects()) > 0 || len(segments(t, right)) == 0 {
				t.Errorf("objects %v, segments %v", s.objects(), segments(t, right))
			}

			h = s.start(right)
			s.awaitLines(200)
			s.exit(h)
			s.wantEvents(1, 200)
			wantLines(t, h, 0, cannotUpload)
		})
	}
}

func TestMissingBucketIsUsedOnceItIsThere(t *testing.T) {
	t.Parallel()
	server, err := sharedServer()
	if err != nil {
		t.Fatal(err)
	}
	s := siteOn(t, server)
	h := s.start(s.output("a"))
	s.flush(h, "a", "x", eventChunk(1, 0, 100))
	if line := s.waitLog(h, cannotUpload); !strings.Contains(line, "create bucket "+s.bucket) {
		t.Errorf("no remedy in %s", line)
	}
	s.createBucket()
	s.awaitLines(100)
	s.waitLog(h, uploadsAgain)
	s.exit(h)
	s.wantEvents(1, 100)
	wantLines(t, h, 1, cannotUpload)
	wantLines(t, h, 1, uploadsAgain)
}

func TestServerThatIsDownAtTheStart(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t)
	s := siteOn(t, server)
	s.createBucket()
	server.Stop()
	h := s.start(s.output("a"))
	s.flush(h, "a", "x", eventChunk(1, 0, 100))
	s.waitLog(h, cannotUpload)
	s.flush(h, "a", "x", eventChunk(1, 100, 200))
	s.must(server.Restart(s.ctx))
	s.awaitLines(200)
	s.waitLog(h, uploadsAgain)
	s.exit(h)
	s.wantEvents(1, 200)
	wantLines(t, h, 1, cannotUpload)
}

// The server dies when it has received a part of an object.
func TestServerThatDiesInMidUpload(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t)
	s := siteOn(t, server)
	s.createBucket()
	l := link.Start(t, strings.TrimPrefix(server.Endpoint, "http://"))
	h := s.start(s.output("a", "endpoint", "http://"+l.Addr, "compression", "none", "upload_timeout", "1h"))
	s.waitLog(h, "checked the bucket, it can be used")

	const n = 10_000
	down := make(chan struct{})
	l.CutAfter(n*events.Mean/2, func() { server.Stop(); close(down) })
	s.flush(h, "a", "x", eventChunk(1, 0, n))
	exited := make(chan error, 1)
	go func() { exited <- h.Exit(s.ctx) }()
	select {
	case <-down:
	case <-s.ctx.Done():
		t.Fatal("the upload has not begun")
	}
	s.waitLog(h, cannotUpload)
	s.must(server.Restart(s.ctx))
	s.must(<-exited)
	s.wantEvents(1, n)
}

// The server stores the object, and its answer is lost: the object is not stored
// again, neither by the same process nor by the next, which knows of no upload.
func TestLostAnswerMakesNoSecondObject(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"same process", "killed and started again"} {
		t.Run(next, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			l := link.Start(t, strings.TrimPrefix(s.server.Endpoint, "http://"))
			a := s.output("a", "endpoint", "http://"+l.Addr, "s3_key_format", "x/$UUID")
			h := s.start(a)
			s.waitLog(h, "checked the bucket, it can be used")
			lost := l.LoseAnswers()
			s.flush(h, "a", "x", recordChunk(t, `{"log_type": "logon", "details": "once"}`))
			s.awaitLines(1)
			select {
			case <-lost:
			case <-s.ctx.Done():
				t.Fatal("no answer was lost")
			}
			if next != "same process" {
				h.Kill()
			}
			l.PassAnswers()
			if next != "same process" {
				h = s.start(a)
			}
			s.exit(h)
			s.waitLog(h, "stopped, everything is uploaded")
			if all := s.objects(); len(all) != 1 || all[0].Number != 1 {
				t.Errorf("objects: %s", texts(all))
			}
		})
	}
}

func TestExitLeavesWhatCannotBeUploaded(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t)
	s := siteOn(t, server)
	s.createBucket()
	a := s.output("a", "upload_timeout", "1h", "shutdown_timeout", "1s")
	h := s.start(a)
	s.waitLog(h, "checked the bucket, it can be used")
	s.flush(h, "a", "x", eventChunk(1, 0, 100))
	server.Stop()
	s.exit(h)
	s.waitLog(h, "waits in store_dir for the next start")
	if left := segments(t, a); len(left) != 1 {
		t.Errorf("left in store_dir: %v", left)
	}
	s.must(server.Restart(s.ctx))
	h = s.start(a)
	s.waitLog(h, " segments=1 chunks=1")
	s.awaitLines(100)
	s.exit(h)
	s.wantEvents(1, 100)
	if left := segments(t, a); len(left) != 0 {
		t.Errorf("left in store_dir: %v", left)
	}
}

var errStillFull = errors.New("store_dir is full")

// A full store_dir refuses chunks until there is room again, and drops none.
func TestFullStoreDirAsksForARetry(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t)
	s := siteOn(t, server)
	s.createBucket()
	server.Stop()
	h := s.start(s.output("a", "compression", "none", "total_file_size", "1M", "store_dir_limit_size", "2M"))
	const each = 1000
	n := 0
	for ; ; n += each {
		status, err := h.Flush(s.ctx, "a", "x", eventChunk(1, n, n+each))
		s.must(err)
		if status == host.Retry {
			break
		}
	}
	if n < 5*each || n > 8*each {
		t.Errorf("refused after %d events of some 276 bytes", n)
	}
	s.must(server.Restart(s.ctx))
	s.until(func() error {
		status, err := h.Flush(s.ctx, "a", "x", eventChunk(1, n, n+each))
		s.must(err)
		if status != host.OK {
			return errStillFull
		}
		return nil
	})
	s.exit(h)
	s.wantEvents(1, n+each)
	wantLines(t, h, 1, "can't store a chunk")
}

// What is not MessagePack is kept as it came; the records before it are stored.
func TestUnreadableChunkGoesToQuarantine(t *testing.T) {
	t.Parallel()
	garbage := []byte("\xc1 is no MessagePack")
	whole := eventChunk(2, 0, 1)
	for name, tt := range map[string]struct {
		good, bad []byte
		records   int
	}{
		"from the start": {nil, garbage, 0},
		"in the middle":  {eventChunk(1, 0, 30), garbage, 30},
		"cut short":      {eventChunk(1, 0, 30), whole[:len(whole)-1], 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			a := s.output("a")
			h := s.start(a)
			s.flush(h, "a", "x", append(bytes.Clone(tt.good), tt.bad...))
			s.waitLog(h, "quarantine")
			s.exit(h)
			s.wantEvents(1, tt.records)
			kept, err := filepath.Glob(filepath.Join(a.Settings["store_dir"], "quarantine", "*.chunk"))
			s.must(err)
			if len(kept) != 1 {
				t.Fatalf("in quarantine: %v", kept)
			}
			got, err := os.ReadFile(kept[0])
			s.must(err)
			if !bytes.Equal(got, tt.bad) {
				t.Errorf("kept %q, want %q", got, tt.bad)
			}
		})
	}
}
