package packaging

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"siem-s3/test/bucket"
	"siem-s3/test/fluentbit"
	"siem-s3/test/s3server"
)

// What the image runs, with the environment of compose.yaml: it starts, answers the
// paths that the health check and the probes ask, and stores what it is sent.
func TestContainerRuns(t *testing.T) {
	program := fluentbit.Need(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	env := composeEnv(t)
	server := s3server.StartWithBucket(t, env["SIEM_S3_BUCKET"])
	env["SIEM_S3_ENDPOINT"] = server.Endpoint
	env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = server.AccessKey, server.SecretKey
	env["SIEM_NOTIFY"] = "off" // there is no mail server

	ports := map[string]string{"2020": freePort(t), "24224": freePort(t), "9880": freePort(t)}
	path := config{text: read(t, "deploy/container/fluent-bit.yaml"), yaml: true}.write(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	listening := strings.ReplaceAll(string(text), "0.0.0.0", "127.0.0.1")
	for port, free := range ports {
		listening = strings.Replace(listening, "port: "+port, "port: "+free, 1)
	}
	c := fluentbit.Config{Dir: filepath.Dir(path), Text: listening, YAML: true}
	for name, value := range env {
		c.Env = append(c.Env, name+"="+value)
	}
	process, err := fluentbit.Start(ctx, program, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)

	for _, path := range []string{"/api/v1/health", "/api/v1/uptime"} {
		ask(ctx, t, http.MethodGet, "http://127.0.0.1:"+ports["2020"]+path, "")
	}
	const sent = `{"timestamp":"2026-11-20T08:06:12Z","log_type":"critical_found","device_id":"d-container"}`
	ask(ctx, t, http.MethodPost, "http://127.0.0.1:"+ports["9880"]+"/siem", sent)
	if err := process.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	objects, err := bucket.New(server, env["SIEM_S3_BUCKET"]).Objects(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 1 || !strings.Contains(string(objects[0].Text), "d-container") {
		t.Errorf("objects: %v", objects)
	}
	// What docs/upgrade.md says of a stop with S3 in reach.
	store := filepath.Join(filepath.Dir(path), "lib", "siem_s3")
	if _, err := os.Stat(filepath.Join(store, "LOCK")); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(store, "*.seg")); len(left) > 0 {
		t.Errorf("left in the spool: %v", left)
	}
}

// ask must be answered with a status of 200 to 299.
func ask(ctx context.Context, t *testing.T, method, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		t.Errorf("%s: %s %q, %v", url, resp.Status, answer, err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
