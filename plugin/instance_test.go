package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"go.uber.org/goleak"

	"github.com/hashicorp/go-hclog"

	"siem-s3/pipeline"
	"siem-s3/test/chunk"
)

func TestMain(m *testing.M) {
	// Nothing of this host's AWS settings may count.
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		_ = os.Setenv(name, os.DevNull)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"} {
		_ = os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m)
}

// server takes objects as S3 does, as far as an instance that stores them sees.
type server struct {
	*httptest.Server
	hang atomic.Bool // keeps objects waiting for an answer

	mu      sync.Mutex
	objects map[string]int // length by path
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{objects: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close") // leaves no goroutine behind
	if r.Method != http.MethodPut {
		return
	}
	n, _ := io.Copy(io.Discard, r.Body)
	if s.hang.Load() {
		<-r.Context().Done()
		return
	}
	s.mu.Lock()
	s.objects[r.URL.Path] = int(n)
	s.mu.Unlock()
	w.Header().Set("ETag", `"x"`)
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.objects)
}

// settings returns the get function of a configuration that stands.
func (s *server) settings(dir string, more map[string]string) func(string) string {
	all := map[string]string{
		"notify": "off", "bucket": "acme-siem-logs", "endpoint": s.URL, "aws_access_key_id": "AKIA", "aws_secret_access_key": "hunter2hunter2",
		"store_dir": dir, "upload_timeout": "1h",
	}
	maps.Copy(all, more)
	return func(key string) string { return all[key] }
}

// safeBuffer is a log that can be read while it is written.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func start(t *testing.T, s *instances, get func(string) string) *instance {
	t.Helper()
	i, ok := s.start(get)
	if !ok {
		t.Fatalf("did not start: %v", s.stderr)
	}
	return i
}

func added(id int) []byte {
	return chunk.Build(chunk.V2, chunk.Record{
		Time: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
		Body: map[string]any{"log_type": "added", "device_id": fmt.Sprint(id)},
	})
}

func TestChunksThatAreFlushedAreUploadedAtExit(t *testing.T) {
	t.Parallel()
	srv, log := newServer(t), &safeBuffer{}
	i := start(t, &instances{stderr: log}, srv.settings(t.TempDir(), nil))
	for n := range 3 {
		if st := i.flush("app", added(n)); st != statusOK {
			t.Errorf("status %d", st)
		}
	}
	if n := srv.count(); n != 0 {
		t.Errorf("%d objects before the end of the window", n)
	}
	i.exit()
	if n := srv.count(); n != 1 {
		t.Errorf("%d objects", n)
	}
	if st := i.flush("app", added(4)); st != statusRetry {
		t.Errorf("status after the exit %d", st)
	}
	i.exit() // Fluent Bit does it once, but nobody is to depend on that
	for _, want := range []string{
		"[ info] [output:siem_s3:siem_s3.0] started version=devel to=s3://acme-siem-logs format=json compression=gzip every=1h0m0s store_dir=/",
		"[ info] [output:siem_s3:siem_s3.0] uploaded object=s3://acme-siem-logs/siem/category=device/dt=",
		"[ info] [output:siem_s3:siem_s3.0] stopped, everything is uploaded\n",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is missing in\n%s", want, log)
		}
	}
	if strings.Contains(log.String(), "hunter2") || strings.Contains(log.String(), "error]") {
		t.Errorf("logged\n%s", log)
	}
	unstamped(t, log.String())
}

func TestBadSettingsKeepTheInstanceFromStarting(t *testing.T) {
	t.Parallel()
	log := &safeBuffer{}
	settings := map[string]string{
		"upload_timeout": "5 minutes", "s3_key_format": "$UUID/", "map_device_id": "id", "aws_access_key_id": "hunter2 hunter2",
	}
	if i, ok := (&instances{stderr: log}).start(func(key string) string { return settings[key] }); ok || i != nil {
		t.Error("started")
	}
	const own = "[error] [output:siem_s3:siem_s3.0] "
	got := unstamped(t, log.String())
	if !strings.HasPrefix(got, own+"8 settings need attention:\n"+own+"  - bucket is not set: want ") || strings.Count(got, own+"  - ") != 8 ||
		strings.Contains(got, "hunter2") {
		t.Errorf("logged\n%s", got)
	}
}

func TestStoreDirThatCannotBeMadeKeepsTheInstanceFromStarting(t *testing.T) {
	t.Parallel()
	log := &safeBuffer{}
	if _, ok := (&instances{stderr: log}).start(newServer(t).settings("/dev/null/siem", nil)); ok {
		t.Error("started")
	}
	if got := unstamped(t, log.String()); !strings.HasPrefix(got, "[error] [output:siem_s3:siem_s3.0] open store_dir: ") ||
		!strings.HasSuffix(got, " /dev/null/siem/quarantine: not a directory\n") || strings.Count(got, "\n") != 1 {
		t.Errorf("logged\n%s", got)
	}
}

func TestTwoInstancesNeedTwoDirectories(t *testing.T) {
	t.Parallel()
	srv, log, dir := newServer(t), &safeBuffer{}, t.TempDir()
	all := &instances{stderr: log}
	first := start(t, all, srv.settings(dir, nil))
	if _, ok := all.start(srv.settings(dir, nil)); ok {
		t.Error("started on the same directory")
	}
	want := "[error] [output:siem_s3:siem_s3.1] open store_dir: lock " + dir +
		": directory is in use by another output; each [OUTPUT] needs a store_dir of its own\n"
	if !strings.Contains(unstamped(t, log.String()), want) {
		t.Errorf("logged\n%s", log)
	}
	second := start(t, all, srv.settings(t.TempDir(), nil))
	if st := second.flush("app", added(1)); st != statusOK {
		t.Errorf("status %d", st)
	}
	second.exit()
	first.exit()
	if !strings.Contains(log.String(), "[output:siem_s3:siem_s3.2] started") {
		t.Errorf("logged\n%s", log)
	}
}

