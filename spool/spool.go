package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
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
	// MaxBytes is what the directory may hold, quarantine included. Batches of
	// notes alone are taken beyond it.
	MaxBytes int64
	// SegmentBytes seals a segment before it grows beyond them. A single batch
	// that is larger gets a segment of its own. Neither limit foresees the metadata
	// that a batch comes with.
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

	// Synced, if set, is told how long each fdatasync of an append took. It must be
	// quick and must not call the Spool.
	Synced func(took time.Duration)

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

	// inUse is held shared while the directory is worked on, and whole by Close.
	inUse  sync.RWMutex
	closed bool

	queueMu sync.Mutex
	queue   []*pending // waiting for whoever holds commit

	// commit is held while a segment is written to, opened or sealed.
	commit  sync.Mutex
	open    *openSegment // nil if there is none
	lastSeq uint64       // of the last segment with a committed batch
	lastID  ID
	lastLen int64  // its committed length, in bytes
	orphan  string // path of a segment without one, yet to be removed

	side sync.Mutex // held while a file beside the segments is written

	mu        sync.Mutex // guards what follows; taken after the others, never before
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
	Created   time.Time // zero if the header is damaged
	Recovered bool      // left by an earlier Spool

	prev    ID    // of the segment before; zero if there was none
	size    int64 // bytes, up to the end of the last committed batch
	missing int64 // bytes that were committed behind that and are gone
	// uncut says that the file may be longer, or be so again after a crash: it is
	// not certain that what a failed append left was cut durably.
	uncut bool
}

func (seg *Segment) is(other Segment) bool { return seg.Path == other.Path }

// openSegment is the one that Append writes to.
type openSegment struct {
	Segment
	prevLen int64 // committed length of the segment before
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
	for i := range s.sealed {
		if !s.sealed[i].Created.IsZero() {
			st.Oldest = s.sealed[i].Created
			break
		}
	}
	return st
}

// used returns how many bytes are in the directory.
func (s *Spool) used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

// enter keeps the directory in use until s.inUse.RUnlock.
func (s *Spool) enter() error {
	s.inUse.RLock()
	if s.closed {
		s.inUse.RUnlock()
		return ErrClosed
	}
	return nil
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
	if err := s.enter(); err != nil {
		return err
	}
	defer s.inUse.RUnlock()
	s.commit.Lock()
	defer s.commit.Unlock()
	return s.seal()
}

// seal needs s.commit. Everything in the segment is durable already, so an error
// to close the file loses nothing.
func (s *Spool) seal() error {
	seg := s.open
	if seg == nil || seg.size == 0 {
		return nil
	}
	s.open = nil
	err := seg.f.Close()
	s.mu.Lock()
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
// stay known to the Spools to come for 15 minutes. After an error it can be called
// again; to remove what is gone already is no error.
func (s *Spool) Remove(c *Contents) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.inUse.RUnlock()
	s.side.Lock()
	defer s.side.Unlock()
	seg := c.Segment
	if !slices.ContainsFunc(s.Sealed(), seg.is) {
		return nil
	}
	if err := s.cutBefore(seg); err != nil {
		return fmt.Errorf("cut failed append: %w", err)
	}
	base := strings.TrimSuffix(seg.Path, segExt)
	done := appendDone(nil, filepath.Base(base), c.digests)
	if _, err := writeFile(s.fs, base+doneExt, bytes.NewReader(done)); err != nil {
		return fmt.Errorf("keep digests of removed segment: %w", full(err))
	}
	if err := s.fs.remove(seg.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove segment: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = slices.DeleteFunc(s.sealed, seg.is)
	s.bytes -= seg.size
	s.known.expire(seg.Path, base+doneExt, time.Now())
	// The sync that made this .done file durable made earlier removals so too.
	return s.known.prune(s.fs, time.Now())
}

// cutBefore cuts what a failed append may have left behind the segment before
// next, whose header voids it, and is about to go. It needs s.side.
func (s *Spool) cutBefore(next Segment) error {
	sealed := s.Sealed()
	i := slices.IndexFunc(sealed, func(seg Segment) bool { return seg.uncut && seg.ID == next.prev })
	if i < 0 {
		return nil
	}
	seg := sealed[i]
	if err := s.cut(seg); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed[slices.IndexFunc(s.sealed, seg.is)].uncut = false
	return nil
}

// cut makes the file end where the segment does, durably.
func (s *Spool) cut(seg Segment) error {
	f, err := s.fs.edit(seg.Path)
	if err != nil {
		return err
	}
	size, err := f.size()
	if err == nil && size > seg.size {
		err = f.truncate(seg.size)
	}
	if err == nil {
		err = f.sync()
	}
	return errors.Join(err, f.Close())
}

// Close gives the directory up, after the calls under way. What is not sealed is
// recovered by the next Open.
func (s *Spool) Close() error {
	s.inUse.Lock()
	defer s.inUse.Unlock()
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
