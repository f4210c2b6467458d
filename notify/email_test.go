package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// emailTo makes a channel to a server on this host.
func emailTo(t testing.TB, port int, change func(*EmailOptions)) *Email {
	t.Helper()
	return newEmail(t, func(o *EmailOptions) {
		o.Port = port
		if change != nil {
			change(o)
		}
	})
}

func plaintext(o *EmailOptions) { o.Security = NoSecurity }

// failure is the SendError that an attempt must end in.
func failure(t testing.TB, err error) *SendError {
	t.Helper()
	var failed *SendError
	if !errors.As(err, &failed) {
		t.Fatalf("attempt ended in %v", err)
	}
	return failed
}

func TestEmailIsAccepted(t *testing.T) {
	ca := newCA(t)
	certificate := ca.valid(t)
	for _, c := range []struct {
		name     string
		security Security
		auth     Mechanism
		offered  []string
		steps    []string // beginnings of what is reported
	}{
		{
			"starttls, plain", STARTTLS, AutoAuth,
			[]string{"CRAM-MD5", "LOGIN", "PLAIN"},
			[]string{"connected to localhost:", "greeted by ", "TLS 1.3, ", "authenticated as siem-user by PLAIN", "accepted for alice@company.com, bob@company.com: "},
		},
		{"starttls, login", STARTTLS, AutoAuth, []string{"CRAM-MD5", "LOGIN"}, nil},
		{"starttls, cram-md5 by name", STARTTLS, CRAMMD5, []string{"CRAM-MD5", "LOGIN", "PLAIN"}, nil},
		{
			"implicit TLS, plain", ImplicitTLS, AutoAuth,
			[]string{"PLAIN"},
			[]string{"connected to localhost:", "TLS 1.3, ", "greeted by ", "authenticated as siem-user by PLAIN", "accepted for "},
		},
		{"implicit TLS, no auth", ImplicitTLS, "", nil, nil},
		{"none, no auth", NoSecurity, "", nil, []string{"connected to ", "greeted by ", "accepted for "}},
		{"none, cram-md5 before plain", NoSecurity, AutoAuth, []string{"PLAIN", "CRAM-MD5"}, []string{"connected", "greeted", "authenticated as siem-user by CRAM-MD5", "accepted"}},
		{"none, plain by name", NoSecurity, PlainAuth, []string{"PLAIN"}, nil},
		{"none, login by name", NoSecurity, LoginAuth, []string{"LOGIN"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			pair := &certificate
			if c.security == NoSecurity {
				pair = nil
			}
			server := serveMail(t, pair, c.security == ImplicitTLS, c.offered...)
			m := emailTo(t, server.port, func(o *EmailOptions) {
				o.Security, o.Auth, o.CAFile = c.security, c.auth, ca.file
				if c.auth != "" {
					o.Username, o.Password = testUser, testPassword
				}
			})
			var steps []string
			ctx := WithTrace(t.Context(), func(step string) { steps = append(steps, step) })
			n := notices(t)["one device"]
			if err := m.Send(ctx, n, nil); err != nil {
				t.Fatal(err)
			}
			got := server.messages()
			if len(got) != 1 || !slices.Equal(got[0].to, []string{"alice@company.com", "bob@company.com"}) {
				t.Fatalf("server has %v", got)
			}
			header, parts := readEmail(t, []byte(got[0].raw))
			if header.Get("Message-Id") != "<"+n.ID+"@company.com>" || !strings.Contains(parts["text/html"], "LTES0042") {
				t.Errorf("message is %s", got[0].raw)
			}
			for i, want := range c.steps {
				if len(steps) != len(c.steps) || !strings.HasPrefix(steps[i], want) {
					t.Fatalf("steps are\n%s", strings.Join(steps, "\n"))
				}
			}
		})
	}
}

