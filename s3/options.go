package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Options say which bucket to write to, as whom, and how. Strings left empty are
// not sent, unless said otherwise.
type Options struct {
	// Bucket is a bucket's name, or the ARN or alias of an access point. Required.
	Bucket string
	// Region of the bucket. Required; servers that have none want what they are
	// configured with, often us-east-1.
	Region string
	// Endpoint is the http or https URL of a server other than Amazon's.
	Endpoint string
	// ForcePathStyle writes the bucket into the path instead of the host name.
	ForcePathStyle bool

	// AccessKeyID and SecretAccessKey, with SessionToken if they are temporary,
	// are used as they are. Without them the credentials come from Profile, and
	// without that from the SDK's default chain: environment, shared files, web
	// identity, container, instance.
	AccessKeyID, SecretAccessKey, SessionToken string
	Profile                                    string
	// RoleARN is a role to assume with those credentials, ExternalID what its
	// trust policy asks for, STSEndpoint the URL to assume it at, if it is not
	// Amazon's in Region.
	RoleARN, ExternalID, STSEndpoint string

	// ACL is a canned one, like bucket-owner-full-control.
	ACL string
	// StorageClass is not checked here: servers have classes of their own.
	StorageClass string
	// SSE is AES256, aws:kms or aws:kms:dsse; KMSKeyID goes with the latter two.
	SSE, KMSKeyID string
	// Tagging is a URL query, key1=value1&key2=value2, of at most 10 tags.
	Tagging string
	// ObjectLockMode is GOVERNANCE or COMPLIANCE, and every object is then
	// locked until ObjectLockDays days after it was sent.
	ObjectLockMode string
	ObjectLockDays int
	// Checksum is the algorithm that protects the body on its way and at rest:
	// crc32, crc64nvme or sha256. Required.
	Checksum string

	// UserAgent, as product/version, is added to what the SDK says.
	UserAgent string
	// StallTimeout ends an attempt that makes no progress. Zero is a minute.
	StallTimeout time.Duration
	// OnNotice is told, in one sentence each and once, what this package found
	// out about the server and an administrator should know. Nil ignores it. It
	// is called from within Put, possibly from several goroutines.
	OnNotice func(string)

	// dial replaces the network in tests.
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Limits of Amazon S3 (Amazon S3 User Guide, "Object tagging" and "Uploading objects").
const (
	maxTags     = 10
	maxTagKey   = 128
	maxTagValue = 256
	maxPutSize  = 5 << 30
	maxKeySize  = 1024
)

const defaultStallTimeout = time.Minute

var (
	// Other servers allow upper case and underscores, as Amazon did until 2018.
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{2,254}$`)
	regionName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	userAgent  = regexp.MustCompile(`^[A-Za-z0-9._-]+/[A-Za-z0-9._+-]+$`)
)

// validate returns every problem of the options at once. No message quotes a secret.
func (o *Options) validate() error {
	return errors.Join(slices.Concat(o.checkPlace(), o.checkIdentity(), o.checkObject())...)
}

func (o *Options) checkPlace() (errs []error) {
	switch {
	case o.Bucket == "":
		errs = append(errs, errors.New("bucket: missing"))
	case arn.IsARN(o.Bucket):
		if o.ForcePathStyle {
			errs = append(errs, fmt.Errorf("bucket %q: an access point cannot be addressed in path style", o.Bucket))
		}
	case !bucketName.MatchString(o.Bucket):
		errs = append(errs, fmt.Errorf("bucket %q: neither a bucket's name nor an ARN", o.Bucket))
	}
	if !regionName.MatchString(o.Region) {
		errs = append(errs, fmt.Errorf("region %q: want a region like us-east-1", o.Region))
	}
	if o.Endpoint != "" {
		errs = append(errs, checkURL("endpoint", o.Endpoint))
	}
	if o.UserAgent != "" && !userAgent.MatchString(o.UserAgent) {
		errs = append(errs, fmt.Errorf("user agent %q: want product/version", o.UserAgent))
	}
	if o.StallTimeout < 0 {
		errs = append(errs, fmt.Errorf("stall timeout %s: negative", o.StallTimeout))
	}
	return errs
}

// checkURL does not quote the URL, which may carry a password.
func checkURL(name, raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return fmt.Errorf("%s: want a URL like https://host:port", name)
	case u.User != nil:
		return fmt.Errorf("%s: credentials do not belong into the URL", name)
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%s: query or fragment in the URL", name)
	}
	return nil
}

func (o *Options) checkIdentity() (errs []error) {
	if (o.AccessKeyID == "") != (o.SecretAccessKey == "") {
		errs = append(errs, errors.New("access key id and secret access key: one without the other"))
	}
	if o.SessionToken != "" && o.AccessKeyID == "" {
		errs = append(errs, errors.New("session token: without an access key id"))
	}
	if o.Profile != "" && o.AccessKeyID != "" {
		errs = append(errs, fmt.Errorf("profile %q: given beside an access key id", o.Profile))
	}
	if o.RoleARN != "" && !arn.IsARN(o.RoleARN) {
		errs = append(errs, fmt.Errorf("role %q: want an ARN like arn:aws:iam::123456789012:role/name", o.RoleARN))
	}
	if o.RoleARN == "" && (o.ExternalID != "" || o.STSEndpoint != "") {
		errs = append(errs, errors.New("external id or STS endpoint: without a role to assume"))
	}
	if o.STSEndpoint != "" {
		errs = append(errs, checkURL("STS endpoint", o.STSEndpoint))
	}
	return errs
}

func (o *Options) checkObject() (errs []error) {
	if o.ACL != "" && !slices.Contains(types.ObjectCannedACL("").Values(), types.ObjectCannedACL(o.ACL)) {
		errs = append(errs, fmt.Errorf("canned ACL %q: want one of %q", o.ACL, types.ObjectCannedACL("").Values()))
	}
	if !slices.Contains([]string{"", "AES256", "aws:kms", "aws:kms:dsse"}, o.SSE) {
		errs = append(errs, fmt.Errorf("server-side encryption %q: want AES256, aws:kms or aws:kms:dsse", o.SSE))
	}
	if o.KMSKeyID != "" && !strings.HasPrefix(o.SSE, "aws:kms") {
		errs = append(errs, errors.New("KMS key id: without server-side encryption aws:kms or aws:kms:dsse"))
	}
	if !slices.Contains([]string{"", "GOVERNANCE", "COMPLIANCE"}, o.ObjectLockMode) {
		errs = append(errs, fmt.Errorf("object lock mode %q: want GOVERNANCE or COMPLIANCE", o.ObjectLockMode))
	}
	if o.ObjectLockDays < 0 || (o.ObjectLockMode == "") != (o.ObjectLockDays == 0) {
		errs = append(errs, fmt.Errorf("object lock mode %q and days %d: one without the other", o.ObjectLockMode, o.ObjectLockDays))
	}
	if _, ok := algorithms[o.Checksum]; !ok {
		errs = append(errs, fmt.Errorf("checksum %q: want crc32, crc64nvme or sha256", o.Checksum))
	}
	return append(errs, checkTags(o.Tagging))
}

func checkTags(tagging string) error {
	tags, err := url.ParseQuery(tagging)
	if err != nil {
		return fmt.Errorf("tagging: %w", err)
	}
	if len(tags) > maxTags {
		return fmt.Errorf("tagging: %d tags, at most %d are allowed", len(tags), maxTags)
	}
	for key, values := range tags {
		if key == "" || len([]rune(key)) > maxTagKey {
			return fmt.Errorf("tagging: key %q has not 1 to %d characters", key, maxTagKey)
		}
		if len(values) > 1 {
			return fmt.Errorf("tagging: key %q is given %d times", key, len(values))
		}
		if len([]rune(values[0])) > maxTagValue {
			return fmt.Errorf("tagging: value of %q is longer than %d characters", key, maxTagValue)
		}
	}
	return nil
}
