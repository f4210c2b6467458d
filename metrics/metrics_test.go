package metrics

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"siem-s3/notify"
	"siem-s3/pipeline"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sample(name string, ready error) Output {
	stats := pipeline.Stats{
		Chunks: 7, Bytes: 4096, Device: 30, Account: 11, Rejected: 4,
		Rejects: map[string]int64{"no log_type": 3, "unreadable timestamp": 1}, Redelivered: 1, Quarantined: 2,
		Objects: 3, ObjectBytes: 2048, ObjectRecords: 45, Retries: 5,
		Append:  pipeline.Timing{Count: 7, Sum: 70 * time.Millisecond},
		Waiting: pipeline.WaitingStats{Bytes: 100, MaxBytes: 2_000_000_000, Segments: 1},
		Alerts:  notify.QueueStats{Formed: 4, Delivered: 3, Failed: 2, Refused: 1, GaveUp: 1, Groups: 2},
	}
	for i := range stats.Append.Buckets {
		if pipeline.TimingBounds[i] >= .01 {
			stats.Append.Buckets[i] = 7
		}
	}
	return Output{
		Name: name, Version: "v1.2.3",
		Stats: func() pipeline.Stats { return stats }, Ready: func() error { return ready },
	}
}

func TestMetricsHaveGoodNamesAndUnits(t *testing.T) {
	problems, err := testutil.CollectAndLint(newCollector(sample("siem_s3.0", nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricsAreThoseOfTheOutput(t *testing.T) {
	var h Hub
	at := freeAddress(t)
	listenAt(t, &h, at, sample("siem_s3.0", nil))
	_, got := get(t, at, "/metrics")
	var lines []string
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, "siem_s3_build_info") { // differs by Go's version
			lines = append(lines, line)
		}
	}
	const golden = "testdata/metrics.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(strings.Join(lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(lines, "") != string(want) {
		t.Errorf("the metrics differ from %s; look at them and run with -update:\n%s", golden, strings.Join(lines, ""))
	}
}

// freeAddress is one that nobody listens at, for now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func get(t *testing.T, address, path string) (status int, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func listenAt(t *testing.T, h *Hub, address string, o Output) (unlisten func()) {
	t.Helper()
	unlisten, err := h.Listen(address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unlisten)
	return unlisten
}

func TestOutputsShareAnAddress(t *testing.T) {
	var h Hub
	at := freeAddress(t)
	first := listenAt(t, &h, at, sample("siem_s3.0", nil))
	second := listenAt(t, &h, at, sample("siem_s3.1", errors.New("objects are not uploaded:\nno such bucket")))
	status, body := get(t, at, "/metrics")
	for i := range 2 {
		if want := fmt.Sprintf(`siem_s3_records_total{category="device",output="siem_s3.%d"} 30`, i); status != 200 || !strings.Contains(body, want) {
			t.Errorf("status %d without %s", status, want)
		}
	}
	if status, body := get(t, at, "/readyz"); status != 503 || body != "siem_s3.1: objects are not uploaded: no such bucket\n" {
		t.Errorf("/readyz: %d %q", status, body)
	}
	second()
	if status, body := get(t, at, "/readyz"); status != 200 || body != "ok\n" {
		t.Errorf("/readyz: %d %q", status, body)
	}
	if status, body := get(t, at, "/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("/healthz: %d %q", status, body)
	}
	if _, body := get(t, at, "/metrics"); strings.Contains(body, "siem_s3.1") {
		t.Error("the output that ended is still there")
	}
	first()
	if c, err := net.Dial("tcp", at); err == nil {
		c.Close()
		t.Error("the listener outlives its outputs")
	}
	listenAt(t, &h, at, sample("siem_s3.0", nil)) // after a hot reload
}

func TestAddressThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var h Hub
	if _, err := h.Listen(l.Addr().String(), sample("siem_s3.0", nil)); err == nil || !strings.Contains(err.Error(), "metrics_listen: ") {
		t.Errorf("got %v", err)
	}
}

func TestSameNameTwice(t *testing.T) {
	var h Hub
	at := freeAddress(t)
	listenAt(t, &h, at, sample("siem_s3.0", nil))
	if _, err := h.Listen(at, sample("siem_s3.0", nil)); err == nil {
		t.Error("two outputs of one name are served")
	}
	if status, _ := get(t, at, "/healthz"); status != 200 {
		t.Error("the first is not served any more")
	}
}
