package s3

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// A Listed is an object as a listing tells of it.
type Listed struct {
	Key      string
	Size     int64     // bytes
	ETag     string    // as it is in headers, with its quotes
	Modified time.Time // when it was stored
}

// ListOptions say which part of a bucket to list.
type ListOptions struct {
	// Prefix is what the keys begin with. It need not end at a slash.
	Prefix string
	// After leaves out every key up to and including this one, in the order of
	// their bytes. With the last key of a page it asks for the page behind it.
	After string
	// Folders folds what is below the first slash behind Prefix into one entry
	// of Page.Folders.
	Folders bool
	// Max is how many entries are wanted, 0 for as many as the server gives at
	// once, which is 1000.
	Max int
}

// A Page is one answer of the server, in the order of the keys' bytes.
type Page struct {
	Objects []Listed
	Folders []string // each with Prefix before it and a slash behind it
	More    bool     // there is more behind this page
}

// List asks for a page of the keys, with one request (ListObjectsV2). The error
// is an *[Error].
func (b *Bucket) List(ctx context.Context, o ListOptions) (Page, error) {
	in := &awss3.ListObjectsV2Input{
		Bucket:     &b.options.Bucket,
		Prefix:     nonEmpty(o.Prefix),
		StartAfter: nonEmpty(o.After),
	}
	if o.Folders {
		in.Delimiter = aws.String("/")
	}
	if o.Max > 0 {
		in.MaxKeys = aws.Int32(int32(min(o.Max, 1000)))
	}
	var out *awss3.ListObjectsV2Output
	if e := b.attempt(ctx, "list objects", o.Prefix, func(ctx context.Context, _ *watchdog) (err error) {
		out, err = b.client.ListObjectsV2(ctx, in)
		return err
	}); e != nil {
		return Page{}, b.explainRead(e, "s3:ListBucket on "+b.resource())
	}
	return page(out), nil
}

func page(out *awss3.ListObjectsV2Output) Page {
	p := Page{More: aws.ToBool(out.IsTruncated), Objects: make([]Listed, 0, len(out.Contents))}
	for i := range out.Contents {
		o := &out.Contents[i]
		p.Objects = append(p.Objects, Listed{
			Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), ETag: aws.ToString(o.ETag), Modified: aws.ToTime(o.LastModified),
		})
	}
	for i := range out.CommonPrefixes {
		p.Folders = append(p.Folders, aws.ToString(out.CommonPrefixes[i].Prefix))
	}
	return p
}

// explainRead replaces advice that is meant for those who write.
func (b *Bucket) explainRead(e *Error, permission string) *Error {
	switch {
	case e.Code == "NoSuchBucket":
		e.Hint = "check bucket, region and endpoint"
	case e.Code == "InvalidObjectState":
		e.Hint = "the object is in an archive class: restore it first (aws s3api restore-object)"
	case e.Code == "NoSuchKey" || e.Status == http.StatusNotFound && e.Op == "head object":
		e.Hint = ""
	case e.Status == http.StatusForbidden && (e.Hint == "" || strings.HasPrefix(e.Hint, "grant ")):
		e.Hint = "grant " + permission
		if b.options.SSE == "aws:kms" || b.options.SSE == "aws:kms:dsse" {
			e.Hint += ", and kms:Decrypt on the key of the objects"
		}
	}
	return e
}

// objects returns the ARN of the objects beside key.
func (b *Bucket) objects(key string) string {
	slash := "/"
	if arn.IsARN(b.options.Bucket) {
		slash = "/object/"
	}
	return b.resource() + slash + prefix(key) + "*"
}
