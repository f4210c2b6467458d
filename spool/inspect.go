package spool

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A View is what a directory held at one moment. It is looked at without the
// lock and without a change, so a Spool may be at work on it: a segment may grow
// or go at any time.
type View struct {
	// Segments are those that were not removed, oldest first.
	Segments []SegmentFile
	Done     []DoneFile // oldest first
	// Quarantine are the files there, by name. Folders are left out.
	Quarantine []fs.FileInfo
	// Foreign are segment files that cannot be used, and why: those of a newer
	// version, with another name, or which the disk cannot read.
	Foreign []error

	s *Spool // without lock, on a file system that cannot be written
}

// A SegmentFile is a segment in a View.
type SegmentFile struct {
	Segment
	Size int64 // bytes, when it was looked at
	// Last says that batches may be added to it: an end that is not whole is an
	// append under way, or one that was never acknowledged.
	Last bool
}

// A DoneFile is what is left of a removed segment.
type DoneFile struct {
	Seq     uint64
	ID      ID
	Path    string
	Size    int64     // bytes
	Removed time.Time // when the segment was
	Batches int       // that it had
	// Damage is nil if its CRC is right.
	Damage *CorruptError
}

// Inspect looks at a directory. An error is one of reading it. A directory that
// no Spool ever had is an error too.
func Inspect(dir string) (*View, error) {
	v := &View{s: &Spool{dir: dir, fs: readOnlyFS{osFS{}}}}
	names, err := v.names()
	if err != nil {
		return nil, err
	}
	if !names["LOCK"] {
		return nil, fmt.Errorf("%s is no store_dir: there is no file LOCK in it", dir)
	}
	if err := v.findDone(names); err != nil {
		return nil, err
	}
	v.findSegments(names)
	return v, v.findQuarantine()
}

// names returns the names of the files in the directory.
func (v *View) names() (map[string]bool, error) {
	entries, err := v.s.fs.readDir(v.s.dir)
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool, len(entries))
	for _, e := range entries {
		if !e.IsDir() {
			names[e.Name()] = true
		}
	}
	return names, nil
}

// findDone reads the .done files, and takes the segments whose removal they
// complete out of names.
func (v *View) findDone(names map[string]bool) error {
	for name := range names {
		base, isDone := strings.CutSuffix(name, doneExt)
		if !isDone {
			continue
		}
		d := DoneFile{Path: filepath.Join(v.s.dir, name)}
		d.Seq, d.ID, _ = parseSegmentName(base)
		info, err := os.Stat(d.Path)
		var digests []Digest
		if err == nil {
			d.Size, d.Removed = info.Size(), info.ModTime().UTC()
			digests, err = v.s.readDone(base)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // its time had come
		case errors.Is(err, errDone):
			d.Damage = &CorruptError{File: name, Length: d.Size, Reason: errDone.Error()}
		case err != nil:
			return err
		default:
			delete(names, base+segExt)
		}
		d.Batches = len(digests)
		v.Done = append(v.Done, d)
	}
	slices.SortFunc(v.Done, func(a, b DoneFile) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), strings.Compare(a.Path, b.Path))
	})
	return nil
}

func (v *View) findSegments(names map[string]bool) {
	found := v.s.findSegments(names)
	last := len(found) - 1
	for last > 0 && found[last].size <= segmentHeaderLen {
		last-- // as Open does
	}
	for i, seg := range found {
		v.Segments = append(v.Segments, SegmentFile{Segment: seg.Segment, Size: seg.size, Last: i >= last})
	}
	v.Foreign = slices.DeleteFunc(v.s.report.Foreign, func(err error) bool { return errors.Is(err, fs.ErrNotExist) })
}

func (v *View) findQuarantine() error {
	entries, err := v.s.fs.readDir(filepath.Join(v.s.dir, quarantineDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || strings.HasSuffix(e.Name(), tmpExt) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		v.Quarantine = append(v.Quarantine, info)
	}
	return nil
}

// Read reads the segment whole, verifies every byte of it and returns what is in
// it, as Load does, but copies no damage to quarantine. The error is
// fs.ErrNotExist once the segment has been removed; the streams' Open returns
// that too.
func (v *View) Read(seg SegmentFile) (*Contents, error) { return v.read(seg, (*walker).intact) }

// Skim is Read without the payloads: of these it verifies nothing.
func (v *View) Skim(seg SegmentFile) (*Contents, error) {
	return v.read(seg, func(*walker) (bool, error) { return true, nil })
}

func (v *View) read(seg SegmentFile, intact func(*walker) (bool, error)) (*Contents, error) {
	f, err := v.s.fs.open(seg.Path)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	defer f.Close()
	for {
		c := &Contents{Segment: seg.Segment}
		bad, err := c.read(v.s.fs, newWalker(f, seg.ID, seg.size), intact)
		if size, sizeErr := f.size(); errors.Is(err, io.ErrUnexpectedEOF) && sizeErr == nil && size < seg.size {
			seg.size = size // a failed append was cut from it
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Base(seg.Path), err)
		}
		return c, c.damages(f, seg, bad)
	}
}

// damages lists what is damaged of a segment that was read.
func (c *Contents) damages(f file, seg SegmentFile, bad []extent) error {
	for _, st := range c.Streams {
		st.skip = bad
	}
	if err := c.headerDamage(f, seg); err != nil {
		return err
	}
	for _, b := range bad {
		if seg.Last && b.end >= seg.size {
			torn, err := newWalker(f, seg.ID, seg.size).cutShort(b.off)
			if err != nil {
				return fmt.Errorf("read %s: %w", filepath.Base(seg.Path), err)
			}
			if torn {
				continue
			}
		}
		c.damaged(b.off, b.end-b.off, "damaged on disk")
	}
	if seg.missing > 0 {
		c.damaged(seg.size, seg.missing, "missing at the end of the file")
	}
	return nil
}

// headerDamage looks at the header once more, whose name has what it says.
func (c *Contents) headerDamage(f file, seg SegmentFile) error {
	if seg.size < segmentHeaderLen {
		return nil
	}
	b := make([]byte, segmentHeaderLen)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", filepath.Base(seg.Path), err)
	}
	// A header that is written with the first batch can be zeros for that long.
	if _, err := parseSegmentHeader(b); err != nil && (!seg.Last || len(bytes.Trim(b, "\x00")) > 0) {
		c.damaged(0, segmentHeaderLen, err.Error())
	}
	return nil
}

// Batches returns how many batches were read.
func (c *Contents) Batches() int { return len(c.digests) }

// NoteCount returns how many notes they have.
func (c *Contents) NoteCount() int { return c.notes }

var errReadOnly = errors.New("the directory is only looked at")

// readOnlyFS is a file system that refuses to change anything.
type readOnlyFS struct{ fileSystem }

func (readOnlyFS) mkdirAll(string) error             { return errReadOnly }
func (readOnlyFS) create(string) (file, error)       { return nil, errReadOnly }
func (readOnlyFS) edit(string) (file, error)         { return nil, errReadOnly }
func (readOnlyFS) rename(string, string) error       { return errReadOnly }
func (readOnlyFS) remove(string) error               { return errReadOnly }
func (readOnlyFS) lock(string) (func() error, error) { return nil, errReadOnly }
func (readOnlyFS) syncDir(string) error              { return errReadOnly }
