package crash

import (
	"context"
	"crypto/rand"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siem-s3/test/faultproxy"
	"siem-s3/test/host"
	"siem-s3/test/s3server"
)

// A site is a server with a bucket, a way to it that can fail, and a store_dir.
type site struct {
	*testing.T
	ctx    context.Context
	dir    string
	server *s3server.Server
	proxy  *faultproxy.Proxy
	bucket string
	store  string
}

// newSite returns a site whose test may take that long. Its directory is kept if
// the test fails.
func newSite(t *testing.T, limit time.Duration) *site {
	t.Helper()
	s := &site{T: t, bucket: "siem-" + strings.ToLower(rand.Text()[:12])}
	var cancel context.CancelFunc
	s.ctx, cancel = context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	var err error
	s.dir, err = os.MkdirTemp("", "siem-s3-crash-")
	s.must(err)
	t.Cleanup(s.removeDir)
	s.store = filepath.Join(s.dir, "store")
	s.server, err = s3server.Run(s.ctx, filepath.Join(s.dir, "s3"))
	s.must(err)
	t.Cleanup(s.server.Stop)
	s.must(s.server.CreateBucket(s.ctx, s.bucket))
	s.proxy, err = faultproxy.Start(s.server.Endpoint)
	s.must(err)
	t.Cleanup(s.proxy.Close)
	return s
}

func (s *site) removeDir() {
	if s.Failed() {
		s.Logf("kept for a look: %s", s.dir)
		return
	}
	if err := os.RemoveAll(s.dir); err != nil {
		s.Error(err)
	}
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// output returns an output to the site, by way of the proxy, with windows of a
// second and further settings in pairs.
func (s *site) output(more ...string) host.Output {
	o := host.Output{Name: "a", Workers: 1, Settings: map[string]string{
		"bucket": s.bucket, "region": s.server.Region, "endpoint": s.proxy.Endpoint,
		"aws_access_key_id": s.server.AccessKey, "aws_secret_access_key": s.server.SecretKey,
		"store_dir": s.store, "upload_timeout": "1s", "notify": "off",
	}}
	return with(o, more...)
}

// with returns a copy of o with other settings, in pairs.
func with(o host.Output, more ...string) host.Output {
	o.Settings = maps.Clone(o.Settings)
	for i := 0; i < len(more); i += 2 {
		o.Settings[more[i]] = more[i+1]
	}
	return o
}

// tryStart starts a host, which is killed when the test is over.
func (s *site) tryStart(env []string, outputs ...host.Output) (*host.Host, error) {
	s.Helper()
	h, err := host.Start(s.ctx, host.Config{Plugin: pluginPath(s.T), Env: append(env, noAccounts...), Outputs: outputs})
	if err == nil {
		s.Cleanup(h.Kill)
	}
	return h, err
}

func (s *site) start(outputs ...host.Output) *host.Host {
	s.Helper()
	h, err := s.tryStart(nil, outputs...)
	s.must(err)
	return h
}

func (s *site) exit(h *host.Host) {
	s.Helper()
	if err := h.Exit(s.ctx); err != nil {
		s.Fatalf("%v\n%s", err, h.Log)
	}
}

func (s *site) waitLog(h *host.Host, text string) string {
	s.Helper()
	line, err := h.Log.Wait(s.ctx, text)
	if err != nil {
		s.Fatalf("%v\n%s", err, h.Log)
	}
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

// glob lists files below the store_dir.
func (s *site) glob(pattern string) []string {
	s.Helper()
	files, err := filepath.Glob(filepath.Join(s.store, pattern))
	s.must(err)
	return files
}
