package main

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const mailPassword = "hunter2hunter2"

// receivers are a mail server and a webhook on this host, with one certificate.
type receivers struct {
	mailPort, caFile string
	hook             *httptest.Server
	status           int // of the webhook's answers

	mu     sync.Mutex
	mails  []string
	bodies []string
}

func newReceivers(t *testing.T) *receivers {
	t.Helper()
	r := &receivers{status: http.StatusNoContent}
	r.hook = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies = append(r.bodies, string(body))
		w.WriteHeader(r.status)
	}))
	r.hook.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.hook.StartTLS()
	t.Cleanup(r.hook.Close)
	r.caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.Block{Type: "CERTIFICATE", Bytes: r.hook.Certificate().Raw}
	if err := os.WriteFile(r.caFile, pem.EncodeToMemory(&block), 0o600); err != nil {
		t.Fatal(err)
	}
	r.serveMail(t)
	return r
}

func (r *receivers) serveMail(t *testing.T) {
	t.Helper()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{receivers: r}, nil }))
	server.Domain = "mail.test"
	server.TLSConfig = &tls.Config{Certificates: r.hook.TLS.Certificates}
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, r.mailPort, _ = net.SplitHostPort(listener.Addr().String())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		listener.Close() // Serve may not have come to know it yet
		running.Wait()
		_ = server.Close()
	})
}

type mailSession struct{ *receivers }

func (s *mailSession) AuthMechanisms() []string { return []string{"PLAIN"} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "siem" || password != mailPassword {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *mailSession) Reset()                               {}
func (s *mailSession) Logout() error                        { return nil }

func (s *mailSession) Data(r io.Reader) error {
	mail, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, string(mail))
	return err
}

// got returns the mails and the bodies of the requests so far.
func (r *receivers) got() (mails, bodies []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.mails), slices.Clone(r.bodies)
}

// byMail and byWebhook are lines of an [OUTPUT] that alert these receivers.
func (r *receivers) byMail(password string) string {
	return "smtp_host 127.0.0.1\nsmtp_port " + r.mailPort + "\nsmtp_username siem\nsmtp_password " + password +
		"\nsmtp_from siem@example.com\nsmtp_to a@example.com,b@example.com\nsmtp_ca_file " + r.caFile
}

func (r *receivers) byWebhook() string {
	return "webhook_url " + r.hook.URL + "/services/" + mailPassword + "\nwebhook_ca_file " + r.caFile
}

// configure writes a configuration with these outputs of siem_s3.
func configure(t *testing.T, outputs ...string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("[OUTPUT]\n    name stdout\n    match *\n")
	for _, output := range outputs {
		b.WriteString("[OUTPUT]\n    name SIEM_S3\n    match *\n    bucket acme-siem-logs\n")
		for line := range strings.Lines(output) {
			b.WriteString("    " + line)
		}
		b.WriteString("\n")
	}
	path := filepath.Join(t.TempDir(), "fluent-bit.conf")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// siemctl runs a command in this process.
func siemctl(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, streams{&out, &errs})
	if strings.Contains(out.String()+errs.String(), mailPassword) {
		t.Errorf("a secret shows in\n%s%s", out.String(), errs.String())
	}
	return code, out.String(), errs.String()
}

// unvaried takes out of a text what differs from run to run.
func unvaried(text, config string) string {
	text = strings.ReplaceAll(text, config, "fluent-bit.conf")
	for _, v := range []struct{ pattern, with string }{
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"},
		{`siem-test-[0-9a-f]{32}`, "siem-test-ID"},
		{`#[0-9a-f]{6}\b`, "#DIGEST"},
		{`Hello \S+`, "Hello HOST"},
		{`TLS_\w+, certificate valid until \d{4}-\d\d-\d\d`, "CIPHER, certificate valid until DATE"},
	} {
		text = regexp.MustCompile(v.pattern).ReplaceAllString(text, v.with)
	}
	return text
}

