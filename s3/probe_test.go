package s3_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"siem-s3/s3"
)

const probeKey = "siem/category=.siemctl-probe-1"

// wantGone fails the test if the server shows any object.
func wantGone(t *testing.T, bucket string) {
	t.Helper()
	keys, err := server.List(t.Context(), bucket, "")
	if err != nil || len(keys) > 0 {
		t.Errorf("left behind: %v, %v", keys, err)
	}
}

func TestProbe(t *testing.T) {
	o := options(bucketFor(t))
	o.Tagging, o.Checksum = "team=security&env=prod", "sha256"
	p := open(t, o).NewProbe(probeKey)
	if err := p.Put(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Get(t.Context()); err != nil {
		t.Error(err)
	}
	kept, err := p.Kept(t.Context())
	if err != nil || !strings.HasPrefix(kept.Checksum.String(), "sha256:") {
		t.Errorf("kept %+v, %v", kept, err)
	}
	if refused, err := p.Overwrite(t.Context()); err != nil || !refused {
		t.Errorf("overwritten: %v, %v", refused, err)
	}
	if refused, err := p.Damage(t.Context()); err != nil || !refused {
		t.Errorf("damaged: %v, %v", refused, err)
	}
	if err := p.Get(t.Context()); err != nil {
		t.Error(err)
	}
	if left, err := p.Delete(t.Context()); err != nil || left != 0 {
		t.Errorf("%d left, %v", left, err)
	}
	wantGone(t, o.Bucket)
	if _, err := p.Kept(t.Context()); err == nil {
		t.Error("no error for an object that is gone")
	}
}

func TestProbeOfALockedBucketIsLockedShortly(t *testing.T) {
	o := options("probe-of-a-locked-bucket")
	if err := server.CreateLockedBucket(t.Context(), o.Bucket); err != nil {
		t.Fatal(err)
	}
	o.ObjectLockMode, o.ObjectLockDays = "COMPLIANCE", 3650
	p := open(t, o).NewProbe(probeKey)
	if err := p.Put(t.Context()); err != nil {
		t.Fatal(err)
	}
	head, err := server.Client().HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: &o.Bucket, Key: aws.String(probeKey)})
	if err != nil {
		t.Fatal(err)
	}
	if until := time.Until(*head.ObjectLockRetainUntilDate); until > time.Hour {
		t.Errorf("locked for %s", until)
	}
	if kept, err := p.Kept(t.Context()); err != nil || kept.LockMode != "COMPLIANCE" {
		t.Errorf("kept %+v, %v", kept, err)
	}
	if left, err := p.Delete(t.Context()); err != nil || left != 1 {
		t.Errorf("%d left, %v", left, err)
	}
	wantGone(t, o.Bucket)
}

func TestProbeOfABucketWithVersionsLeavesNone(t *testing.T) {
	o := options("probe-of-a-bucket-with-versions")
	if err := server.CreateLockedBucket(t.Context(), o.Bucket); err != nil {
		t.Fatal(err)
	}
	p := open(t, o).NewProbe(probeKey)
	if err := p.Put(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := p.Delete(t.Context()); err != nil || left != 0 {
		t.Errorf("%d left, %v", left, err)
	}
	all, err := server.Client().ListObjectVersions(t.Context(), &awss3.ListObjectVersionsInput{Bucket: &o.Bucket})
	if err != nil || len(all.Versions)+len(all.DeleteMarkers) > 0 {
		t.Errorf("%d versions, %d markers, %v", len(all.Versions), len(all.DeleteMarkers), err)
	}
}

// A server that ignores what it does not know, or refuses it.
func TestProbeOfServersThatLackHeaders(t *testing.T) {
	headers := []string{"If-None-Match", "X-Amz-Checksum-Crc32"}
	for name, treat := range map[string]func(*middlebox, int, http.ResponseWriter, *http.Request){
		"ignored": func(m *middlebox, _ int, w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				w.Header().Set("ETag", `"1"`)
				return
			}
			m.forward.ServeHTTP(w, r)
		},
		"refused": func(m *middlebox, _ int, w http.ResponseWriter, r *http.Request) {
			for _, header := range headers {
				if r.Header.Get(header) != "" {
					refuse(w, http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented")
					return
				}
			}
			m.forward.ServeHTTP(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, newMiddlebox(t, treat).via(t)).NewProbe(probeKey)
			if err := p.Put(t.Context()); err != nil {
				t.Fatal(err)
			}
			if refused, err := p.Overwrite(t.Context()); err != nil || refused {
				t.Errorf("overwriting: %v, %v", refused, err)
			}
			if refused, err := p.Damage(t.Context()); err != nil || refused {
				t.Errorf("damaging: %v, %v", refused, err)
			}
		})
	}
}

