package spool

import (
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"time"
)

// A .done file is magic, the digests, and the CRC-32C of both.
var doneMagic = []byte("SIEMDONE")

func appendDone(dst []byte, digests []Digest) []byte {
	start := len(dst)
	dst = append(dst, doneMagic...)
	for i := range digests {
		dst = append(dst, digests[i][:]...)
	}
	return le.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

var errDone = errors.New("list of digests is damaged")

func parseDone(b []byte) ([]Digest, error) {
	n := len(b) - len(doneMagic) - 4
	if n < 0 || n%len(Digest{}) != 0 || string(b[:len(doneMagic)]) != string(doneMagic) ||
		crc32.Checksum(b[:len(b)-4], castagnoli) != le.Uint32(b[len(b)-4:]) {
		return nil, errDone
	}
	digests := make([]Digest, 0, n/len(Digest{}))
	for b = b[len(doneMagic) : len(b)-4]; len(b) > 0; b = b[len(Digest{}):] {
		digests = append(digests, Digest(b[:len(Digest{})]))
	}
	return digests, nil
}

func (s *Spool) readDone(path string) ([]Digest, error) {
	f, err := s.fs.open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return parseDone(b)
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