func TestEmailDoesNotStart(t *testing.T) {
	ca, stranger := newCA(t), newCA(t)
	valid, unknown := ca.valid(t), stranger.valid(t)
	expired := ca.leaf(t, time.Now().Add(-time.Hour))
	for _, c := range []struct {
		name        string
		certificate *tls.Certificate
		implicit    bool
		offered     []string
		change      func(*EmailOptions)
		want        string
	}{
		{"bad password by PLAIN", &valid, false, []string{"PLAIN"}, func(o *EmailOptions) { o.Password = "wrong" }, "authenticate by PLAIN: 535"},
		{"bad password by LOGIN", &valid, false, []string{"LOGIN"}, func(o *EmailOptions) { o.Password = "wrong" }, "authenticate by LOGIN: 535"},
		{"bad password by CRAM-MD5", &valid, false, []string{"CRAM-MD5"}, func(o *EmailOptions) { o.Password = "wrong" }, "authenticate by CRAM-MD5: 535"},
		{"no password", &valid, false, []string{"PLAIN"}, func(o *EmailOptions) { o.Username, o.Password = "", "" }, "MAIL FROM: 502"},
		{"no STARTTLS", nil, false, []string{"PLAIN"}, nil, "does not offer STARTTLS"},
		{"expired certificate", &expired, false, nil, nil, "certificate has expired"},
		{"expired certificate, implicit TLS", &expired, true, nil, func(o *EmailOptions) { o.Security = ImplicitTLS }, "certificate has expired"},
		{"unknown CA", &unknown, false, nil, nil, "certificate signed by unknown authority"},
		{"unknown CA, implicit TLS", &unknown, true, nil, func(o *EmailOptions) { o.Security = ImplicitTLS }, "certificate signed by unknown authority"},
		{"TLS to a plain server", nil, false, nil, func(o *EmailOptions) { o.Security = ImplicitTLS }, "TLS handshake: "},
		{"no AUTH", &valid, false, nil, nil, "offers no authentication"},
		{"other mechanism", &valid, false, []string{"LOGIN"}, func(o *EmailOptions) { o.Auth = PlainAuth }, "offers only LOGIN"},
		{"password would go in clear", nil, false, []string{"PLAIN", "LOGIN"}, plaintext, "would show the password"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serveMail(t, c.certificate, c.implicit, c.offered...)
			m := emailTo(t, server.port, func(o *EmailOptions) {
				o.CAFile, o.Username, o.Password = ca.file, testUser, testPassword
				if c.change != nil {
					c.change(o)
				}
			})
			failed := failure(t, m.Send(t.Context(), notices(t)["one device"], nil))
			if !strings.Contains(failed.Error(), c.want) {
				t.Errorf("error is %q", failed)
			}
			if failed.Permanent || len(failed.Settled) > 0 {
				t.Errorf("an attempt that can be mended is %+v", failed)
			}
			if got := server.messages(); len(got) > 0 {
				t.Errorf("server has %v", got)
			}
		})
	}
}

func TestEmailWithoutServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	failed := failure(t, emailTo(t, port, nil).Send(t.Context(), notices(t)["one device"], nil))
	if failed.Permanent || !strings.Contains(failed.Error(), "connection refused") {
		t.Errorf("error is %+v", failed)
	}
}

const (
	alice = "alice@company.com"
	bob   = "bob@company.com"
)