func TestProbeThatIsForbidden(t *testing.T) {
	m := newMiddlebox(t, func(m *middlebox, n int, w http.ResponseWriter, r *http.Request) {
		if n > 1 {
			refuse(w, http.StatusForbidden, "AccessDenied", "Access Denied")
			return
		}
		m.forward.ServeHTTP(w, r)
	})
	p := open(t, m.via(t)).NewProbe(probeKey)
	if err := p.Put(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, kept := p.Kept(t.Context())
	_, overwrite := p.Overwrite(t.Context())
	_, damage := p.Damage(t.Context())
	_, del := p.Delete(t.Context())
	for name, err := range map[string]error{
		"s3:GetObject":    p.Get(t.Context()),
		"s3:GetObject ":   kept,
		"s3:PutObject":    errors.Join(overwrite, damage),
		"s3:DeleteObject": del,
		"grant ":          p.Put(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %s in it", err, name)
		}
	}
}

func TestProbeThatIsDamagedOnItsWay(t *testing.T) {
	m := newMiddlebox(t, func(m *middlebox, _ int, w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte("something else"))
			return
		}
		m.forward.ServeHTTP(w, r)
	})
	p := open(t, m.via(t)).NewProbe(probeKey)
	if err := p.Put(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Get(t.Context()); err == nil || !strings.Contains(err.Error(), "other bytes") {
		t.Errorf("error %v", err)
	}
}

// identity answers GetCallerIdentity with status and body.
func identity(t *testing.T, status int, body string) string {
	t.Helper()
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(ts.Close)
	return ts.URL
}

func TestIdentify(t *testing.T) {
	o := options(bucketFor(t))
	id, err := open(t, o).Identify(t.Context())
	if err != nil || id.ARN != "" || !strings.HasPrefix(id.Source, "StaticCredentials") || !id.Expires.IsZero() {
		t.Errorf("with keys: %+v, %v", id, err)
	}
	const arn = "arn:aws:iam::123456789012:user/alice"
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"somebody": {200, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>` + arn + `</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`, ""},
		"unknown":  {403, `<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>`, "check aws_access_key_id"},
		"expired":  {403, `<ErrorResponse><Error><Code>ExpiredToken</Code><Message>no</Message></Error></ErrorResponse>`, "renew it"},
		"no STS":   {404, `no`, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			// An STS endpoint comes with a role: this is how others are asked.
			t.Setenv("AWS_ENDPOINT_URL_STS", identity(t, c.status, c.body))
			o := o
			o.Endpoint = ""
			id, err := open(t, o).Identify(t.Context())
			if c.want == "" && (err != nil || id.ARN != arn) {
				t.Errorf("%+v, %v", id, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "grant ")) {
				t.Errorf("error %v, want %s in it", err, c.want)
			}
		})
	}
}

// The fake knows no other call than the one for the role.
func TestIdentifyARoleThatHasNoName(t *testing.T) {
	o := options(bucketFor(t))
	o.RoleARN, o.STSEndpoint = roleARN, newFakeSTS(t).URL
	id, err := open(t, o).Identify(t.Context())
	if err == nil || id.Expires.IsZero() || !strings.HasPrefix(id.Source, "AssumeRoleProvider") {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestLocate(t *testing.T) {
	place, err := open(t, options(bucketFor(t))).Locate(t.Context())
	if err != nil || !place.Timed || place.Ahead.Abs() > time.Minute {
		t.Errorf("%+v, %v", place, err)
	}
	o := fake(t, answer{status: 403, header: map[string]string{
		"X-Amz-Bucket-Region": "eu-central-1", "Date": time.Now().Add(time.Hour).UTC().Format(http.TimeFormat),
	}})
	place, err = open(t, o).Locate(t.Context())
	if err == nil || place.Region != "eu-central-1" || place.Ahead > -50*time.Minute || !place.Timed {
		t.Errorf("%+v, %v", place, err)
	}
	o.Endpoint = "http://127.0.0.1:1"
	if place, err = open(t, o).Locate(t.Context()); err == nil || place != (s3.Place{}) {
		t.Errorf("%+v, %v", place, err)
	}
}
