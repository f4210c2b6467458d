package spool

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Report says what Open found in the directory.
type Report struct {
	Segments int
	Batches  int
	Bytes    int64 // of the segments
	// Torn are the ends of segments that a crash left half-written and Open cut.
	// They were never acknowledged.
	Torn []*CorruptError
	// Foreign are files that look like segments and cannot be used, and why.
	// They are left alone.
	Foreign []error
}

// Open takes the directory, makes it if need be, and recovers what is in it: the
// segments that it finds are sealed. The error is ErrLocked if another Spool has
// the directory.
func Open(dir string, o Options) (*Spool, error) {
	if o.fs == nil {
		o.fs = osFS{}
	}
	if err := o.fs.mkdirAll(filepath.Join(dir, quarantineDir)); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	unlock, err := o.fs.lock(filepath.Join(dir, "LOCK"))
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	s := &Spool{dir: dir, o: o, fs: o.fs, unlock: unlock, sealC: make(chan struct{}, 1), known: newDigestSet()}
	if err := s.recover(); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return s, nil
}

func (s *Spool) recover() (err error) {
	if s.key, err = s.loadKey(); err != nil {
		return fmt.Errorf("digest key: %w", err)
	}
	names, err := s.list()
	if err != nil {
		return err
	}
	if err := s.recoverDone(names); err != nil {
		return err
	}
	segs, err := s.findSegments(names)
	if err != nil {
		return err
	}
	for i, seg := range segs {
		s.lastSeq = seg.Seq
		if err := s.recoverSegment(seg, i == len(segs)-1); err != nil {
			// One unreadable file must not keep new events out.
			s.report.Foreign = append(s.report.Foreign, fmt.Errorf("%s: %w", filepath.Base(seg.Path), err))
		}
	}
	if len(s.sealed) > 0 {
		s.sealC <- struct{}{}
	}
	q, err := s.quarantined()
	s.bytes += q
	return err
}

// list returns the names of the files in the directory, without those that an
// interrupted writeFile left.
func (s *Spool) list() (map[string]bool, error) {
	entries, err := s.fs.readDir(s.dir)
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool, len(entries))
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), tmpExt) {
			names[e.Name()] = true
		} else if err := s.fs.remove(filepath.Join(s.dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// recoverDone takes over the digests of removed segments and completes the
// removals that were interrupted.
func (s *Spool) recoverDone(names map[string]bool) error {
	for name := range names {
		base, isDone := strings.CutSuffix(name, doneExt)
		if !isDone {
			continue
		}
		path := filepath.Join(s.dir, name)
		digests, err := s.readDone(path)
		if err != nil {
			// writeFile is atomic: this file was complete once. The segment, if it is
			// still there, is uploaded once more, to the same keys.
			s.report.Foreign = append(s.report.Foreign, fmt.Errorf("%s: %w", name, err))
			continue
		}
		if names[base+segExt] {
			if err := s.fs.remove(filepath.Join(s.dir, base+segExt)); err != nil {
				return err
			}
			delete(names, base+segExt)
		}
		s.known.add(path, digests)
		s.known.expire(path, path, time.Now())
	}
	return nil
}

// foundSegment is a segment file before its recovery.
type foundSegment struct {
	Segment
	prev    ID
	prevLen int64
}

// findSegments returns the segment files in the order of the log, each as long
// as it is, or as long as the header of the next one says.
func (s *Spool) findSegments(names map[string]bool) ([]foundSegment, error) {
	var segs []foundSegment
	for name := range names {
		base, isSeg := strings.CutSuffix(name, segExt)
		if !isSeg {
			continue
		}
		seg, err := s.findSegment(base)
		if err != nil && !errors.Is(err, errVersion) && !errors.Is(err, errName) {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if err != nil {
			s.report.Foreign = append(s.report.Foreign, fmt.Errorf("%s: %w", name, err))
			continue
		}
		segs = append(segs, seg)
	}
	slices.SortFunc(segs, func(a, b foundSegment) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), strings.Compare(a.Path, b.Path))
	})
	for i := range segs {
		for j := range segs {
			if segs[i].prev == segs[j].ID {
				segs[j].size = min(segs[j].size, segs[i].prevLen)
			}
		}
	}
	return segs, nil
}

var errName = errors.New("not the name of a segment")

func (s *Spool) findSegment(base string) (foundSegment, error) {
	seq, id, ok := parseSegmentName(base)
	if !ok {
		return foundSegment{}, errName
	}
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
	if n, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return foundSegment{}, err
	} else if h, err := parseSegmentHeader(b[:n]); err == nil {
		seg.ID, seg.Created, seg.prev, seg.prevLen = h.id, h.created, h.prev, h.prevLen
	} else if errors.Is(err, errVersion) {
		return foundSegment{}, err
	}
	return seg, nil
}

