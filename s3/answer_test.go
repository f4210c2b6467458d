package s3_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"siem-s3/s3"
)

// An answer is what a server says to everything.
type answer struct {
	status        int
	code, message string // in an XML body, if there is a code
	body          string // otherwise
	header        map[string]string
}

func (a answer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.code != "" {
		refuse(w, a.status, a.code, a.message)
		return
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}

// fake returns options for a server that answers always the same.
func fake(t *testing.T, h http.Handler) s3.Options {
	t.Helper()
	ts := httptest.NewServer(h)
	t.Cleanup(ts.Close)
	return s3.Options{
		Bucket: "logs", Region: "us-east-1", Endpoint: ts.URL, ForcePathStyle: true,
		AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "a-secret", SessionToken: "a-session-token",
		Checksum: "crc32",
	}
}

func TestAnswersToPut(t *testing.T) {
	in17min := time.Now().Add(17 * time.Minute).UTC().Format(http.TimeFormat)
	ago17min := time.Now().Add(-17 * time.Minute).UTC().Format(http.TimeFormat)
	const (
		transient = false
		config    = true
	)
	for name, c := range map[string]struct {
		answer
		kind       bool
		hint       string
		retryAfter time.Duration
		change     func(*s3.Options)
	}{
		"slow down": {
			answer: answer{status: 503, code: "SlowDown", message: "Please reduce your request rate.", header: map[string]string{"Retry-After": "7"}},
			kind:   transient, retryAfter: 7 * time.Second,
		},
		"throttled as a bad request":  {answer: answer{status: 400, code: "Throttling"}, kind: transient},
		"too many requests":           {answer: answer{status: 429, header: map[string]string{"Retry-After": "120"}}, kind: transient, retryAfter: 2 * time.Minute},
		"internal error":              {answer: answer{status: 500, code: "InternalError"}, kind: transient},
		"bad gateway in HTML":         {answer: answer{status: 502, body: "<html><br>Bad Gateway</html>"}, kind: transient},
		"gateway timeout, empty":      {answer: answer{status: 504}, kind: transient},
		"request timeout":             {answer: answer{status: 400, code: "RequestTimeout"}, kind: transient},
		"incomplete body":             {answer: answer{status: 400, code: "IncompleteBody"}, kind: transient},
		"checksum mismatch":           {answer: answer{status: 400, code: "XAmzContentChecksumMismatch", message: "The provided 'x-amz-checksum' header does not match what was computed."}, kind: transient},
		"concurrent conditional puts": {answer: answer{status: 409, code: "ConditionalRequestConflict"}, kind: transient},
		"operation aborted":           {answer: answer{status: 409, code: "OperationAborted"}, kind: transient},
		"new bucket not yet in DNS":   {answer: answer{status: 307, code: "TemporaryRedirect"}, kind: transient},

		"access denied": {
			answer: answer{status: 403, code: "AccessDenied", message: "Access Denied"}, kind: config,
			hint: "grant s3:PutObject on arn:aws:s3:::logs/siem/*",
		},
		"access denied with all options": {
			answer: answer{status: 403, code: "AccessDenied"}, kind: config,
			hint: "grant s3:PutObject, s3:PutObjectAcl, s3:PutObjectTagging, s3:PutObjectRetention on arn:aws-cn:s3:::logs/siem/* " +
				"and kms:GenerateDataKey on arn:aws-cn:kms:cn-north-1:123456789012:key/k",
			change: func(o *s3.Options) {
				o.Region, o.ACL, o.Tagging = "cn-north-1", "bucket-owner-full-control", "a=b"
				o.ObjectLockMode, o.ObjectLockDays = "GOVERNANCE", 1
				o.SSE, o.KMSKeyID = "aws:kms", "arn:aws-cn:kms:cn-north-1:123456789012:key/k"
			},
		},
		"access denied in GovCloud": {
			answer: answer{status: 403, code: "AccessDenied"}, kind: config, hint: "arn:aws-us-gov:s3:::logs/siem/*",
			change: func(o *s3.Options) { o.Region = "us-gov-west-1" },
		},
		"forbidden by a proxy":    {answer: answer{status: 403, body: "<html>no<br></html>"}, kind: config, hint: "grant s3:PutObject"},
		"no bucket":               {answer: answer{status: 404, code: "NoSuchBucket"}, kind: config, hint: "create bucket logs in region us-east-1"},
		"no S3 at all":            {answer: answer{status: 405, body: "nothing here"}, kind: config, hint: "check endpoint"},
		"invalid storage class":   {answer: answer{status: 400, code: "InvalidStorageClass"}, kind: config, hint: "storage_class"},
		"ACLs disabled":           {answer: answer{status: 400, code: "AccessControlListNotSupported"}, kind: config, hint: "canned_acl"},
		"KMS key disabled":        {answer: answer{status: 400, code: "KMS.DisabledException"}, kind: config, hint: "sse_kms_key_id"},
		"bucket without a lock":   {answer: answer{status: 400, code: "InvalidRequest", message: "Bucket is missing Object Lock Configuration"}, kind: config, hint: "no object lock"},
		"bucket in wrong state":   {answer: answer{status: 409, code: "InvalidBucketState"}, kind: config, hint: "no object lock"},
		"expired token":           {answer: answer{status: 400, code: "ExpiredToken"}, kind: config, hint: "renew it"},
		"unexplained bad request": {answer: answer{status: 400, body: "Client sent an HTTP request to an HTTPS server."}, kind: config, hint: "check endpoint"},

		"wrong region, by header": {
			answer: answer{status: 301, code: "PermanentRedirect", header: map[string]string{"X-Amz-Bucket-Region": "eu-west-1"}},
			kind:   config, hint: "set region eu-west-1",
		},
		"wrong region, by message": {
			answer: answer{status: 400, code: "AuthorizationHeaderMalformed", message: "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"},
			kind:   config, hint: "set region eu-west-1",
		},
		"wrong endpoint": {answer: answer{status: 301, code: "PermanentRedirect"}, kind: config, hint: "another endpoint"},
		"clock behind": {
			answer: answer{status: 403, code: "RequestTimeTooSkewed", header: map[string]string{"Date": in17min}},
			kind:   config, hint: "the clock of this host is 17 minutes behind the server's: fix NTP",
		},
		"clock ahead": {
			answer: answer{status: 403, code: "RequestTimeTooSkewed", header: map[string]string{"Date": ago17min}},
			kind:   config, hint: "17 minutes ahead of",
		},
		"clock off by an unknown time": {answer: answer{status: 403, code: "RequestTimeTooSkewed"}, kind: config, hint: "fix NTP"},
		"a web server to whom all is well": {
			answer: answer{status: 200, body: "<html>Welcome</html>"}, kind: config, hint: "no S3 server",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := fake(t, c.answer)
			if c.change != nil {
				c.change(&o)
			}
			err := put(t, open(t, o), "siem/category=device/key.json.gz", "text")
			var e *s3.Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}
			if e.Op != "put object" || e.Bucket != "logs" || e.Key != "siem/category=device/key.json.gz" || c.code != "" && e.Code != c.code {
				t.Errorf("error %+v", e)
			}
			if e.Config() != c.kind || e.Conflict() {
				t.Errorf("Config %v, Conflict %v in %v", e.Config(), e.Conflict(), e)
			}
			if !strings.Contains(e.Hint, c.hint) || (c.hint == "") != (e.Hint == "") {
				t.Errorf("hint %q, want %q", e.Hint, c.hint)
			}
			if e.RetryAfter() != c.retryAfter {
				t.Errorf("RetryAfter %s, want %s", e.RetryAfter(), c.retryAfter)
			}
		})
	}
}

