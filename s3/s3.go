// Package s3 puts objects into one bucket of Amazon S3 or of a server that
// speaks its protocol.
//
// Put makes an object exactly once: the request says If-None-Match: *, so a
// repetition after a lost answer cannot overwrite, and finds out instead that
// the object is there. A checksum computed before the first byte is sent goes
// along, so that the server refuses a body that was damaged on its way. A server
// that lacks either is found out by its refusal, and gets the object without.
//
// Every call is one attempt. When and how often to try again is the caller's
// decision, for which [Error] says what kind of failure it was.
package s3

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// A Bucket is where objects go. It is safe for concurrent use.
type Bucket struct {
	options Options
	client  *awss3.Client
	creds   *aws.CredentialsCache
	http    *http.Client
	// signed is set when TLS does not already protect the requests: then the
	// signature covers the body's SHA-256 too.
	signed bool
	// dialect is the index in dialects of what the server understands.
	dialect atomic.Int32
	// blind is set once the administrator knows that HeadObject is forbidden.
	blind atomic.Bool
}

// New checks the options and prepares a bucket for use. It reads the SDK's
// environment variables and shared files, and sends nothing: whether bucket and
// credentials are good is what Check finds out. The error lists every bad option.
func New(ctx context.Context, o Options) (*Bucket, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.StallTimeout == 0 {
		o.StallTimeout = defaultStallTimeout
	}
	if o.OnNotice == nil {
		o.OnNotice = func(string) {}
	}
	b := &Bucket{options: o}
	cfg, err := loadConfig(ctx, &o)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	b.http = newHTTPClient(cfg, &o)
	b.creds = newCredentials(cfg, &o)
	b.client, b.signed = newClient(cfg, &o, b.http, b.creds)
	return b, nil
}

// Close drops idle connections. Calls under way are not disturbed.
func (b *Bucket) Close() { b.http.CloseIdleConnections() }

// Check asks with one HeadBucket whether the bucket is there, in the region, and
// whether these credentials may use it. The error is an *[Error].
//
// HeadBucket needs s3:ListBucket, which writing does not. A refusal, Status 403,
// therefore proves nothing about Put; all else that Config reports does.
func (b *Bucket) Check(ctx context.Context) error {
	e := b.attempt(ctx, "head bucket", "", func(ctx context.Context, _ *watchdog) error {
		_, err := b.client.HeadBucket(ctx, &awss3.HeadBucketInput{Bucket: &b.options.Bucket})
		return err
	})
	if e != nil {
		return e
	}
	return nil
}

// attempt does one operation under a watchdog, with credentials at hand, and
// explains its failure.
func (b *Bucket) attempt(ctx context.Context, op, key string, do func(context.Context, *watchdog) error) *Error {
	ctx, w := watch(ctx, b.options.StallTimeout)
	defer w.stop()
	if _, err := b.creds.Retrieve(ctx); err != nil {
		return b.explain(ctx, &Error{Op: "get credentials", Bucket: b.options.Bucket, Key: key}, err)
	}
	// Finding credentials has time limits of its own.
	w.fed(0)
	if err := do(ctx, w); err != nil {
		return b.explain(ctx, &Error{Op: op, Bucket: b.options.Bucket, Key: key}, err)
	}
	return nil
}
