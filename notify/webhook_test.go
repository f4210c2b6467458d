package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

var (
	newSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("a new secret of thirty-two bytes"))
	oldSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("an old secret of 24 byte"))
)

func newWebhook(t testing.TB, url string, change func(*WebhookOptions)) *Webhook {
	t.Helper()
	o := WebhookOptions{URL: url, Format: WebhookJSON, Timeout: 10 * time.Second}
	if change != nil {
		change(&o)
	}
	w, err := NewWebhook(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// serveHTTP starts a server that is gone at the end of the test.
func serveHTTP(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func TestWebhookRequest(t *testing.T) {
	n := notices(t)["one device"]
	for format, contentType := range map[WebhookFormat]string{
		WebhookJSON: "application/json", CloudEvents: "application/cloudevents+json",
		Slack: "application/json", Teams: "application/json",
	} {
		t.Run(string(format), func(t *testing.T) {
			var got *http.Request
			var body []byte
			server := serveHTTP(t, func(_ http.ResponseWriter, r *http.Request) {
				got = r
				body, _ = io.ReadAll(r.Body)
			})
			w := newWebhook(t, server.URL+"/hook?a=b", func(o *WebhookOptions) { o.Format, o.APIKey = format, "Bearer abc" })
			if err := w.Send(t.Context(), n, nil); err != nil {
				t.Fatal(err)
			}
			if got.Method != http.MethodPost || got.URL.String() != "/hook?a=b" {
				t.Errorf("request is %s %s", got.Method, got.URL)
			}
			for key, want := range map[string]string{
				"Content-Type": contentType, "Authorization": "Bearer abc", "Webhook-Id": n.ID,
				"Webhook-Signature": "", "Webhook-Timestamp": "",
			} {
				if v := got.Header.Get(key); v != want {
					t.Errorf("%s is %q, not %q", key, v, want)
				}
			}
			want, err := formats[format].body(n)
			if err != nil {
				t.Fatal(err)
			}
			if string(body) != string(want) {
				t.Errorf("body is %s", body)
			}
		})
	}
}

func TestWebhookSignature(t *testing.T) {
	for _, c := range []struct {
		name         string
		secrets      []string
		newOK, oldOK bool
		signatures   int
		spoil        func(http.Header, []byte)
	}{
		{name: "one secret", secrets: []string{newSecret}, newOK: true, signatures: 1},
		{name: "during a change", secrets: []string{newSecret, oldSecret}, newOK: true, oldOK: true, signatures: 2},
		{name: "without whsec_", secrets: []string{strings.TrimPrefix(newSecret, "whsec_")}, newOK: true, signatures: 1},
		{name: "other body", secrets: []string{newSecret, oldSecret}, signatures: 2, spoil: func(_ http.Header, body []byte) { body[0] = '[' }},
		{name: "other id", secrets: []string{newSecret, oldSecret}, signatures: 2, spoil: func(h http.Header, _ []byte) { h.Set("Webhook-Id", "x") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header http.Header
			var body []byte
			server := serveHTTP(t, func(_ http.ResponseWriter, r *http.Request) {
				header = r.Header
				body, _ = io.ReadAll(r.Body)
			})
			w := newWebhook(t, server.URL, func(o *WebhookOptions) { o.Secrets = c.secrets })
			if err := w.Send(t.Context(), notices(t)["many"], nil); err != nil {
				t.Fatal(err)
			}
			if c.spoil != nil {
				c.spoil(header, body)
			}
			if got := len(strings.Fields(header.Get("Webhook-Signature"))); got != c.signatures {
				t.Errorf("%d signatures: %s", got, header.Get("Webhook-Signature"))
			}
			for secret, ok := range map[string]bool{newSecret: c.newOK, oldSecret: c.oldOK} {
				verifier, err := standardwebhooks.NewWebhook(secret)
				if err != nil {
					t.Fatal(err)
				}
				if err := verifier.Verify(body, header); (err == nil) != ok {
					t.Errorf("verification ends in %v", err)
				}
			}
		})
	}
}

func TestWebhookAnswers(t *testing.T) {
	other := serveHTTP(t, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	redirect := func(code int, to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("a redirect was followed")
			}
			http.Redirect(w, r, to, code)
		}
	}
	answer := func(code int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if len(header) > 0 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	for _, c := range []struct {
		name       string
		handler    http.HandlerFunc
		want       string // in the error; empty for success
		disable    bool
		retryAfter time.Duration
	}{
		{name: "200", handler: answer(200, "ok")},
		{name: "202", handler: answer(202, "")},
		{name: "204", handler: answer(204, "")},
		{name: "301 to this host", handler: redirect(301, "/elsewhere"), want: "HTTP status 301 Moved Permanently: redirect to http://127.0.0.1"},
		{name: "301 to another host", handler: redirect(301, other.URL+"/?token=t0ken"), want: "redirect to " + other.URL + " not followed"},
		{name: "307 to another host", handler: redirect(307, other.URL), want: "redirect to " + other.URL + " not followed"},
		{name: "304", handler: answer(304, ""), want: "HTTP status 304"},
		{name: "400", handler: answer(400, `{"error":"no\r\nsuch\tfield"}`), want: `HTTP status 400 Bad Request: {"error":"no\r\nsuch\tfield"}`},
		{name: "401", handler: answer(401, ""), want: "HTTP status 401 Unauthorized"},
		{name: "404 with control characters", handler: answer(404, "a\r\n\x1b[31mb\xff"), want: "HTTP status 404 Not Found: a [31mb\uFFFD"},
		{name: "410", handler: answer(410, "gone"), want: "HTTP status 410 Gone: gone", disable: true},
		{name: "413", handler: answer(413, ""), want: "HTTP status 413"},
		{name: "429 without a wish", handler: answer(429, "slow down"), want: "HTTP status 429 Too Many Requests: slow down"},
		{name: "429 with seconds", handler: answer(429, "", "Retry-After", "120"), want: "HTTP status 429", retryAfter: 2 * time.Minute},
		{name: "429 with a week", handler: answer(429, "", "Retry-After", "604800"), want: "HTTP status 429", retryAfter: MaxRetryAfter},
		{name: "503 with a date", handler: answer(503, "", "Retry-After", "Sun, 22 Nov 2026 08:10:00 GMT"), want: "HTTP status 503", retryAfter: 10 * time.Minute},
		{name: "500 with a wish that it has no right to", handler: answer(500, "", "Retry-After", "120"), want: "HTTP status 500"},
		{name: "500 with much to say", handler: answer(500, strings.Repeat("0123456789", 1<<20)), want: "…"},
		{name: "cut before an answer", handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, want: "closed the connection without an answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWebhook(t, serveHTTP(t, c.handler).URL, nil)
			w.now = func() time.Time { return noon }
			err := w.Send(t.Context(), notices(t)["one device"], nil)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			failed := failure(t, err)
			if !strings.Contains(failed.Error(), c.want) || len(failed.Error()) > 400 {
				t.Errorf("error is %q", failed)
			}
			if failed.Disable != c.disable || failed.Permanent != c.disable || failed.RetryAfter != c.retryAfter {
				t.Errorf("error is %+v", failed)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "x": 0, "-5": 0, "0": 0, "7": 7 * time.Second,
		"99999999999999999999": 0, "9223372036854775807": MaxRetryAfter,
		"Sun, 22 Nov 2026 07:59:59 GMT": 0,
		"Sun, 22 Nov 2026 08:00:30 GMT": 30 * time.Second,
		"Mon, 23 Nov 2026 08:00:00 GMT": MaxRetryAfter,
	} {
		if got := retryAfter(value, noon); got != want {
			t.Errorf("Retry-After %q is %s, not %s", value, got, want)
		}
	}
}

// hang is a handler that says nothing until the client is gone.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the server only watches the connection after that
	<-r.Context().Done()
}

func TestWebhookServerHangs(t *testing.T) {
	w := newWebhook(t, serveHTTP(t, hang).URL, func(o *WebhookOptions) { o.Timeout = 100 * time.Millisecond })
	failed := failure(t, w.Send(t.Context(), notices(t)["one device"], nil))
	if !strings.Contains(failed.Error(), "no answer within 100ms") || failed.Permanent {
		t.Errorf("error is %+v", failed)
	}
}

func TestWebhookServerHangsInTheBody(t *testing.T) {
	server := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		_, _ = io.WriteString(w, "oh no")
		_ = http.NewResponseController(w).Flush()
		hang(w, r)
	})
	w := newWebhook(t, server.URL, func(o *WebhookOptions) { o.Timeout = 300 * time.Millisecond })
	failed := failure(t, w.Send(t.Context(), notices(t)["one device"], nil))
	if !strings.Contains(failed.Error(), "HTTP status 500 Internal Server Error: oh no") {
		t.Errorf("error is %q", failed)
	}
}

// Of an answer without an end only a part is read.
func TestWebhookAnswerHasNoEnd(t *testing.T) {
	const tooMuch = 64 << 20 // far more than the buffers between the two hold
	written := make(chan int, 1)
	server := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(500)
		total := 0
		for part := make([]byte, 64<<10); total < tooMuch; total += len(part) {
			if _, err := w.Write(part); err != nil {
				break
			}
		}
		written <- total
	})
	failure(t, newWebhook(t, server.URL, nil).Send(t.Context(), notices(t)["one device"], nil))
	if got := <-written; got >= tooMuch {
		t.Errorf("%d bytes were taken", got)
	}
}

func TestWebhookIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		hang(w, r)
	})
	failed := failure(t, newWebhook(t, server.URL, nil).Send(ctx, notices(t)["one device"], nil))
	if !strings.Contains(failed.Error(), "interrupted") || failed.Permanent {
		t.Errorf("error is %+v", failed)
	}
}

func TestWebhookWithoutServer(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	failed := failure(t, newWebhook(t, server.URL, nil).Send(t.Context(), notices(t)["one device"], nil))
	if !strings.Contains(failed.Error(), "connection refused") || failed.Permanent {
		t.Errorf("error is %+v", failed)
	}
}

// serveTLS starts a server with a certificate of ca that asks the client for
// one of clientCA, if there is one.
func serveTLS(t *testing.T, certificate tls.Certificate, clientCA *testCA) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = quietLog
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	if clientCA != nil {
		server.TLS.ClientAuth = tls.RequireAndVerifyClientCert
		server.TLS.ClientCAs = x509.NewCertPool()
		server.TLS.ClientCAs.AddCert(clientCA.cert)
	}
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestWebhookTLS(t *testing.T) {
	ca, stranger := newCA(t), newCA(t)
	certFile, keyFile := ca.files(t)
	expired := ca.leaf(t, time.Now().Add(-time.Hour))
	for _, c := range []struct {
		name        string
		certificate tls.Certificate
		clientCA    *testCA
		change      func(*WebhookOptions)
		want        string // in the error; empty for success
	}{
		{"own CA", ca.valid(t), nil, nil, ""},
		{"client certificate", ca.valid(t), ca, func(o *WebhookOptions) { o.CertFile, o.KeyFile = certFile, keyFile }, ""},
		{"no client certificate", ca.valid(t), ca, nil, "certificate required"},
		{"client certificate of another CA", ca.valid(t), stranger, func(o *WebhookOptions) { o.CertFile, o.KeyFile = certFile, keyFile }, "tls: "},
		{"unknown CA", stranger.valid(t), nil, nil, "certificate signed by unknown authority"},
		{"expired", expired, nil, nil, "certificate has expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWebhook(t, serveTLS(t, c.certificate, c.clientCA).URL, func(o *WebhookOptions) {
				o.CAFile = ca.file
				if c.change != nil {
					c.change(o)
				}
			})
			var steps []string
			ctx := WithTrace(t.Context(), func(step string) { steps = append(steps, step) })
			err := w.Send(ctx, notices(t)["one device"], nil)
			if c.want == "" {
				if err != nil || len(steps) != 3 || !strings.HasPrefix(steps[0], "connected to 127.0.0.1:") ||
					!strings.HasPrefix(steps[1], "TLS 1.3, ") || steps[2] != "HTTP status 200 OK" {
					t.Errorf("error is %v, steps are %q", err, steps)
				}
			} else if failed := failure(t, err); !strings.Contains(failed.Error(), c.want) {
				t.Errorf("error is %q", failed)
			}
		})
	}
}

