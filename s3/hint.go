package s3

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// maxSkew is how far off a clock may be for Amazon S3 to accept its signatures.
const maxSkew = 15 * time.Minute

// skewCodes may be the answer to a signature of another time. HEAD requests get
// no better ones than the latter two.
var skewCodes = []string{"RequestTimeTooSkewed", "Forbidden", "BadRequest"}

// hints are for codes that need no more words than these.
var hints = map[string]string{
	"InvalidAccessKeyId":             "the server does not know this access key: check aws_access_key_id, profile or role",
	"SignatureDoesNotMatch":          "the secret key is not that of the access key id, or a proxy changes the requests",
	"ExpiredToken":                   "the session token has expired: renew it, or use a role",
	"InvalidToken":                   "the session token is not valid: renew it, or use a role",
	"RequestTimeTooSkewed":           "the clock is off: fix NTP",
	"InvalidStorageClass":            "the server does not have this storage class: check storage_class",
	"AccessControlListNotSupported":  "the bucket has ACLs disabled: remove canned_acl",
	"InvalidTag":                     "check tagging",
	"KMS.DisabledException":          "enable the KMS key of sse_kms_key_id",
	"KMS.NotFoundException":          "there is no such KMS key in the bucket's region: check sse_kms_key_id",
	"KMS.KMSInvalidStateException":   "the KMS key of sse_kms_key_id cannot be used in its state",
	"InvalidBucketState":             noLock,
	"ObjectLockConfigurationMissing": noLock,
	"QuotaExceeded":                  "the bucket is full: raise its quota or delete objects",
}

const (
	noLock  = "the bucket has no object lock: remove object_lock_mode or create a bucket with it"
	lacking = "the server lacks something that is configured: one of server_side_encryption, tagging, canned_acl, storage_class and object_lock_mode"
)

// hint returns the advice for an answer with these headers.
func (b *Bucket) hint(e *Error, header http.Header) string {
	if e.kind != misconfigured {
		return ""
	}
	if e.Op == "get credentials" {
		return "allow sts:AssumeRole on role_arn for the credentials it is assumed with, and check external_id"
	}
	if skew := clockSkew(header, time.Now()); skew.Abs() >= maxSkew && slices.Contains(skewCodes, e.Code) {
		return skewHint(skew)
	}
	if region := rightRegion(e, header); region != "" && region != b.options.Region && !arn.IsARN(b.options.Bucket) {
		return "set region " + region
	}
	if hint, ok := hints[e.Code]; ok {
		return hint
	}
	return b.statusHint(e)
}

func (b *Bucket) statusHint(e *Error) string {
	switch {
	case strings.Contains(strings.ReplaceAll(strings.ToLower(e.text()), " ", ""), "objectlock"):
		return noLock
	case e.Status == http.StatusForbidden && e.Op == "head bucket":
		return "grant s3:ListBucket on " + b.resource() + ", or ignore this if only writing is allowed: uploads may work all the same"
	case e.Status == http.StatusForbidden:
		return b.grants(e.Key)
	case e.Status == http.StatusNotFound:
		return "create bucket " + b.options.Bucket + " in region " + b.options.Region + ", or check bucket and endpoint"
	case e.Status == http.StatusMovedPermanently:
		return "the bucket is at another endpoint: check region and endpoint"
	case e.Status == http.StatusBadRequest && e.Op == "head bucket":
		return "check region, and whether the session token has expired"
	case e.Status == http.StatusNotImplemented:
		return lacking
	case e.Code == "" || e.Code == statusCode(e.Status):
		return "check endpoint: this may be no S3 server, or a proxy before it"
	}
	return ""
}

// statusCode is the code that the SDK makes up when the server sends none.
func statusCode(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

// grants names every permission that a put with these options needs.
func (b *Bucket) grants(key string) string {
	actions := []string{"s3:PutObject"}
	for _, need := range []struct {
		option, action string
	}{
		{b.options.ACL, "s3:PutObjectAcl"},
		{b.options.Tagging, "s3:PutObjectTagging"},
		{b.options.ObjectLockMode, "s3:PutObjectRetention"},
	} {
		if need.option != "" {
			actions = append(actions, need.action)
		}
	}
	object := "/"
	if arn.IsARN(b.options.Bucket) {
		object = "/object/"
	}
	hint := "grant " + strings.Join(actions, ", ") + " on " + b.resource() + object + prefix(key) + "*"
	if b.options.KMSKeyID != "" {
		hint += " and kms:GenerateDataKey on " + b.options.KMSKeyID
	}
	return hint
}

// resource returns the bucket's ARN.
func (b *Bucket) resource() string {
	if arn.IsARN(b.options.Bucket) {
		return b.options.Bucket
	}
	partition := "aws"
	switch region := b.options.Region; {
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return "arn:" + partition + ":s3:::" + b.options.Bucket
}

// prefix returns the key's first folder, with its slash, or "".
func prefix(key string) string { return key[:strings.Index(key, "/")+1] }

// expecting is how an AuthorizationHeaderMalformed names the right region.
var expecting = regexp.MustCompile(`expecting ['"]([A-Za-z0-9-]+)['"]`)

// rightRegion returns the region of the bucket if the answer tells it.
func rightRegion(e *Error, header http.Header) string {
	if region := header.Get("X-Amz-Bucket-Region"); region != "" {
		return region
	}
	if m := expecting.FindStringSubmatch(e.text()); m != nil {
		return m[1]
	}
	return ""
}

// clockSkew returns how far this host's clock is ahead of the server's.
func clockSkew(header http.Header, now time.Time) time.Duration {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0
	}
	return now.Sub(date)
}

func skewHint(skew time.Duration) string {
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("the clock of this host is %d minutes %s the server's: fix NTP",
		int(skew.Abs().Round(time.Minute).Minutes()), direction)
}
