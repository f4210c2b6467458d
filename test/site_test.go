package test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siem-s3/test/bucket"
	"siem-s3/test/chunk"
	"siem-s3/test/events"
	"siem-s3/test/host"
	"siem-s3/test/s3server"
)

// patience is how long a test waits for what must come. It decides nothing but how
// long a failure takes.
const patience = 60 * time.Second

// A site is a bucket for one test, and the ways to fill and to read it.
type site struct {
	*testing.T
	ctx    context.Context // ends when patience does
	server *s3server.Server
	bucket string
	reader *bucket.Reader
}

// newSite returns a site with a bucket of its own on the server that the tests
// share.
func newSite(t *testing.T) *site {
	t.Helper()
	server, err := sharedServer()
	if err != nil {
		t.Fatal(err)
	}
	s := siteOn(t, server)
	s.createBucket()
	return s
}

// siteOn returns a site on a server, whose bucket is not there yet.
func siteOn(t *testing.T, server *s3server.Server) *site {
	t.Helper()
	name := "siem-" + strings.ToLower(rand.Text()[:12])
	s := &site{T: t, server: server, bucket: name, reader: bucket.New(server, name)}
	s.wait(patience)
	return s
}

// wait sets how long the test may take from now on.
func (s *site) wait(d time.Duration) {
	var cancel context.CancelFunc
	s.ctx, cancel = context.WithTimeout(s.Context(), d)
	s.Cleanup(cancel)
}

func (s *site) createBucket() {
	s.Helper()
	s.must(s.server.CreateBucket(s.ctx, s.bucket))
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// settings are those of an output to the site, with a store_dir of its own and
// windows of a second; more of them come in pairs.
func (s *site) settings(more ...string) map[string]string {
	m := map[string]string{
		"notify": "off", "bucket": s.bucket, "region": s.server.Region, "endpoint": s.server.Endpoint,
		"aws_access_key_id": s.server.AccessKey, "aws_secret_access_key": s.server.SecretKey,
		"store_dir":      filepath.Join(s.TempDir(), "store"),
		"upload_timeout": "1s",
	}
	for i := 0; i < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return m
}

func (s *site) output(name string, more ...string) host.Output {
	return host.Output{Name: name, Workers: 1, Settings: s.settings(more...)}
}

// with returns a copy of o with other settings, in pairs.
func with(o host.Output, more ...string) host.Output {
	o.Settings = maps.Clone(o.Settings)
	for i := 0; i < len(more); i += 2 {
		o.Settings[more[i]] = more[i+1]
	}
	return o
}

// noAccounts keeps the plugin from whatever accounts the machine has.
var noAccounts = []string{
	"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
}

// tryStart starts a host, which is killed when the test is over.
func (s *site) tryStart(outputs ...host.Output) (*host.Host, error) {
	s.Helper()
	h, err := host.Start(s.ctx, host.Config{Plugin: pluginPath(s.T), Env: noAccounts, Outputs: outputs})
	if err != nil {
		return nil, err
	}
	s.Cleanup(func() {
		h.Kill()
		if s.Failed() {
			s.Logf("log of the host:\n%s", h.Log)
		}
	})
	return h, nil
}

func (s *site) start(outputs ...host.Output) *host.Host {
	s.Helper()
	h, err := s.tryStart(outputs...)
	s.must(err)
	return h
}

func (s *site) exit(h *host.Host) {
	s.Helper()
	s.must(h.Exit(s.ctx))
}

// flush sends a chunk, which must be stored.
func (s *site) flush(h *host.Host, output, tag string, chunk []byte) {
	s.Helper()
	status, err := h.Flush(s.ctx, output, tag, chunk)
	s.must(err)
	if status != host.OK {
		s.Fatalf("flush to %s: %s", output, status)
	}
}

func (s *site) waitLog(h *host.Host, text string) string {
	s.Helper()
	line, err := h.Log.Wait(s.ctx, text)
	s.must(err)
	return line
}

// until calls f until it returns nil.
func (s *site) until(f func() error) {
	s.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			s.Fatal("waited in vain: ", err)
		}
	}
}

// objects are all of the site, each of which reads as it should.
func (s *site) objects() []bucket.Object {
	s.Helper()
	all, err := s.reader.Objects(s.ctx)
	s.must(err)
	return all
}

// awaitLines waits until at least n lines are stored.
func (s *site) awaitLines(n int) {
	s.Helper()
	s.until(func() error {
		got := 0
		for _, o := range s.objects() {
			got += o.Number
		}
		if got < n {
			return fmt.Errorf("%d lines of %d are stored", got, n)
		}
		return nil
	})
}

// eventChunk is the chunk of the events from number from up to, not including, to
// of a set.
func eventChunk(set events.Set, from, to int) []byte {
	records := strings.NewReader(string(set.Records(from, to)))
	c, err := chunk.FromNDJSON(chunk.V2, records, time.Unix(1_800_000_000, 0), time.Millisecond)
	if err != nil {
		panic(err) // the events are wrong, not what is tested
	}
	return c
}

// wantEvents checks that the bucket holds the first n events of a set, each once
// and, in JSON, to the byte, and nothing else.
func (s *site) wantEvents(set events.Set, n int) {
	s.Helper()
	if err := exactlyOnce(s.objects(), set, n); err != nil {
		s.Error(err)
	}
}

// exactlyOnce returns what is not as wantEvents wants it.
func exactlyOnce(objects []bucket.Object, set events.Set, n int) error {
	times := make([]int, n)
	var problems []error
	var want []byte
	for _, o := range objects {
		for line := range strings.Lines(string(o.Text)) {
			i := events.Number([]byte(line))
			if i < 0 || i >= n {
				problems = append(problems, fmt.Errorf("%s: a line that is none of the events: %s", o.Key, line))
				continue
			}
			times[i]++
			want = set.AppendStored(want[:0], i)
			if strings.HasPrefix(o.Ext, "json") && line != string(want) {
				problems = append(problems, fmt.Errorf("%s: event %d\n got %swant %s", o.Key, i, line, want))
			}
		}
	}
	missing, more := 0, 0
	for _, k := range times {
		missing += max(0, 1-k)
		more += max(0, k-1)
	}
	if missing+more > 0 {
		problems = append(problems, fmt.Errorf("of %d events %d are missing and %d are stored more than once", n, missing, more))
	}
	const shown = 5
	return errors.Join(problems[:min(shown, len(problems))]...)
}

// recordChunk is the chunk of records given as JSON.
func recordChunk(t *testing.T, lines ...string) []byte {
	t.Helper()
	c, err := chunk.FromNDJSON(chunk.V2, strings.NewReader(strings.Join(lines, "\n")), sampleTime, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
