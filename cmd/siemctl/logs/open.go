package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"siem-s3/s3"
)

// content is the bytes of an object as they are stored. Where the connection
// breaks it asks for the rest.
type content struct {
	ctx    context.Context
	object *Object
	body   *s3.Download // nil before the first Read and after a failure
	offset int64
	failed int // requests since the last byte
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	for {
		if c.body == nil {
			if c.offset > 0 && c.offset >= c.object.Size {
				return 0, io.EOF
			}
			if err := c.ask(); err != nil {
				return 0, err
			}
		}
		n, err := c.body.Read(p)
		c.offset += int64(n)
		if n > 0 {
			c.failed = 0
		}
		if err == nil || err == io.EOF {
			return n, err
		}
		c.Close()
		c.body = nil
		if c.failed++; c.failed == maxTries || !passing(err) {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
		if !sleep(c.ctx, pause(err, c.failed)) {
			return n, context.Cause(c.ctx)
		}
	}
}

// ask requests what is left.
func (c *content) ask() error {
	return retry(c.ctx, func() (err error) {
		c.body, err = c.object.Source.Store.Get(c.ctx, c.object.Key, c.offset, c.object.ETag)
		var e *s3.Error
		if errors.As(err, &e) && e.Status == http.StatusPreconditionFailed {
			return fmt.Errorf("%s is not the object any more that was listed: it was overwritten", c.object.Key)
		}
		return err
	})
}

// Close ends the request that is under way.
func (c *content) Close() error {
	if c.body == nil {
		return nil
	}
	return c.body.Close()
}

// The first bytes of what is compressed: RFC 1952 section 2.3.1 and RFC 8878
// section 3.1.1, where a skippable frame may come first.
var magic = map[string][]byte{"gz": {0x1f, 0x8b}, "zst": {0x28, 0xb5, 0x2f, 0xfd}}

// compressionOf tells it by the first bytes.
func compressionOf(start []byte) string {
	for name, m := range magic {
		if bytes.HasPrefix(start, m) {
			return name
		}
	}
	return ""
}

var (
	gzips = sync.Pool{New: func() any { return new(gzip.Reader) }}
	zstds = sync.Pool{New: func() any {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	}}
	buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}
)

// text returns what an object holds, without its compression, from its stored
// bytes. An object whose bytes are not what its key says is an error, as is a
// checksum of gzip or zstd that does not fit. done must be called when no more is
// read.
func text(compression string, stored io.Reader) (r io.Reader, done func(), err error) {
	in := buffers.Get().(*bufio.Reader)
	in.Reset(stored)
	release := func() {
		in.Reset(nil)
		buffers.Put(in)
	}
	start, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, release, err
	}
	if len(start) == 0 {
		return in, release, nil
	}
	if compressionOf(start) != compression {
		return nil, release, fmt.Errorf("not compressed as its name says: it begins with %q", start)
	}
	switch compression {
	case "gz":
		z := gzips.Get().(*gzip.Reader)
		return z, func() { gzips.Put(z); release() }, z.Reset(in)
	case "zst":
		z := zstds.Get().(*zstd.Decoder)
		return z, func() { _ = z.Reset(nil); zstds.Put(z); release() }, z.Reset(in)
	}
	return in, release, nil
}
