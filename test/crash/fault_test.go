package crash

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"siem-s3/test/bucket"
	"siem-s3/test/chunk"
	"siem-s3/test/events"
	"siem-s3/test/faultproxy"
	"siem-s3/test/host"
)

// eventChunk is the chunk of the events from number from up to, not including, to
// of set 1.
func eventChunk(from, to int) []byte {
	records := strings.NewReader(string(events.Set(1).Records(from, to)))
	c, err := chunk.FromNDJSON(chunk.V2, records, time.Unix(1_800_000_000, 0), time.Millisecond)
	if err != nil {
		panic(err) // the events are wrong, not what is tested
	}
	return c
}

// flush sends a chunk, which must be stored.
func (s *site) flush(h *host.Host, data []byte) {
	s.Helper()
	status, err := h.Flush(s.ctx, "a", "siem", data)
	s.must(err)
	if status != host.OK {
		s.Fatalf("a flush was answered %s\n%s", status, h.Log)
	}
}

// tally counts the first n events of set 1 in the bucket.
func (s *site) tally(n int) tally {
	s.Helper()
	objects, err := bucket.New(s.server, s.bucket).Objects(s.ctx)
	s.must(err)
	return count(objects, 1, n)
}

// await waits until the first n events are in the bucket.
func (s *site) await(n int) {
	s.Helper()
	s.until(func() error {
		objects, err := bucket.New(s.server, s.bucket).Objects(s.ctx)
		if err != nil {
			return err
		}
		if t := count(objects, 1, n); t.lost > 0 {
			return fmt.Errorf("%s", &t)
		}
		return nil
	})
}

// want checks that the bucket holds the first n events of set 1, each once.
func (s *site) want(n int) {
	s.Helper()
	t := s.tally(n)
	if err := t.err(); err != nil {
		s.Error(err)
	}
}

func (s *site) wantLines(h *host.Host, n int, text string) {
	s.Helper()
	if got := strings.Count(h.Log.String(), text); got != n {
		s.Errorf("%d lines with %q, want %d\n%s", got, text, n, h.Log)
	}
}

// What the log says of an outage, of an attempt that fails later, and of the end.
const (
	cannotUpload = "[error] [output:siem_s3:siem_s3.0] can't upload"
	stillCannot  = "[debug] [output:siem_s3:siem_s3.0] can't upload"
	uploadsAgain = "[ info] [output:siem_s3:siem_s3.0] uploading to "
)

// A fault begins, lasts for some attempts, and ends. One line tells of its start,
// with what an administrator can do, and one of its end; nobody has to intervene,
// and every event is stored once.
func TestUploadsRecoverFromEachFault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault *faultproxy.Fault
		says  string // in the error line
	}{
		{faultproxy.LostAnswer, "EOF"},
		{faultproxy.ResetAnswer, "connection reset by peer"},
		{faultproxy.ResetBody, "connection reset by peer"},
		{faultproxy.Refused, "put object"},
		{faultproxy.FlippedBit, "400 "},
		{faultproxy.SlowDown, "503 SlowDown"},
		{faultproxy.SlowDownFor1s, "503 SlowDown"},
		{faultproxy.InternalError, "500 InternalError"},
		{faultproxy.BadGateway, "502 BadGateway"},
		{faultproxy.Conflict, "409 ConditionalRequestConflict"},
		{faultproxy.RequestTimeout, "400 RequestTimeout"},
		{faultproxy.ExpiredToken, "the session token has expired"},
		{faultproxy.AccessDenied, "grant s3:PutObject"},
		{faultproxy.ClockSkew, "60 minutes ahead of the server's: fix NTP"},
		{faultproxy.WrongRegion, "set region eu-west-3"},
		{faultproxy.NoSuchBucket, "create bucket "},
	} {
		t.Run(tt.fault.Name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 2*time.Minute)
			s.proxy.Choose(func(r *http.Request) *faultproxy.Fault {
				if strings.Count(r.URL.Path, "/") > 1 { // an object, not the bucket
					return tt.fault
				}
				return nil
			})
			h := s.start(s.output("verbosity", "debug"))
			s.flush(h, eventChunk(0, 100))
			line := s.waitLog(h, cannotUpload)
			if !strings.Contains(line, tt.says) {
				t.Errorf("no word of %q in %s", tt.says, line)
			}
			s.flush(h, eventChunk(100, 200))
			s.waitLog(h, stillCannot)
			s.proxy.Choose(nil)
			s.await(200)
			s.waitLog(h, uploadsAgain)
			s.exit(h)
			s.want(200)
			s.wantLines(h, 1, cannotUpload)
			s.wantLines(h, 1, uploadsAgain)
		})
	}
}

// These are no failures: what was asked for is found to be done.
func TestUploadsTakeNoNoticeOfSomeFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]*faultproxy.Fault{
		"answer lost":      faultproxy.LostAnswer,
		"answer reset":     faultproxy.ResetAnswer,
		"sent twice":       faultproxy.Twice,
		"stalled for 10 s": faultproxy.Stall(10 * time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 2*time.Minute)
			s.proxy.Choose(func(r *http.Request) *faultproxy.Fault {
				if isPut(r) {
					return fault
				}
				return nil
			})
			h := s.start(s.output())
			s.flush(h, eventChunk(0, 100))
			s.await(100)
			s.proxy.Choose(nil)
			s.flush(h, eventChunk(100, 200))
			s.exit(h)
			s.waitLog(h, "stopped, everything is uploaded")
			s.want(200)
			s.wantLines(h, 0, "[error]")
		})
	}
}

func TestUploadsRecoverWhenTheBucketIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2*time.Minute)
	h := s.start(s.output())
	s.waitLog(h, "checked the bucket, it can be used")
	_, err := s.server.Client().DeleteBucket(s.ctx, &s3.DeleteBucketInput{Bucket: &s.bucket})
	s.must(err)
	s.flush(h, eventChunk(0, 100))
	s.waitLog(h, cannotUpload)
	s.must(s.server.CreateBucket(s.ctx, s.bucket))
	s.await(100)
	s.waitLog(h, uploadsAgain)
	s.exit(h)
	s.want(100)
	s.wantLines(h, 1, cannotUpload)
}

// An exit takes no longer than shutdown_timeout and a second, whatever hangs.
func TestExitReturnsWhileUploadsHang(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]*faultproxy.Fault{
		"stalled":            faultproxy.Stall(time.Hour),
		"refused":            faultproxy.Refused,
		"an hour's SlowDown": faultproxy.Answer(http.StatusServiceUnavailable, "SlowDown", "", "Retry-After", "3600"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 2*time.Minute)
			s.proxy.Choose(func(*http.Request) *faultproxy.Fault { return fault })
			o := s.output("shutdown_timeout", "2s")
			h := s.start(o)
			s.flush(h, eventChunk(0, 100))
			s.until(func() error {
				if s.proxy.Counts()[fault.Name] < 2 { // beside the check of the bucket
					return fmt.Errorf("no upload was tried")
				}
				return nil
			})
			start := time.Now()
			s.exit(h)
			took := time.Since(start)
			t.Logf("the exit took %s", took.Round(time.Millisecond))
			if took > 20*time.Second {
				t.Errorf("the exit took %s", took)
			}
			s.waitLog(h, "waits in store_dir for the next start")
			s.proxy.Choose(nil)
			s.exit(s.start(o))
			s.want(100)
		})
	}
}
