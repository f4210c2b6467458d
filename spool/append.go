package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// Append makes b durable. It returns nil after the write and the fdatasync that
// hold all of b. After an error, which is ErrFull when there is no room, nothing
// of b is in the log and the same b can be appended again; only a crash before
// that may leave b in the log after all, whole, and then Known says so. Concurrent
// calls share one write and one fdatasync. b and what it refers to must not
// change until Append returns.
func (s *Spool) Append(b *Batch) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.inUse.RUnlock()
	p, err := newPending(b)
	if err != nil {
		return err
	}
	s.queueMu.Lock()
	s.queue = append(s.queue, p)
	s.queueMu.Unlock()

	s.commit.Lock()
	defer s.commit.Unlock()
	if !p.done { // else whoever had the lock before wrote it too
		s.queueMu.Lock()
		group := s.queue
		s.queue = nil
		s.queueMu.Unlock()
		s.commitGroup(group)
	}
	return p.err
}

// commitGroup settles every batch of the group. Those that fit one segment
// together go out in one write. It needs s.commit.
func (s *Spool) commitGroup(group []*pending) {
	var w write
	for _, p := range group {
		p.done = true
		err := s.admit(p, &w)
		if err == nil {
			err = w.add(p, s.open)
		}
		if err != nil {
			p.err = err
		}
	}
	s.flush(&w)
}

// admit makes sure that the open segment can take p, after what w holds already.
func (s *Spool) admit(p *pending, w *write) error {
	if s.open != nil && !s.fits(p, w) {
		s.flush(w)
		if err := s.seal(); err != nil {
			return err
		}
	}
	// Notes are few and small, and what makes room can depend on them.
	if used := s.used() + w.size; len(p.batch.Objects) > 0 && used+p.size > s.o.MaxBytes {
		s.flush(w)
		err := fmt.Errorf("%w: %d of %d bytes are used", ErrFull, used, s.o.MaxBytes)
		if s.open != nil && len(s.open.streams) > 0 {
			// What is open may be what has to be uploaded to make room. Notes make
			// none: they would be carried forward, and with each refusal again.
			err = errors.Join(err, s.seal())
		}
		return err
	}
	if s.open == nil {
		if err := s.create(); err != nil {
			return fmt.Errorf("create segment: %w", full(err))
		}
	}
	for i := range p.batch.Objects {
		name := p.batch.Objects[i].Stream
		if _, ok := s.open.streams[name]; !ok {
			s.open.streams[name] = s.o.Describe(name, s.open.ID)
		}
	}
	return nil
}

// fits reports whether the open segment stays within its limits with p. A
// segment without any batch takes whatever comes.
func (s *Spool) fits(p *pending, w *write) bool {
	seg := s.open
	if seg.size+w.size <= segmentHeaderLen {
		return true
	}
	streams := len(seg.streams)
	for i := range p.batch.Objects {
		if _, ok := seg.streams[p.batch.Objects[i].Stream]; !ok {
			streams++
		}
	}
	return streams <= s.o.MaxStreams && seg.size+w.size+p.size <= s.o.SegmentBytes
}

// create opens the next segment. Its header is written with its first batch.
func (s *Spool) create() error {
	if err := s.removeOrphan(); err != nil {
		return err
	}
	var id ID
	rand.Read(id[:]) // never fails
	seg := &openSegment{
		Segment: Segment{Seq: s.lastSeq + 1, ID: id, Created: time.Now().UTC(), prev: s.lastID},
		prevLen: s.lastLen,
		streams: map[string][]byte{},
	}
	seg.Path = filepath.Join(s.dir, segmentName(seg.Seq, id)+segExt)
	f, err := s.fs.create(seg.Path)
	if err != nil {
		return err
	}
	if err := s.fs.syncDir(s.dir); err != nil {
		s.orphan = seg.Path
		return errors.Join(err, f.Close(), s.removeOrphan())
	}
	seg.f = f
	s.open = seg
	s.mu.Lock()
	s.openSince = seg.Created
	s.mu.Unlock()
	return nil
}

// write is what goes to the open segment in one system call.
type write struct {
	batches []*pending
	at      []Position
	bufs    [][]byte
	size    int64
}

func (w *write) add(p *pending, seg *openSegment) error {
	h := p.head(seg)
	if n := h.size(); n > maxHeadLen {
		return fmt.Errorf("streams of one batch are described in %d bytes: at most %d fit", n, maxHeadLen)
	}
	var head []byte
	if seg.size == 0 && w.size == 0 {
		sh := segmentHeader{seq: seg.Seq, id: seg.ID, created: seg.Created, prev: seg.prev, prevLen: seg.prevLen}
		head = sh.append(nil)
		w.size = segmentHeaderLen
	}
	head = h.append(head, &seg.ID)
	w.at = append(w.at, Position{seg.Seq, seg.size + w.size})
	w.batches = append(w.batches, p)
	w.bufs = append(w.bufs, head)
	for i := range p.batch.Objects {
		w.bufs = append(w.bufs, p.batch.Objects[i].Payload)
	}
	for i := range p.batch.Notes {
		w.bufs = append(w.bufs, p.batch.Notes[i].Data)
	}
	w.size += h.length
	return nil
}

// flush makes w durable, or gives all its batches the error, and empties it.
func (s *Spool) flush(w *write) {
	if len(w.batches) == 0 {
		return
	}
	seg := s.open
	err := seg.f.writeAt(w.bufs, seg.size)
	if err == nil {
		start := time.Now()
		if err = seg.f.sync(); err == nil && s.o.Synced != nil {
			s.o.Synced(time.Since(start))
		}
	}
	if err != nil {
		err = s.retract(fmt.Errorf("append to %s: %w", filepath.Base(seg.Path), full(err)))
	} else {
		s.grow(w.size)
	}
	written := *w
	*w = write{}
	for _, p := range written.batches {
		p.err = err
	}
	if err != nil || s.o.Committed == nil {
		return
	}
	for i, p := range written.batches {
		if len(p.batch.Notes) > 0 {
			s.o.Committed(written.at[i], p.batch)
		}
	}
}

func (s *Spool) grow(n int64) {
	s.open.size += n
	s.lastSeq, s.lastID, s.lastLen = s.open.Seq, s.open.ID, s.open.size
	s.mu.Lock()
	s.bytes += n
	s.mu.Unlock()
}

// retract takes a failed write back. The segment is not written to any more:
// after a failed sync the kernel may have dropped pages that it calls clean. What
// stays behind if it cannot be cut is voided by the header of the next segment,
// which gives the committed length of this one; a segment without any committed
// batch is removed before there is a next one.
func (s *Spool) retract(err error) error {
	seg := s.open
	if seg.size > 0 {
		cutErr := errors.Join(seg.f.truncate(seg.size), seg.f.sync())
		seg.uncut = cutErr != nil
		return errors.Join(err, cutErr, s.seal())
	}
	s.open = nil
	s.orphan = seg.Path
	s.mu.Lock()
	s.openSince = time.Time{}
	s.mu.Unlock()
	return errors.Join(err, seg.f.Close(), s.removeOrphan())
}

// removeOrphan needs no sync of the directory: create does it before the next
// append is acknowledged.
func (s *Spool) removeOrphan() error {
	if s.orphan == "" {
		return nil
	}
	if err := s.fs.remove(s.orphan); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.orphan = ""
	return nil
}
