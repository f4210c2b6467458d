// Package spooldir reads what waits in a store_dir, beside a Fluent Bit that may
// be at work on it: it takes no lock. Only Requeue changes something there, in
// quarantine.
package spooldir

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"siem-s3/pipeline"
	"siem-s3/spool"
)

// EachSegment calls do with every segment of a view and what it holds: verified
// to the last byte, or only listed. Segments that go meanwhile are left out.
func EachSegment(ctx context.Context, v *spool.View, verify bool, do func(spool.SegmentFile, *spool.Contents) error) error {
	read := v.Skim
	if verify {
		read = v.Read
	}
	for _, seg := range v.Segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := read(seg)
		if err == nil {
			err = do(seg, c)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// WriteEvents writes the lines of an object, without its compression. The error
// is fs.ErrNotExist if the object was uploaded before any of it was read.
func WriteEvents(dst io.Writer, o *pipeline.WaitingObject) error {
	body, err := o.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	if err := decompress(dst, o.Compression, bufio.NewReaderSize(body, 256<<10)); err != nil {
		return fmt.Errorf("%s: %w", o.Key, err)
	}
	return nil
}

func decompress(dst io.Writer, compression string, src io.Reader) error {
	switch compression {
	case "gzip":
		z, err := gzip.NewReader(src)
		if err != nil {
			return err
		}
		src = z
	case "zstd":
		z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		defer z.Close()
		src = z
	}
	_, err := io.Copy(dst, src)
	return err
}
