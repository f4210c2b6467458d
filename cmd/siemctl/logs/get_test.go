package logs

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"siem-s3/event"
)

const objectKey = "siem/category=device/dt=2026-11-22/hour=08/20261122T080000Z-0000000000000001.json"

// bigText is what the object of these tests holds: more than a buffer or two.
var bigText = bytes.Repeat([]byte("0123456789\n"), 100_000)

// get downloads what is found, and returns the result of the first object.
func get(t *testing.T, s *Source, dir string) Result {
	t.Helper()
	var bytes atomic.Int64
	objects := find(t, s, query())
	results, err := Get(t.Context(), objects, dir, func(n int64) { bytes.Add(n) })
	if err != nil {
		t.Fatal(err)
	}
	if r := results[0]; r.Err == nil && bytes.Load() != objects[0].Size {
		t.Errorf("progress told of %d bytes of %d", bytes.Load(), objects[0].Size)
	}
	return results[0]
}

// wantFiles fails the test unless a directory holds these files, and no others.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			got = append(got, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func wantContent(t *testing.T, path string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes, want %d: %v", path, len(got), len(want), err)
	}
}

func TestGetPutsVerifiedObjectsUnderTheirKeys(t *testing.T) {
	s, dir := newSource(t, newBucket(t)), t.TempDir()
	put(t, s, objectKey, bigText)
	r := get(t, s, dir)
	if r.Err != nil || r.There || !strings.HasPrefix(r.Checksum, "crc32:") || r.Path != filepath.Join(dir, filepath.FromSlash(objectKey)) {
		t.Errorf("%+v", r)
	}
	wantFiles(t, dir, objectKey)
	wantContent(t, r.Path, bigText)
	if again := get(t, s, dir); again.Err != nil || !again.There {
		t.Errorf("the second time: %+v", again)
	}
}

func TestGetLeavesAloneWhatIsSomethingElse(t *testing.T) {
	s, dir := newSource(t, newBucket(t)), t.TempDir()
	put(t, s, objectKey, bigText)
	path := filepath.Join(dir, filepath.FromSlash(objectKey))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := get(t, s, dir); r.Err == nil || !strings.Contains(r.Err.Error(), "is something else") {
		t.Errorf("%+v", r)
	}
	wantContent(t, path, []byte("mine"))
}

func TestGetGoesOnAfterABrokenConnection(t *testing.T) {
	set := newBucket(t)
	put(t, newSource(t, set), objectKey, bigText)
	p, led := through(t, set, func(p *proxy, n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			w = &cutOff{w, 300_000, nil}
		}
		p.forward.ServeHTTP(w, r)
	})
	dir := t.TempDir()
	r := get(t, newSource(t, led), dir)
	if r.Err != nil || r.Checksum == "" {
		t.Fatalf("%+v", r)
	}
	wantContent(t, r.Path, bigText)
	if seen := p.requests(); len(seen) != 2 || !strings.HasPrefix(seen[1], "GET bytes=") {
		t.Errorf("requests %q", seen)
	}
}

func TestTheNextGetGoesOnWhereOneWasInterrupted(t *testing.T) {
	set := newBucket(t)
	put(t, newSource(t, set), objectKey, bigText)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p, led := through(t, set, func(p *proxy, n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			w = &cutOff{w, 300_000, ctx.Done()}
		}
		p.forward.ServeHTTP(w, r)
	})
	s, dir := newSource(t, led), t.TempDir()
	var seen atomic.Int64
	objects := find(t, s, query())
	results, err := Get(ctx, objects, dir, func(n int64) {
		if seen.Add(n) > 200_000 {
			cancel() // Ctrl-C in the middle
		}
	})
	if err == nil || results[0].Err == nil {
		t.Fatalf("%v, %+v", err, results[0])
	}
	part := (&download{object: objects[0]}).part()
	wantFiles(t, dir, filepath.ToSlash(part))
	r := get(t, s, dir)
	if r.Err != nil || r.Checksum == "" {
		t.Fatalf("%+v", r)
	}
	wantFiles(t, dir, objectKey)
	wantContent(t, r.Path, bigText)
	if seen := p.requests(); len(seen) != 3 || seen[1] != "HEAD " || !strings.HasPrefix(seen[2], "GET bytes=") {
		t.Errorf("requests %q", seen)
	}
}

func TestGetOfWhatIsAllThereButForItsName(t *testing.T) {
	s, dir := newSource(t, newBucket(t)), t.TempDir()
	put(t, s, objectKey, bigText)
	path := filepath.Join(dir, filepath.FromSlash((&download{object: find(t, s, query())[0]}).part()))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		part []byte
		want string
	}{
		"as it should be": {bigText, ""},
		"damaged":         {append(bytes.Clone(bigText[:len(bigText)-1]), 'x'), "what was received is"},
		"too long":        {append(bytes.Clone(bigText), 'x'), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_ = os.Remove(filepath.Join(dir, filepath.FromSlash(objectKey)))
			if err := os.WriteFile(path, test.part, 0o644); err != nil {
				t.Fatal(err)
			}
			r := get(t, s, dir)
			if test.want == "" {
				wantContent(t, r.Path, bigText)
				return
			}
			if r.Err == nil || !strings.Contains(r.Err.Error(), test.want) {
				t.Errorf("%v, want %s", r.Err, test.want)
			}
			wantFiles(t, dir) // what is damaged is no start
		})
	}
}

