package s3

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// An Identity is as whom S3 is called.
type Identity struct {
	// Source is the SDK's name of where the credentials were found, such as
	// "SharedConfigCredentials: /root/.aws/credentials".
	Source string
	// Expires is when they end and are replaced, zero if never.
	Expires time.Time
	// ARN is who it is, such as arn:aws:sts::123456789012:assumed-role/siem/siem-s3,
	// "" if the server has no such names.
	ARN string
}

// Identify finds credentials and asks whose they are (GetCallerIdentity, for
// which nobody needs a permission). It asks only where S3 is Amazon's or an STS
// endpoint is set: other servers' keys are none of Amazon's business. With an
// error, an *[Error], Source may be known all the same.
func (b *Bucket) Identify(ctx context.Context) (Identity, error) {
	var id Identity
	if e := b.attempt(ctx, "get credentials", "", func(ctx context.Context, _ *watchdog) error {
		c, err := b.creds.Retrieve(ctx)
		id.Source = c.Source
		if c.CanExpire {
			id.Expires = c.Expires
		}
		return err
	}); e != nil {
		return id, e
	}
	if !b.named() {
		return id, nil
	}
	cfg, err := loadConfig(ctx, &b.options)
	if err != nil {
		return id, b.explain(ctx, &Error{Op: "get caller identity", Bucket: b.options.Bucket}, err)
	}
	client := sts.NewFromConfig(cfg, func(so *sts.Options) {
		so.Credentials = b.creds
		if b.options.STSEndpoint != "" {
			so.BaseEndpoint = &b.options.STSEndpoint
		}
	})
	if e := b.attempt(ctx, "get caller identity", "", func(ctx context.Context, _ *watchdog) error {
		out, err := client.GetCallerIdentity(ctx, nil)
		if err == nil {
			id.ARN = aws.ToString(out.Arn)
		}
		return err
	}); e != nil {
		e.Hint = identityHint(e)
		return id, e
	}
	return id, nil
}

// identityHint replaces the hint, which is about buckets.
func identityHint(e *Error) string {
	switch {
	case e.Code == "InvalidClientTokenId":
		return hints["InvalidAccessKeyId"]
	case e.Status == 0:
		return "it does not matter if only S3 can be reached from here"
	}
	return hints[e.Code]
}

// named reports whether there is an STS that knows the names of identities.
func (b *Bucket) named() bool {
	if b.options.STSEndpoint != "" || b.options.Endpoint == "" {
		return true
	}
	u, err := url.Parse(b.options.Endpoint)
	return err == nil && (strings.HasSuffix(u.Hostname(), ".amazonaws.com") || strings.HasSuffix(u.Hostname(), ".amazonaws.com.cn"))
}

// A Place is what the first answer of a server tells.
type Place struct {
	// Region of the bucket, "" if the server does not say.
	Region string
	// Ahead is how far this host's clock is ahead of the server's, to the
	// second. Timed says whether the server gave its time.
	Ahead time.Duration
	Timed bool
}

// Locate does what Check does, and returns with the error or without what else
// the answer tells.
func (b *Bucket) Locate(ctx context.Context) (Place, error) {
	var p Place
	e := b.attempt(ctx, "head bucket", "", func(ctx context.Context, _ *watchdog) error {
		out, err := b.client.HeadBucket(ctx, &awss3.HeadBucketInput{Bucket: &b.options.Bucket})
		var resp *smithyhttp.Response
		if err != nil {
			resp = refusedBy(err)
		} else {
			resp, _ = awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response)
		}
		if resp == nil {
			return err
		}
		p.Region = resp.Header.Get("X-Amz-Bucket-Region")
		p.Timed = resp.Header.Get("Date") != ""
		p.Ahead = clockSkew(resp.Header, time.Now()).Truncate(time.Second)
		return err
	})
	if e != nil {
		return p, e
	}
	return p, nil
}

// refusedBy returns the answer that err is about, nil if there is none.
func refusedBy(err error) *smithyhttp.Response {
	var answer *smithyhttp.ResponseError
	var operation *smithy.OperationError
	if errors.As(err, &operation) && errors.As(operation.Err, &answer) {
		return answer.HTTPResponse()
	}
	return nil
}
