package s3

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A Stat is what the server knows of an object.
type Stat struct {
	Size     int64     // bytes, of the whole object
	ETag     string    // with its quotes
	Modified time.Time // when it was stored
	Metadata map[string]string
	// Checksum is that of the whole object, the zero value if the server keeps
	// none that this package knows.
	Checksum Checksum
}

// A Checksum is one that the server keeps of an object's content.
type Checksum struct {
	algorithm string // of algorithms, "" for none
	sum       string // base64
}

// Known reports whether there is a checksum to compare with.
func (c Checksum) Known() bool { return c.algorithm != "" }

// New returns the hash to compute over the content. c must be known.
func (c Checksum) New() hash.Hash { return algorithms[c.algorithm].new() }

// Check compares the hash of the whole content with what the server keeps.
func (c Checksum) Check(h hash.Hash) error {
	if got := base64Sum(h); got != c.sum {
		return fmt.Errorf("the %s of what was received is %s, the server's is %s", c.algorithm, got, c.sum)
	}
	return nil
}

// String returns the checksum as algorithm:base64, "" if there is none.
func (c Checksum) String() string {
	if !c.Known() {
		return ""
	}
	return c.algorithm + ":" + c.sum
}

// checksum takes the first that is there. One of the parts of a multipart upload
// says nothing of the whole.
func checksum(kind types.ChecksumType, crc32, crc64nvme, sha256 *string) Checksum {
	if kind == types.ChecksumTypeComposite {
		return Checksum{}
	}
	for _, c := range []struct {
		algorithm string
		sum       *string
	}{{"crc32", crc32}, {"crc64nvme", crc64nvme}, {"sha256", sha256}} {
		if sum := aws.ToString(c.sum); sum != "" && !strings.Contains(sum, "-") {
			return Checksum{c.algorithm, sum}
		}
	}
	return Checksum{}
}

// Stat asks for what the server knows of the object under key, with one request
// (HeadObject). The error is an *[Error].
func (b *Bucket) Stat(ctx context.Context, key string) (Stat, error) {
	out, e := b.find(ctx, key)
	if e != nil {
		return Stat{}, b.explainRead(e, "s3:GetObject on "+b.objects(key))
	}
	return Stat{
		Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag), Modified: aws.ToTime(out.LastModified),
		Metadata: out.Metadata,
		Checksum: checksum(out.ChecksumType, out.ChecksumCRC32, out.ChecksumCRC64NVME, out.ChecksumSHA256),
	}, nil
}

// A Download is the content of an object on its way. Read returns an *[Error]
// when it breaks off; whoever wants to go on asks for the rest with another Get.
type Download struct {
	Stat
	b    *Bucket
	key  string
	ctx  context.Context // of the request, which outlives Get
	dog  *watchdog
	body io.ReadCloser
}

// Get asks for the content of the object under key from the byte at offset on,
// with one request (GetObject). If etag is not empty and the key holds another
// object the error's Status is 412. A Download must be closed.
//
// Nothing of what Read returns has been verified: comparing it with Checksum is
// the caller's, who alone has seen all of it. With an offset there is none, for
// servers have it of the whole object only. The error is an *[Error].
func (b *Bucket) Get(ctx context.Context, key string, offset int64, etag string) (*Download, error) {
	d, e := b.get(ctx, key, offset, etag, true)
	if e != nil && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotImplemented) {
		d, e = b.get(ctx, key, offset, etag, false) // see find
	}
	if e != nil {
		return nil, b.explainRead(e, "s3:GetObject on "+b.objects(key))
	}
	return d, nil
}

func (b *Bucket) get(ctx context.Context, key string, offset int64, etag string, mode bool) (*Download, *Error) {
	in := &awss3.GetObjectInput{Bucket: &b.options.Bucket, Key: &key, IfMatch: nonEmpty(etag)}
	if offset > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	ctx, dog := watch(ctx, b.options.StallTimeout)
	fail := func(op string, err error) (*Download, *Error) {
		defer dog.stop()
		return nil, b.explain(ctx, &Error{Op: op, Bucket: b.options.Bucket, Key: key}, err)
	}
	if _, err := b.creds.Retrieve(ctx); err != nil {
		return fail("get credentials", err)
	}
	dog.fed(0)
	out, err := b.client.GetObject(ctx, in, withChecksum(mode && offset == 0))
	if err != nil {
		return fail("get object", err)
	}
	d := &Download{b: b, key: key, ctx: ctx, dog: dog, body: out.Body}
	d.Stat = Stat{
		Size: offset + aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag), Modified: aws.ToTime(out.LastModified),
		Metadata: out.Metadata,
	}
	if offset > 0 && aws.ToString(out.ContentRange) == "" {
		defer out.Body.Close()
		return fail("get object", errNoRange)
	}
	if offset == 0 {
		d.Checksum = checksum(out.ChecksumType, out.ChecksumCRC32, out.ChecksumCRC64NVME, out.ChecksumSHA256)
	}
	return d, nil
}

// errNoRange is an answer that starts from the beginning all the same.
var errNoRange = errors.New("the server does not give parts of an object (Range)")

// withChecksum asks for the object's checksum in a way that leaves it to us: with
// ChecksumMode the SDK would compute it, too.
func withChecksum(wanted bool) func(*awss3.Options) {
	return func(o *awss3.Options) {
		if wanted {
			o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue("X-Amz-Checksum-Mode", "ENABLED"))
		}
	}
}

// Read implements io.Reader.
func (d *Download) Read(p []byte) (int, error) {
	d.dog.fed(0)
	n, err := d.body.Read(p)
	d.dog.timer.Stop() // a reader may take its time between reads
	if err != nil && err != io.EOF {
		err = d.b.explain(d.ctx, &Error{Op: "get object", Bucket: d.b.options.Bucket, Key: d.key}, err)
	}
	return n, err
}

// Close ends the request, wherever it is.
func (d *Download) Close() error {
	d.dog.stop()
	return d.body.Close()
}