func TestGetOfBytesThatWereChangedOnTheirWay(t *testing.T) {
	set := newBucket(t)
	put(t, newSource(t, set), objectKey, []byte("some text\n"))
	_, led := through(t, set, func(p *proxy, n int, w http.ResponseWriter, r *http.Request) {
		p.forward.ServeHTTP(&changing{w}, r)
	})
	dir := t.TempDir()
	if r := get(t, newSource(t, led), dir); r.Err == nil || !strings.Contains(r.Err.Error(), "the server's is") {
		t.Errorf("%+v", r)
	}
	wantFiles(t, dir)
}

// changing changes a byte of an answer.
type changing struct{ http.ResponseWriter }

func (c *changing) Write(p []byte) (int, error) {
	changed := bytes.Clone(p)
	changed[0] ^= 1
	return c.ResponseWriter.Write(changed)
}

func TestGetOfAnObjectThatIsOverwrittenMeanwhile(t *testing.T) {
	s, dir := newSource(t, newBucket(t)), t.TempDir()
	put(t, s, objectKey, bigText)
	objects := find(t, s, query())
	client, bucket := server.Client(), s.Bucket
	overwrite(t, client, bucket, objectKey)
	results, err := Get(t.Context(), objects, dir, func(int64) {})
	if err != nil || results[0].Err == nil || !strings.Contains(results[0].Err.Error(), "it was overwritten") {
		t.Errorf("%v, %+v", err, results[0])
	}
}

func TestKeysCannotLeaveTheDirectory(t *testing.T) {
	s := newSource(t, Settings{
		"bucket": newBucket(t)["bucket"], "endpoint": server.Endpoint, "aws_access_key_id": server.AccessKey,
		"aws_secret_access_key": server.SecretKey, "s3_key_format": "$TAG/%Y%m%d-$UUID",
	})
	dir := filepath.Join(t.TempDir(), "below")
	o := &Object{Source: s, Key: "../20261122-0123456789abcdef.json", Modified: sampleTime}
	if !s.Layout.Parse(o) {
		t.Fatal("the key is none of the layout, so this tests nothing")
	}
	results, err := Get(t.Context(), []*Object{o}, dir, func(int64) {})
	if err != nil || results[0].Err == nil || !strings.Contains(results[0].Err.Error(), "escapes") {
		t.Errorf("%v, %+v", err, results[0])
	}
	wantFiles(t, filepath.Dir(dir))
}

func TestGetStopsAtARefusal(t *testing.T) {
	set := newBucket(t)
	s := newSource(t, set)
	for n := range 50 {
		put(t, s, fmt.Sprintf("siem/category=device/dt=2026-11-22/hour=08/20261122T080000Z-%016x.json", n), []byte("{}\n"))
	}
	p, led := through(t, set, func(p *proxy, n int, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`))
	})
	s = newSource(t, led)
	_, err := Get(t.Context(), find(t, s, query()), t.TempDir(), func(int64) {})
	if err == nil || !strings.Contains(err.Error(), "grant s3:GetObject on arn:aws:s3:::"+s.Bucket+"/siem/*") {
		t.Errorf("%v", err)
	}
	if n := len(p.requests()); n > 2*maxRequests {
		t.Errorf("%d requests", n)
	}
	printer, err := NewPrinter(&bytes.Buffer{}, Output{Format: NDJSON}, &Filter{}, NewProblems(func(string) {}))
	if err != nil {
		t.Fatal(err)
	}
	if err := printer.Cat(t.Context(), find(t, s, query()), query()); err == nil || !strings.Contains(err.Error(), "grant s3:GetObject") {
		t.Errorf("%v", err)
	}
}

func TestCatGoesOnAfterBrokenConnections(t *testing.T) {
	set := newBucket(t)
	lt := logType(t, "compliant")
	var events []*event.Event
	for range 20_000 {
		events = append(events, deviceEvent(lt, sampleTime, "LTES0042"))
	}
	store(t, newSource(t, set), sampleTime, 4, events)
	_, led := through(t, set, func(p *proxy, n int, w http.ResponseWriter, r *http.Request) {
		if n < 4 {
			w = &cutOff{w, 500_000, nil}
		}
		p.forward.ServeHTTP(w, r)
	})
	lines, problems := cat(t, find(t, newSource(t, led), query()), query(), &Filter{}, Output{Format: NDJSON})
	if len(lines) != len(events) || problems != nil {
		t.Errorf("%d events, %q", len(lines), problems)
	}
}

// overwrite puts something else under a key, which siem_s3 never does.
func overwrite(t *testing.T, client *awss3.Client, bucket, key string) {
	t.Helper()
	_, err := client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("else")})
	if err != nil {
		t.Fatal(err)
	}
}