func TestWebhookOptions(t *testing.T) {
	certFile, keyFile := newCA(t).files(t)
	for _, c := range []struct {
		name   string
		change func(*WebhookOptions)
		want   string
	}{
		{"no URL", func(o *WebhookOptions) { o.URL = "" }, "http://"},
		{"malformed URL", func(o *WebhookOptions) { o.URL = "https://user:t0ken@host:x/%zz" }, "malformed"},
		{"other scheme", func(o *WebhookOptions) { o.URL = "ftp://host/" }, "http://"},
		{"no host", func(o *WebhookOptions) { o.URL = "https:///t0ken" }, "no host"},
		{"unknown format", func(o *WebhookOptions) { o.Format = "xml" }, `format "xml"`},
		{"API key with a line break", func(o *WebhookOptions) { o.APIKey = "t0ken\r\nHost: x" }, "control character"},
		{"secret that is no base64", func(o *WebhookOptions) { o.Secrets = []string{"whsec_t0ken!"} }, "secret 1"},
		{"short secret", func(o *WebhookOptions) { o.Secrets = []string{newSecret, "whsec_c2hvcnQ="} }, "secret 2"},
		{"three secrets", func(o *WebhookOptions) { o.Secrets = slices.Repeat([]string{newSecret}, 3) }, "3 secrets"},
		{"no CA file", func(o *WebhookOptions) { o.CAFile = "/nowhere/ca.pem" }, "read CA file"},
		{"certificate without key", func(o *WebhookOptions) { o.CertFile = certFile }, "needs its key"},
		{"key without certificate", func(o *WebhookOptions) { o.KeyFile = keyFile }, "needs its key"},
		{"key for a certificate", func(o *WebhookOptions) { o.CertFile, o.KeyFile = keyFile, certFile }, "load client certificate"},
		{"no timeout", func(o *WebhookOptions) { o.Timeout = 0 }, "timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := WebhookOptions{URL: "https://host/", Format: WebhookJSON, Timeout: time.Second}
			c.change(&o)
			w, err := NewWebhook(o)
			if w != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error is %v", err)
			}
			if strings.Contains(err.Error(), "t0ken") {
				t.Errorf("error tells a secret: %v", err)
			}
			wantOptionErrors(t, err, o)
		})
	}
}