func TestAnswersToCheck(t *testing.T) {
	in17min := time.Now().Add(17 * time.Minute).UTC().Format(http.TimeFormat)
	for name, c := range map[string]struct {
		answer
		code, hint string
	}{
		"forbidden":                {answer{status: 403}, "Forbidden", "uploads may work all the same"},
		"forbidden by the clock":   {answer{status: 403, header: map[string]string{"Date": in17min}}, "Forbidden", "17 minutes behind"},
		"not found":                {answer{status: 404}, "NotFound", "create bucket logs"},
		"elsewhere":                {answer{status: 301, header: map[string]string{"X-Amz-Bucket-Region": "eu-west-1"}}, "MovedPermanently", "set region eu-west-1"},
		"elsewhere, a bad request": {answer{status: 400, header: map[string]string{"X-Amz-Bucket-Region": "eu-west-1"}}, "BadRequest", "set region eu-west-1"},
		"a bad request":            {answer{status: 400}, "BadRequest", "session token has expired"},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, open(t, fake(t, c.answer)).Check(t.Context()), c.code, c.hint)
		})
	}
	t.Run("unavailable", func(t *testing.T) {
		var e *s3.Error
		if err := open(t, fake(t, answer{status: 503})).Check(t.Context()); !errors.As(err, &e) || e.Config() {
			t.Errorf("error %v, want a transient one", err)
		}
	})
	t.Run("found", func(t *testing.T) {
		if err := open(t, fake(t, answer{status: 200})).Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestErrorText(t *testing.T) {
	o := fake(t, answer{status: 403, code: "AccessDenied", message: "Access\n Denied\x7f"})
	err := put(t, open(t, o), "siem/key", "text")
	const want = "put object s3://logs/siem/key: 403 AccessDenied: Access Denied (request 4442587FB7D0A2F9); " +
		"grant s3:PutObject on arn:aws:s3:::logs/siem/*"
	if err == nil || err.Error() != want {
		t.Errorf("error\n\t%v\nwant\n\t%s", err, want)
	}
}

func TestErrorsLeakNoSecret(t *testing.T) {
	var secrets []string
	o := fake(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth, token := r.Header.Get("Authorization"), r.Header.Get("X-Amz-Security-Token")
		_, signature, _ := strings.Cut(auth, "Signature=")
		secrets = []string{auth, token, signature}
		refuse(w, http.StatusForbidden, "SignatureDoesNotMatch", "You said "+auth+" with "+token+" that is "+signature)
	}))
	err := put(t, open(t, o), "key", "text")
	for err := err; err != nil; err = errors.Unwrap(err) {
		for _, secret := range append(secrets, o.SecretAccessKey) {
			if secret == "" || strings.Contains(err.Error(), secret) {
				t.Errorf("%q in error %v", secret, err)
			}
		}
	}
}

func TestUnreachableServers(t *testing.T) {
	for name, c := range map[string]struct {
		endpoint string
		config   bool
	}{
		"connection refused": {"http://127.0.0.1:1", false},
		"no such host":       {"http://no-such-host.invalid", true},
	} {
		t.Run(name, func(t *testing.T) {
			o := options("logs")
			o.Endpoint = c.endpoint
			var e *s3.Error
			err := put(t, open(t, o), "key", "text")
			if !errors.As(err, &e) || e.Config() != c.config || e.Status != 0 || e.Err == nil {
				t.Errorf("error %v", err)
			}
		})
	}
}
