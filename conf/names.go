package conf

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The functions below check one text each. They return the text as it is to be
// kept or, if it is not allowed, what is wanted instead.

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	// bucketPrefix is what other tools write before a bucket's name.
	bucketPrefix = regexp.MustCompile(`^(?i:s3a?://|arn:[a-z0-9-]+:s3:::)`)
	accessPoint  = regexp.MustCompile(`^arn:[a-z0-9-]+:(s3|s3-outposts):[a-z0-9-]*:[0-9]{12}:(outpost[:/][a-zA-Z0-9-]+[:/])?accesspoint[:/][a-zA-Z0-9.-]+$`)
)

const wantBucket = "the name of a bucket (3 to 63 lower-case letters, digits, dots and hyphens) or the ARN of an access point"

// checkBucket follows "General purpose bucket naming rules" of the Amazon S3
// user guide. The prefixes and suffixes that are reserved when a bucket is
// created are allowed: aliases of access points and directory buckets have them.
func checkBucket(text string) (kept, want string) {
	if accessPoint.MatchString(text) || isBucketName(text) {
		return text, ""
	}
	bare := bucketPrefix.ReplaceAllString(text, "")
	name, folder, _ := strings.Cut(bare, "/")
	switch {
	case !isBucketName(name):
		return "", wantBucket
	case folder != "":
		return "", "the bare name of the bucket, " + name + ", with the folder in s3_key_format"
	}
	return "", "the bare name of the bucket: " + name
}

func isBucketName(text string) bool {
	_, notAddress := netip.ParseAddr(text)
	return bucketName.MatchString(text) && !strings.Contains(text, "..") && notAddress != nil
}

var (
	regionName       = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)
	availabilityZone = regexp.MustCompile(`^([a-z]{2}(?:-[a-z]+)+-[0-9])[a-z]$`)
)

const wantRegion = "the code of a region, such as us-east-1"

// checkRegion wants what can be part of a host name, as the AWS SDK does: other
// servers have regions of their own.
func checkRegion(text string) (kept, want string) {
	if zone := availabilityZone.FindStringSubmatch(text); zone != nil {
		return "", "a region, not an availability zone: " + zone[1]
	}
	if !regionName.MatchString(text) {
		return "", wantRegion
	}
	return text, ""
}

const wantEndpoint = "a URL without a path, such as https://s3.example.com or http://127.0.0.1:9000"

func checkEndpoint(text string) (kept, want string) {
	if !strings.Contains(text, "://") {
		if host, err := url.Parse("http://" + text); err == nil && isBareHost(host) {
			return "", "a URL that says how to connect: http://" + text + " or https://" + text
		}
		return "", wantEndpoint
	}
	endpoint, err := url.Parse(strings.TrimSuffix(text, "/"))
	switch {
	case err != nil || endpoint.Scheme != "http" && endpoint.Scheme != "https":
		return "", wantEndpoint
	case endpoint.User != nil:
		return "", "a URL without user and password: these go to aws_access_key_id and aws_secret_access_key"
	case !isBareHost(endpoint):
		return "", wantEndpoint
	}
	return endpoint.String(), ""
}

// isBareHost reports whether u has a host and maybe a port, and nothing after.
func isBareHost(u *url.URL) bool {
	return u.Hostname() != "" && !strings.HasSuffix(u.Host, ":") && u.User == nil &&
		u.Path == "" && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && isWord(u.Host, 260)
}

var roleARN = regexp.MustCompile(`^arn:[a-z0-9-]+:iam::[0-9]{12}:role/[\x21-\x7e]+$`)

const wantRole = "the ARN of a role, such as arn:aws:iam::123456789012:role/siem-writer"

func checkRole(text string) (kept, want string) {
	if !roleARN.MatchString(text) {
		return "", wantRole
	}
	return text, ""
}

const (
	wantTagging = "up to 10 tags such as team=security&env=prod, URL encoded"
	maxTags     = 10
)

// checkTagging follows "Categorizing your objects using tags" of the Amazon S3
// user guide: 10 tags, unique keys of up to 128 characters that do not begin
// with aws:, values of up to 256.
func checkTagging(text string) (kept, want string) {
	pairs := strings.Split(text, "&")
	if len(pairs) > maxTags {
		return "", wantTagging
	}
	seen := make(map[string]bool)
	for _, pair := range pairs {
		k, v, _ := strings.Cut(pair, "=")
		key, keyErr := url.QueryUnescape(k)
		value, valueErr := url.QueryUnescape(v)
		switch {
		case strings.Count(pair, "=") != 1 || key == "" || keyErr != nil || valueErr != nil || !isTag(key+value):
			return "", wantTagging
		case seen[key]:
			return "", "each tag once: " + key + " is there twice"
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return "", "tags that do not begin with aws:, which Amazon keeps for itself"
		case utf8.RuneCountInString(key) > 128 || utf8.RuneCountInString(value) > 256:
			return "", "tags with keys of up to 128 characters and values of up to 256"
		}
		seen[key] = true
	}
	return text, ""
}

func isTag(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r != ' ' && !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune("+-=._:/@", r)
	})
}

const wantKeyFormat = "a template of object keys, such as siem/$CATEGORY/%Y/%m/%d/$UUID"

func checkKeyFormat(text string) (kept, want string) {
	bare := strings.TrimLeft(text, "/")
	switch {
	case bare == "" || !isLine(text):
		return "", wantKeyFormat
	case bare != text:
		return "", "it without the / at its start, which S3 would show as a folder without a name"
	}
	return text, ""
}

const wantDir = "the absolute path of a directory of the plugin's own"

func checkDir(text string) (kept, want string) {
	dir := filepath.Clean(text)
	if !filepath.IsAbs(dir) || dir == "/" || strings.ContainsRune(dir, 0) {
		return "", wantDir
	}
	return dir, ""
}

const wantLogTypes = "pairs of a name and a log type, each name once, such as LOGIN=logon, ENROLLED=added"

// enterpriseID is a private enterprise number, with or without sub-identifiers
// (RFC 5424 section 7.2.2).
var enterpriseID = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`)

// parseEnterpriseID allows what an SD-ID of 32 characters has left after
// "account@" (RFC 5424 section 6.3.2).
func parseEnterpriseID(text string) (string, bool) {
	return text, len(text) <= 32-len("account@") && enterpriseID.MatchString(text)
}

// parseLogTypes reads the pairs of log_type_map. It leaves it to the schema
// whether there are such log types.
func parseLogTypes(text string) (map[string]string, bool) {
	types := make(map[string]string)
	for pair := range strings.SplitSeq(text, ",") {
		from, to, _ := strings.Cut(strings.ToLower(pair), "=")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if _, twice := types[from]; twice || from == "" || to == "" || !isLine(from+to) {
			return nil, false
		}
		types[from] = to
	}
	return types, true
}