func TestEmailRefusals(t *testing.T) {
	for _, c := range []struct {
		name      string
		refuse    map[string]int
		accepted  []string
		settled   []string
		refused   []string
		permanent bool
	}{
		{"one for good", map[string]int{alice: 550}, []string{bob}, []string{alice, bob}, []string{alice}, true},
		{"one for now", map[string]int{alice: 451}, []string{bob}, []string{bob}, nil, false},
		{"one for good, one for now", map[string]int{alice: 553, bob: 450}, nil, []string{alice}, []string{alice}, false},
		{"all for good", map[string]int{alice: 550, bob: 554}, nil, []string{alice, bob}, []string{alice, bob}, true},
		{"all for now", map[string]int{alice: 450, bob: 421}, nil, nil, nil, false},
		{"too many recipients", map[string]int{bob: 552}, []string{alice}, []string{alice}, nil, false},
		{"authentication required", map[string]int{alice: 530, bob: 530}, nil, nil, nil, false},
		{"the sender for good", map[string]int{"from": 550}, nil, nil, nil, false},
		{"the sender for now", map[string]int{"from": 451}, nil, nil, nil, false},
		{"the message for good", map[string]int{"data": 554}, nil, []string{alice, bob}, []string{alice, bob}, true},
		{"the message as too big", map[string]int{"data": 552}, nil, []string{alice, bob}, []string{alice, bob}, true},
		{"the message for now", map[string]int{"data": 451}, nil, nil, nil, false},
		{"one for good, the message for now", map[string]int{alice: 550, "data": 451}, nil, []string{alice}, []string{alice}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serveMail(t, nil, false)
			for what, code := range c.refuse {
				server.refuses(what, code)
			}
			m := emailTo(t, server.port, plaintext)
			failed := failure(t, m.Send(t.Context(), notices(t)["one device"], nil))
			if failed.Permanent != c.permanent || failed.Disable ||
				!sameSet(failed.Settled, c.settled) || !sameSet(failed.Refused, c.refused) {
				t.Errorf("error is %+v", failed)
			}
			var accepted []string
			for _, message := range server.messages() {
				accepted = append(accepted, message.to...)
			}
			if !sameSet(accepted, c.accepted) {
				t.Errorf("accepted for %v", accepted)
			}
		})
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// Attempt after attempt, each recipient gets the message once, with one id.
func TestEmailResendsOnlyToTheRest(t *testing.T) {
	server := serveMail(t, nil, false)
	server.refuses(alice, 451)
	m := emailTo(t, server.port, func(o *EmailOptions) {
		plaintext(o)
		o.To = append(o.To, "carol@company.com")
	})
	n := notices(t)["one device"]
	server.refuses("carol@company.com", 550)
	first := failure(t, m.Send(t.Context(), n, nil))

	server.refuses("from", 450)
	second := failure(t, m.Send(t.Context(), n, first.Settled))
	if !sameSet(second.Settled, first.Settled) || len(second.Refused) > 0 {
		t.Errorf("a failed attempt changes what is settled: %+v", second)
	}

	server.refuses("from", 0)
	server.refuses(alice, 0)
	if err := m.Send(t.Context(), n, second.Settled); err != nil {
		t.Fatal(err)
	}
	got := server.messages()
	if len(got) != 2 || !slices.Equal(got[0].to, []string{bob}) || !slices.Equal(got[1].to, []string{alice}) {
		t.Fatalf("server has %v", got)
	}
	for _, message := range got {
		header, _ := readEmail(t, []byte(message.raw))
		if header.Get("Message-Id") != "<"+n.ID+"@company.com>" {
			t.Errorf("id is %s", header.Get("Message-Id"))
		}
	}
}

func TestEmailWithNobodyLeftSendsNothing(t *testing.T) {
	server := serveMail(t, nil, false)
	m := emailTo(t, server.port, plaintext)
	if err := m.Send(t.Context(), notices(t)["one device"], []string{alice, bob}); err != nil {
		t.Fatal(err)
	}
	if got := server.messages(); len(got) > 0 {
		t.Errorf("server has %v", got)
	}
}

// steps are where a server can fall silent or break off, and with which
// security the client comes there.
var steps = []struct {
	at, want string
	security Security
}{
	{"greeting", "greeting", NoSecurity},
	{"greeting", "TLS handshake", ImplicitTLS},
	{"EHLO", "EHLO", NoSecurity},
	{"STARTTLS", "STARTTLS", STARTTLS},
	{"handshake", "STARTTLS", STARTTLS},
	{"AUTH", "authenticate by PLAIN", NoSecurity},
	{"MAIL", "MAIL FROM", NoSecurity},
	{"RCPT", "recipient alice@company.com", NoSecurity},
	{"RCPT TO:<bob", "recipient bob@company.com", NoSecurity},
	{"DATA", "DATA", NoSecurity},
	{".", "message", NoSecurity},
}

func emailToScript(t *testing.T, port int, security Security, timeout time.Duration) *Email {
	return emailTo(t, port, func(o *EmailOptions) {
		o.Security, o.Auth, o.Timeout = security, PlainAuth, timeout
		o.Username, o.Password = testUser, testPassword
	})
}

func TestEmailServerFallsSilent(t *testing.T) {
	for _, step := range steps {
		t.Run(string(step.security)+"/"+step.at, func(t *testing.T) {
			t.Parallel()
			m := emailToScript(t, serveScript(t, step.at, false, nil), step.security, 250*time.Millisecond)
			failed := failure(t, m.Send(t.Context(), notices(t)["one device"], nil))
			if !strings.Contains(failed.Error(), step.want+": no answer within") {
				t.Errorf("error is %q", failed)
			}
			if failed.Permanent || len(failed.Settled) > 0 {
				t.Errorf("error is %+v", failed)
			}
		})
	}
}

func TestEmailServerBreaksOff(t *testing.T) {
	for _, step := range steps {
		t.Run(string(step.security)+"/"+step.at, func(t *testing.T) {
			m := emailToScript(t, serveScript(t, step.at, true, nil), step.security, time.Minute)
			failed := failure(t, m.Send(t.Context(), notices(t)["one device"], nil))
			if !strings.Contains(failed.Error(), step.want+": ") {
				t.Errorf("error is %q", failed)
			}
			if failed.Permanent || len(failed.Settled) > 0 {
				t.Errorf("error is %+v", failed)
			}
		})
	}
}

// The end of the dialogue changes nothing about what was accepted.
func TestEmailServerBreaksOffAtQuit(t *testing.T) {
	m := emailToScript(t, serveScript(t, "QUIT", true, nil), NoSecurity, time.Minute)
	if err := m.Send(t.Context(), notices(t)["one device"], nil); err != nil {
		t.Error(err)
	}
}

func TestEmailIsInterrupted(t *testing.T) {
	for _, step := range steps {
		t.Run(string(step.security)+"/"+step.at, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			m := emailToScript(t, serveScript(t, step.at, false, nil), step.security, time.Hour)
			// The server is silent forever: Send only comes back if it heeds ctx.
			ctx = WithTrace(ctx, func(string) { time.AfterFunc(10*time.Millisecond, cancel) })
			failed := failure(t, m.Send(ctx, notices(t)["one device"], nil))
			if !strings.Contains(failed.Error(), "interrupted") || failed.Permanent {
				t.Errorf("error is %+v", failed)
			}
		})
	}
}

