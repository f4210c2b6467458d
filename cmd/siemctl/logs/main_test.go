package logs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"siem-s3/event"
	"siem-s3/formatter"
	"siem-s3/s3"
	"siem-s3/test/s3server"
)

// server is a real S3 server that all tests share, each with buckets of its own.
var server *s3server.Server

type suite struct{ *testing.M }

// Run keeps what the developer's environment says of AWS away from the tests.
func (s suite) Run() int {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name)
		}
	}
	_ = os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	dir, err := os.MkdirTemp("", "logs-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		server, err = s3server.Run(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Stop()
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		_ = os.Setenv(name, filepath.Join(dir, "none"))
	}
	return s.M.Run()
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(suite{m}) }

const defaultKeys = `siem/category=$CATEGORY/dt=%Y-%m-%d/hour=%H/%Y%m%dT%H%M%SZ-$UUID`

const window = 5 * time.Minute

var sampleTime = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

var (
	notInNames = regexp.MustCompile(`[^a-z0-9]+`)
	buckets    atomic.Int32
)

// newBucket makes a bucket of the test's own, and returns its settings.
func newBucket(t testing.TB) Settings {
	t.Helper()
	name := notInNames.ReplaceAllString(strings.ToLower(t.Name()), "-")
	name = strings.Trim(name[max(0, len(name)-50):], "-") + fmt.Sprintf("-%d", buckets.Add(1))
	if err := server.CreateBucket(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return Settings{
		"bucket": name, "endpoint": server.Endpoint, "region": server.Region,
		"aws_access_key_id": server.AccessKey, "aws_secret_access_key": server.SecretKey,
	}
}

// newSource opens settings.
func newSource(t testing.TB, set Settings) *Source {
	t.Helper()
	sources, err := NewSources([]Settings{set})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sources[0].Store.(*s3.Bucket).Close)
	return sources[0]
}

func newLayout(t testing.TB, keyFormat string) *Layout {
	t.Helper()
	l, err := NewLayout(keyFormat, window)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// put stores text under key.
func put(t testing.TB, s *Source, key string, text []byte) {
	t.Helper()
	meta := map[string]string{"siem-records": fmt.Sprint(bytes.Count(text, []byte("\n")))}
	err := s.Store.(*s3.Bucket).Put(t.Context(), key, bytes.NewReader(text), int64(len(text)), "text/plain", meta)
	if err != nil {
		t.Fatal(err)
	}
}

// packed returns text as an object of the codec holds it, in two batches.
func packed(t testing.TB, codec string, text []byte) []byte {
	t.Helper()
	c, err := formatter.NewCodec(codec, 0)
	if err != nil {
		t.Fatal(err)
	}
	body, comp := bytes.Clone(c.Header()), c.NewCompressor()
	half := bytes.IndexByte(text[len(text)/2:], '\n') + len(text)/2 + 1
	for _, batch := range [][]byte{text[:half], text[half:]} {
		if body, err = comp.Append(body, batch); err != nil {
			t.Fatal(err)
		}
	}
	return append(body, c.Trailer(crc(text), int64(len(text)))...)
}

// deviceEvent is an event of a device at a time.
func deviceEvent(lt event.LogType, at time.Time, device string) *event.Event {
	return newEvent(lt, at, map[event.Field]string{
		event.Details: lt.Meaning(), event.DeviceID: "id-" + device, event.DeviceName: device,
		event.DeviceUsername: `CORP\alice`, event.DeviceGroup: "Sales [EMEA]",
	})
}

func newEvent(lt event.LogType, at time.Time, texts map[event.Field]string) *event.Event {
	e := &event.Event{Type: lt, Time: at}
	e.Set(event.Timestamp, event.AppendTimestamp(nil, at))
	e.Set(event.LogTypeName, []byte(lt.String()))
	for f, text := range texts {
		e.Set(f, []byte(text))
	}
	return e
}

func mustSyslog(t testing.TB) *formatter.Syslog {
	t.Helper()
	s, err := formatter.NewSyslog(formatter.SyslogOptions{Hostname: "gw-1", AppName: "siem_s3", Facility: 13, EnterpriseID: "32473"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func logType(t testing.TB, name string) event.LogType {
	t.Helper()
	lt, ok := event.Lookup([]byte(name))
	if !ok {
		t.Fatalf("no log type %q", name)
	}
	return lt
}
