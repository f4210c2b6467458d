package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
)

// An object is what one call of Put is about.
type object struct {
	key         string
	body        io.ReadSeeker
	size        int64
	contentType string
	meta        map[string]string
	checksum    string // base64, "" before it is known
}

// Put stores the size bytes of body under key, and returns when the server has
// them. It reads body from its start, several times, but holds no more than a
// buffer of it in memory, and lets go of it before it returns.
//
// An object that is already there is never overwritten. If size, checksum and
// meta say that it is this one, an earlier Put has made it and Put returns nil;
// so it does, with a notice, when HeadObject is forbidden, because nobody else
// knew the key. Otherwise the error reports a Conflict, and only another key
// helps. On servers without conditional writes the same bytes are written again.
//
// meta, in ASCII, becomes the object's metadata. The error is an *[Error]. More
// than 5 GiB is refused without asking the server, as Amazon S3 would.
func (b *Bucket) Put(ctx context.Context, key string, body io.ReadSeeker, size int64, contentType string, meta map[string]string) error {
	o := &object{key: key, body: body, size: size, contentType: contentType, meta: meta}
	if e := b.checkLimits(o); e != nil {
		return e
	}
	var refused dialect
	var first *Error
	for i := b.dialect.Load(); int(i) < len(dialects); i++ {
		d := dialects[i]
		if d.uses(refused) {
			continue
		}
		e := b.put(ctx, o, d)
		switch {
		case e == nil:
			b.adopt(i)
			return nil
		case d.conditional && e.Status == http.StatusPreconditionFailed:
			b.adopt(i)
			return b.settle(ctx, o, e)
		case d.conditional && broken(e):
			return b.lookUp(ctx, o, e)
		case !refused.learn(e):
			return e
		}
		if first == nil {
			first = e
		}
	}
	return first
}

func (b *Bucket) checkLimits(o *object) *Error {
	e := &Error{Op: "put object", Bucket: b.options.Bucket, Key: o.key, kind: misconfigured}
	switch {
	case o.size > maxPutSize:
		e.Code, e.Err = "EntityTooLarge", fmt.Errorf("%d bytes are more than the 5 GiB that one request may store", o.size)
		e.Hint = "lower total_file_size"
	case o.key == "" || len(o.key) > maxKeySize:
		e.Code, e.Err = "KeyTooLongError", fmt.Errorf("a key of %d bytes, not 1 to %d", len(o.key), maxKeySize)
		e.Hint = "shorten s3_key_format"
	default:
		return nil
	}
	return e
}

// put sends the object once, in the given dialect.
func (b *Bucket) put(ctx context.Context, o *object, d dialect) *Error {
	in, payload, err := b.input(ctx, o, d)
	if err != nil {
		return b.explain(ctx, &Error{Op: "put object", Bucket: b.options.Bucket, Key: o.key}, err)
	}
	return b.attempt(ctx, "put object", o.key, func(ctx context.Context, w *watchdog) error {
		in.Body = w.body(o.body, o.size)
		out, err := b.client.PutObject(ctx, in, withPayloadHash(payload))
		if err == nil && aws.ToString(out.ETag) == "" {
			return errNotS3
		}
		return err
	})
}

// errNotS3 is the answer of a web server to whom everything is fine. S3's has an ETag.
var errNotS3 = errors.New("the answer says OK but has no ETag, so nothing may have been stored")

// input reads the body for its digests and returns the request without the body,
// and what the signature says of the body.
//
// The body is always protected to the end of the way: by the checksum, or by its
// SHA-256 in the signature where the server knows no checksum. Without TLS the
// signature has it anyway, against tampering.
func (b *Bucket) input(ctx context.Context, o *object, d dialect) (in *awss3.PutObjectInput, payload string, err error) {
	s := b.hashes(d)
	if err := s.digest(ctx, o.body, o.size); err != nil {
		return nil, "", err
	}
	in = b.blank(o)
	payload = "UNSIGNED-PAYLOAD"
	if s.payload != nil {
		payload = hex.EncodeToString(s.payload.Sum(nil))
	}
	if s.md5 != nil {
		in.ContentMD5 = aws.String(base64Sum(s.md5))
	}
	if s.checksum != nil {
		o.checksum = base64Sum(s.checksum)
		algorithms[b.options.Checksum].set(in, &o.checksum)
	}
	if d.conditional {
		in.IfNoneMatch = aws.String("*")
	}
	return in, payload, nil
}

// hashes returns the digests that a request in the given dialect needs.
func (b *Bucket) hashes(d dialect) (s sums) {
	if d.checksum {
		s.checksum = algorithms[b.options.Checksum].new()
	} else if b.options.ObjectLockMode != "" {
		s.md5 = newMD5() // S3 insists on either with a lock
	}
	switch {
	case d.checksum && b.options.Checksum == "sha256":
		s.payload = s.checksum // the same digest, for nothing
	case b.signed || !d.checksum:
		s.payload = sha256.New()
	}
	return s
}

// blank returns the request as far as it is the same in every dialect.
func (b *Bucket) blank(o *object) *awss3.PutObjectInput {
	opt := &b.options
	in := &awss3.PutObjectInput{
		Bucket:               &opt.Bucket,
		Key:                  &o.key,
		ContentLength:        &o.size,
		Metadata:             o.meta,
		ACL:                  types.ObjectCannedACL(opt.ACL),
		StorageClass:         types.StorageClass(opt.StorageClass),
		ServerSideEncryption: types.ServerSideEncryption(opt.SSE),
		SSEKMSKeyId:          nonEmpty(opt.KMSKeyID),
		Tagging:              nonEmpty(opt.Tagging),
		ContentType:          nonEmpty(o.contentType),
	}
	if opt.ObjectLockMode != "" {
		in.ObjectLockMode = types.ObjectLockMode(opt.ObjectLockMode)
		in.ObjectLockRetainUntilDate = aws.Time(retainUntil(opt.ObjectLockDays))
	}
	return in
}

func retainUntil(days int) time.Time { return time.Now().UTC().AddDate(0, 0, days) }

func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// withPayloadHash spares the SDK a pass over the body of its own.
func withPayloadHash(payload string) func(*awss3.Options) {
	set := middleware.InitializeMiddlewareFunc("PayloadHash", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		return next.HandleInitialize(v4.SetPayloadHash(ctx, payload), in)
	})
	return func(o *awss3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(set, middleware.Before)
		})
	}
}
