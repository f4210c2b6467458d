package pipeline

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"siem-s3/spool"
)

// contents seals p's segment and returns its streams.
func contents(t *testing.T, p *Pipeline) *spool.Contents {
	t.Helper()
	if err := p.spool.Seal(); err != nil {
		t.Fatal(err)
	}
	sealed := p.spool.Sealed()
	if len(sealed) != 1 {
		t.Fatalf("%d segments", len(sealed))
	}
	c, err := p.spool.Load(sealed[0])
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBodyReadsAndSeeksAsAFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gzip", "zstd", "none"} {
		for _, batches := range []int{1, 40} {
			t.Run(fmt.Sprintf("%s/%d", name, batches), func(t *testing.T) {
				t.Parallel()
				p := open(t, options(t, &memory{}, func(o *Options) { o.Codec = codec(t, name) }))
				for n := range batches {
					write(t, p, "app", devices(20*n, 20*n+20))
				}
				c := contents(t, p)
				o, err := newObject(c.Segment, c.Streams[0])
				if err != nil {
					t.Fatal(err)
				}
				body, err := o.open()
				if err != nil {
					t.Fatal(err)
				}
				defer body.Close()
				content, err := io.ReadAll(body)
				if err != nil || int64(len(content)) != o.size {
					t.Fatalf("%d bytes of %d, %v", len(content), o.size, err)
				}
				want := strings.Join(deviceLines(0, 20*batches), "\n") + "\n"
				if got := string(unpack(t, o.key, content)); got != want {
					t.Errorf("got %d bytes, want %d", len(got), len(want))
				}
				if _, err := body.Seek(0, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				if err := iotest.TestReader(body, content); err != nil {
					t.Error(err)
				}
				if _, err := body.Seek(-1, io.SeekStart); err == nil {
					t.Error("seek before the start")
				}
			})
		}
	}
}

// A segment that an earlier process left is uploaded as that process would have.
func TestRecoveredSegmentKeepsItsCompressionAndKey(t *testing.T) {
	t.Parallel()
	b := &memory{}
	o := options(t, b)
	first := open(t, o)
	write(t, first, "app", devices(0, 5))
	c := contents(t, first)
	was, err := newObject(c.Segment, c.Streams[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := first.spool.Close(); err != nil {
		t.Fatal(err)
	}
	o.Codec, o.Key = codec(t, "zstd"), keys(t, "elsewhere/$UUID")
	second := start(t, o)
	write(t, second, "app", devices(5, 9))
	finish(t, second)

	keys := b.keys()
	if len(keys) != 2 || keys[0] != was.key || !strings.HasSuffix(keys[0], ".json.gz") ||
		!strings.HasPrefix(keys[1], "elsewhere/") || !strings.HasSuffix(keys[1], ".json.zst") {
		t.Fatalf("objects %q", keys)
	}
	sameLines(t, b.linesOf(t, keys[0]), deviceLines(0, 5))
	sameLines(t, b.linesOf(t, keys[1]), deviceLines(5, 9))
}

func TestUnreadableMetadataIsAnError(t *testing.T) {
	t.Parallel()
	for meta, want := range map[string]string{
		"":                        "unexpected end of JSON input",
		`{"compression":"brotli"`: "unexpected end of JSON input",
		`{"compression":"lzma"}`:  `compression "lzma": gzip, zstd and none are allowed`,
	} {
		_, err := newObject(spool.Segment{}, &spool.Stream{Meta: []byte(meta)})
		if err == nil || err.Error() != "read the metadata of a stream: "+want {
			t.Errorf("%s: got %v", meta, err)
		}
	}
}

func TestTagsSayWhatTheObjectHolds(t *testing.T) {
	t.Parallel()
	p := open(t, options(t, &memory{}))
	write(t, p, "app", devices(0, 3))
	c := contents(t, p)
	o, err := newObject(c.Segment, c.Streams[0])
	if err != nil {
		t.Fatal(err)
	}
	tags := o.tags()
	want := map[string]string{
		"siem-segment": c.Segment.ID.String(), "siem-records": "3",
		"siem-bytes": fmt.Sprint(len(strings.Join(deviceLines(0, 3), "\n")) + 1),
	}
	for name, value := range want {
		if tags[name] != value || !bytes.Equal([]byte(value), []byte(strings.ToLower(value))) {
			t.Errorf("%s is %s, want %s", name, tags[name], value)
		}
	}
	if len(tags) != len(want) {
		t.Errorf("tags %v", tags)
	}
}
