package formatter_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"siem-s3/formatter"
)

// object makes an object of batches, the way a spool does: two workers compress
// them in turns, and the CRC is put together from theirs.
func object(t testing.TB, codec formatter.Codec, batches [][]byte) []byte {
	t.Helper()
	workers := [2]formatter.Compressor{codec.NewCompressor(), codec.NewCompressor()}
	body := bytes.Clone(codec.Header())
	var crc uint32
	var size int64
	for i, raw := range batches {
		var err error
		if body, err = workers[i%2].Append(body, raw); err != nil {
			t.Fatal(err)
		}
		crc = crc32.Update(crc, crc32.IEEETable, raw)
		size += int64(len(raw))
	}
	return append(body, codec.Trailer(crc, size)...)
}

// read decompresses an object, all of which must belong to it.
func read(codec formatter.Codec, body []byte) ([]byte, error) {
	switch codec.Ext() {
	case "gz":
		in := bytes.NewReader(body)
		r, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		r.Multistream(false)
		raw, err := io.ReadAll(r)
		if err == nil && in.Len() != 0 {
			err = fmt.Errorf("%d bytes behind the first member", in.Len())
		}
		return raw, err
	case "zst":
		r, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	return body, nil
}

func mustCodec(t testing.TB, name string, level int) formatter.Codec {
	t.Helper()
	codec, err := formatter.NewCodec(name, level)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// cut cuts raw into batches of random lengths, some of them empty.
func cut(r *rand.Rand, raw []byte, longest int) (batches [][]byte) {
	for len(raw) > 0 {
		n := min(len(raw), r.IntN(longest+1))
		batches = append(batches, raw[:n])
		raw = raw[n:]
	}
	return batches
}

func TestObjectReadsBackAtEveryLevel(t *testing.T) {
	raw := newTraffic().lines(200_000)
	noise := make([]byte, 70_000) // cannot be compressed, and longer than a deflate block
	r := rand.New(rand.NewPCG(3, 4))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	raw = append(raw, noise...)
	for name, levels := range map[string][]int{
		"gzip": {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
		"zstd": {0, 1, 3, 6, 10}, // one of each speed
		"none": {0},
	} {
		for _, level := range levels {
			codec := mustCodec(t, name, level)
			for _, longest := range []int{len(raw), 5000} {
				got, err := read(codec, object(t, codec, cut(r, raw, longest)))
				if err != nil || !bytes.Equal(got, raw) {
					t.Errorf("%s level %d, batches up to %d: got %d bytes, %v; want %d", name, level, longest, len(got), err, len(raw))
				}
			}
		}
	}
}

func TestObjectWithoutBatchesIsValid(t *testing.T) {
	for _, name := range []string{"gzip", "zstd", "none"} {
		codec := mustCodec(t, name, 0)
		for _, batches := range [][][]byte{nil, {nil, {}}} {
			body := object(t, codec, batches)
			if got, err := read(codec, body); err != nil || len(got) != 0 {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
			if name != "none" && len(body) == 0 {
				t.Errorf("%s: no bytes, which its tools take for a damaged file", name)
			}
		}
	}
}

// The field's own tools say that the objects are sound.
func TestObjectsPassTheToolsTest(t *testing.T) {
	raw := newTraffic().lines(100_000)
	for _, name := range []string{"gzip", "zstd"} {
		tool, err := exec.LookPath(name)
		if err != nil {
			t.Logf("%s is not installed", name)
			continue
		}
		codec := mustCodec(t, name, 0)
		for _, batches := range [][][]byte{nil, {raw}, cut(rand.New(rand.NewPCG(5, 6)), raw, 5000)} {
			cmd := exec.Command(tool, "-dc")
			cmd.Stdin = bytes.NewReader(object(t, codec, batches))
			var stderr strings.Builder
			cmd.Stderr = &stderr
			got, err := cmd.Output()
			if err != nil || stderr.Len() > 0 {
				t.Errorf("%s: %v %s", name, err, &stderr)
			}
			if want := bytes.Join(batches, nil); !bytes.Equal(got, want) {
				t.Errorf("%s: got %d bytes, want %d", name, len(got), len(want))
			}
		}
	}
}

func TestGzipReaderDetectsWrongTotals(t *testing.T) {
	codec := mustCodec(t, "gzip", 0)
	raw := []byte("event\n")
	batch, err := codec.NewCompressor().Append(bytes.Clone(codec.Header()), raw)
	if err != nil {
		t.Fatal(err)
	}
	crc, size := crc32.ChecksumIEEE(raw), int64(len(raw))
	for _, row := range []struct {
		name string
		crc  uint32
		size int64
		ok   bool
	}{
		{"right", crc, size, true},
		{"size modulo 2^32", crc, size + 1<<32, true},
		{"wrong crc", crc + 1, size, false},
		{"wrong size", crc, size + 1, false},
	} {
		_, err := read(codec, append(bytes.Clone(batch), codec.Trailer(row.crc, row.size)...))
		if (err == nil) != row.ok {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// The same events make the same object, at any time and on any machine.
func TestGzipHeaderHasNoTimeAndNoSystem(t *testing.T) {
	r, err := gzip.NewReader(bytes.NewReader(object(t, mustCodec(t, "gzip", 0), nil)))
	if err != nil {
		t.Fatal(err)
	}
	if h := r.Header; !h.ModTime.IsZero() || h.OS != 0xff || h.Name != "" || h.Comment != "" || h.Extra != nil {
		t.Errorf("got %+v", h)
	}
}

// What a compressor returned stays as it is while the compressor goes on.
func TestCompressorKeepsNothingOfABatch(t *testing.T) {
	tr := newTraffic()
	first, second := tr.lines(50_000), tr.lines(50_000)
	for _, name := range []string{"gzip", "zstd", "none"} {
		c := mustCodec(t, name, 0).NewCompressor()
		a, err := c.Append([]byte("before"), first)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(a, []byte("before")) {
			t.Errorf("%s: overwrote what was there", name)
		}
		kept := bytes.Clone(a)
		if _, err := c.Append(nil, second); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, kept) {
			t.Errorf("%s: the second batch changed the first", name)
		}
		again, err := c.Append([]byte("before"), first)
		if err != nil || !bytes.Equal(again, kept) {
			t.Errorf("%s: a batch depends on the ones before it (%v)", name, err)
		}
	}
}

func TestNewCodecChecksNameAndLevel(t *testing.T) {
	for _, row := range []struct {
		name  string
		level int
		want  string // the error, "" for none
	}{
		{"gzip", 0, ""},
		{"gzip", 1, ""},
		{"gzip", 9, ""},
		{"gzip", -1, "compression level -1: gzip allows 1 to 9, or 0 for its default"},
		{"gzip", 10, "compression level 10: gzip allows 1 to 9, or 0 for its default"},
		{"zstd", 0, ""},
		{"zstd", 22, ""},
		{"zstd", 23, "compression level 23: zstd allows 1 to 22, or 0 for its default"},
		{"zstd", -5, "compression level -5: zstd allows 1 to 22, or 0 for its default"},
		{"none", 0, ""},
		{"none", 5, "compression level 5: none has no levels, only 0 is allowed"},
		{"snappy", 0, `compression "snappy": gzip, zstd and none are allowed`},
		{"", 0, `compression "": gzip, zstd and none are allowed`},
	} {
		_, err := formatter.NewCodec(row.name, row.level)
		if got := fmt.Sprint(err); got != row.want && !(err == nil && row.want == "") {
			t.Errorf("%s level %d: got %q, want %q", row.name, row.level, got, row.want)
		}
	}
}

func TestCodecExtensions(t *testing.T) {
	for name, want := range map[string]string{"gzip": "gz", "zstd": "zst", "none": ""} {
		if got := mustCodec(t, name, 0).Ext(); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestLevelsThatAreTheSame(t *testing.T) {
	raw := newTraffic().lines(100_000)
	for _, row := range []struct {
		name string
		same []int
	}{
		{"gzip", []int{0, 5}},
		{"zstd", []int{0, 1, 2}},
		{"zstd", []int{3, 5}},
		{"zstd", []int{6, 9}},
		{"zstd", []int{10, 22}},
	} {
		want := object(t, mustCodec(t, row.name, row.same[0]), [][]byte{raw})
		for _, level := range row.same[1:] {
			if got := object(t, mustCodec(t, row.name, level), [][]byte{raw}); !bytes.Equal(got, want) {
				t.Errorf("%s: level %d makes %d bytes, level %d makes %d", row.name, level, len(got), row.same[0], len(want))
			}
		}
	}
}

// A higher level is of use: it makes a smaller object.
func TestHigherLevelsCompressMore(t *testing.T) {
	raw := newTraffic().lines(500_000)
	for _, row := range []struct {
		name          string
		lower, higher int
	}{{"gzip", 1, 5}, {"gzip", 5, 9}, {"zstd", 1, 10}} {
		lower := object(t, mustCodec(t, row.name, row.lower), [][]byte{raw})
		higher := object(t, mustCodec(t, row.name, row.higher), [][]byte{raw})
		if len(higher) >= len(lower) {
			t.Errorf("%s: level %d makes %d bytes, level %d makes %d", row.name, row.lower, len(lower), row.higher, len(higher))
		}
	}
}

func FuzzGzip(f *testing.F) { fuzzCodec(f, "gzip") }
func FuzzZstd(f *testing.F) { fuzzCodec(f, "zstd") }

// fuzzCodec cuts what is to be compressed at random, as the seed says. It leaves
// out the slowest of zstd's four speeds, whose tables take longer to make than to use.
func fuzzCodec(f *testing.F, name string) {
	const highest = 9
	f.Add([]byte(""), 0, uint64(0))
	f.Add([]byte(strings.Repeat("the same again. ", 100)), 1, uint64(1))
	f.Add(newTraffic().lines(3000), 5, uint64(2))
	f.Fuzz(func(t *testing.T, raw []byte, level int, seed uint64) {
		codec := mustCodec(t, name, int(uint(level)%uint(highest+1)))
		r := rand.New(rand.NewPCG(seed, 0))
		got, err := read(codec, object(t, codec, cut(r, raw, 1+r.IntN(len(raw)+1))))
		if err != nil || !bytes.Equal(got, raw) {
			t.Errorf("got %q, %v; want %q", got, err, raw)
		}
	})
}
