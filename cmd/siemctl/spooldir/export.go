package spooldir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"siem-s3/pipeline"
)

// ErrTaken is returned by Export where a file has the name of an object and is
// something else.
var ErrTaken = errors.New("is there and is something else: move it away, or choose another directory")

// Export writes an object into a directory, under its key, and returns the path
// of its file. The file appears under its name only when all of it is on disk. One
// that is there already, and the same, is left alone.
func Export(root *os.Root, o *pipeline.WaitingObject) (file string, there bool, err error) {
	key := path.Clean(o.Key)
	file = filepath.Join(root.Name(), filepath.FromSlash(key))
	if err := root.MkdirAll(path.Dir(key), 0o700); err != nil {
		return file, false, err
	}
	body, err := o.Open()
	if err != nil {
		return file, false, err
	}
	defer body.Close()
	there, err = place(root, key, body)
	return file, there, err
}

// place makes a file of that name, which must not be there unless it is the same.
func place(root *os.Root, name string, body io.ReadSeeker) (there bool, err error) {
	switch same, err := holds(root, name, body); {
	case err == nil && same:
		return true, nil
	case err == nil:
		return false, ErrTaken
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	return false, create(root, name, body)
}

// create makes a new file, whole and durable or not at all.
func create(root *os.Root, name string, body io.Reader) error {
	part := name + ".part"
	f, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Link(part, name) // unlike Rename it overwrites nothing
	}
	if err = errors.Join(err, root.Remove(part)); err != nil {
		return err
	}
	return syncDir(root, path.Dir(name))
}

// syncDir makes the names in a directory durable.
func syncDir(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// holds reports whether a file holds what body gives, and no more.
func holds(root *os.Root, name string, body io.Reader) (bool, error) {
	f, err := root.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	ours, theirs := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(body, ours)
		m, theirErr := io.ReadFull(f, theirs)
		if !bytes.Equal(ours[:n], theirs[:m]) {
			return false, nil
		}
		if ended(err) || ended(theirErr) {
			return ended(err) && ended(theirErr), nil
		}
		if err := errors.Join(err, theirErr); err != nil {
			return false, fmt.Errorf("compare with %s: %w", name, err)
		}
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
