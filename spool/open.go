package spool

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
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
	// Foreign are files that cannot be used, and why: damaged lists of digests,
	// and segments of a newer version, with another name, or which the disk cannot
	// read now. They are left alone; the next Open tries again.
	Foreign []error
}

// Open takes the directory, makes it if need be, and recovers what is in it: the
// segments that it finds are sealed. The error is ErrLocked if another Spool has
// the directory.
func Open(dir string, o Options) (*Spool, error) {
	if o.fs == nil {
		o.fs = defaultFS
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
	// What is built upon from now on must not go with a power loss.
	if err := s.fs.syncDir(s.dir); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	names, err := s.list()
	if err != nil {
		return err
	}
	if s.key, err = s.loadKey(); err != nil {
		return fmt.Errorf("digest key: %w", err)
	}
	if err := s.recoverDone(names); err != nil {
		return err
	}
	segs := s.findSegments(names)
	last := len(segs) - 1
	for last > 0 && segs[last].size <= segmentHeaderLen {
		last-- // past those that never got a batch
	}
	for i, seg := range segs {
		s.lastSeq = max(s.lastSeq, seg.Seq)
		if err := s.recoverSegment(seg, i >= last); err != nil {
			return fmt.Errorf("recover %s: %w", filepath.Base(seg.Path), err)
		}
	}
	if len(s.sealed) > 0 {
		s.sealC <- struct{}{}
	}
	q, err := s.quarantined()
	s.bytes += q
	return err
}

// foreign reports a file that is left alone: one that cannot be read must not
// keep new events out.
func (s *Spool) foreign(name string, err error) {
	s.report.Foreign = append(s.report.Foreign, fmt.Errorf("%s: %w", name, err))
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
		if e.IsDir() {
			continue
		}
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
		digests, err := s.readDone(base)
		if err != nil {
			// writeFile is atomic: this file was complete once. The segment, if it is
			// still there, is uploaded once more, to the same keys.
			s.foreign(name, err)
			continue
		}
		path := filepath.Join(s.dir, base)
		if names[base+segExt] {
			if err := s.fs.remove(path + segExt); err != nil {
				return err
			}
			delete(names, base+segExt)
		}
		s.known.add(path+segExt, digests)
		s.known.expire(path+segExt, path+doneExt, time.Now())
	}
	return nil
}

var errKey = errors.New("key of digests is damaged and made anew")

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
		s.foreign(filepath.Base(path), errKey)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	var key [8]byte
	rand.Read(key[:]) // never fails
	_, err = writeFile(s.fs, path, strings.NewReader(hex.EncodeToString(key[:])))
	return le.Uint64(key[:]), err
}
