package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
)

// Contents are the streams of a sealed segment, verified.
type Contents struct {
	Segment Segment
	// Streams are in the order in which the segment first used them.
	Streams []*Stream
	// Notes says that there are notes.
	Notes bool
	// Damage is what could not be read and was copied to quarantine, and what is
	// missing.
	Damage  []*CorruptError
	digests []Digest
	notes   int
}

// A Stream is the sum of what the batches of a segment added to one stream.
type Stream struct {
	Name    string
	Meta    []byte // what Options.Describe gave
	Size    int64  // bytes of payload
	Records int
	RawLen  int64  // bytes before compression
	RawCRC  uint32 // IEEE CRC-32 of the bytes before compression

	fs    fileSystem
	seg   Segment
	skip  []extent // damaged
	marks []mark
	last  int64 // offset of the last batch with a payload of the stream
}

// mark says where in the file a batch lies whose first payload is at pos of its
// stream.
type mark struct{ pos, off int64 }

// markEvery spaces the marks of a stream, in bytes: a seek reads the heads of
// at most so much of it.
const markEvery = 1 << 20

// Load reads a sealed segment whole, verifies every byte of it and returns its
// streams. Batches that are damaged are copied to quarantine and left out. An
// error is one of the disk, and nothing is given up for it: Load can be called
// again.
func (s *Spool) Load(seg Segment) (*Contents, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.inUse.RUnlock()
	f, err := s.fs.open(seg.Path)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	defer f.Close()
	c := &Contents{Segment: seg}
	bad, err := c.read(s.fs, newWalker(f, seg.ID, seg.size), (*walker).intact)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(seg.Path), err)
	}
	for _, st := range c.Streams {
		st.skip = bad
	}
	for _, b := range bad {
		if err := s.keepDamage(f, seg, b); err != nil {
			return nil, fmt.Errorf("quarantine: %w", err)
		}
		c.damaged(b.off, b.end-b.off, "damaged on disk, copied to "+quarantineDir)
	}
	if seg.missing > 0 {
		c.damaged(seg.size, seg.missing, "missing at the end of the file")
	}
	return c, nil
}

func (c *Contents) damaged(off, length int64, reason string) {
	c.Damage = append(c.Damage, &CorruptError{File: filepath.Base(c.Segment.Path), Offset: off, Length: length, Reason: reason})
}

// read goes through the batches and returns the extents that are damaged: those
// without a readable head, and those whose payloads are not intact.
func (c *Contents) read(fsys fileSystem, w *walker, intact func(*walker) (bool, error)) (bad []extent, err error) {
	byName := map[string]*Stream{}
	for {
		gap, err := w.next()
		if gap.end > gap.off {
			bad = append(bad, gap)
		}
		if errors.Is(err, io.EOF) {
			return bad, nil
		}
		if err != nil {
			return nil, err
		}
		if ok, err := intact(w); err != nil {
			return nil, err
		} else if !ok {
			bad = append(bad, extent{w.headOff, w.off})
			continue
		}
		c.digests = append(c.digests, w.head.digest)
		c.Notes = c.Notes || w.head.hasNotes()
		for i := range w.head.frames {
			f := &w.head.frames[i]
			if f.kind != frameObject {
				c.notes++
				continue
			}
			st := byName[string(f.name)]
			if st == nil {
				st = &Stream{Name: string(f.name), Meta: slices.Clone(f.meta), fs: fsys, seg: c.Segment}
				byName[st.Name] = st
				c.Streams = append(c.Streams, st)
			}
			st.add(f, w.headOff)
		}
	}
}

// add counts frame f of the batch at off in.
func (st *Stream) add(f *frame, off int64) {
	if n := len(st.marks); n == 0 || off > st.last && st.Size-st.marks[n-1].pos >= markEvery {
		st.marks = append(st.marks, mark{st.Size, off})
	}
	st.last = off
	st.RawCRC = combineCRC32(st.RawCRC, f.rawCRC, f.raw)
	st.Size += f.payload
	st.RawLen += f.raw
	st.Records += int(f.records)
}

// Open returns the stream's bytes. It reads the segment as it goes and holds
// little of it in memory.
func (st *Stream) Open() (io.ReadSeekCloser, error) {
	f, err := st.fs.open(st.seg.Path)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	r := &streamReader{st: st, f: f, w: newWalker(f, st.seg.ID, st.seg.size)}
	r.rewind(st.marks[0])
	return r, nil
}

// streamReader picks a stream's payloads out of the batches of its segment.
type streamReader struct {
	st  *Stream
	f   file
	w   *walker
	pos int64 // in the stream

	// the payload that pos is in; valid if from <= pos < to
	from, to int64 // in the stream
	at       int64 // of its first byte, in the file

	next int   // frame of w.head to look at
	off  int64 // of its payload, in the file
}

// Read implements io.Reader.
func (r *streamReader) Read(p []byte) (int, error) {
	if r.pos >= r.st.Size {
		return 0, io.EOF
	}
	if r.pos < r.from || r.pos >= r.to {
		if err := r.locate(); err != nil {
			return 0, err
		}
	}
	off := r.at + r.pos - r.from
	p = p[:min(int64(len(p)), r.to-r.pos)]
	var src io.ReaderAt = &r.w.r
	if len(p) >= maxBlock {
		src = r.f
	}
	n, err := src.ReadAt(p, off)
	r.pos += int64(n)
	if n > 0 {
		err = nil
	}
	return n, unexpectedEOF(err)
}

// locate goes to the payload that pos is in: onwards from the current one, or
// from the nearest mark if that is closer.
func (r *streamReader) locate() error {
	i, found := slices.BinarySearchFunc(r.st.marks, r.pos, func(m mark, pos int64) int { return cmp.Compare(m.pos, pos) })
	if !found {
		i--
	}
	if m := r.st.marks[i]; r.pos < r.to || m.pos > r.to {
		r.rewind(m)
	}
	for r.pos >= r.to {
		if err := r.advance(); err != nil {
			return err
		}
	}
	return nil
}

// rewind goes to before the batch at m.
func (r *streamReader) rewind(m mark) {
	r.from, r.to, r.w.off = m.pos, m.pos, m.off
	r.next = len(r.w.head.frames)
}

// advance goes to the stream's next payload.
func (r *streamReader) advance() error {
	for {
		for r.next < len(r.w.head.frames) {
			f := &r.w.head.frames[r.next]
			off := r.off
			r.next++
			r.off += f.payload
			if f.kind == frameObject && string(f.name) == r.st.Name {
				r.at, r.from, r.to = off, r.to, r.to+f.payload
				return nil
			}
		}
		for _, s := range r.st.skip {
			if s.off <= r.w.off && r.w.off < s.end {
				r.w.off = s.end
			}
		}
		if _, err := r.w.next(); err != nil {
			r.next = len(r.w.head.frames)
			return unexpectedEOF(err)
		}
		r.next, r.off = 0, r.w.payloadOff()
	}
}

// Seek implements io.Seeker.
func (r *streamReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.st.Size
	default:
		return 0, fmt.Errorf("seek of kind %d", whence)
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of a stream")
	}
	r.pos = offset
	return offset, nil
}

// Close implements io.Closer.
func (r *streamReader) Close() error { return r.f.Close() }
