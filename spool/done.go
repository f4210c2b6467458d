package spool

import (
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"time"
)

// A .done file is magic, the digests, and the CRC-32C of its name, without the
// extension, and of both. The name keeps a file that was copied or renamed from
// completing the removal of another segment.
var doneMagic = []byte("SIEMDON\x01")

// maxDoneLen bounds what is read of a .done file: sixteen million batches.
const maxDoneLen = 256 << 20

func appendDone(dst []byte, name string, digests []Digest) []byte {
	start := len(dst)
	dst = append(dst, doneMagic...)
	for i := range digests {
		dst = append(dst, digests[i][:]...)
	}
	return le.AppendUint32(dst, doneCRC(name, dst[start:]))
}

func doneCRC(name string, b []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(name), castagnoli), castagnoli, b)
}

var errDone = errors.New("list of digests is damaged")

func parseDone(b []byte, name string) ([]Digest, error) {
	n := len(b) - len(doneMagic) - 4
	if n < 0 || n%len(Digest{}) != 0 || string(b[:len(doneMagic)]) != string(doneMagic) ||
		doneCRC(name, b[:len(b)-4]) != le.Uint32(b[len(b)-4:]) {
		return nil, errDone
	}
	digests := make([]Digest, 0, n/len(Digest{}))
	for b = b[len(doneMagic) : len(b)-4]; len(b) > 0; b = b[len(Digest{}):] {
		digests = append(digests, Digest(b[:len(Digest{})]))
	}
	return digests, nil
}

func (s *Spool) readDone(name string) ([]Digest, error) {
	f, err := s.fs.open(filepath.Join(s.dir, name+doneExt))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.size()
	if err != nil {
		return nil, err
	}
	if size > maxDoneLen {
		return nil, errDone
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return parseDone(b, name)
}

// digestSet holds the digests that earlier Spools left, by the file that they
// came from, and remembers which .done files to delete when.
type digestSet struct {
	files  map[string][]Digest
	counts map[Digest]int // how many files have it
	done   []doneFile     // in the order of their ends
}

type doneFile struct {
	path, digestsOf string
	until           time.Time
}

func newDigestSet() digestSet {
	return digestSet{files: map[string][]Digest{}, counts: map[Digest]int{}}
}

func (d *digestSet) add(file string, digests []Digest) {
	d.files[file] = digests
	for _, digest := range digests {
		d.counts[digest]++
	}
}

func (d *digestSet) has(digest Digest) bool { return d.counts[digest] > 0 }

// expire forgets the digests of file, and the .done file done, when digestsKept
// has passed.
func (d *digestSet) expire(file, done string, now time.Time) {
	d.done = append(d.done, doneFile{path: done, digestsOf: file, until: now.Add(digestsKept)})
}

// prune deletes the .done files whose time has come.
func (d *digestSet) prune(fsys fileSystem, now time.Time) error {
	for len(d.done) > 0 && !now.Before(d.done[0].until) {
		old := d.done[0]
		if err := fsys.remove(old.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		d.done = d.done[1:]
		for _, digest := range d.files[old.digestsOf] {
			if d.counts[digest]--; d.counts[digest] == 0 {
				delete(d.counts, digest)
			}
		}
		delete(d.files, old.digestsOf)
	}
	return nil
}
