package s3_test

import (
	"strings"
	"testing"

	"siem-s3/s3"
)

func TestNewRefusesBadOptions(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("k=v&", 11), "&")
	for i, key := range strings.Split("abcdefghijk", "") {
		many = strings.Replace(many, "k=v", key+string(rune('0'+i%10))+"=v", 1)
	}
	for name, c := range map[string]struct {
		change func(*s3.Options)
		want   string
	}{
		"no bucket":                {func(o *s3.Options) { o.Bucket = "" }, "bucket: missing"},
		"bucket with a slash":      {func(o *s3.Options) { o.Bucket = "logs/siem" }, `bucket "logs/siem": neither`},
		"short bucket":             {func(o *s3.Options) { o.Bucket = "ab" }, `bucket "ab"`},
		"access point in a path":   {func(o *s3.Options) { o.Bucket = "arn:aws:s3:us-east-1:123456789012:accesspoint/a" }, "path style"},
		"no region":                {func(o *s3.Options) { o.Region = "" }, `region ""`},
		"region with a dot":        {func(o *s3.Options) { o.Region = "eu.west" }, `region "eu.west"`},
		"endpoint without scheme":  {func(o *s3.Options) { o.Endpoint = "minio:9000" }, "endpoint: want a URL"},
		"endpoint without host":    {func(o *s3.Options) { o.Endpoint = "https://:9000" }, "endpoint: want a URL"},
		"endpoint of another kind": {func(o *s3.Options) { o.Endpoint = "ftp://minio" }, "endpoint: want a URL"},
		"endpoint with password":   {func(o *s3.Options) { o.Endpoint = "https://u:hush@minio" }, "endpoint: credentials do not belong"},
		"endpoint with a query":    {func(o *s3.Options) { o.Endpoint = "https://minio?a=b" }, "endpoint: query"},
		"secret without key id":    {func(o *s3.Options) { o.AccessKeyID = "" }, "one without the other"},
		"key id without secret":    {func(o *s3.Options) { o.SecretAccessKey = "" }, "one without the other"},
		"token alone": {func(o *s3.Options) {
			o.AccessKeyID, o.SecretAccessKey, o.SessionToken = "", "", "hush"
		}, "session token: without"},
		"profile and keys":         {func(o *s3.Options) { o.Profile = "siem" }, `profile "siem": given beside`},
		"role that is no ARN":      {func(o *s3.Options) { o.RoleARN = "siem-writer" }, `role "siem-writer"`},
		"external id without role": {func(o *s3.Options) { o.ExternalID = "x" }, "without a role"},
		"STS without role":         {func(o *s3.Options) { o.STSEndpoint = "https://sts" }, "without a role"},
		"bad STS": {func(o *s3.Options) {
			o.RoleARN, o.STSEndpoint = roleARN, "sts.example.com"
		}, "STS endpoint: want a URL"},
		"unknown ACL":             {func(o *s3.Options) { o.ACL = "secret" }, `canned ACL "secret": want one of ["private"`},
		"unknown encryption":      {func(o *s3.Options) { o.SSE = "rot13" }, `server-side encryption "rot13"`},
		"KMS key without KMS":     {func(o *s3.Options) { o.SSE, o.KMSKeyID = "AES256", "alias/k" }, "KMS key id: without"},
		"unknown lock":            {func(o *s3.Options) { o.ObjectLockMode, o.ObjectLockDays = "LEGAL", 1 }, `object lock mode "LEGAL"`},
		"lock without days":       {func(o *s3.Options) { o.ObjectLockMode = "GOVERNANCE" }, "one without the other"},
		"days without lock":       {func(o *s3.Options) { o.ObjectLockDays = 1 }, "one without the other"},
		"negative days":           {func(o *s3.Options) { o.ObjectLockMode, o.ObjectLockDays = "GOVERNANCE", -1 }, "days -1"},
		"no checksum":             {func(o *s3.Options) { o.Checksum = "" }, `checksum ""`},
		"unknown checksum":        {func(o *s3.Options) { o.Checksum = "md5" }, `checksum "md5": want crc32`},
		"tags that do not parse":  {func(o *s3.Options) { o.Tagging = "a=%zz" }, "tagging: invalid URL escape"},
		"too many tags":           {func(o *s3.Options) { o.Tagging = many }, "tagging: 11 tags"},
		"tag without key":         {func(o *s3.Options) { o.Tagging = "=v" }, `tagging: key ""`},
		"tag twice":               {func(o *s3.Options) { o.Tagging = "a=1&a=2" }, `"a" is given 2 times`},
		"long tag value":          {func(o *s3.Options) { o.Tagging = "a=" + strings.Repeat("v", 257) }, "longer than 256"},
		"user agent with a space": {func(o *s3.Options) { o.UserAgent = "siem s3" }, "want product/version"},
		"negative stall timeout":  {func(o *s3.Options) { o.StallTimeout = -1 }, "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options("logs")
			c.change(&o)
			_, err := s3.New(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), server.SecretKey) {
				t.Errorf("a secret in error %v", err)
			}
		})
	}
}

func TestNewNamesEveryProblem(t *testing.T) {
	_, err := s3.New(t.Context(), s3.Options{Endpoint: "minio"})
	for _, want := range []string{"bucket:", "region ", "endpoint:", "checksum "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestNewAcceptsWhatOtherServersUse(t *testing.T) {
	for name, change := range map[string]func(*s3.Options){
		"region auto":          func(o *s3.Options) { o.Region = "auto" },
		"old bucket name":      func(o *s3.Options) { o.Bucket = "My_Logs.2017" },
		"path in the endpoint": func(o *s3.Options) { o.Endpoint = "https://host/s3" },
		"class of their own":   func(o *s3.Options) { o.StorageClass = "COLD" },
		"KMS by default key":   func(o *s3.Options) { o.SSE = "aws:kms" },
	} {
		t.Run(name, func(t *testing.T) {
			o := options("logs")
			change(&o)
			open(t, o)
		})
	}
}