func TestEmailOptions(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "not.pem")
	if err := os.WriteFile(notPEM, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*EmailOptions)
		want   string
	}{
		{"no host", func(o *EmailOptions) { o.Host = "" }, "mail server"},
		{"host with a line break", func(o *EmailOptions) { o.Host = "a\r\nb" }, "mail server"},
		{"host with a port", func(o *EmailOptions) { o.Host = "mail/x" }, "mail server"},
		{"port too large", func(o *EmailOptions) { o.Port = 65536 }, "port 65536"},
		{"unknown security", func(o *EmailOptions) { o.Security = "ssl" }, `security "ssl"`},
		{"user without password", func(o *EmailOptions) { o.Username = "u" }, "needs its password"},
		{"password without user", func(o *EmailOptions) { o.Password = "p" }, "needs its user name"},
		{"NUL in password", func(o *EmailOptions) { o.Username, o.Password = "u", "a\x00b" }, "NUL"},
		{"unknown mechanism", func(o *EmailOptions) { o.Username, o.Password, o.Auth = "u", "p", "XOAUTH2" }, `mechanism "XOAUTH2"`},
		{"no sender", func(o *EmailOptions) { o.From = "" }, "sender"},
		{"sender with a line break", func(o *EmailOptions) { o.From = "a@b.c\r\nBcc: x@y.z" }, "sender"},
		{"sender with a control character", func(o *EmailOptions) { o.From = "\"a\tb\" <\"x\ty\"@b.c>" }, "sender"},
		{"no recipient", func(o *EmailOptions) { o.To = nil }, "no recipient"},
		{"malformed recipient", func(o *EmailOptions) { o.To = append(o.To, "carol") }, `recipient: address "carol"`},
		{"two recipients in one", func(o *EmailOptions) { o.To = []string{"a@b.c, d@e.f"} }, "recipient"},
		{"no CA file", func(o *EmailOptions) { o.CAFile = "/nowhere/ca.pem" }, "read CA file"},
		{"CA file without certificates", func(o *EmailOptions) { o.CAFile = notPEM }, "no PEM certificate"},
		{"no HELO name", func(o *EmailOptions) { o.Helo = "" }, "HELO"},
		{"no timeout", func(o *EmailOptions) { o.Timeout = 0 }, "timeout"},
		{"unknown format", func(o *EmailOptions) { o.Format = "xml" }, `format "xml"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newEmail(t, nil).opts
			c.change(&o)
			m, err := NewEmail(o)
			if m != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v", err)
			}
			wantOptionErrors(t, err, o)
		})
	}
}

// wantOptionErrors wants each part of err to name a field of options.
func wantOptionErrors(t *testing.T, err error, options any) {
	t.Helper()
	joined, _ := err.(interface{ Unwrap() []error })
	if joined == nil || len(joined.Unwrap()) == 0 {
		t.Fatalf("error joins nothing: %v", err)
	}
	for _, part := range joined.Unwrap() {
		var option *OptionError
		if !errors.As(part, &option) || !reflect.ValueOf(options).FieldByName(option.Option).IsValid() {
			t.Errorf("error names no option: %v", part)
		}
	}
}

func TestEmailOptionsReportEveryProblem(t *testing.T) {
	_, err := NewEmail(EmailOptions{})
	for _, want := range []string{"mail server", "security", "sender", "recipient", "HELO", "timeout", "format"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about the %s in:\n%v", want, err)
		}
	}
}

func TestEmailUsualPorts(t *testing.T) {
	for security, want := range map[Security]string{STARTTLS: "localhost:587", ImplicitTLS: "localhost:465", NoSecurity: "localhost:25"} {
		if got := newEmail(t, func(o *EmailOptions) { o.Security = security }).addr; got != want {
			t.Errorf("%s goes to %s", security, got)
		}
	}
}

// A local part that must be quoted cannot add a parameter to a command.
func TestEmailQuotesLocalParts(t *testing.T) {
	if got := path(`a> SIZE=1 <b@c.d`); got != `<"a> SIZE=1 <b"@c.d>` {
		t.Errorf("path is %s", got)
	}
}