func TestWebhookNames(t *testing.T) {
	name := func(url string) string { return newWebhook(t, url, nil).Name() }
	a, b := name("https://u:p@hooks.example.com:8443/services/T0/a?x=1"), name("https://u:p@hooks.example.com:8443/services/T0/a?x=2")
	if a == b {
		t.Errorf("two webhooks are named %s", a)
	}
	if !strings.HasPrefix(a, "webhook https://hooks.example.com:8443 #") || len(a) != len("webhook https://hooks.example.com:8443 #")+6 {
		t.Errorf("name is %s", a)
	}
	if again := name("https://u:p@hooks.example.com:8443/services/T0/a?x=1"); again != a {
		t.Errorf("names of one webhook are %s and %s", a, again)
	}
}

// The same failure reads the same in every attempt: a log tells it once.
func TestErrorsNameNoPortOfThisSide(t *testing.T) {
	server := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0) // a reset
		conn.Close()
	})
	w := newWebhook(t, server.URL, func(*WebhookOptions) {})
	var said []string
	for range 2 {
		said = append(said, fmt.Sprint(w.Send(t.Context(), notices(t)["one device"], nil)))
	}
	if said[0] != said[1] || !strings.Contains(said[0], "connection reset") {
		t.Errorf("got %q", said)
	}
}
