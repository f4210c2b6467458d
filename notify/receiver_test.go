package notify

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// verified returns the body of a request, or an error if it is not genuine.
func verified(w http.ResponseWriter, r *http.Request, secret string) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	webhook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, err
	}
	return body, webhook.Verify(body, r.Header)
}

func guide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block returns the first code block of the guide in that language that holds a text.
func block(t *testing.T, language, with string) string {
	t.Helper()
	for _, part := range strings.Split(guide(t), "\n```"+language+"\n")[1:] {
		if code, _, _ := strings.Cut(part, "\n```"); strings.Contains(code, with) {
			return code
		}
	}
	t.Fatalf("the guide has no %s with %s", language, with)
	return ""
}

// The guide shows messages as they are.
func TestGuideShowsTheBodies(t *testing.T) {
	text := guide(t)
	for _, format := range []string{"json", "cloudevents", "slack", "teams"} {
		body, err := os.ReadFile(filepath.Join("testdata", "one_device."+format+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, "```json\n"+string(bytes.TrimSpace(body))+"\n```") {
			t.Errorf("docs/alerts.md has not the body of %s", format)
		}
	}
	mail, err := os.ReadFile(filepath.Join("testdata", "one_device.mail.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(string(mail), "X-Siem-Test: \n", "", 1); !strings.Contains(text, "```text\n"+strings.TrimSpace(want)+"\n```") {
		t.Error("docs/alerts.md has not the e-mail")
	}
}

// The receivers that the guide shows take what is signed, by either of two
// secrets, and nothing else.
func TestGuideVerifiesSignatures(t *testing.T) {
	const begin = "// verified returns"
	source, err := os.ReadFile("receiver_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(block(t, "go", begin), begin)
	if !strings.Contains(string(source), begin+shown+"\n") {
		t.Error("docs/alerts.md shows another receiver than the one tested here")
	}
	python := block(t, "python", "def verified")
	for _, c := range []struct {
		name, secret string
		spoil        func(http.Header, []byte)
		want         bool
	}{
		{"the new secret", newSecret, nil, true},
		{"the old secret", oldSecret, nil, true},
		{"another secret", "whsec_c2VjcmV0IG9mIHNvbWVib2R5IGVsc2U=", nil, false},
		{"another body", newSecret, func(_ http.Header, body []byte) { body[0] = '[' }, false},
		{"another id", newSecret, func(h http.Header, _ []byte) { h.Set("Webhook-Id", "x") }, false},
		{"another time", newSecret, func(h http.Header, _ []byte) { h.Set("Webhook-Timestamp", "1700000000") }, false},
		{"no time", newSecret, func(h http.Header, _ []byte) { h.Del("Webhook-Timestamp") }, false},
		{"no signature", newSecret, func(h http.Header, _ []byte) { h.Del("Webhook-Signature") }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if c.spoil != nil {
					c.spoil(r.Header, body)
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				if got, err := verified(w, r, c.secret); (err == nil) != c.want || err == nil && !bytes.Equal(got, body) {
					t.Errorf("the receiver in Go says %v", err)
				}
				verifyInPython(t, python, c.secret, r.Header, body, c.want)
			})
			w := newWebhook(t, server.URL, func(o *WebhookOptions) { o.Secrets = []string{newSecret, oldSecret} })
			if err := w.Send(t.Context(), notices(t)["one device"], nil); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// verifyInPython runs the guide's receiver in Python, where there is one.
func verifyInPython(t *testing.T, code, secret string, header http.Header, body []byte, want bool) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Log("no python3 here")
		return
	}
	lower := make(map[string]string)
	for key := range header {
		lower[strings.ToLower(key)] = header.Get(key)
	}
	input, _ := json.Marshal(map[string]any{"secret": secret, "headers": lower, "body": string(body)})
	code += "\n\nimport json, sys\ni = json.load(sys.stdin)\nprint(verified(i['secret'], i['headers'], i['body'].encode()))\n"
	command := exec.Command(python, "-c", code)
	command.Stdin = bytes.NewReader(input)
	answer, err := command.CombinedOutput()
	if got := strings.TrimSpace(string(answer)); err != nil || (got == "True") != want || got != "True" && got != "False" {
		t.Errorf("the receiver in Python says %s, %v", answer, err)
	}
}
