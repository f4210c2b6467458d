package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// foundSegment is a segment file before its recovery.
type foundSegment struct {
	Segment
	prevLen int64 // committed length of the segment before
}

// findSegments returns the segment files in the order of the log, each as long
// as it is, or as long as the header of the next one says.
func (s *Spool) findSegments(names map[string]bool) []foundSegment {
	var segs []foundSegment
	for name := range names {
		base, isSeg := strings.CutSuffix(name, segExt)
		if !isSeg {
			continue
		}
		seg, err := s.findSegment(base)
		if err != nil {
			s.foreign(name, err)
			continue
		}
		segs = append(segs, seg)
	}
	slices.SortFunc(segs, func(a, b foundSegment) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), strings.Compare(a.Path, b.Path))
	})
	segs = s.withoutCopies(segs)
	byID := make(map[ID]*foundSegment, len(segs))
	for i := range segs {
		byID[segs[i].ID] = &segs[i]
	}
	for i := range segs {
		if prev := byID[segs[i].prev]; prev != nil && prev.Seq < segs[i].Seq {
			prev.missing = max(segs[i].prevLen-prev.size, 0)
			prev.size = min(prev.size, segs[i].prevLen)
		}
	}
	return segs
}

// withoutCopies keeps one file of each segment: the one that has its name, else
// the first.
func (s *Spool) withoutCopies(segs []foundSegment) []foundSegment {
	keep := make(map[ID]string, len(segs)) // paths
	for _, seg := range segs {
		if keep[seg.ID] == "" || strings.HasSuffix(seg.Path, segmentName(seg.Seq, seg.ID)+segExt) {
			keep[seg.ID] = seg.Path
		}
	}
	return slices.DeleteFunc(segs, func(seg foundSegment) bool {
		isCopy := keep[seg.ID] != seg.Path
		if isCopy {
			s.foreign(filepath.Base(seg.Path), fmt.Errorf("copy of %s", filepath.Base(keep[seg.ID])))
		}
		return isCopy
	})
}

var errName = errors.New("not the name of a segment")

func (s *Spool) findSegment(base string) (foundSegment, error) {
	seq, id, ok := parseSegmentName(base)
	if !ok {
		return foundSegment{}, errName
	}
	s.lastSeq = max(s.lastSeq, seq) // whether it can be read or not
	seg := foundSegment{Segment: Segment{Seq: seq, ID: id, Path: filepath.Join(s.dir, base+segExt), Recovered: true}}
	f, err := s.fs.open(seg.Path)
	if err != nil {
		return foundSegment{}, err
	}
	defer f.Close()
	if seg.size, err = f.size(); err != nil {
		return foundSegment{}, err
	}
	b := make([]byte, segmentHeaderLen)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return foundSegment{}, err
	}
	switch h, err := parseSegmentHeader(b[:n]); {
	case err == nil:
		seg.Seq, seg.ID, seg.Created, seg.prev, seg.prevLen = h.seq, h.id, h.created, h.prev, h.prevLen
	case errors.Is(err, errVersion):
		return foundSegment{}, err
	}
	return seg, nil
}

// recoverSegment takes over one segment: its digests and its notes. last says
// that it may have been open when the process died. An error is one of writing:
// what cannot be read is reported and left alone.
func (s *Spool) recoverSegment(seg foundSegment, last bool) error {
	name := filepath.Base(seg.Path)
	f, err := s.fs.open(seg.Path)
	if err != nil {
		s.foreign(name, err)
		return nil
	}
	defer f.Close()
	w := newWalker(f, seg.ID, seg.size)
	found, err := w.survey()
	if err == nil && last {
		seg.size, err = s.tornAt(w, found.end, name)
	}
	if err == nil {
		err = s.replay(w, seg.Seq, found.batches)
	}
	if err != nil {
		s.foreign(name, err)
		return nil
	}
	if seg.size <= segmentHeaderLen && seg.missing == 0 {
		if err := s.cutBefore(seg.Segment); err != nil {
			return err
		}
		return s.fs.remove(seg.Path)
	}
	onDisk, err := f.size()
	if err != nil {
		return err
	}
	// What the last process wrote without a sync is acknowledged from now on.
	if seg.uncut = !last && onDisk <= seg.size; !seg.uncut {
		if err := s.cut(seg.Segment); err != nil {
			return err
		}
	}
	s.adopt(seg.Segment, found.batches)
	return nil
}

// tornAt returns where the segment ends without what a crash cut short. end is
// that of its last whole batch.
func (s *Spool) tornAt(w *walker, end int64, name string) (int64, error) {
	if w.end <= segmentHeaderLen {
		end = 0
	}
	if end >= w.end {
		return w.end, nil
	}
	torn, err := w.cutShort(end)
	if err != nil || !torn {
		return w.end, err
	}
	s.report.Torn = append(s.report.Torn, &CorruptError{
		File: name, Offset: end, Length: w.end - end,
		Reason: "written in part when the process ended, never acknowledged",
	})
	return end, nil
}

func (s *Spool) adopt(seg Segment, batches []batchAt) {
	s.sealed = append(s.sealed, seg)
	s.bytes += seg.size
	digests := make([]Digest, len(batches))
	for i := range batches {
		digests[i] = batches[i].digest
	}
	s.known.add(seg.Path, digests)
	s.report.Segments++
	s.report.Batches += len(batches)
	s.report.Bytes += seg.size
}

// survey is what the heads of a segment say.
type survey struct {
	batches []batchAt
	end     int64 // of the last batch that is whole or was durable once
}

type batchAt struct {
	extent
	digest Digest
	notes  bool
}

// survey reads the heads of a segment. Only those batches are verified whole that
// no later one knows to have been durable.
func (w *walker) survey() (found survey, err error) {
	var synced int64
	for {
		if _, err := w.next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return found, err
		}
		found.batches = append(found.batches, batchAt{extent{w.headOff, w.off}, w.head.digest, w.head.hasNotes()})
		synced = max(synced, w.head.synced)
	}
	found.end = max(min(synced, w.end), segmentHeaderLen)
	var readErr error
	found.batches = slices.DeleteFunc(found.batches, func(b batchAt) bool {
		if b.end <= synced || readErr != nil {
			return false
		}
		ok, err := w.wholeAt(b.off)
		if ok {
			found.end = w.off
		}
		readErr = err
		return !ok
	})
	return found, readErr
}

// wholeAt goes to the batch at off, which next found before, and verifies it.
func (w *walker) wholeAt(off int64) (bool, error) {
	w.off = off
	if _, err := w.next(); err != nil {
		return false, unexpectedEOF(err)
	}
	return w.intact()
}

// replay hands the notes of a recovered segment on. Damaged batches are reported
// when the segment is loaded.
func (s *Spool) replay(w *walker, seq uint64, batches []batchAt) error {
	if s.o.Replay == nil {
		return nil
	}
	for _, b := range batches {
		if !b.notes {
			continue
		}
		ok, err := w.wholeAt(b.off)
		if err == nil && ok {
			err = w.notes(s.o.Replay, seq)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
