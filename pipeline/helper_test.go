package pipeline

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/klauspost/compress/zstd"

	"siem-s3/event"
	"siem-s3/formatter"
	"siem-s3/test/chunk"
)

// memory is a Bucket that keeps objects in memory, and refuses to overwrite as
// If-None-Match does.
type memory struct {
	// before, if set, can fail an attempt before anything is stored, after once
	// it is: then the answer is lost.
	before func(ctx context.Context, key string) error
	after  func(key string) error
	check  func() error

	mu      sync.Mutex
	objects map[string]stored
}

type stored struct {
	body        []byte
	contentType string
	meta        map[string]string
}

func (m *memory) Check(context.Context) error {
	if m.check != nil {
		return m.check()
	}
	return nil
}

func (m *memory) Put(ctx context.Context, key string, body io.ReadSeeker, size int64, contentType string, meta map[string]string) error {
	if m.before != nil {
		if err := m.before(ctx, key); err != nil {
			return err
		}
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if int64(len(content)) != size {
		return fmt.Errorf("body of %d bytes, not %d", len(content), size)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[string]stored{}
	}
	if there, ok := m.objects[key]; !ok {
		m.objects[key] = stored{content, contentType, meta}
	} else if !bytes.Equal(there.body, content) || !maps.Equal(there.meta, meta) {
		return &failure{text: "the key holds another object", conflict: true}
	}
	if m.after != nil {
		return m.after(key)
	}
	return nil
}

func (m *memory) keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.objects))
}

// lines returns the lines of all objects whose key holds part.
func (m *memory) lines(t *testing.T, part string) (lines []string) {
	t.Helper()
	for _, key := range m.keys() {
		if strings.Contains(key, part) {
			lines = append(lines, m.linesOf(t, key)...)
		}
	}
	return lines
}

func (m *memory) linesOf(t *testing.T, key string) []string {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Split(strings.TrimSuffix(string(unpack(t, key, m.objects[key].body)), "\n"), "\n")
}

// unpack decompresses by the key's extension. Of gzip it wants a single member.
func unpack(t *testing.T, key string, body []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	switch {
	case strings.HasSuffix(key, ".gz"):
		z, err := gzip.NewReader(bufioReader{bytes.NewReader(body)})
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		z.Multistream(false)
		r = z
	case strings.HasSuffix(key, ".zst"):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		defer z.Close()
		r = z
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	if z, ok := r.(*gzip.Reader); ok {
		if err := z.Reset(bytes.NewReader(nil)); err != io.EOF {
			t.Fatalf("%s: %v", key, err)
		}
	}
	return out
}

// bufioReader keeps gzip from reading ahead.
type bufioReader struct{ *bytes.Reader }

// failure is an error with all that a Bucket can say of one.
type failure struct {
	text             string
	kind             string
	config, conflict bool
	after            time.Duration
}

func (f *failure) Error() string             { return f.text }
func (f *failure) Config() bool              { return f.config }
func (f *failure) Conflict() bool            { return f.conflict }
func (f *failure) RetryAfter() time.Duration { return f.after }

func (f *failure) Kind() string {
	if f.kind == "" {
		return f.text
	}
	return f.kind
}

const testKeys = "$CATEGORY/%Y%m%dT%H%M%S-$UUID"

// options are those of a pipeline that keeps a window open for an hour.
func options(t testing.TB, b Bucket, change ...func(*Options)) Options {
	t.Helper()
	mapping, err := event.NewMapping(event.MappingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Log: hclog.NewNullLogger(), Mapping: mapping, Format: formatter.JSON{}, Codec: codec(t, "gzip"), Key: keys(t, testKeys),
		Bucket: b, Location: "s3://audit", Window: time.Hour,
		StoreDir: t.TempDir(), StoreDirLimit: 1 << 30, SegmentBytes: 50 << 20,
	}
	for _, f := range change {
		f(&o)
	}
	return o
}

func codec(t testing.TB, name string) formatter.Codec {
	t.Helper()
	c, err := formatter.NewCodec(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func keys(t testing.TB, template string) *KeyFormat {
	t.Helper()
	k, err := ParseKeyFormat(template, "gw-1")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t testing.TB, o Options) *Pipeline {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.spool.Close() })
	return p
}

func start(t testing.TB, o Options) *Pipeline {
	t.Helper()
	p := open(t, o)
	p.Start()
	return p
}

func write(t testing.TB, p *Pipeline, tag string, c []byte) {
	t.Helper()
	if err := p.Write(tag, c); err != nil {
		t.Fatal(err)
	}
}

// finish stops p, which has all the time to upload.
func finish(t testing.TB, p *Pipeline) {
	t.Helper()
	if err := p.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
}

var sampleTime = time.Date(2026, 11, 22, 8, 0, 0, 123e6, time.UTC)

// device returns the record of the n-th device event.
func device(n int) chunk.Record {
	return chunk.Record{Time: sampleTime, Body: map[string]any{
		"log_type": "added", "device_id": fmt.Sprintf("d-%d", n), "device_name": "LT-" + fmt.Sprint(n%7),
		"device_group": "Sales", "details": "enrolled",
	}}
}

// devices returns the chunk of the device events from number from up to, not
// including, to.
func devices(from, to int) []byte {
	var b []byte
	for n := from; n < to; n++ {
		b = chunk.Append(b, chunk.V2, device(n))
	}
	return b
}

// deviceLine is how the n-th device event is stored.
func deviceLine(n int) string {
	return fmt.Sprintf(`{"timestamp":"2026-11-22T08:00:00.123Z","log_type":"added","details":"enrolled",`+
		`"device_id":"d-%d","device_name":"LT-%d","device_username":"","device_group":"Sales"}`, n, n%7)
}

func deviceLines(from, to int) (lines []string) {
	for n := from; n < to; n++ {
		lines = append(lines, deviceLine(n))
	}
	return lines
}

// sameLines compares two multisets.
func sameLines(t *testing.T, got, want []string) {
	t.Helper()
	count := map[string]int{}
	for _, line := range want {
		count[line]++
	}
	for _, line := range got {
		count[line]--
	}
	for _, line := range slices.Sorted(maps.Keys(count)) {
		if n := count[line]; n > 0 {
			t.Errorf("%d times missing: %s", n, line)
		} else if n < 0 {
			t.Errorf("%d times too often: %s", -n, line)
		}
	}
}

// rejected is a line of the category rejected.
type rejected struct {
	ReceivedAt string `json:"received_at"`
	Reason     string
	Detail     string
	Tag        string
	Record     json.RawMessage
}

func parseRejected(t *testing.T, line string) (r rejected) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return r
}

// logged collects what a pipeline logs, a line each: level, message, and the
// error if there is one.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) logger() hclog.Logger {
	log := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Debug})
	log.RegisterSink(l)
	return log
}

// Accept implements hclog.SinkAdapter.
func (l *logged) Accept(_ string, level hclog.Level, msg string, args ...any) {
	if level < hclog.Info {
		return
	}
	line := level.String() + ": " + msg
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == "error" || args[i] == "reason" {
			line += fmt.Sprintf(" (%v)", args[i+1])
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

// take returns the lines since the last take, without those on uploaded objects.
func (l *logged) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := slices.DeleteFunc(l.lines, func(s string) bool { return s == "info: uploaded" })
	l.lines = nil
	return lines
}

func (l *logged) want(t *testing.T, want ...string) {
	t.Helper()
	if got := l.take(); !slices.Equal(got, want) {
		t.Errorf("logged\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
