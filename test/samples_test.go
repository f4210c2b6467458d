package test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"siem-s3/conf"
	"siem-s3/test/child"
	"siem-s3/test/events"
	"siem-s3/test/fluentbit"
)

// The samples run as they are shipped but for their paths and ports, and what comes
// by each of their inputs arrives.
func TestShippedSamplesRun(t *testing.T) {
	t.Parallel()
	fluentbit.Need(t)
	for _, name := range []string{"fluent-bit.conf", "fluent-bit.yaml"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			in := s.sample(name, events.Set(1).Records(0, 18))
			s.post(in.http, events.Set(1).Records(18, 19))
			s.forward(in.forward, events.Set(1).Records(19, 20))
			s.awaitTaken(in.metrics, 20)
			s.must(in.process.Stop(s.ctx))
			s.wantEvents(1, 20)
		})
	}
}

// inputs are the ways into a running sample.
type inputs struct {
	process                *fluentbit.Process
	http, forward, metrics string // ports
}

// sample starts a shipped configuration, with a file for it to read.
func (s *site) sample(name string, file []byte) inputs {
	s.Helper()
	dir := s.TempDir()
	in := inputs{http: freePort(s.T), forward: freePort(s.T), metrics: freePort(s.T)}
	for _, sub := range []string{"log", "lib"} {
		s.must(os.Mkdir(filepath.Join(dir, sub), 0o700))
	}
	s.must(os.WriteFile(filepath.Join(dir, "log", "siem.ndjson"), file, 0o600))
	moved := strings.NewReplacer(
		"/var/log/siem/", filepath.Join(dir, "log")+"/", "/var/lib/fluent-bit/", filepath.Join(dir, "lib")+"/",
		"/usr/lib/fluent-bit/out_siem_s3.so", pluginPath(s.T), "24224", in.forward, "9880", in.http,
	)
	for _, file := range []string{"parsers.conf", "plugins.conf", name} {
		text, err := conf.Samples.ReadFile(file)
		s.must(err)
		s.must(os.WriteFile(filepath.Join(dir, file), []byte(moved.Replace(string(text))), 0o600))
	}
	text, err := os.ReadFile(filepath.Join(dir, name))
	s.must(err)
	in.process = s.startFluentBit(fluentbit.Config{
		Dir: dir, Text: string(text), YAML: strings.HasSuffix(name, ".yaml"), Args: []string{"-H", "-P", in.metrics},
		Env: append(noAccounts, "SIEM_S3_BUCKET="+s.bucket, "SIEM_S3_ENDPOINT="+s.server.Endpoint, "SIEM_S3_REGION="+s.server.Region,
			"AWS_ACCESS_KEY_ID="+s.server.AccessKey, "AWS_SECRET_ACCESS_KEY="+s.server.SecretKey),
	})
	return in
}

// post sends a record to Fluent Bit's http input.
func (s *site) post(port string, record []byte) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, "http://127.0.0.1:"+port+"/", strings.NewReader(string(record)))
	s.must(err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := plainClient.Do(req)
	s.must(err)
	s.must(resp.Body.Close())
	if resp.StatusCode/100 != 2 {
		s.Fatalf("http input: %s", resp.Status)
	}
}

// forward sends a record with the forward protocol, from another Fluent Bit.
func (s *site) forward(port string, record []byte) {
	s.Helper()
	c, err := child.Start(exec.CommandContext(s.ctx, fluentbit.Need(s.T), "-f", "0.2",
		"-i", "dummy", "-t", "siem.forward", "-p", "samples=1", "-p", "dummy="+strings.TrimSpace(string(record)),
		"-o", "forward", "-m", "*", "-p", "host=127.0.0.1", "-p", "port="+port))
	s.must(err)
	s.Cleanup(c.Kill)
}
