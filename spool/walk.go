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

// next goes to the next readable batch. bad is what it had to step over, empty
// if nothing. It returns io.EOF behind the last batch, with bad if the end of
// the segment is not readable.
func (w *walker) next() (bad extent, err error) {
	start := w.off
	for {
		ok, err := w.readHead(w.off)
		if err != nil {
			return extent{}, err
		}
		bad = extent{start, w.off}
		if ok {
			w.headOff = w.off
			w.off += w.head.length
			return bad, nil
		}
		if w.off >= w.end {
			return extent{start, max(start, w.end)}, io.EOF
		}
		if w.off, err = w.find(w.off + 1); err != nil {
			return extent{}, err
		}
	}
}

// readHead reads the head at off into w.head and reports whether it is
// undamaged and its batch within the segment.
func (w *walker) readHead(off int64) (bool, error) {
	if off+batchHeaderLen > w.end {
		return false, nil
	}
	w.buf = grow(w.buf, batchHeaderLen)
	if _, err := w.r.ReadAt(w.buf, off); err != nil {
		return false, err
	}
	n := headLen(w.buf)
	if n == 0 || off+int64(n) > w.end {
		return false, nil
	}
	w.buf = grow(w.buf, n)
	if _, err := w.r.ReadAt(w.buf, off); err != nil {
		return false, err
	}
	return w.head.parse(w.buf, w.id) && off+w.head.length <= w.end, nil
}

// find returns the offset of the next batch magic from off on, or the end.
func (w *walker) find(off int64) (int64, error) {
	for off < w.end {
		b, err := w.r.block(off)
		if err != nil {
			return 0, err
		}
		if i := bytes.Index(b, batchMagic); i >= 0 {
			return off + int64(i), nil
		}
		// The magic may lie across two blocks.
		off += int64(max(len(b)-len(batchMagic)+1, 1))
	}
	return w.end, nil
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
func (w *walker) payloadOff() int64 {
	off := w.headOff + w.head.length
	for i := range w.head.frames {
		off -= w.head.frames[i].payload
	}
	return off
}

func (w *walker) checksum(off, n int64) (sum uint32, err error) {
	for n > 0 {
		b, err := w.r.block(off)
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

// grow returns b with length n, its contents kept if there was room.
func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, n+n/4)
	}
	return b[:n]
}

const blockLen = 256 << 10

// blockReader turns many small reads at rising offsets into few large ones.
type blockReader struct {
	src  io.ReaderAt
	size int64
	at   int64 // offset of buf
	buf  []byte
}

// block returns the bytes from off on that one read gives, at least one. They
// are valid until the next call.
func (r *blockReader) block(off int64) ([]byte, error) {
	if off < r.at || off >= r.at+int64(len(r.buf)) {
		n := min(blockLen, r.size-off)
		if n <= 0 {
			return nil, io.ErrUnexpectedEOF
		}
		r.buf = grow(r.buf, int(n))
		r.at = off
		if got, err := r.src.ReadAt(r.buf, off); got < len(r.buf) {
			r.buf = r.buf[:0]
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return r.buf[off-r.at:], nil
}

// ReadAt fills p from off on, or returns an error.
func (r *blockReader) ReadAt(p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		b, err := r.block(off + int64(n))
		if err != nil {
			return n, err
		}
		n += copy(p[n:], b)
	}
	return len(p), nil
}
