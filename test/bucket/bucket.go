// Package bucket reads the objects of siem-s3 as a SIEM would, with readers that
// are not the plugin's own, and refuses what any reader could stumble over.
package bucket

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"siem-s3/test/s3server"
)

// An Object is one of a bucket, read.
type Object struct {
	Key    string
	Ext    string // of the key, such as json.gz
	Size   int    // bytes in the bucket
	Text   []byte // without compression; every line ends with LF
	Number int    // of lines
}

// A Reader reads a bucket. Objects never change, so each is read once.
type Reader struct {
	server *s3server.Server
	bucket string
	seen   map[string]Object
}

// New returns a Reader, which is for one goroutine.
func New(server *s3server.Server, bucket string) *Reader {
	return &Reader{server: server, bucket: bucket, seen: map[string]Object{}}
}

// Objects returns the objects that the bucket holds now, in the order of their
// keys. One that cannot be read, or does not hold what its metadata say, is an
// error.
func (r *Reader) Objects(ctx context.Context) ([]Object, error) {
	keys, err := r.server.List(ctx, r.bucket, "")
	if err != nil {
		return nil, err
	}
	var all []Object
	for _, key := range keys {
		o, ok := r.seen[key]
		if !ok {
			if o, err = r.read(ctx, key); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			r.seen[key] = o
		}
		all = append(all, o)
	}
	return all, nil
}

// contentTypes are the media types that go with the extensions.
var contentTypes = map[string]string{"json": "application/x-ndjson", "log": "text/plain; charset=utf-8"}

func (r *Reader) read(ctx context.Context, key string) (Object, error) {
	raw, err := r.server.Get(ctx, r.bucket, key)
	if err != nil {
		return Object{}, err
	}
	_, ext, _ := strings.Cut(path.Base(key), ".")
	o := Object{Key: key, Ext: ext, Size: len(raw.Body)}
	format, compression, _ := strings.Cut(ext, ".")
	if o.Text, err = unpack(compression, raw.Body); err != nil {
		return Object{}, err
	}
	o.Number = bytes.Count(o.Text, []byte("\n"))
	switch want := contentTypes[format]; {
	case want == "" || raw.ContentType != want:
		return Object{}, fmt.Errorf("content type %q, want %q", raw.ContentType, want)
	case !bytes.HasSuffix(o.Text, []byte("\n")):
		return Object{}, errors.New("the last line has no end")
	case raw.Metadata["siem-records"] != strconv.Itoa(o.Number):
		return Object{}, fmt.Errorf("%d lines, the metadata say %q", o.Number, raw.Metadata["siem-records"])
	case raw.Metadata["siem-bytes"] != strconv.Itoa(len(o.Text)):
		return Object{}, fmt.Errorf("%d bytes of text, the metadata say %q", len(o.Text), raw.Metadata["siem-bytes"])
	}
	return o, nil
}

// unpack takes the compression off.
func unpack(compression string, body []byte) ([]byte, error) {
	switch compression {
	case "":
		return body, nil
	case "gz":
		return gunzip(body)
	case "zst":
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return d.DecodeAll(body, nil)
	}
	return nil, fmt.Errorf("compression %q", compression)
}

// gunzip reads as those do that stop at the end of the first member, and wants
// nothing to be left behind it.
func gunzip(body []byte) ([]byte, error) {
	rest := bytes.NewReader(body) // an io.ByteReader: the decoder reads no further than it must
	z, err := gzip.NewReader(rest)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	text, err := io.ReadAll(z)
	if err == nil && rest.Len() > 0 {
		err = fmt.Errorf("%d bytes behind the gzip member", rest.Len())
	}
	return text, err
}
