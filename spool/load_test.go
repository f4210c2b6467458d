package spool

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// modelStream is what a stream must be.
type modelStream struct {
	payload, raw []byte
	records      int
}

// modelBatch draws a batch whose payloads and originals have nothing to do with
// one another, as those of a compressor would look, and adds it to the model.
func modelBatch(t *rapid.T, model map[string]*modelStream, maxPayload int) *Batch {
	b := &Batch{}
	fillDigest(t, b)
	for range rapid.IntRange(0, 6).Draw(t, "objects") {
		name := rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(t, "stream")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		o := Object{
			Stream:  name,
			Payload: randomBytes(rng, rapid.IntRange(0, maxPayload).Draw(t, "payload")),
			Records: rapid.IntRange(0, 1000).Draw(t, "records"),
		}
		raw := randomBytes(rng, rapid.IntRange(0, 2000).Draw(t, "raw"))
		o.RawLen, o.RawCRC = int64(len(raw)), crc32.ChecksumIEEE(raw)
		b.Objects = append(b.Objects, o)
		if model[name] == nil {
			model[name] = &modelStream{}
		}
		st := model[name]
		st.payload, st.raw, st.records = append(st.payload, o.Payload...), append(st.raw, raw...), st.records+o.Records
	}
	return b
}

func fillDigest(t *rapid.T, b *Batch) {
	copy(b.Digest[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "digest"))
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func TestStreamsAreTheSumOfTheirBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDisk()
		s, err := Open(testDir, testOptions(d))
		if err != nil {
			t.Fatal(err)
		}
		var models []map[string]*modelStream
		for range rapid.IntRange(1, 3).Draw(t, "segments") {
			model := map[string]*modelStream{}
			for range rapid.IntRange(1, 8).Draw(t, "batches") {
				if err := s.Append(modelBatch(t, model, 5000)); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Seal(); err != nil {
				t.Fatal(err)
			}
			models = append(models, model)
		}
		checkModels(t, s, models)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(testDir, testOptions(d)); err != nil {
			t.Fatal(err)
		}
		checkModels(t, s, models)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func checkModels(t *rapid.T, s *Spool, models []map[string]*modelStream) {
	t.Helper()
	sealed := s.Sealed()
	if len(sealed) != len(models) {
		t.Fatalf("%d segments, want %d", len(sealed), len(models))
	}
	for i, model := range models {
		c, err := s.Load(sealed[i])
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Streams) != len(model) || len(c.Damage) > 0 {
			t.Fatalf("%d streams, want %d; damage %v", len(c.Streams), len(model), c.Damage)
		}
		for _, st := range c.Streams {
			want := model[st.Name]
			if st.Size != int64(len(want.payload)) || st.Records != want.records ||
				st.RawLen != int64(len(want.raw)) || st.RawCRC != crc32.ChecksumIEEE(want.raw) {
				t.Fatalf("stream %q: %d bytes, %d records, %d raw bytes of CRC %08x, want %d, %d, %d, %08x", st.Name,
					st.Size, st.Records, st.RawLen, st.RawCRC, len(want.payload), want.records, len(want.raw), crc32.ChecksumIEEE(want.raw))
			}
			checkReader(t, st, want.payload)
		}
	}
}

// checkReader reads and seeks at random.
func checkReader(t *rapid.T, st *Stream, want []byte) {
	t.Helper()
	r, err := st.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pos := 0
	for range 8 {
		switch rapid.IntRange(0, 3).Draw(t, "seek") {
		case 0:
			pos = rapid.IntRange(0, len(want)+10).Draw(t, "to")
			mustSeek(t, r, int64(pos), io.SeekStart, pos)
		case 1:
			pos = max(pos+rapid.IntRange(-len(want), 100).Draw(t, "by"), 0)
			cur, _ := r.Seek(0, io.SeekCurrent)
			mustSeek(t, r, int64(pos)-cur, io.SeekCurrent, pos)
		case 2:
			pos = rapid.IntRange(0, len(want)).Draw(t, "from end")
			mustSeek(t, r, int64(pos-len(want)), io.SeekEnd, pos)
		}
		b := make([]byte, rapid.IntRange(0, 3*5000).Draw(t, "read"))
		n, err := io.ReadFull(r, b)
		if !bytes.Equal(b[:n], want[min(pos, len(want)):min(pos+len(b), len(want))]) {
			t.Fatalf("%d bytes at %d differ", len(b), pos)
		}
		if n < len(b) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("read at %d: %v", pos, err)
		}
		pos += n
	}
}

func mustSeek(t *rapid.T, r io.Seeker, off int64, whence, want int) {
	t.Helper()
	if got, err := r.Seek(off, whence); err != nil || got != int64(want) {
		t.Fatalf("Seek(%d, %d) = %d, %v, want %d", off, whence, got, err, want)
	}
}

