package spool

import (
	"bytes"
	"hash/crc32"
	"io"
	"testing"
)

// A whole batch must be found behind damage wherever it lies in a block.
func TestBatchBehindDamageIsFoundAtAnyOffset(t *testing.T) {
	id := ID{1}
	h := batchHead{digest: digest(1), frames: []frame{{kind: frameNote, payload: 3, payloadCRC: crc32.Checksum([]byte("abc"), castagnoli)}}}
	whole := append(h.append(nil, &id), "abc"...)
	for _, around := range []int{minBlock, 2 * minBlock, 3 * minBlock, 7 * minBlock, maxBlock, 2 * maxBlock} {
		for n := around - 80; n < around+8; n++ {
			b := append(bytes.Repeat([]byte{'B'}, segmentHeaderLen+n), whole...)
			w := newWalker(bytes.NewReader(b), id, int64(len(b)))
			bad, err := w.next()
			if err != nil || bad != (extent{segmentHeaderLen, int64(segmentHeaderLen + n)}) || w.headOff != bad.end {
				t.Fatalf("behind %d bytes: skipped %v, %v", n, bad, err)
			}
			if ok, err := w.intact(); !ok || err != nil {
				t.Fatalf("behind %d bytes: intact %v, %v", n, ok, err)
			}
			if _, err := w.next(); err != io.EOF {
				t.Fatalf("behind %d bytes: %v, want EOF", n, err)
			}
		}
	}
}

// What imitates batches in the payload of a damaged batch must cost little to
// tell from them.
func TestImitatedBatchesCostLittle(t *testing.T) {
	one := batchHead{digest: digest(1), frames: []frame{{kind: frameObject, name: []byte("a"), payload: maxHeadLen}}}
	imitation := one.append(nil, &ID{2})[:batchHeaderLen]
	le.PutUint32(imitation[40:], maxHeadLen)
	b := append(make([]byte, segmentHeaderLen), bytes.Repeat(imitation, 1<<16)...)
	var read countingReaderAt
	read.src = bytes.NewReader(b)
	w := newWalker(&read, ID{1}, int64(len(b)))
	if bad, err := w.next(); err != io.EOF || bad.end != int64(len(b)) {
		t.Fatalf("skipped %v, %v", bad, err)
	}
	if read.n > 2*int64(len(b)) || cap(w.buf) > 0 {
		t.Errorf("%d bytes were read of %d, and %d kept", read.n, len(b), cap(w.buf))
	}
}

type countingReaderAt struct {
	src io.ReaderAt
	n   int64
}

func (r *countingReaderAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.src.ReadAt(p, off)
	r.n += int64(n)
	return n, err
}

func TestOpenReadsLittleOfLargeBatches(t *testing.T) {
	var b []byte
	id := ID{1}
	payload := make([]byte, 400<<10)
	for range 20 {
		h := batchHead{synced: int64(len(b)), frames: []frame{{kind: frameObject, name: []byte("a"), payload: int64(len(payload)), payloadCRC: crc32.Checksum(payload, castagnoli)}}}
		if len(b) == 0 {
			b = make([]byte, segmentHeaderLen)
		}
		b = append(h.append(b, &id), payload...)
	}
	read := countingReaderAt{src: bytes.NewReader(b)}
	found, err := newWalker(&read, id, int64(len(b))).survey()
	if err != nil || len(found.batches) != 20 {
		t.Fatalf("%d batches, %v", len(found.batches), err)
	}
	if read.n > int64(len(b))/10 {
		t.Errorf("%d bytes were read of %d", read.n, len(b))
	}
}

func TestBatchThatKnowsMoreThanIsBeforeItIsDamage(t *testing.T) {
	b := (&batchHead{synced: segmentHeaderLen + 1}).append(make([]byte, segmentHeaderLen), &ID{})
	w := newWalker(bytes.NewReader(b), ID{}, int64(len(b)))
	if bad, err := w.next(); err != io.EOF || bad != (extent{segmentHeaderLen, int64(len(b))}) {
		t.Errorf("skipped %v, %v, want all of it", bad, err)
	}
}