func TestNotifyTestShowsEachStep(t *testing.T) {
	r := newReceivers(t)
	config := configure(t, "notify off", "notify_events account,!logon\n"+r.byMail(mailPassword)+"\n"+r.byWebhook())
	code, stdout, stderr := siemctl(t, "notify", "test", "-c", config)
	const want = `fluent-bit.conf:4:1: siem_s3
  notify is off
fluent-bit.conf:9:1: siem_s3
  email
    message siem-test-ID
    connected to 127.0.0.1:PORT (127.0.0.1:PORT)
    greeted by Hello HOST
    TLS 1.3, CIPHER, certificate valid until DATE
    authenticated as siem by PLAIN
    accepted for a@example.com, b@example.com: 2.0.0 OK: queued
    delivered
  webhook https://127.0.0.1:PORT #DIGEST
    message siem-test-ID
    connected to 127.0.0.1:PORT
    TLS 1.3, CIPHER, certificate valid until DATE
    HTTP status 204 No Content
    delivered
`
	got := unvaried(stdout, config)
	mails, bodies := r.got()
	if code != 0 || got != want {
		t.Errorf("exit code %d\n%s%s\nwant\n%s", code, got, stderr, want)
	}
	if len(mails) != 1 || !strings.Contains(mails[0], "X-Siem-Test: true") || !strings.Contains(mails[0], "X-Siem-Log-Type: config") {
		t.Errorf("the mail server got %q", mails)
	}
	if len(bodies) != 1 || !strings.Contains(bodies[0], `"test":true`) {
		t.Errorf("the webhook got %q", bodies)
	}
	id := regexp.MustCompile(`siem-test-[0-9a-f]+`)
	if ids := id.FindAllString(stdout, -1); len(ids) != 2 || ids[0] == ids[1] ||
		!strings.Contains(strings.Join(mails, ""), ids[0]) || !strings.Contains(strings.Join(bodies, ""), ids[1]) {
		t.Errorf("the ids printed are %v", ids)
	}
}

func TestNotifyTestFailsIfAnyChannelDoes(t *testing.T) {
	r := newReceivers(t)
	r.status = http.StatusForbidden
	for name, test := range map[string]struct{ password, failed, delivered, summary string }{
		"the webhook": {mailPassword, "FAILED: webhook https://127.0.0.1:PORT #DIGEST: HTTP status 403 Forbidden", "    delivered\n", "1 of 2"},
		"both": {
			"wrong", "FAILED: send e-mail through 127.0.0.1:PORT: authenticate by PLAIN: 535 5.7.8 Authentication failed",
			"HTTP status 403 Forbidden\n", "2 of 2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := configure(t, "notify_events all\n"+r.byMail(test.password)+"\n"+r.byWebhook())
			code, stdout, stderr := siemctl(t, "notify", "test", "-c", config)
			got := unvaried(stdout, config)
			if code != 1 || !strings.Contains(got, test.failed) || !strings.Contains(got, test.delivered) ||
				!strings.Contains(stderr, test.summary+" test messages were not delivered") {
				t.Errorf("exit code %d\n%s%s", code, got, stderr)
			}
		})
	}
}

func TestNotifyTestTakesOneOutput(t *testing.T) {
	r := newReceivers(t)
	config := configure(t, "notify_events all\n"+r.byMail(mailPassword), "notify_events all\n"+r.byWebhook(), "notify off")
	code, stdout, stderr := siemctl(t, "notify", "test", "-c", config, "--output", "2")
	if mails, bodies := r.got(); code != 0 || len(mails) != 0 || len(bodies) != 1 {
		t.Errorf("exit code %d, %d mails, %d requests\n%s%s", code, len(mails), len(bodies), stdout, stderr)
	}
}

func TestNotifyTestExplainsWhatItCannotTest(t *testing.T) {
	off := configure(t, "notify off")
	for name, test := range map[string]struct {
		config, output string
		code           int
		want           string
	}{
		"notify is off":           {off, "0", 1, "notify is off: there is nothing to test"},
		"no such output":          {off, "2", 1, fmt.Sprintf("there is no output 2: %s has 1 with name siem_s3", off)},
		"output below zero":       {off, "-1", 1, "there is no output -1"},
		"no output of siem_s3":    {configure(t), "0", 1, "has no output with name siem_s3"},
		"no such file":            {"/nowhere/fluent-bit.conf", "0", 1, "no such file or directory"},
		"settings that can't be":  {configure(t, "notify_events all"), "0", 1, "fluent-bit.conf:4:1: smtp_host is not set"},
		"log types that can't be": {configure(t, "notify_events logn\nwebhook_url https://a/"), "0", 1, `did you mean "logon"?`},
		"an output in words":      {off, "two", 2, "--output"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := siemctl(t, "notify", "test", "-c", test.config, "--output="+test.output)
			if code != test.code || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, %s", code, stderr)
			}
		})
	}
}

func TestNotifyTestNeedsAConfiguration(t *testing.T) {
	if code, _, stderr := siemctl(t, "notify", "test"); code != 2 || !strings.Contains(stderr, "--config") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
