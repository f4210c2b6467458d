package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fileSystem is what the spool asks of the disk. Tests replace it to make
// writes and syncs fail and to lose what was not synced.
type fileSystem interface {
	// mkdirAll makes dir, and its parents if need be, durably.
	mkdirAll(dir string) error
	readDir(dir string) ([]fs.DirEntry, error)
	// create makes a new file and fails if there is one of that name.
	create(path string) (file, error)
	// open opens a file for reading, edit for writing too.
	open(path string) (file, error)
	edit(path string) (file, error)
	rename(from, to string) error
	remove(path string) error
	// lock takes the lock file for this process, or returns ErrLocked.
	lock(path string) (unlock func() error, err error)
	// syncDir makes creations, renames and removals in dir durable.
	syncDir(dir string) error
}

type file interface {
	io.ReaderAt
	io.Closer
	// writeAt writes all of bufs, one after the other, from off on.
	writeAt(bufs [][]byte, off int64) error
	truncate(size int64) error
	// sync makes the data and the length durable.
	sync() error
	size() (int64, error)
}

// osFS is the real one. Directories are 0700 and files 0600: they hold the
// audit trail.
type osFS struct{}

// defaultFS is what a Spool uses. Builds for crash tests put something before it.
var defaultFS fileSystem = osFS{}

func (osFS) readDir(dir string) ([]fs.DirEntry, error) { return os.ReadDir(dir) }
func (osFS) rename(from, to string) error              { return os.Rename(from, to) }
func (osFS) remove(path string) error                  { return os.Remove(path) }

func (fsys osFS) mkdirAll(dir string) error {
	switch info, err := os.Stat(dir); {
	case err == nil && !info.IsDir():
		return &fs.PathError{Op: "mkdir", Path: dir, Err: unix.ENOTDIR}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent := filepath.Dir(dir)
	if err := fsys.mkdirAll(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return fsys.syncDir(parent)
}

func (osFS) create(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return osFile{f}, err
}

func (osFS) open(path string) (file, error) {
	f, err := os.Open(path)
	return osFile{f}, err
}

func (osFS) edit(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	return osFile{f}, err
}

// lock uses flock(2), which ends with the process, however it ends.
func (osFS) lock(path string) (func() error, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

func (osFS) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

type osFile struct{ *os.File }

// maxIOV is Linux's IOV_MAX: the buffers that one pwritev takes.
const maxIOV = 1024

func (f osFile) writeAt(bufs [][]byte, off int64) error {
	for len(bufs) > 0 {
		n, err := unix.Pwritev(int(f.Fd()), bufs[:min(len(bufs), maxIOV)], off)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil && n == 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return &fs.PathError{Op: "write", Path: f.Name(), Err: err}
		}
		off += int64(n)
		bufs = advance(bufs, n)
	}
	return nil
}

// advance drops the first n bytes of bufs, in place.
func advance(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

func (f osFile) truncate(size int64) error { return f.Truncate(size) }

func (f osFile) sync() error {
	err := unix.Fdatasync(int(f.Fd()))
	for errors.Is(err, unix.EINTR) {
		err = unix.Fdatasync(int(f.Fd()))
	}
	// A file that somebody removed takes writes and syncs, and keeps nothing.
	var st unix.Stat_t
	if err == nil {
		err = unix.Fstat(int(f.Fd()), &st)
	}
	if err == nil && st.Nlink == 0 {
		err = unix.ENOENT // as opening it again says
	}
	if err != nil {
		return &fs.PathError{Op: "sync", Path: f.Name(), Err: err}
	}
	return nil
}

func (f osFile) size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// writeFile makes path hold what r gives, whole or not at all, and durable. It
// returns the length. Calls for the same path must not overlap.
func writeFile(fsys fileSystem, path string, r io.Reader) (size int64, err error) {
	tmp := path + tmpExt
	if err := fsys.remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	f, err := fsys.create(tmp)
	if err != nil {
		return 0, err
	}
	size, err = copyTo(f, r)
	if err == nil {
		err = f.sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = fsys.rename(tmp, path)
	}
	if err != nil {
		return 0, errors.Join(err, fsys.remove(tmp))
	}
	return size, fsys.syncDir(filepath.Dir(path))
}

func copyTo(f file, r io.Reader) (size int64, err error) {
	buf := make([]byte, maxBlock)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if err := f.writeAt([][]byte{buf[:n]}, size); err != nil {
				return size, err
			}
			size += int64(n)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}
