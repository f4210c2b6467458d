package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// settle decides what a 412 means: that the object is there already, made by an
// attempt whose answer was lost, or that the key is taken.
func (b *Bucket) settle(ctx context.Context, o *object, refusal *Error) error {
	head, e := b.find(ctx, o.key)
	switch {
	case e == nil:
		return b.verdict(o, head, refusal)
	case e.Status == http.StatusForbidden:
		if b.blind.CompareAndSwap(false, true) {
			b.options.OnNotice("HeadObject is forbidden: an object found under its key after a lost answer is taken for stored; " +
				"grant s3:GetObject to have it verified")
		}
		return nil
	case e.Status == http.StatusNotFound:
		e.kind, e.Hint = transient, ""
		e.Err = errors.New("the object was there a moment ago and is gone")
	}
	return e
}

// broken reports whether the connection ended without an answer. The answer may
// exist all the same: a server that refuses early, with a 412 for one, closes
// while the body is still arriving, and the reset overtakes what it said. Where
// the HTTP client hears of it while it still writes, it reports its own end closed.
func broken(e *Error) bool {
	for _, end := range []error{syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(e, end) {
			return true
		}
	}
	return false
}

// lookUp spares a whole attempt after a broken connection if the object is there.
func (b *Bucket) lookUp(ctx context.Context, o *object, failure *Error) error {
	head, e := b.find(ctx, o.key)
	if e != nil {
		return failure
	}
	return b.verdict(o, head, failure)
}

// verdict returns nil if head is about o, and otherwise makes e a conflict.
func (b *Bucket) verdict(o *object, head *awss3.HeadObjectOutput, e *Error) error {
	diff := o.differs(head, algorithms[b.options.Checksum])
	if diff == "" {
		return nil
	}
	e.kind, e.Hint = conflicting, ""
	e.Err = fmt.Errorf("the key holds another object: %s", diff)
	return e
}

// find asks for the object under key, with its checksum if the server has it.
func (b *Bucket) find(ctx context.Context, key string) (*awss3.HeadObjectOutput, *Error) {
	head, e := b.head(ctx, key, types.ChecksumModeEnabled)
	if e != nil && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotImplemented) {
		// "Unsupported header 'x-amz-checksum-mode'", says Backblaze B2.
		return b.head(ctx, key, "")
	}
	return head, e
}

func (b *Bucket) head(ctx context.Context, key string, mode types.ChecksumMode) (out *awss3.HeadObjectOutput, e *Error) {
	e = b.attempt(ctx, "head object", key, func(ctx context.Context, _ *watchdog) (err error) {
		out, err = b.client.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: &b.options.Bucket, Key: &key, ChecksumMode: mode})
		return err
	})
	return out, e
}

// differs says in what head is not about o, "" if it is.
func (o *object) differs(head *awss3.HeadObjectOutput, a algorithm) string {
	if size := aws.ToInt64(head.ContentLength); size != o.size {
		return fmt.Sprintf("%d bytes, not %d", size, o.size)
	}
	if sum := a.get(head); sum != nil && o.checksum != "" && *sum != o.checksum {
		return fmt.Sprintf("checksum %s, not %s", *sum, o.checksum)
	}
	// Header names have no case: servers return the keys as they like.
	have := make(map[string]string, len(head.Metadata))
	for name, value := range head.Metadata {
		have[strings.ToLower(name)] = value
	}
	for name, value := range o.meta {
		if have[strings.ToLower(name)] != value {
			return fmt.Sprintf("metadata %s=%q, not %q", name, have[strings.ToLower(name)], value)
		}
	}
	return ""
}
