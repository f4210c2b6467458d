package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Errors of Open and Append.
var (
	// ErrLocked is returned by Open when another Spool has the directory.
	ErrLocked = errors.New("directory is in use by another output")
	// ErrFull is returned by Append when the limit or the disk is reached.
	// Nothing of the batch is kept; trying again after a removal may succeed.
	ErrFull = errors.New("spool is full")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("spool is closed")
)

// Options of a Spool. Open does not default them.
type Options struct {
	// MaxBytes is what the directory may hold, quarantine included.
	MaxBytes int64
	// SegmentBytes seals a segment before it grows beyond them. A single batch
	// that is larger gets a segment of its own.
	SegmentBytes int64
	// MaxStreams seals a segment before it has more streams. A single batch with
	// more gets a segment of its own.
	MaxStreams int
	// Describe returns the metadata of a stream when a segment first uses it: in
	// it, what must not change later, such as the object key. It must not call
	// the Spool.
	Describe func(stream string, segment ID) []byte
	// Replay, if set, is given the notes that Open finds, in the order of the log.
	// It must not keep n.Data.
	Replay func(p Position, n Note)
	// Committed, if set, is told of every batch with notes once it is durable, in
	// the order of the log. It must be quick and must not call the Spool.
	Committed func(p Position, b *Batch)

	fs fileSystem // osFS if nil
}

// digestsKept is how long the digests of a removed segment are remembered, for
// the chunks that Fluent Bit sends again after a crash.
const digestsKept = 15 * time.Minute

// A Spool is an open directory. Its methods are safe for concurrent use.
type Spool struct {
	dir    string
	o      Options
	fs     fileSystem
	key    uint64 // of digests
	unlock func() error
	sealC  chan struct{}
	report Report // of Open; constant afterwards

	queueMu sync.Mutex
	queue   []*pending // waiting for whoever holds commit

	// commit is held while a segment is written to, opened or sealed.
	commit  sync.Mutex
	open    *openSegment // nil if there is none
	lastSeq uint64       // of the last segment with a committed batch
	lastID  ID
	lastLen int64  // its committed length, in bytes
	orphan  string // path of a segment without one, yet to be removed
	closed  bool

	mu        sync.Mutex // guards what follows; taken after commit, never before
	sealed    []Segment  // oldest first
	bytes     int64      // in the directory
	openSince time.Time  // zero if no segment is open
	known     digestSet
}

// A Segment is a sealed segment: nothing is added to it any more.
type Segment struct {
	Seq       uint64
	ID        ID
	Path      string
	size      int64 // bytes, up to the end of the last committed batch
	Created   time.Time
	Recovered bool  // left by an earlier Spool
	onDisk    int64 // bytes counted in Spool.bytes
}

// openSegment is the one that Append writes to.
type openSegment struct {
	Segment
	prev    ID // of the segment before, and its committed length
	prevLen int64
	f       file
	streams map[string][]byte // name to metadata
}

// Sealed returns the sealed segments that have not been removed, oldest first.
func (s *Spool) Sealed() []Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sealed)
}

// SealedC receives a value when segments were sealed since the last receive.
func (s *Spool) SealedC() <-chan struct{} { return s.sealC }

// Recovered says what Open found.
func (s *Spool) Recovered() Report { return s.report }

// Stats are the figures of a Spool at one moment.
type Stats struct {
	Bytes    int64 // in the directory, quarantine included
	MaxBytes int64
	Segments int       // the open one included
	Oldest   time.Time // creation of the oldest segment, zero if there is none
}

// Stats returns the current figures. It does not wait for an append.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Bytes: s.bytes, MaxBytes: s.o.MaxBytes, Segments: len(s.sealed), Oldest: s.openSince}
	if !s.openSince.IsZero() {
		st.Segments++
	}
	if len(s.sealed) > 0 {
		st.Oldest = s.sealed[0].Created
	}
	return st
}

// Known reports whether the chunk of that digest was stored by an earlier Spool
// on this directory, so that it must not be stored again.
func (s *Spool) Known(d Digest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known.has(d)
}

// Seal ends the open segment, if there is one, and announces it on SealedC.
func (s *Spool) Seal() error {
	s.commit.Lock()
	defer s.commit.Unlock()
	if s.closed {
		return ErrClosed
	}
	return s.seal()
}

// seal needs s.commit. Everything in the segment is durable already, so an error
// to close the file loses nothing.
func (s *Spool) seal() error {
	seg := s.open
	if seg == nil {
		return nil
	}
	s.open = nil
	err := seg.f.Close()
	s.mu.Lock()
	seg.onDisk = seg.size
	s.sealed = append(s.sealed, seg.Segment)
	s.openSince = time.Time{}
	s.mu.Unlock()
	select {
	case s.sealC <- struct{}{}:
	default:
	}
	if err != nil {
		return fmt.Errorf("close segment: %w", err)
	}
	return nil
}

// Remove forgets a sealed segment, which its consumers are done with. Its digests
// stay known to the Spools to come for 15 minutes.
func (s *Spool) Remove(c *Contents) error {
	seg := c.Segment
	done := filepath.Join(s.dir, segmentName(seg.Seq, seg.ID)+doneExt)
	if _, err := writeFile(s.fs, done, bytes.NewReader(appendDone(nil, c.digests))); err != nil {
		return fmt.Errorf("keep digests of removed segment: %w", full(err))
	}
	if err := s.fs.remove(seg.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove segment: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.sealed, func(o Segment) bool { return o.Path == seg.Path })
	if i >= 0 {
		s.sealed = slices.Delete(s.sealed, i, i+1)
		s.bytes -= seg.onDisk
	}
	s.known.expire(seg.Path, done, time.Now())
	return s.known.prune(s.fs, time.Now())
}

// Close gives the directory up. What is not sealed is recovered by the next Open.
func (s *Spool) Close() error {
	s.commit.Lock()
	defer s.commit.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if s.open != nil {
		err = s.open.f.Close()
		s.open = nil
	}
	return errors.Join(err, s.unlock())
}

// full makes an error of the disk's fullness an ErrFull.
func full(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
