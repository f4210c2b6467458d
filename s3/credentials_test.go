package s3_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"siem-s3/s3"
)

// A fakeSTS hands out the S3 server's own keys, which know no session token.
type fakeSTS struct {
	*httptest.Server
	mu    sync.Mutex
	calls []*http.Request
}

func newFakeSTS(t *testing.T) *fakeSTS {
	t.Helper()
	s := &fakeSTS{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		s.mu.Lock()
		s.calls = append(s.calls, r)
		s.mu.Unlock()
		fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
			<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken></SessionToken>
			<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
			server.AccessKey, server.SecretKey, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(s.Close)
	return s
}

const roleARN = "arn:aws:iam::123456789012:role/siem-writer"

func TestAssumedRole(t *testing.T) {
	sts := newFakeSTS(t)
	o := options(bucketFor(t))
	o.AccessKeyID, o.SecretAccessKey = "AKIABASE", "base-secret"
	o.RoleARN, o.ExternalID, o.STSEndpoint = roleARN, "tenant-7", sts.URL
	b := open(t, o)
	for _, key := range []string{"a", "b"} {
		if err := put(t, b, key, "text"); err != nil {
			t.Fatal(err)
		}
	}
	if len(sts.calls) != 1 {
		t.Fatalf("%d calls of STS, want 1", len(sts.calls))
	}
	call := sts.calls[0]
	if call.Form.Get("RoleArn") != roleARN || call.Form.Get("ExternalId") != "tenant-7" || call.Form.Get("RoleSessionName") != "siem-s3" {
		t.Errorf("form %v", call.Form)
	}
	if !strings.Contains(call.Header.Get("Authorization"), "Credential=AKIABASE/") {
		t.Errorf("signed as %s", call.Header.Get("Authorization"))
	}
}

func TestRevokedSessionIsReplacedAtTheNextTry(t *testing.T) {
	sts := newFakeSTS(t)
	m := newMiddlebox(t, func(m *middlebox, n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			refuse(w, http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
			return
		}
		m.forward.ServeHTTP(w, r)
	})
	o := m.via(t)
	o.RoleARN, o.STSEndpoint = roleARN, sts.URL
	b := open(t, o)
	wantRefusal(t, put(t, b, "key", "text"), "ExpiredToken", "renew")
	if err := put(t, b, "key", "text"); err != nil {
		t.Error(err)
	}
	if len(sts.calls) != 2 {
		t.Errorf("%d calls of STS, want 2", len(sts.calls))
	}
}

// stsError answers as STS does.
func stsError(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code>
			<Message>what STS says</Message></Error><RequestId>c6104cbe</RequestId></ErrorResponse>`, code)
	}
}

func TestRoleThatCannotBeAssumed(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		config bool
		code   string
	}{
		"denied":      {stsError(403, "AccessDenied"), true, "AccessDenied"},
		"throttled":   {stsError(400, "Throttling"), false, "Throttling"},
		"unavailable": {stsError(503, "ServiceUnavailable"), false, "ServiceUnavailable"},
		"hung up":     {func(http.ResponseWriter, *http.Request) { abort() }, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sts := httptest.NewServer(c.answer)
			t.Cleanup(sts.Close)
			o := options("logs")
			o.RoleARN, o.STSEndpoint = roleARN, sts.URL
			var e *s3.Error
			err := put(t, open(t, o), "key", "text")
			if !errors.As(err, &e) || e.Op != "get credentials" || e.Config() != c.config || e.Code != c.code {
				t.Fatalf("error %v", err)
			}
			if c.config && !strings.Contains(e.Hint, "sts:AssumeRole") {
				t.Errorf("hint %q", e.Hint)
			}
		})
	}
}

func TestProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	text := fmt.Sprintf("[siem]\naws_access_key_id = %s\naws_secret_access_key = %s\n", server.AccessKey, server.SecretKey)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	o := options(bucketFor(t))
	o.AccessKeyID, o.SecretAccessKey, o.Profile = "", "", "siem"
	if err := put(t, open(t, o), "key", "text"); err != nil {
		t.Error(err)
	}
	o.Profile = "nobody"
	if _, err := s3.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("unknown profile: %v", err)
	}
}

func TestDefaultChain(t *testing.T) {
	o := options(bucketFor(t))
	o.AccessKeyID, o.SecretAccessKey = "", ""
	t.Run("environment", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
		t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
		if err := put(t, open(t, o), "key", "text"); err != nil {
			t.Error(err)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		wantRefusal(t, put(t, open(t, o), "key", "text"), "", "set aws_access_key_id")
	})
}

func TestOutputOfACredentialProcessIsNotRepeated(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	text := "[profile broken]\ncredential_process = echo SecretAccessKey: hush-hush\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", file)
	o := options("logs")
	o.AccessKeyID, o.SecretAccessKey, o.Profile = "", "", "broken"
	err := put(t, open(t, o), "key", "text")
	wantRefusal(t, err, "", "")
	if strings.Contains(err.Error(), "hush-hush") || !strings.Contains(err.Error(), "credential_process") {
		t.Errorf("error %v", err)
	}
}
