package spool

import (
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// disk is a file system in memory that tells what was synced from what was not,
// and can lose the latter as a power loss would. It is the model of the disk that
// the guarantees of this package are tested against:
//
//   - A sync makes all earlier writes and truncations of that file durable. Of
//     those that came later, a power loss keeps any subset of the 512-byte
//     sectors, in any order; a sector is old or new, never a mixture. The length
//     is the old one, the new one or anything between. What is within the length
//     but was not written reads as zeros, or as what was on the disk before: here,
//     the bytes of another file.
//   - A syncDir makes all earlier creations, renames and removals in that directory
//     durable. Of those that came later, a power loss keeps any subset, as long as
//     the operations on one name stay in their order. A rename happened or did not.
//     That is weaker than ext4 and xfs, which keep a prefix of them: no file is
//     renamed there that was not created.
//   - A directory is durable once mkdirAll returns, and a file's length with its data.
//   - A failed sync makes nothing durable and leaves the cache as it was.
//   - Death of the process loses nothing, but does not sync either.
type disk struct {
	mu     sync.Mutex
	dirs   map[string]*directory
	locked bool
	free   int64 // bytes that can be written before ENOSPC
	calls  []call

	// before, if set, is asked before each call and may fail it. It is not called
	// with mu held.
	before func(c call) error
	// midway, if set, is called when a part of a write has reached the file.
	midway func()
}

// call is one that the spool made.
type call struct{ op, name string }

// shortWrite lets n bytes of a write through, then fails it.
type shortWrite struct {
	error
	n int
}

type directory struct {
	names, synced map[string]*inode
	ops           []dirOp // not synced, oldest first
}

// dirOp is a creation of to, a removal of from, or a rename.
type dirOp struct {
	from, to string
	node     *inode // that to is given
}

type inode struct {
	data, synced []byte
	ops          []dataOp // not synced, oldest first
}

// dataOp is a write of data at off, or a truncation to off.
type dataOp struct {
	off      int64
	data     []byte
	truncate bool
}

const unlimited = 1 << 62

func newDisk() *disk { return &disk{dirs: map[string]*directory{}, free: unlimited} }

// enter notes a call and asks before.
func (d *disk) enter(op, path string) error {
	c := call{op, filepath.Base(path)}
	d.mu.Lock()
	d.calls = append(d.calls, c)
	before := d.before
	d.mu.Unlock()
	if before == nil {
		return nil
	}
	if err := before(c); err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

// count returns how often op was called.
func (d *disk) count(op string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.calls {
		if c.op == op {
			n++
		}
	}
	return n
}

// failing makes the n-th call of op from now on, counted from 1, and all after it
// fail until the returned function is called.
func (d *disk) failing(op string, n int, err error) (mend func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := 0
	d.before = func(c call) error {
		if c.op != op {
			return nil
		}
		if seen++; seen < n {
			return nil
		}
		return err
	}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.before = nil
	}
}

// readOnly fails what a read-only file system does.
func readOnly(c call) error {
	switch c.op {
	case "open", "close", "read", "readDir":
		return nil
	}
	return unix.EROFS
}

func (d *disk) dir(path string) (*directory, string, error) {
	dir, ok := d.dirs[filepath.Dir(path)]
	if !ok {
		return nil, "", fs.ErrNotExist
	}
	return dir, filepath.Base(path), nil
}

func (dir *directory) apply(op dirOp) {
	delete(dir.names, op.from)
	if op.to != "" {
		dir.names[op.to] = op.node
	}
	dir.ops = append(dir.ops, op)
}

func (d *disk) mkdirAll(path string) error {
	if err := d.enter("mkdir", path); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for ; d.dirs[path] == nil && path != "/"; path = filepath.Dir(path) {
		d.dirs[path] = &directory{names: map[string]*inode{}, synced: map[string]*inode{}}
	}
	return nil
}

func (d *disk) readDir(path string) ([]fs.DirEntry, error) {
	if err := d.enter("readDir", path); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var entries []fs.DirEntry
	for name, node := range d.dirs[path].names {
		entries = append(entries, fs.FileInfoToDirEntry(fileInfo{name: name, size: int64(len(node.data))}))
	}
	for name := range d.dirs {
		if filepath.Dir(name) == path {
			entries = append(entries, fs.FileInfoToDirEntry(fileInfo{name: filepath.Base(name), mode: fs.ModeDir}))
		}
	}
	return entries, nil
}

func (d *disk) create(path string) (file, error) {
	if err := d.enter("create", path); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, name, err := d.dir(path)
	if err != nil {
		return nil, err
	}
	if dir.names[name] != nil {
		return nil, fs.ErrExist
	}
	node := &inode{}
	dir.apply(dirOp{to: name, node: node})
	return &diskFile{d: d, node: node, path: path}, nil
}

func (d *disk) open(path string) (file, error) { return d.find("open", path) }
func (d *disk) edit(path string) (file, error) { return d.find("edit", path) }

func (d *disk) find(op, path string) (file, error) {
	if err := d.enter(op, path); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, name, err := d.dir(path)
	if err != nil {
		return nil, err
	}
	if dir.names[name] == nil {
		return nil, fs.ErrNotExist
	}
	return &diskFile{d: d, node: dir.names[name], path: path}, nil
}

func (d *disk) rename(from, to string) error {
	if err := d.enter("rename", from); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, name, err := d.dir(from)
	if err != nil || dir.names[name] == nil {
		return fs.ErrNotExist
	}
	dir.apply(dirOp{from: name, to: filepath.Base(to), node: dir.names[name]})
	return nil
}

func (d *disk) remove(path string) error {
	d.mu.Lock()
	dir, name, err := d.dir(path)
	if err == nil && dir.names[name] == nil {
		err = fs.ErrNotExist
	}
	d.mu.Unlock()
	if err != nil {
		return err // changes nothing, so it does not count as a call
	}
	if err := d.enter("remove", path); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	dir.apply(dirOp{from: name})
	return nil
}

func (d *disk) lock(path string) (func() error, error) {
	if err := d.enter("lock", path); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked {
		return nil, ErrLocked
	}
	d.locked = true
	return func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.locked = false
		return nil
	}, nil
}

