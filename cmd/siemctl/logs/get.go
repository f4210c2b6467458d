package logs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"siem-s3/s3"
)

// A Result is what became of an object that was to be downloaded.
type Result struct {
	Object *Object
	// Path is where the object is, below the directory.
	Path string
	// There says that it was there before.
	There bool
	// Checksum is what was verified, "" where the server keeps none.
	Checksum string
	Err      error
}

// Get downloads objects into a directory, each under its key, several at once.
// progress is told of every byte, from several goroutines.
//
// A file appears under its name only when all of it is there, verified and on
// disk. Until then it is in a .part file that the next Get goes on with, if the
// object is still the same. A file that is there already is left alone, and is an
// error if it has not the size of the object.
//
// The results are in the order of the objects. The error is that of the first
// failure that all others would have met too.
func Get(ctx context.Context, objects []*Object, dir string, progress func(n int64)) ([]Result, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	results := make([]Result, len(objects))
	indices := make([]int, len(objects))
	for i, o := range objects {
		indices[i] = i
		results[i] = Result{Object: o, Path: filepath.Join(dir, filepath.FromSlash(o.Key)), Err: errSkipped}
	}
	taken := newNames()
	err = parallel(ctx, maxRequests, indices, func(ctx context.Context, i int) error {
		d := &download{ctx: ctx, root: root, object: objects[i], progress: progress, result: &results[i]}
		if d.result.Err = taken.take(objects[i].Key); d.result.Err == nil {
			d.result.Err = d.run()
		}
		if hopeless(d.result.Err) {
			return d.result.Err
		}
		return nil
	})
	return results, err
}

// errSkipped is the error of what was not even tried.
var errSkipped = errors.New("not downloaded")

// names are the keys that already have a file: two buckets can have the same.
type names struct {
	mu   sync.Mutex
	seen map[string]bool
}

func newNames() *names { return &names{seen: map[string]bool{}} }

func (n *names) take(key string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen[key] {
		return errors.New("two outputs have this key: download them one at a time, with --output")
	}
	n.seen[key] = true
	return nil
}

// A download brings one object into its file.
type download struct {
	ctx      context.Context
	root     *os.Root // keeps names such as ../x inside
	object   *Object
	progress func(int64)
	result   *Result

	file *os.File // the .part
	have int64    // bytes of it
	sum  hash.Hash
	want s3.Checksum
}

func (d *download) run() error {
	name := filepath.FromSlash(d.object.Key)
	info, err := d.root.Stat(name)
	switch {
	case err == nil && info.Size() == d.object.Size && info.Mode().IsRegular():
		d.result.There = true
		d.progress(d.object.Size)
		return nil
	case err == nil:
		return fmt.Errorf("%s is there and is something else: move it away, or choose another directory", d.result.Path)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := d.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	part := d.part()
	if d.file, err = d.root.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return err
	}
	defer d.file.Close()
	if err := d.fill(); err != nil {
		return err
	}
	if err := d.verify(); err != nil {
		_ = d.root.Remove(part) // going on with it would be no use
		return err
	}
	if err := d.file.Sync(); err != nil {
		return err
	}
	_ = d.root.Chtimes(part, d.object.Modified, d.object.Modified) // a courtesy
	return d.root.Rename(part, name)
}

// part returns the name of the .part file, which only this very object has.
func (d *download) part() string {
	tag := sha256.Sum256([]byte(d.object.ETag))
	return filepath.FromSlash(fmt.Sprintf("%s.%x.part", d.object.Key, tag[:6]))
}

// fill gets what the .part file lacks.
func (d *download) fill() error {
	if err := d.takeUp(); err != nil {
		return err
	}
	body := &content{ctx: d.ctx, object: d.object, offset: d.have}
	defer body.Close()
	if d.have == 0 {
		if err := body.ask(); err != nil {
			return err
		}
		d.expect(body.body.Checksum)
	} else if d.have == d.object.Size {
		return nil
	}
	n, err := io.Copy(io.MultiWriter(d.file, d.hash(), (*counter)(d)), body)
	d.have += n
	return err
}

// takeUp looks at what an earlier try has left, and reads it for its checksum.
func (d *download) takeUp() error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 || info.Size() > d.object.Size {
		return d.file.Truncate(0)
	}
	err = retry(d.ctx, func() error {
		stat, err := d.object.Source.Store.Stat(d.ctx, d.object.Key)
		if err == nil && stat.ETag != d.object.ETag {
			err = fmt.Errorf("%s is not the object any more that was listed: it was overwritten", d.object.Key)
		}
		d.expect(stat.Checksum)
		return err
	})
	if err != nil {
		return err
	}
	d.have, err = io.Copy(io.MultiWriter(d.hash(), (*counter)(d)), d.file)
	return err
}

func (d *download) expect(c s3.Checksum) {
	if d.want = c; c.Known() {
		d.sum = c.New()
	}
}

func (d *download) hash() io.Writer {
	if d.sum == nil {
		return io.Discard
	}
	return d.sum
}

// verify compares what came with what was to come.
func (d *download) verify() error {
	if d.have != d.object.Size {
		return fmt.Errorf("%d bytes came, the object has %d", d.have, d.object.Size)
	}
	if d.sum == nil {
		return nil
	}
	if err := d.want.Check(d.sum); err != nil {
		return fmt.Errorf("%s: %w", path.Base(d.object.Key), err)
	}
	d.result.Checksum = d.want.String()
	return nil
}

// A counter tells a download's progress of what is written to it.
type counter download

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	c.progress(int64(len(p)))
	return len(p), nil
}
