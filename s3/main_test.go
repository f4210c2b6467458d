package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

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
	dir, err := os.MkdirTemp("", "s3-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		server, err = s3server.Run(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Stop()
	for name, value := range map[string]string{
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_CONFIG_FILE":             dir + "/none",
		"AWS_SHARED_CREDENTIALS_FILE": dir + "/none",
	} {
		_ = os.Setenv(name, value)
	}
	return s.M.Run()
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(suite{m}) }

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

var buckets atomic.Int32

// newName returns a bucket's name, of the test's name and a number, so that a
// test may run again on the same server.
func newName(t testing.TB) string {
	name := notInNames.ReplaceAllString(strings.ToLower(t.Name()), "-")
	return strings.Trim(name[max(0, len(name)-50):], "-") + fmt.Sprintf("-%d", buckets.Add(1))
}

// bucketFor makes a bucket of the test's own on the shared server.
func bucketFor(t testing.TB) string { return bucketBy(t, server.CreateBucket) }

// lockedBucketFor is bucketFor for objects that may be locked.
func lockedBucketFor(t testing.TB) string { return bucketBy(t, server.CreateLockedBucket) }

func bucketBy(t testing.TB, create func(context.Context, string) error) string {
	t.Helper()
	name := newName(t)
	if err := create(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return name
}

// options are those for a bucket on the shared server.
func options(bucket string) s3.Options {
	return s3.Options{
		Bucket:          bucket,
		Region:          server.Region,
		Endpoint:        server.Endpoint,
		ForcePathStyle:  true,
		AccessKeyID:     server.AccessKey,
		SecretAccessKey: server.SecretKey,
		Checksum:        "crc32",
	}
}

// open makes a Bucket and closes it when the test is over.
func open(t testing.TB, o s3.Options) *s3.Bucket {
	t.Helper()
	b, err := s3.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

var meta = map[string]string{"siem-segment": "0000000000000007-c0ffee"}

// put puts text under key, with meta.
func put(t testing.TB, b *s3.Bucket, key, text string) error {
	t.Helper()
	return b.Put(t.Context(), key, strings.NewReader(text), int64(len(text)), "application/x-ndjson", meta)
}

// wantObject fails the test unless the server keeps text under key.
func wantObject(t testing.TB, bucket, key, text string) {
	t.Helper()
	got, err := server.Get(t.Context(), bucket, key)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Body, []byte(text)) {
		t.Errorf("object %s holds %d bytes, want the %d sent", key, len(got.Body), len(text))
	}
}

// notices collects what a Bucket has to tell.
type notices struct{ ch chan string }

func collectNotices(o *s3.Options) notices {
	n := notices{make(chan string, 100)}
	o.OnNotice = func(text string) { n.ch <- text }
	return n
}

// all returns the notices so far.
func (n notices) all() (texts []string) {
	for len(n.ch) > 0 {
		texts = append(texts, <-n.ch)
	}
	return texts
}
