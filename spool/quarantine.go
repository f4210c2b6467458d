package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
)

const quarantineDir = "quarantine"

// Quarantine keeps what r gives in a file of that name in quarantine/, durably,
// whole or not at all. It counts towards MaxBytes; the error is ErrFull when that
// is reached. A name that is taken is the same thing, kept before.
func (s *Spool) Quarantine(name string, r io.Reader) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.inUse.RUnlock()
	if name == "." || name != filepath.Base(name) || !filepath.IsLocal(name) || strings.HasSuffix(name, tmpExt) {
		return fmt.Errorf("%q is not the name of a file to keep", name)
	}
	if used := s.used(); used >= s.o.MaxBytes {
		return fmt.Errorf("%w: %d of %d bytes are used", ErrFull, used, s.o.MaxBytes)
	}
	return s.keep(name, r)
}

func (s *Spool) keep(name string, r io.Reader) error {
	s.side.Lock()
	defer s.side.Unlock()
	path := filepath.Join(s.dir, quarantineDir, name)
	if f, err := s.fs.open(path); err == nil {
		// That the name is taken does not say that its entry is durable.
		return errors.Join(f.Close(), s.fs.syncDir(filepath.Dir(path)))
	}
	size, err := writeFile(s.fs, path, r)
	if err != nil {
		return full(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes += size
	return nil
}

// keepDamage copies a damaged extent of a segment to quarantine, whatever the
// limit: the rest of the segment can only leave the disk afterwards.
func (s *Spool) keepDamage(f file, seg Segment, e extent) error {
	name := fmt.Sprintf("%s@%d.damaged", segmentName(seg.Seq, seg.ID), e.off)
	return s.keep(name, io.NewSectionReader(f, e.off, e.end-e.off))
}

// quarantined returns how many bytes are in quarantine.
func (s *Spool) quarantined() (size int64, err error) {
	dir := filepath.Join(s.dir, quarantineDir)
	entries, err := s.fs.readDir(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), tmpExt) {
			if err := s.fs.remove(filepath.Join(dir, e.Name())); err != nil {
				return 0, err
			}
			continue
		}
		info, err := e.Info()
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", quarantineDir, err)
		}
		if info.Mode().Type() != fs.ModeDir {
			size += info.Size()
		}
	}
	return size, nil
}
