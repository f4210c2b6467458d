package spool

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	if dir := os.Getenv(lockDirEnv); dir != "" {
		os.Exit(tryLock(dir))
	}
	goleak.VerifyTestMain(m)
}

const testDir = "/spool"

func testOptions(fsys fileSystem) Options {
	return Options{
		MaxBytes: 1 << 30, SegmentBytes: 1 << 20, MaxStreams: 64,
		Describe: func(stream string, _ ID) []byte { return []byte("meta of " + stream) },
		fs:       fsys,
	}
}

func mustOpen(t testing.TB, dir string, o Options) *Spool {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func openDisk(t testing.TB, d *disk) *Spool {
	t.Helper()
	return mustOpen(t, testDir, testOptions(d))
}

func mustAppend(t testing.TB, s *Spool, batches ...*Batch) {
	t.Helper()
	for _, b := range batches {
		if err := s.Append(b); err != nil {
			t.Fatalf("Append: %v", err)
		}
	}
}

func mustSeal(t testing.TB, s *Spool) Segment {
	t.Helper()
	if err := s.Seal(); err != nil {
		t.Fatalf("Seal: %v", err)
	}
	sealed := s.Sealed()
	if len(sealed) == 0 {
		t.Fatal("Seal: nothing was sealed")
	}
	return sealed[len(sealed)-1]
}

func mustLoad(t testing.TB, s *Spool, seg Segment) *Contents {
	t.Helper()
	c, err := s.Load(seg)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

func mustRemove(t testing.TB, s *Spool, c *Contents) {
	t.Helper()
	if err := s.Remove(c); err != nil {
		t.Fatalf("Remove: %v", err)
	}
}

func mustClose(t testing.TB, s *Spool) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// digest returns a digest that is n's own.
func digest(n int) (d Digest) {
	binary.BigEndian.PutUint64(d[:], uint64(n)+1)
	return d
}

// object returns an object that is its own original: not compressed.
func object(stream, payload string) Object {
	return Object{
		Stream: stream, Payload: []byte(payload), Records: strings.Count(payload, "\n"),
		RawLen: int64(len(payload)), RawCRC: crc32.ChecksumIEEE([]byte(payload)),
	}
}

// batch returns batch n with a line of its own for each stream.
func batch(n int, streams ...string) *Batch {
	b := &Batch{Digest: digest(n)}
	for _, stream := range streams {
		b.Objects = append(b.Objects, object(stream, line(n, stream)))
	}
	return b
}

func line(n int, stream string) string { return fmt.Sprintf("batch %d of %s\n", n, stream) }

// lines returns what the batches add to a stream.
func lines(stream string, batches ...int) string {
	var b strings.Builder
	for _, n := range batches {
		b.WriteString(line(n, stream))
	}
	return b.String()
}

// readStream returns a stream's bytes, checked against what is said of them.
func readStream(t testing.TB, st *Stream) string {
	t.Helper()
	r, err := st.Open()
	if err != nil {
		t.Fatalf("Open of stream %s: %v", st.Name, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read of stream %s: %v", st.Name, err)
	}
	if int64(len(b)) != st.Size || st.RawLen != st.Size || st.RawCRC != crc32.ChecksumIEEE(b) || st.Records != bytes.Count(b, []byte("\n")) {
		t.Fatalf("stream %s has %d bytes and %d lines, said to be %d (raw %d) and %d, or another CRC",
			st.Name, len(b), bytes.Count(b, []byte("\n")), st.Size, st.RawLen, st.Records)
	}
	return string(b)
}

// stored returns all that the sealed segments hold, by stream, and the damage.
func stored(t testing.TB, s *Spool) (streams map[string]string, damage []*CorruptError) {
	t.Helper()
	streams = map[string]string{}
	for _, seg := range s.Sealed() {
		c := mustLoad(t, s, seg)
		damage = append(damage, c.Damage...)
		for _, st := range c.Streams {
			if want := "meta of " + st.Name; string(st.Meta) != want {
				t.Errorf("metadata of stream %s: %q, want %q", st.Name, st.Meta, want)
			}
			streams[st.Name] += readStream(t, st)
		}
	}
	return streams, damage
}

// wantStored fails the test unless the sealed segments hold exactly that.
func wantStored(t testing.TB, s *Spool, want map[string]string) {
	t.Helper()
	got, damage := stored(t, s)
	if len(damage) > 0 {
		t.Errorf("damage: %v", damage)
	}
	if !maps.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
}

// wantKnown fails the test unless of the batches named those, and only those, are known.
func wantKnown(t testing.TB, s *Spool, all int, known ...int) {
	t.Helper()
	for n := range all {
		if got, want := s.Known(digest(n)), slices.Contains(known, n); got != want {
			t.Errorf("Known(batch %d) = %v, want %v", n, got, want)
		}
	}
}

// segmentAt returns a segment's file in a disk, and the offsets of its batches and its end.
func segmentAt(t testing.TB, d *disk, seg Segment) (path string, offs []int64) {
	t.Helper()
	b := d.get(t, seg.Path)
	w := newWalker(bytes.NewReader(b), seg.ID, int64(len(b)))
	for {
		if _, err := w.next(); err == io.EOF {
			return seg.Path, append(offs, w.off)
		} else if err != nil {
			t.Fatal(err)
		}
		offs = append(offs, w.headOff)
	}
}

func quarantinePath(name string) string { return filepath.Join(testDir, quarantineDir, name) }
