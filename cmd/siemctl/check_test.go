package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"siem-s3/cmd/siemctl/fluentconf"
	"siem-s3/conf"
)

func TestLiteralPrefix(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"siem/category=$CATEGORY/%Y/$UUID": "siem/category=",
		"logs/%Y/$UUID":                    "logs/",
		"$UUID":                            "",
		"a%%b%%%Y$UUID":                    "a%b%",
		"plain":                            "plain",
		"":                                 "",
	} {
		if got := literalPrefix(template); got != want {
			t.Errorf("%s: %q, want %q", template, got, want)
		}
	}
}

func TestPartitions(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"eu-central-1": "aws", "us-east-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov",
		"us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e", "default": "aws",
	} {
		if got := partitionOf(region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}

func TestBytesText(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1K", 1_500_000: "1.5M", 2_000_000_000: "2G", 123_456_789_000: "123G", 5e15: "5e+03T"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestAtoiIsThatOfC(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "x": 0, "2": 2, "10s": 10, "-1": 0, "3.5": 3} {
		if got := atoi(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// The volumes of this machine, as far as every Linux has them.
func TestVolumes(t *testing.T) {
	t.Parallel()
	v, err := volumeOf(t.TempDir())
	if err != nil || v.free <= 0 || v.readOnly {
		t.Errorf("%+v, %v", v, err)
	}
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		if v, err := volumeOf("/dev/shm"); err != nil || v.kind != inMemory {
			t.Errorf("/dev/shm: %+v, %v", v, err)
		}
	}
	if _, err := volumeOf(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error for a directory that is not there")
	}
}

func TestUsedCountsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, size := range map[string]int{"a": 10, "sub/b": 32} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := used(dir); got != 42 {
		t.Errorf("%d bytes, want 42", got)
	}
	if got := used(filepath.Join(dir, "none")); got != 0 {
		t.Errorf("%d bytes of nothing", got)
	}
}

func TestFindingsInColour(t *testing.T) {
	t.Parallel()
	r := &report{File: "a.conf", Outputs: 1}
	for _, l := range []level{levelError, levelWarning, levelNote, levelOK} {
		r.add(l, fluentconf.Pos{File: "a.conf", Line: 7, Column: 3}, "bucket", ": x\x1b[2Jy")
	}
	var b bytes.Buffer
	show := &textPresenter{p: &printer{w: &b, colour: true}, report: r}
	if err := errors.Join(show.begin([]fluentconf.Pos{{File: "a.conf", Line: 1000}}), show.end()); err != nil {
		t.Fatal(err)
	}
	want := "a.conf:7     \x1b[31merror  \x1b[0m  bucket: x [2Jy\n" +
		"a.conf:7     \x1b[33mwarning\x1b[0m  bucket: x [2Jy\n" +
		"a.conf:7     \x1b[2mnote   \x1b[0m  bucket: x [2Jy\n" +
		"a.conf:7     \x1b[32mok     \x1b[0m  bucket: x [2Jy\n" +
		"\n1 error, 1 warning\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// messages runs what a trial does and returns what it says.
func messages(do func(*trial)) (all []string) {
	t := &trial{output: &output{settings: new(conf.Config)}, report: new(report), show: func(f finding) error {
		all = append(all, string(f.Level)+" "+f.Message)
		return nil
	}}
	do(t)
	return all
}

func TestClock(t *testing.T) {
	t.Parallel()
	for ahead, want := range map[time.Duration]string{
		0:                 "ok clock: within 1s of the server's",
		-30 * time.Second: "ok clock: within 30s of the server's",
		2 * time.Minute:   "warning clock: 2m0s ahead of the server's, which refuses requests from 15m0s on; fix NTP",
		-20 * time.Minute: "error clock: 20m0s behind the server's, which refuses requests for it; fix NTP",
	} {
		if got := messages(func(t *trial) { t.clock(ahead) }); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %q", ahead, got, want)
		}
	}
}

// A server that takes everything, keeps nothing, and does not let go.
func TestOnlineWithAServerThatHonoursNothing(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPut:
			w.Header().Set("ETag", `"1"`)
		case http.MethodDelete, http.MethodGet:
			w.WriteHeader(http.StatusForbidden)
		case http.MethodHead:
			w.Header().Set("X-Amz-Bucket-Region", "eu-central-1")
		}
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	path := filepath.Join(dir, "fluent-bit.conf")
	text := "[OUTPUT]\n  name siem_s3\n  match *\n  notify off\n  bucket acme\n  endpoint " + server.URL + "\n  store_dir " + dir + "/store\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"check", "-c", path, "--online", "-o", "json"}, streams{&out, &errs})
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || code != 1 || errs.Len() > 0 {
		t.Fatalf("code %d, %v\n%s%s", code, err, &out, &errs)
	}
	for _, want := range []string{
		"region is us-east-1, and the bucket is in eu-central-1",
		"get: get object s3://acme/siem/category=.siemctl-probe-",
		"without it the plugin can't tell, after a lost answer, whether its object was stored",
		"conditional writes: the server overwrites what is there",
		"checksums: the server stores bytes that don't fit their checksum",
		"stays behind: delete object",
	} {
		if !slices.ContainsFunc(r.Findings, func(f finding) bool { return strings.Contains(f.Message, want) }) {
			t.Errorf("not said: %s\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "a-secret-key") {
		t.Error("the secret is shown")
	}
}

// brokenPipe is what is left when nobody reads any more.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestNobodyReads(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "-c", "none.conf"}, {"gen"}, {"version"}, {"version", "-o", "json"}} {
		var errs bytes.Buffer
		if code := run(t.Context(), args, streams{brokenPipe{}, &errs}); code != 1 || !strings.Contains(errs.String(), "closed") {
			t.Errorf("%v: code %d, %q", args, code, &errs)
		}
	}
}

// countingWriter ends a context when it was written to often enough.
type countingWriter struct {
	lines  int
	enough func()
}

func (c *countingWriter) Write(p []byte) (int, error) {
	if c.lines += bytes.Count(p, []byte("\n")); c.lines >= 20 {
		c.enough()
	}
	return len(p), nil
}

func TestGenGoesOnUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	for _, rate := range []string{"0", "500"} {
		ctx, cancel := context.WithCancel(t.Context())
		w := &countingWriter{enough: cancel}
		var errs bytes.Buffer
		if code := run(ctx, []string{"gen", "-n", "0", "--rate", rate}, streams{w, &errs}); code != 0 || w.lines < 20 || errs.Len() > 0 {
			t.Errorf("rate %s: code %d, %d lines, %q", rate, code, w.lines, &errs)
		}
	}
}