// recoverSegment takes over one segment: its digests and its notes. last says
// that it may have been open when the process died, so that its end may be torn.
func (s *Spool) recoverSegment(seg foundSegment, last bool) error {
	f, err := s.fs.open(seg.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	found, err := s.survey(f, seg.Segment)
	if err != nil {
		return err
	}
	if last && found.tornAt < seg.size {
		s.report.Torn = append(s.report.Torn, &CorruptError{
			File: filepath.Base(seg.Path), Offset: found.tornAt, Length: seg.size - found.tornAt,
			Reason: "written in part when the process ended, never acknowledged",
		})
		seg.size = found.tornAt
	}
	if seg.size <= segmentHeaderLen {
		return s.fs.remove(seg.Path)
	}
	if err := cut(f, seg.size); err != nil {
		return err
	}
	if err := s.replay(f, seg.Segment); err != nil {
		return err
	}
	s.adopt(seg.Segment, found)
	return nil
}

// cut makes f not longer than size, durably.
func cut(f file, size int64) error {
	if onDisk, err := f.size(); err != nil || onDisk <= size {
		return err
	}
	if err := f.truncate(size); err != nil {
		return err
	}
	return f.sync()
}

func (s *Spool) adopt(seg Segment, found survey) {
	seg.onDisk = seg.size
	s.sealed = append(s.sealed, seg)
	s.bytes += seg.size
	var digests []Digest
	for _, b := range found.batches {
		if b.off < seg.size {
			digests = append(digests, b.digest)
		}
	}
	s.known.add(seg.Path, digests)
	s.report.Segments++
	s.report.Batches += len(digests)
	s.report.Bytes += seg.size
}

// survey is what the heads of a segment say.
type survey struct {
	batches []batchAt
	tornAt  int64 // where what was never acknowledged and is not whole begins
}

type batchAt struct {
	off    int64
	digest Digest
}

// survey reads the heads of a segment. Only those batches are verified whole that
// no later one knows to have been durable.
func (s *Spool) survey(f file, seg Segment) (survey, error) {
	found := survey{tornAt: seg.size}
	var synced int64
	var bad []extent
	w := newWalker(f, seg.ID, seg.size)
	for {
		gap, err := w.next()
		if gap.end > gap.off {
			bad = append(bad, gap)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return found, err
		}
		found.batches = append(found.batches, batchAt{w.headOff, w.head.digest})
		synced = max(synced, w.head.synced)
	}
	for _, b := range bad {
		if b.off >= synced {
			found.tornAt = min(found.tornAt, b.off)
		}
	}
	return found, w.verifyFrom(synced, &found.tornAt)
}

// verifyFrom lowers tornAt to the first batch from off on that is damaged.
func (w *walker) verifyFrom(off int64, tornAt *int64) error {
	w.off = max(off, segmentHeaderLen)
	for {
		_, err := w.next()
		if errors.Is(err, io.EOF) || err == nil && w.headOff >= *tornAt {
			return nil
		}
		if err != nil {
			return err
		}
		if ok, err := w.intact(); err != nil {
			return err
		} else if !ok {
			*tornAt = w.headOff
			return nil
		}
	}
}

// replay hands the notes of a recovered segment on. Damaged ones are reported
// when the segment is loaded.
func (s *Spool) replay(f file, seg Segment) error {
	if s.o.Replay == nil {
		return nil
	}
	w := newWalker(f, seg.ID, seg.size)
	for {
		if _, err := w.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if ok, err := w.intact(); err != nil {
			return err
		} else if ok {
			if err := w.notes(s.o.Replay, seg.Seq); err != nil {
				return err
			}
		}
	}
}

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

// loadKey returns the secret that seeds the digests, made once per directory.
func (s *Spool) loadKey() (uint64, error) {
	path := filepath.Join(s.dir, "digest.key")
	f, err := s.fs.open(path)
	if err == nil {
		defer f.Close()
		var b [16]byte
		var key [8]byte
		if _, err = f.ReadAt(b[:], 0); err == nil {
			if _, err = hex.Decode(key[:], b[:]); err == nil {
				return le.Uint64(key[:]), nil
			}
		}
		// A new key costs only the recognition of what was sent before.
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	var key [8]byte
	rand.Read(key[:]) // never fails
	_, err = writeFile(s.fs, path, strings.NewReader(hex.EncodeToString(key[:])))
	return le.Uint64(key[:]), err
}