// largeStream appends batches of 300 KB to two streams, which get marks.
func largeStream(t *testing.T, d *disk) (st *Stream, want []byte) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	o := testOptions(d)
	o.SegmentBytes = 1 << 30
	s := mustOpen(t, testDir, o)
	for i := range 14 {
		a, b := randomBytes(rng, 300<<10), randomBytes(rng, 100<<10)
		objects := []Object{{Stream: "b", Payload: b}, {Stream: "a", Payload: a}}
		if i%3 == 0 { // twice in one batch
			objects = append(objects, Object{Stream: "a", Payload: b})
			a = append(a, b...)
		}
		want = append(want, a...)
		mustAppend(t, s, &Batch{Digest: digest(i), Objects: objects})
	}
	st = mustLoad(t, s, mustSeal(t, s)).Streams[1]
	if st.Name != "a" || len(st.marks) < 4 {
		t.Fatalf("stream %s has %d marks", st.Name, len(st.marks))
	}
	return st, want
}

func TestLargeStreamCanBeReadFromAnywhere(t *testing.T) {
	st, want := largeStream(t, newDisk())
	r, err := st.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rng := rand.New(rand.NewPCG(2, 2))
	for range 300 {
		pos := rng.IntN(len(want))
		if _, err := r.Seek(int64(pos), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, min(1+rng.IntN(20), len(want)-pos))
		if rng.IntN(20) == 0 {
			b = make([]byte, min(600<<10, len(want)-pos))
		}
		if _, err := io.ReadFull(r, b); err != nil || !bytes.Equal(b, want[pos:pos+len(b)]) {
			t.Fatalf("%d bytes at %d: %v, or they differ", len(b), pos, err)
		}
	}
}

func TestSeekReadsAtMostWhatIsBetweenMarks(t *testing.T) {
	d := newDisk()
	st, want := largeStream(t, d)
	r, err := st.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, pos := range []int{len(want) - 1, 0, len(want) / 2} {
		if _, err := r.Seek(int64(pos), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		d.calls = nil
		b := make([]byte, 1)
		if _, err := r.Read(b); err != nil || b[0] != want[pos] {
			t.Fatalf("byte %d: %v, or it differs", pos, err)
		}
		if n := d.count("read"); n > 2*(markEvery/(300<<10)+2) {
			t.Errorf("byte %d took %d reads", pos, n)
		}
	}
}

func TestReaderIsAReader(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	want := ""
	for n := range 30 {
		mustAppend(t, s, batch(n, "b", "a"))
		want += line(n, "a")
	}
	for _, st := range mustLoad(t, s, mustSeal(t, s)).Streams {
		if st.Name != "a" {
			continue
		}
		r, err := st.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := iotest.TestReader(r, []byte(want)); err != nil {
			t.Error(err)
		}
		for _, whence := range []int{-1, 3} {
			if _, err := r.Seek(0, whence); err == nil {
				t.Errorf("Seek of kind %d: no error", whence)
			}
		}
		if _, err := r.Seek(-1, io.SeekStart); err == nil {
			t.Error("Seek before the start: no error")
		}
	}
}

func TestStreamsGoByTheirFirstUse(t *testing.T) {
	s := openDisk(t, newDisk())
	mustAppend(t, s, batch(0, "z"), batch(1, "a", "z"), batch(2, "m"))
	var got []string
	for _, st := range mustLoad(t, s, mustSeal(t, s)).Streams {
		got = append(got, st.Name)
	}
	if want := []string{"z", "a", "m"}; !slices.Equal(got, want) {
		t.Errorf("streams %q, want %q", got, want)
	}
}

func TestMetadataIsFixedWhenASegmentFirstUsesAStream(t *testing.T) {
	d := newDisk()
	o := testOptions(d)
	described := 0
	o.Describe = func(stream string, id ID) []byte {
		described++
		return fmt.Appendf(nil, "%s, %d, %v", stream, described, id)
	}
	s := mustOpen(t, testDir, o)
	mustAppend(t, s, batch(0, "a"), batch(1, "a"))
	seg := mustSeal(t, s)
	mustAppend(t, s, batch(2, "a"))
	mustClose(t, s)
	again := mustOpen(t, testDir, o)
	for i, seg := range again.Sealed() {
		want := fmt.Sprintf("a, %d, %v", i+1, seg.ID)
		if got := string(mustLoad(t, again, seg).Streams[0].Meta); got != want {
			t.Errorf("metadata %q, want %q", got, want)
		}
	}
	if described != 2 || again.Sealed()[0].ID != seg.ID {
		t.Errorf("described %d times, want once a segment", described)
	}
}

func TestDamagedBatchesAreLeftOutOfTheReader(t *testing.T) {
	const n = 6
	intact := newDisk()
	s := openDisk(t, intact)
	for i := range n {
		mustAppend(t, s, batch(i, "a"))
	}
	seg := mustSeal(t, s)
	path, offs := segmentAt(t, intact, seg)
	for mask := range 1 << n { // which of them are damaged
		for _, where := range []string{"head", "table", "payload"} {
			d := intact.kill()
			b := d.get(t, path)
			want := ""
			for i := range n {
				switch {
				case mask&(1<<i) == 0:
					want += line(i, "a")
				case where == "head":
					b[offs[i]+9] ^= 0x40
				case where == "table":
					b[offs[i]+batchHeaderLen] ^= 0x40
				default:
					b[offs[i+1]-1] ^= 0x40
				}
			}
			again := openDisk(t, d)
			got, damage := stored(t, again)
			if got["a"] != want || (len(damage) > 0) != (mask > 0) {
				t.Errorf("%06b damaged in the %s: %q, want %q; damage %v", mask, where, got["a"], want, damage)
			}
			mustClose(t, again)
		}
	}
}