func (d *disk) syncDir(path string) error {
	if err := d.enter("syncDir", path); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	dir := d.dirs[path]
	dir.synced, dir.ops = maps.Clone(dir.names), nil
	return nil
}

type diskFile struct {
	d    *disk
	node *inode
	path string
}

func (f *diskFile) Close() error { return f.d.enter("close", f.path) }

func (f *diskFile) size() (int64, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return int64(len(f.node.data)), nil
}

func (f *diskFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.d.enter("read", f.path); err != nil {
		return 0, err
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	n := 0
	if off < int64(len(f.node.data)) {
		n = copy(p, f.node.data[off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *diskFile) writeAt(bufs [][]byte, off int64) error {
	err := f.d.enter("write", f.path)
	left := unlimited
	var short shortWrite
	if pathErr, ok := err.(*fs.PathError); ok {
		if short, ok = pathErr.Err.(shortWrite); !ok {
			return err
		}
		left = short.n
	}
	for _, buf := range bufs {
		for part := range slices.Chunk(buf, max(len(buf)/2, 1)) {
			n, full := f.write(part[:min(left, len(part))], off)
			off, left = off+int64(n), left-n
			if full != nil {
				return full
			}
			if left == 0 {
				return err
			}
			if f.d.midway != nil {
				f.d.midway()
			}
		}
	}
	return err
}

func (f *diskFile) write(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	var err error
	if int64(len(p)) > f.d.free {
		p, err = p[:f.d.free], unix.ENOSPC
	}
	f.d.free -= int64(len(p))
	op := dataOp{off: off, data: slices.Clone(p)}
	f.node.ops = append(f.node.ops, op)
	f.node.data = op.apply(f.node.data)
	return len(p), err
}

func (f *diskFile) truncate(size int64) error {
	if err := f.d.enter("truncate", f.path); err != nil {
		return err
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	op := dataOp{off: size, truncate: true}
	f.node.ops = append(f.node.ops, op)
	f.node.data = op.apply(f.node.data)
	return nil
}

func (f *diskFile) sync() error {
	if err := f.d.enter("sync", f.path); err != nil {
		return err
	}
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.node.synced, f.node.ops = slices.Clone(f.node.data), nil
	return nil
}

// apply does op on b, which it may change.
func (op dataOp) apply(b []byte) []byte {
	if op.truncate {
		return b[:min(op.off, int64(len(b)))]
	}
	if end := int(op.off) + len(op.data); end > len(b) {
		b = append(b, make([]byte, end-len(b))...)
	}
	copy(b[op.off:], op.data)
	return b
}

// files returns the names in a directory that end in ext, sorted.
func (d *disk) files(dir, ext string) (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.dirs[dir].names {
		if strings.HasSuffix(name, ext) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// get returns the bytes of a file. They can be changed in place.
func (d *disk) get(t testing.TB, path string) []byte {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, name, err := d.dir(path)
	if err != nil || dir.names[name] == nil {
		t.Fatalf("no file %s", path)
	}
	return dir.names[name].data
}

// put makes a file hold data, durably.
func (d *disk) put(path string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, name, err := d.dir(path)
	if err != nil {
		panic(err)
	}
	node := &inode{data: slices.Clone(data), synced: slices.Clone(data)}
	dir.names[name], dir.synced[name] = node, node
}

// delete removes a file, durably.
func (d *disk) delete(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, name, _ := d.dir(path)
	delete(dir.names, name)
	delete(dir.synced, name)
}

type fileInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) Mode() fs.FileMode  { return i.mode }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i fileInfo) Sys() any           { return nil }
