package s3

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"slices"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// An algorithm is one of Amazon S3's checksums of an object, each of which has
// headers of its own.
type algorithm struct {
	new func() hash.Hash
	set func(*awss3.PutObjectInput, *string)
	get func(*awss3.HeadObjectOutput) *string
}

// crc64nvme is the reversed polynomial of the NVM Express NVM Command Set
// Specification 1.0d, 5.2.1.3.4, which S3 uses.
var crc64nvme = crc64.MakeTable(0x9A6C9329AC4BC9B5)

var algorithms = map[string]algorithm{
	"crc32": {
		new: func() hash.Hash { return crc32.NewIEEE() },
		set: func(in *awss3.PutObjectInput, sum *string) { in.ChecksumCRC32 = sum },
		get: func(out *awss3.HeadObjectOutput) *string { return out.ChecksumCRC32 },
	},
	"crc64nvme": {
		new: func() hash.Hash { return crc64.New(crc64nvme) },
		set: func(in *awss3.PutObjectInput, sum *string) { in.ChecksumCRC64NVME = sum },
		get: func(out *awss3.HeadObjectOutput) *string { return out.ChecksumCRC64NVME },
	},
	"sha256": {
		new: sha256.New,
		set: func(in *awss3.PutObjectInput, sum *string) { in.ChecksumSHA256 = sum },
		get: func(out *awss3.HeadObjectOutput) *string { return out.ChecksumSHA256 },
	},
}

// sums are the digests of a body. Those that nobody asked for are nil.
type sums struct {
	checksum hash.Hash // the one that is stored with the object
	payload  hash.Hash // the SHA-256 in the signature; may be the same as checksum
	md5      hash.Hash
}

// digest reads the whole body, in one pass, into those digests of s that are
// set, and rewinds it. A body that is not size bytes long is an error.
func (s *sums) digest(ctx context.Context, body io.ReadSeeker, size int64) error {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind body: %w", err)
	}
	var all []io.Writer
	for _, h := range []hash.Hash{s.checksum, s.payload, s.md5} {
		if h != nil && !slices.Contains(all, io.Writer(h)) {
			all = append(all, h)
		}
	}
	n, err := io.CopyBuffer(io.MultiWriter(all...), &cancelableReader{ctx, body}, make([]byte, 128<<10))
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	if n != size {
		return fmt.Errorf("body has %d bytes, not the %d announced", n, size)
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind body: %w", err)
	}
	return nil
}

// A cancelableReader ends with its context. It hides a WriterTo, which would not.
type cancelableReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelableReader) Read(p []byte) (int, error) {
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// newMD5 is for servers that know no other way to protect a locked object. It is
// a checksum here and keeps no secret.
func newMD5() hash.Hash { return md5.New() }

func base64Sum(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }
