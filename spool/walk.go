package spool

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A CorruptError is a part of a segment that cannot be read.
type CorruptError struct {
	File           string
	Offset, Length int64 // in bytes
	Reason         string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s: %d bytes at offset %d: %s", e.File, e.Length, e.Offset, e.Reason)
}

// extent is a range of a file, in bytes.
type extent struct{ off, end int64 }

// walker reads the heads of a segment's batches one after the other.
type walker struct {
	r   blockReader
	id  ID
	off int64 // of the next batch
	end int64 // of the segment
	buf []byte
	// head is the batch that next found, at headOff. It is valid until the next call.
	head    batchHead
	headOff int64
}

func newWalker(r io.ReaderAt, id ID, size int64) *walker {
	return &walker{r: blockReader{src: r, size: size}, id: id, off: segmentHeaderLen, end: size}
}

// next goes to the next batch whose head is readable. bad is what it had to step
// over, empty if nothing. It returns io.EOF behind the last batch, with bad if
// the end of the segment is not readable.
func (w *walker) next() (bad extent, err error) {
	bad = extent{w.off, w.off}
	for w.off < w.end {
		ok, end, err := w.readHead(w.off)
		if err == nil && !ok && end == 0 {
			end, err = w.find(w.off + 1)
		}
		if err != nil {
			return extent{}, err
		}
		if ok {
			w.headOff, w.off = w.off, end
			return bad, nil
		}
		w.off = min(end, w.end)
		bad.end = w.off
	}
	return bad, io.EOF
}

// readHead reads the head at off into w.head and reports whether it is undamaged
// and its batch within the segment. It returns the offset at which the batch
// ends, beyond w.end if the segment ends first, or 0 if that is not known.
func (w *walker) readHead(off int64) (ok bool, end int64, err error) {
	if w.end-off < batchHeaderLen {
		return false, 0, nil
	}
	header, err := w.r.block(off, batchHeaderLen)
	if err != nil {
		return false, 0, err
	}
	n := w.head.parseHeader(header, &w.id)
	if n == 0 {
		return false, 0, nil
	}
	if w.head.length > w.end-off {
		return false, w.end + 1, nil
	}
	w.buf = grow(w.buf, n)
	if _, err := w.r.ReadAt(w.buf, off); err != nil {
		return false, 0, err
	}
	ok = w.head.parse(w.buf) && 0 <= w.head.synced && w.head.synced <= off
	return ok, off + w.head.length, nil
}

// find returns the offset of the next batch magic from off on, or the end.
func (w *walker) find(off int64) (int64, error) {
	for w.end-off >= batchHeaderLen {
		b, err := w.r.block(off, len(batchMagic))
		if err != nil {
			return 0, err
		}
		if i := bytes.Index(b, batchMagic); i >= 0 {
			return off + int64(i), nil
		}
		off += int64(len(b) - len(batchMagic) + 1)
	}
	return w.end, nil
}

// cutShort reports whether what the segment holds from off on can only be an
// append that was never finished: a batch that the file is too short for, or
// space that nothing was written to.
func (w *walker) cutShort(off int64) (bool, error) {
	if w.end-off < batchHeaderLen || w.end <= segmentHeaderLen {
		return true, nil
	}
	if _, end, err := w.readHead(off); err != nil || end > w.end {
		return true, err
	}
	for off < w.end {
		b, err := w.r.block(off, 1)
		if err != nil || len(bytes.Trim(b, "\x00")) > 0 {
			return false, err
		}
		off += int64(len(b))
	}
	return true, nil
}

// intact reports whether every payload of the current batch is undamaged.
func (w *walker) intact() (bool, error) {
	off := w.payloadOff()
	for i := range w.head.frames {
		f := &w.head.frames[i]
		sum, err := w.checksum(off, f.payload)
		if err != nil || sum != f.payloadCRC {
			return false, err
		}
		off += f.payload
	}
	return true, nil
}

// payloadOff returns the offset of the current batch's first payload.
func (w *walker) payloadOff() int64 { return w.headOff + int64(w.head.size()) }

func (w *walker) checksum(off, n int64) (sum uint32, err error) {
	for n > 0 {
		b, err := w.r.block(off, 1)
		if err != nil {
			return 0, err
		}
		b = b[:min(int64(len(b)), n)]
		sum = crc32.Update(sum, castagnoli, b)
		off += int64(len(b))
		n -= int64(len(b))
	}
	return sum, nil
}

// notes calls yield with the notes of the current batch.
func (w *walker) notes(yield func(Position, Note), seq uint64) error {
	off := w.payloadOff()
	for i := range w.head.frames {
		f := &w.head.frames[i]
		if f.kind == frameNote {
			data := make([]byte, f.payload)
			if _, err := w.r.ReadAt(data, off); err != nil {
				return err
			}
			yield(Position{seq, w.headOff}, Note{Kind: f.note, Data: data})
		}
		off += f.payload
	}
	return nil
}

// grow returns b with length n. It does not keep the contents.
func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, n+n/4)
	}
	return b[:n]
}

// Bounds of what a blockReader reads at once, in bytes.
const (
	minBlock = 4 << 10
	maxBlock = 256 << 10
)

// blockReader turns many small reads at rising offsets into few large ones. It
// reads little where it is made to skip much, as a walk from head to head is.
type blockReader struct {
	src  io.ReaderAt
	size int64
	at   int64 // offset of buf
	buf  []byte
}

// block returns bytes from off on: all that are at hand, and at least need, which
// is not more than minBlock. They are valid until the next call.
func (r *blockReader) block(off int64, need int) ([]byte, error) {
	if off < r.at || off+int64(need) > r.at+int64(len(r.buf)) {
		if err := r.fill(off, need); err != nil {
			return nil, err
		}
	}
	return r.buf[off-r.at:], nil
}

// fill reads a block at off: a small one, or twice the last one if that ends not
// far before off.
func (r *blockReader) fill(off int64, need int) error {
	n := minBlock
	if last := len(r.buf); off >= r.at && off-r.at <= 2*int64(last) {
		n = min(max(2*last, minBlock), maxBlock)
	}
	if int64(n) > r.size-off {
		n = int(max(r.size-off, 0))
	}
	if n < need {
		return io.ErrUnexpectedEOF
	}
	r.buf = grow(r.buf, n)
	r.at = off
	if got, err := r.src.ReadAt(r.buf, off); got < n {
		r.buf = r.buf[:0]
		return unexpectedEOF(err)
	}
	return nil
}

// ReadAt fills p from off on, or returns an error.
func (r *blockReader) ReadAt(p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		b, err := r.block(off+int64(n), 1)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], b)
	}
	return len(p), nil
}

// unexpectedEOF is for a file that is shorter than it was.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
