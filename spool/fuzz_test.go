package spool

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"path/filepath"
	"reflect"
	"runtime/metrics"
	"testing"
)

// repair gives all that looks like a head the CRCs that it needs to be read, so
// that the fuzzer gets behind them.
func repair(b []byte, id ID) {
	if len(b) >= segmentHeaderLen {
		le.PutUint32(b[68:], crc32.Checksum(b[:68], castagnoli))
	}
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], batchMagic)
		if i < 0 || len(b)-at-i < batchHeaderLen {
			return
		}
		at += i
		head := b[at:]
		if n := int(le.Uint32(head[40:])); n >= batchHeaderLen && n <= len(head) {
			le.PutUint32(head[48:], crc32.Checksum(head[batchHeaderLen:n], castagnoli))
		}
		le.PutUint32(head[4:], headerCRC(head, &id))
	}
}

// allocated returns how many bytes the process has ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// FuzzOpen recovers a directory with any bytes in a segment.
func FuzzOpen(f *testing.F) {
	_, golden := goldenSegment()
	id := ID(golden[16:32])
	f.Add(golden, false)
	f.Add(golden, true)
	f.Add(golden[:len(golden)-5], true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, b []byte, mend bool) {
		if mend {
			repair(b, id)
		}
		d := newDisk()
		if err := d.mkdirAll(filepath.Join(testDir, quarantineDir)); err != nil {
			t.Fatal(err)
		}
		d.put(filepath.Join(testDir, segmentName(7, id)+segExt), b)
		before := allocated()
		o := testOptions(d)
		o.Replay = func(Position, Note) {}
		s, err := Open(testDir, o)
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		for _, seg := range s.Sealed() {
			readAll(t, s, seg)
		}
		if used := allocated() - before; used > 8<<20+100*uint64(len(b)) {
			t.Errorf("%d bytes were allocated for %d", used, len(b))
		}
		mustAppend(t, s, batch(1000, "z"))
		mustClose(t, s)
		first := s.Recovered()
		s = openDisk(t, d)
		if again := s.Recovered(); again.Batches != first.Batches+1 || len(again.Torn) > 0 {
			t.Errorf("recovered %+v, and then %+v", first, again)
		}
		mustClose(t, s)
	})
}

// readAll reads all streams of a segment. Every byte of it is in a batch, in a
// header, or reported.
func readAll(t *testing.T, s *Spool, seg Segment) {
	t.Helper()
	c := mustLoad(t, s, seg)
	for _, st := range c.Streams {
		r, err := st.Open()
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r)
		if err != nil || n != st.Size {
			t.Errorf("stream %q: read %d of %d bytes, %v", st.Name, n, st.Size, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	for i, e := range c.Damage {
		if e.Length <= 0 || e.Offset < segmentHeaderLen || e.Offset+e.Length > seg.size {
			t.Errorf("damage %d: %v", i, e)
		}
	}
}

// FuzzParseHead reads any bytes as the head of a batch.
func FuzzParseHead(f *testing.F) {
	_, golden := goldenSegment()
	f.Add(golden[segmentHeaderLen:])
	f.Add((&batchHead{}).append(nil, &ID{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		repair(b, ID{})
		var h, again batchHead
		if len(b) < batchHeaderLen {
			return
		}
		n := h.parseHeader(b, &ID{})
		if n == 0 || n > len(b) || !h.parse(b[:n]) {
			return
		}
		c := h.append(nil, &ID{})
		if again.parseHeader(c, &ID{}) != n || !again.parse(c) || !reflect.DeepEqual(h, again) {
			t.Errorf("%+v becomes %+v", h, again)
		}
	})
}

// FuzzParseSegmentHeader reads any bytes as the header of a segment.
func FuzzParseSegmentHeader(f *testing.F) {
	_, golden := goldenSegment()
	f.Add(golden[:segmentHeaderLen])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		repair(b, ID{})
		h, err := parseSegmentHeader(b)
		if err != nil {
			if !errors.Is(err, errHeader) && !errors.Is(err, errVersion) {
				t.Error(err)
			}
			return
		}
		if again, err := parseSegmentHeader(h.append(nil)); err != nil || again != h {
			t.Errorf("%+v becomes %+v, %v", h, again, err)
		}
	})
}
