package spool

import (
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
	// Damage is what could not be read and was moved to quarantine.
	Damage  []*CorruptError
	digests []Digest
}

// A Stream is the sum of what the batches of a segment added to one stream.
type Stream struct {
	Name    string
	Meta    []byte // what Options.Describe gave
	Size    int64  // bytes of payload
	Records int
	RawLen  int64  // bytes before compression
	RawCRC  uint32 // IEEE CRC-32 of the bytes before compression

	spool *Spool
	seg   Segment
	skip  []extent // damaged
	marks []mark
}

// mark says where in the file a batch lies whose payload is at pos of its stream.
type mark struct{ pos, off int64 }

// markEvery spaces the marks of a stream, in bytes: a seek reads the heads of
// at most so much of it.
const markEvery = 1 << 20

// Load reads a sealed segment whole, verifies every byte of it and returns its
// streams. Batches that are damaged are copied to quarantine and left out.
func (s *Spool) Load(seg Segment) (*Contents, error) {
	f, err := s.fs.open(seg.Path)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	defer f.Close()
	c := &Contents{Segment: seg}
	bad, err := c.read(s, newWalker(f, seg.ID, seg.size))
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
		c.Damage = append(c.Damage, &CorruptError{
			File: filepath.Base(seg.Path), Offset: b.off, Length: b.end - b.off,
			Reason: "damaged on disk, moved to " + quarantineDir,
		})
	}
	return c, nil
}

// read goes through the batches and returns the extents that are damaged.
func (c *Contents) read(s *Spool, w *walker) (bad []extent, err error) {
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
		if ok, err := w.intact(); err != nil {
			return nil, err
		} else if !ok {
			bad = append(bad, extent{w.headOff, w.off})
			continue
		}
		c.digests = append(c.digests, w.head.digest)
		for i := range w.head.frames {
			if f := &w.head.frames[i]; f.kind == frameObject {
				st := byName[string(f.name)]
				if st == nil {
					st = &Stream{Name: string(f.name), Meta: slices.Clone(f.meta), spool: s, seg: c.Segment}
					byName[st.Name] = st
					c.Streams = append(c.Streams, st)
				}
				st.add(f, w.headOff)
			}
		}
	}
}

func (st *Stream) add(f *frame, off int64) {
	if n := len(st.marks); n == 0 || st.Size-st.marks[n-1].pos >= markEvery {
		st.marks = append(st.marks, mark{st.Size, off})
	}
	st.RawCRC = combineCRC32(st.RawCRC, f.rawCRC, f.raw)
	st.Size += f.payload
	st.RawLen += f.raw
	st.Records += int(f.records)
}

// Open returns the stream's bytes. It reads the segment as it goes and holds
// little of it in memory.
func (st *Stream) Open() (io.ReadSeekCloser, error) {
	f, err := st.spool.fs.open(st.seg.Path)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	return &streamReader{st: st, f: f, w: newWalker(f, st.seg.ID, st.seg.size)}, nil
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
	n := 0
	p = p[:min(int64(len(p)), r.to-r.pos)]
	var err error
	if len(p) >= blockLen {
		n, err = r.f.ReadAt(p, off)
	} else {
		n, err = r.w.r.ReadAt(p, off)
	}
	r.pos += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// locate goes to the payload that pos is in: onwards from the current one, or
// from the nearest mark if that is closer.
func (r *streamReader) locate() error {
	i, found := slices.BinarySearchFunc(r.st.marks, r.pos, func(m mark, pos int64) int { return int(min(max(m.pos-pos, -1), 1)) })
	if !found {
		i--
	}
	if m := r.st.marks[i]; r.pos < r.to || m.pos > r.to {
		r.from, r.to, r.w.off = m.pos, m.pos, m.off
	}
	for {
		if err := r.advance(); err != nil || r.pos < r.to {
			return err
		}
	}
}

// advance goes to the stream's next payload.
func (r *streamReader) advance() error {
	for {
		for _, s := range r.st.skip {
			if s.off <= r.w.off && r.w.off < s.end {
				r.w.off = s.end
			}
		}
		if _, err := r.w.next(); errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
		off := r.w.payloadOff()
		for i := range r.w.head.frames {
			f := &r.w.head.frames[i]
			if f.kind == frameObject && string(f.name) == r.st.Name {
				r.at, r.from, r.to = off, r.to, r.to+f.payload
				return nil
			}
			off += f.payload
		}
	}
}

// Seek implements io.Seeker.
func (r *streamReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.st.Size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of a stream")
	}
	r.pos = offset
	return offset, nil
}

// Close implements io.Closer.
func (r *streamReader) Close() error { return r.f.Close() }
