package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
)

func testOptions() Options {
	return Options{
		Bucket: "logs", Region: "eu-west-1", AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret", Checksum: "crc32",
	}
}

var errDialled = errors.New("dialled")

func TestWhereBucketsAreLookedFor(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"bucket":          {func(*Options) {}, "logs.s3.eu-west-1.amazonaws.com:443"},
		"path style":      {func(o *Options) { o.ForcePathStyle = true }, "s3.eu-west-1.amazonaws.com:443"},
		"name with dots":  {func(o *Options) { o.Bucket = "logs.example.com" }, "s3.eu-west-1.amazonaws.com:443"},
		"China":           {func(o *Options) { o.Region = "cn-north-1" }, "logs.s3.cn-north-1.amazonaws.com.cn:443"},
		"server":          {func(o *Options) { o.Endpoint, o.ForcePathStyle = "http://minio:9000", true }, "minio:9000"},
		"server with DNS": {func(o *Options) { o.Endpoint = "https://s3.example.com" }, "logs.s3.example.com:443"},
		"access point":    {func(o *Options) { o.Bucket = "arn:aws:s3:eu-west-1:123456789012:accesspoint/siem" }, "siem-123456789012.s3-accesspoint.eu-west-1.amazonaws.com:443"},
		"elsewhere":       {func(o *Options) { o.Bucket = "arn:aws:s3:us-west-2:123456789012:accesspoint/siem" }, "siem-123456789012.s3-accesspoint.us-west-2.amazonaws.com:443"},
		"multi-region":    {func(o *Options) { o.Bucket = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap" }, "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com:443"},
		"ARN of a bucket": {func(o *Options) { o.Bucket = "arn:aws:s3:::logs" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions()
			c.change(&o)
			var got string
			o.dial = func(_ context.Context, _, addr string) (net.Conn, error) {
				got = addr
				return nil, errDialled
			}
			b, err := New(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if got != "" {
				t.Errorf("New dialled %s", got)
			}
			var e *Error
			err = b.Put(t.Context(), "key", strings.NewReader("text"), 4, "", nil)
			if !errors.As(err, &e) || errors.Is(err, errDialled) != (c.want != "") || e.Config() != (c.want == "") {
				t.Errorf("error %v", err)
			}
			if got != c.want {
				t.Errorf("dialled %s, want %s", got, c.want)
			}
		})
	}
}

func TestEndpointFromTheEnvironment(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://minio:9000")
	b, err := New(t.Context(), testOptions())
	if err != nil || !b.signed {
		t.Errorf("without TLS the body is not signed: %v", err)
	}
}

func TestChecksumsOfTheCheckString(t *testing.T) {
	// The check values of the catalogue of CRC algorithms (reveng), and
	// echo -n 123456789 | sha256sum.
	for name, want := range map[string]string{
		"crc32":     "y/Q5Jg==",     // cbf43926
		"crc64nvme": "rosUhgp5mIg=", // ae8b14860a799888
		"sha256":    "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
	} {
		s := sums{checksum: algorithms[name].new()}
		if err := s.digest(t.Context(), strings.NewReader("123456789"), 9); err != nil {
			t.Fatal(err)
		}
		if got := base64Sum(s.checksum); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestOneDigestMayServeTwice(t *testing.T) {
	h := algorithms["sha256"].new()
	s := sums{checksum: h, payload: h}
	if err := s.digest(t.Context(), strings.NewReader("text"), 4); err != nil {
		t.Fatal(err)
	}
	plain := algorithms["sha256"].new()
	_, _ = io.WriteString(plain, "text")
	if !bytes.Equal(h.Sum(nil), plain.Sum(nil)) {
		t.Error("the body was counted twice")
	}
}

func TestWatchdog(t *testing.T) {
	const after, size = time.Minute, 10 * slowestServer
	starve := func(t *testing.T, ctx context.Context, alive time.Duration) {
		t.Helper()
		time.Sleep(alive - time.Second)
		synctest.Wait()
		if ctx.Err() != nil {
			t.Fatal("cancelled too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		var stall stallError
		if !errors.As(context.Cause(ctx), &stall) {
			t.Errorf("cause %v, want a stall", context.Cause(ctx))
		}
	}
	run := func(name string, test func(*testing.T, context.Context, *watchdog)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, w := watch(t.Context(), after)
				defer w.stop()
				test(t, ctx, w)
			})
		})
	}
	run("bites without food", func(t *testing.T, ctx context.Context, _ *watchdog) {
		starve(t, ctx, after)
	})
	run("is patient while it is fed", func(t *testing.T, ctx context.Context, w *watchdog) {
		for range 100 {
			time.Sleep(after - time.Second)
			w.fed(0)
		}
		starve(t, ctx, after)
	})
	run("takes reads for food", func(t *testing.T, ctx context.Context, w *watchdog) {
		body := w.body(bytes.NewReader(make([]byte, size)), size)
		for range 9 {
			time.Sleep(after - time.Second)
			_, _ = io.ReadFull(body, make([]byte, slowestServer))
		}
		starve(t, ctx, after)
	})
	run("gives time to store what was sent", func(t *testing.T, ctx context.Context, w *watchdog) {
		_, _ = io.Copy(io.Discard, w.body(bytes.NewReader(make([]byte, size)), size))
		starve(t, ctx, after+10*time.Second)
	})
	run("does not bite when stopped", func(t *testing.T, ctx context.Context, w *watchdog) {
		w.stop()
		time.Sleep(2 * after)
		if context.Cause(ctx) != context.Canceled { //nolint:errorlint // that and nothing else
			t.Errorf("cause %v", context.Cause(ctx))
		}
	})
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"120":                           2 * time.Minute,
		"-1":                            0,
		"1.5":                           0,
		"99999999999999999999":          0,
		"soon":                          0,
		"Sun, 22 Nov 2026 08:00:30 GMT": 30 * time.Second,
		"Sun, 22 Nov 2026 07:00:00 GMT": 0,
	} {
		if got := parseRetryAfter(value, now); got != want {
			t.Errorf("parseRetryAfter(%q) = %s, want %s", value, got, want)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzAnswer: whatever a server says, Put ends with nil or an *Error that fits a
// line of a log.
func FuzzAnswer(f *testing.F) {
	f.Add(403, "Retry-After", "3", "<Error><Code>AccessDenied</Code><Message>Access\nDenied</Message></Error>")
	f.Add(501, "X-Amz-Bucket-Region", "eu-west-1", "<Error><Code>NotImplemented</Code></Error>")
	f.Add(400, "Date", "Sun, 22 Nov 2026 08:00:00 GMT", "<Error><Message>Unsupported header 'x-amz-checksum-crc32'</Message></Error>")
	f.Add(412, "", "", "<Error><Code>PreconditionFailed</Code></Error>")
	f.Add(200, "ETag", `"x"`, "<Error><Code>InternalError</Code></Error>")
	f.Add(301, "Location", "http://elsewhere", "<html><br>")
	b, err := New(f.Context(), testOptions())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, name, value, body string) {
		if status < 200 || status > 999 {
			return
		}
		b.http.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
			resp.Header.Set(name, value)
			return resp, nil
		})
		err := b.Put(t.Context(), "siem/key", strings.NewReader("text"), 4, "", nil)
		if err == nil {
			return
		}
		var e *Error
		if !errors.As(err, &e) || e.Err == nil || e.Config() && e.Conflict() || e.RetryAfter() < 0 {
			t.Errorf("error %#v", err)
		}
		if text := err.Error(); len(text) > 2000 || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("error %q", text)
		}
	})
}