// Fluent Bit registers the new configuration, ends the old one, and then starts
// the new one, in one process.
func TestHotReloadHandsTheDirectoryOver(t *testing.T) {
	t.Parallel()
	srv, log, dir := newServer(t), &safeBuffer{}, t.TempDir()
	all := &instances{stderr: log}
	all.renumber()
	was := start(t, all, srv.settings(dir, map[string]string{"shutdown_timeout": "1s"}))
	srv.hang.Store(true)
	if st := was.flush("app", added(1)); st != statusOK {
		t.Errorf("status %d", st)
	}
	all.renumber()
	was.exit()
	srv.hang.Store(false)
	is := start(t, all, srv.settings(dir, map[string]string{"compression": "none"}))
	for n := 1; n < 3; n++ { // the first once more, as after an answer that was lost
		if st := is.flush("app", added(n)); st != statusOK {
			t.Errorf("status %d", st)
		}
	}
	is.exit()
	if n := srv.count(); n != 2 {
		t.Errorf("%d objects, want one of each instance", n)
	}
	got := unstamped(t, log.String())
	if strings.Count(got, "[output:siem_s3:siem_s3.0] started") != 2 ||
		!strings.Contains(got, "[ info] [output:siem_s3:siem_s3.0] found what an earlier run left in store_dir segments=1 chunks=1 bytes=") {
		t.Errorf("logged\n%s", got)
	}
}

func TestExitKeepsToItsTimeWhenTheBucketHangs(t *testing.T) {
	t.Parallel()
	srv, log := newServer(t), &safeBuffer{}
	srv.hang.Store(true)
	i := start(t, &instances{stderr: log}, srv.settings(t.TempDir(), map[string]string{"shutdown_timeout": "1s"}))
	if st := i.flush("app", added(1)); st != statusOK {
		t.Errorf("status %d", st)
	}
	i.exit() // returns, or the test never ends
	const want = "[ warn] [output:siem_s3:siem_s3.0] stopped error=\"not everything is uploaded; what is left waits in store_dir for the next start (segments: 1)\"\n"
	if got := unstamped(t, log.String()); !strings.HasSuffix(got, want) {
		t.Errorf("logged\n%s", got)
	}
}

func TestFullStoreAsksForTheChunkAgainAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	srv, log := newServer(t), &safeBuffer{}
	i := start(t, &instances{stderr: log}, srv.settings(t.TempDir(), map[string]string{
		"total_file_size": "1M", "store_dir_limit_size": "2M", "compression": "none", "shutdown_timeout": "10s",
	}))
	srv.hang.Store(true) // so that nothing leaves the directory
	big := chunk.Build(chunk.V2, chunk.Record{Body: map[string]any{"log_type": "added", "details": strings.Repeat("x", 900_000)}})
	for n, want := range []status{statusOK, statusOK, statusRetry, statusRetry, statusRetry} {
		if st := i.flush(fmt.Sprint(n), big); st != want {
			t.Errorf("chunk %d: status %d, want %d", n, st, want)
		}
	}
	const full = `[error] [output:siem_s3:siem_s3.0] can't store a chunk; Fluent Bit is asked to send it again ` +
		`error="no room in store_dir until objects are uploaded: spool is full: `
	if got := unstamped(t, log.String()); strings.Count(got, full) != 1 || strings.Count(got, "error]") != 1 {
		t.Errorf("logged\n%s", got)
	}
	srv.hang.Store(false)
	srv.CloseClientConnections()
	for i.flush("2", big) != statusOK {
		time.Sleep(10 * time.Millisecond) // until the uploader has made room
	}
	if got := unstamped(t, log.String()); strings.Count(got, "[ info] [output:siem_s3:siem_s3.0] storing chunks again ") != 1 || strings.Count(got, full) != 1 {
		t.Errorf("logged\n%s", got)
	}
	i.exit()
	if n := srv.count(); n != 3 {
		t.Errorf("%d objects", n)
	}
}

// fluent-bit-go keeps each instance for ever, and each reload makes new ones.
func TestExitLetsGoOfThePipeline(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	i := start(t, &instances{stderr: io.Discard}, srv.settings(t.TempDir(), nil))
	if st := i.flush("app", added(1)); st != statusOK {
		t.Errorf("status %d", st)
	}
	held := weak.Make(i.pipeline.Load())
	i.exit()
	for range 100 {
		if runtime.GC(); held.Value() == nil {
			break
		}
		time.Sleep(10 * time.Millisecond) // for a goroutine that is about to end
	}
	if held.Value() != nil {
		t.Error("the pipeline is still held")
	}
	runtime.KeepAlive(i)
}

// A callback must not end Fluent Bit, even on what cannot happen: here a pipeline
// that was not made by New.
func TestPanicsStayInside(t *testing.T) {
	t.Parallel()
	log := &safeBuffer{}
	i := &instance{log: newLogger(log, "x", hclog.Info)}
	i.pipeline.Store(new(pipeline.Pipeline))
	if st := i.flush("app", added(1)); st != statusRetry {
		t.Errorf("status %d", st)
	}
	i.exit()
	all := &instances{stderr: log}
	if _, ok := all.start(func(string) string { panic("no such property") }); ok {
		t.Error("started")
	}
	got := unstamped(t, log.String())
	for _, want := range []string{"[error] [x] panic in flush panic=", `[ warn] [x] stopped error="panic: runtime error: `, `panic at start panic="no such property" stack="goroutine `} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n"); n != 3 {
		t.Errorf("%d lines", n)
	}
}
