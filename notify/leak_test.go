package notify

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

var quietLog = log.New(io.Discard, "", 0)

// leaks checks a text for secrets, plain and as they go over the wire.
func leaks(t *testing.T, what, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		for _, form := range []string{s, url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(s))} {
			if strings.Contains(text, form) {
				t.Errorf("%s tells %q: %s", what, s, text)
			}
		}
	}
}

// everyVerb is v as careless logging writes it.
func everyVerb(v any) string { return fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v) }

// A mail server that repeats what it is sent, in every answer.
func TestEmailLeaksNoSecret(t *testing.T) {
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + testUser + "\x00" + testPassword))
	told := " you said %s, and your password is " + testPassword + " or " + base64.StdEncoding.EncodeToString([]byte(testPassword)) + " or " + plain
	for verb, code := range map[string]string{
		"EHLO": "421", "AUTH": "535", "MAIL": "550", "RCPT": "550", "DATA": "554", ".": "451", "QUIT": "500",
	} {
		for _, mechanism := range []Mechanism{PlainAuth, LoginAuth, CRAMMD5} {
			t.Run(verb+" by "+string(mechanism), func(t *testing.T) {
				replies := map[string]string{
					verb: code + told, "HELO": "421" + told,
					"AUTH": "235" + told, ".": "250" + told,
				}
				replies[verb] = code + told
				port := serveScript(t, "never", false, replies)
				m := emailTo(t, port, func(o *EmailOptions) {
					o.Security, o.Auth, o.Username, o.Password = NoSecurity, mechanism, testUser, testPassword
				})
				var told []string
				ctx := WithTrace(t.Context(), func(step string) { told = append(told, step) })
				err := m.Send(ctx, notices(t)["one device"], nil)
				if err == nil && verb != "QUIT" {
					t.Error("the attempt succeeded")
				}
				told = append(told, everyVerb(err), everyVerb(m), everyVerb(m.opts))
				leaks(t, "e-mail", strings.Join(told, "\n"), testPassword, "\x00"+testUser+"\x00"+testPassword)
			})
		}
	}
}

// Web servers that fail in every way, and repeat what they were sent.
func TestWebhookLeaksNoSecret(t *testing.T) {
	const (
		key   = "Bearer api-key-31337"
		token = "xoxb-31337-token-in-the-path"
		query = "sig-31337/in+the query"
		pass  = "pass-31337"
	)
	echo := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			text := fmt.Sprintln(r.URL, r.URL.Path, r.Header, newSecret, oldSecret, query, url.QueryEscape(query), pass, r.Host)
			w.Header().Set("Location", "https://elsewhere.example/"+token)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, text)
		}
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	untrusted := httptest.NewUnstartedServer(echo(500))
	untrusted.Config.ErrorLog = quietLog
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	targets := map[string]string{
		"connection refused": closed.URL,
		"untrusted":          untrusted.URL,
		"no such host":       "http://no-such-host.invalid",
		"hang":               serveHTTP(t, hang).URL,
		"cut":                serveHTTP(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).URL,
	}
	for _, code := range []int{200, 301, 400, 401, 410, 429, 500} {
		targets[fmt.Sprint(code)] = serveHTTP(t, echo(code)).URL
	}
	for name, target := range targets {
		t.Run(name, func(t *testing.T) {
			address := strings.Replace(target, "://", "://user:"+pass+"@", 1) + "/services/" + token + "?sig=" + url.QueryEscape(query)
			w := newWebhook(t, address, func(o *WebhookOptions) {
				o.APIKey, o.Secrets, o.Timeout = key, []string{newSecret, oldSecret}, 2*time.Second
				if name == "hang" {
					o.Timeout = 100 * time.Millisecond
				}
			})
			var told []string
			ctx := WithTrace(t.Context(), func(step string) { told = append(told, step) })
			err := w.Send(ctx, notices(t)["one device"], nil)
			if (err == nil) != (name == "200") {
				t.Errorf("attempt ended in %v", err)
			}
			told = append(told, everyVerb(err), everyVerb(w), everyVerb(w.opts), w.Name())
			leaks(t, "webhook", strings.Join(told, "\n"), key, "api-key-31337", token, query, pass, newSecret,
				strings.TrimPrefix(oldSecret, "whsec_"))
		})
	}
}

func TestScrubber(t *testing.T) {
	s := newScrubber("", "abc", "abcdef", "p&ss w/rd")
	for text, want := range map[string]string{
		"nothing":                        "nothing",
		"abc, abcd and abcdef":           "[redacted], [redacted]d and [redacted]",
		"?k=p%26ss+w%2Frd p&ss%20w%2Frd": "?k=[redacted] [redacted]",
		"cCZzcyB3L3Jk":                   "[redacted]",
		"two\r\nlines\x00 \u202eab\tc":   "two lines ab c",
		strings.Repeat("x", 299) + "abc": strings.Repeat("x", maxExcerpt-3) + "…",
	} {
		if got := s.line(text); got != want {
			t.Errorf("%q becomes %q, not %q", text, got, want)
		}
	}
}
