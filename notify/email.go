package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Security is how the connection to a mail server is protected.
type Security string

// The securities that there are.
const (
	STARTTLS    Security = "starttls" // a plain connection that must turn to TLS
	ImplicitTLS Security = "tls"      // TLS from the first byte
	NoSecurity  Security = "none"
)

// Mechanism is how to authenticate to a mail server.
type Mechanism string

// The mechanisms that there are. AutoAuth is the first that the server offers
// of PLAIN, LOGIN and CRAM-MD5; without TLS it is CRAM-MD5 alone, which does
// not show the password. PLAIN and LOGIN without TLS must be asked for by name.
const (
	AutoAuth  Mechanism = "auto"
	PlainAuth Mechanism = "PLAIN"
	LoginAuth Mechanism = "LOGIN"
	CRAMMD5   Mechanism = "CRAM-MD5"
)

// MailFormat is how the body of an e-mail is written.
type MailFormat string

// The formats that there are.
const (
	MailHTML MailFormat = "html" // HTML and plain text, as alternatives
	MailJSON MailFormat = "json" // the body of the webhook format json, indented, as text
)

// EmailOptions say how e-mails are sent and to whom.
type EmailOptions struct {
	Host     string
	Port     int // 0 for the usual port: 587, with ImplicitTLS 465, with NoSecurity 25
	Security Security
	// Username and Password are both empty for a server without AUTH.
	Username string
	Password string    `json:"-"`
	Auth     Mechanism // only looked at if there is a Username
	// From and To are addresses as in RFC 5322, with or without a name:
	// "SIEM <siem@company.com>".
	From string
	To   []string
	// CAFile holds the only certificates to trust, in PEM; empty for the system's.
	CAFile string
	// Helo is the name that the client gives in EHLO: this host's.
	Helo string
	// Timeout is for each step by itself: connecting, TLS, every command
	// and sending the message. The answer to the message may take finalFactor
	// times as long.
	Timeout time.Duration
	Format  MailFormat
}

// String hides the password.
func (o EmailOptions) String() string { return "e-mail through " + o.Host }

// GoString hides the password.
func (o EmailOptions) GoString() string { return o.String() }

// An Email is the channel to the recipients of EmailOptions.
type Email struct {
	opts  EmailOptions
	addr  string // host:port
	from  *mail.Address
	to    []*mail.Address
	tls   *tls.Config
	scrub scrubber
}

var _ Channel = (*Email)(nil)

// NewEmail checks the options, all of them, and makes a channel of them. It
// does not connect. The error joins an [*OptionError] for each problem.
func NewEmail(o EmailOptions) (*Email, error) {
	problems := o.problems()
	m := &Email{
		opts:  o,
		addr:  net.JoinHostPort(o.Host, strconv.Itoa(o.port())),
		scrub: newScrubber(o.Password, "\x00"+o.Username+"\x00"+o.Password),
	}
	var err error
	if m.from, err = parseAddress(o.From); err != nil {
		problems = append(problems, &OptionError{"From", fmt.Errorf("sender: %w", err)})
	}
	for _, to := range o.To {
		address, err := parseAddress(to)
		if err != nil {
			problems = append(problems, &OptionError{"To", fmt.Errorf("recipient: %w", err)})
			continue
		}
		same := func(a *mail.Address) bool { return a.Address == address.Address }
		if !slices.ContainsFunc(m.to, same) {
			m.to = append(m.to, address)
		}
	}
	if m.tls, err = tlsConfig(o.CAFile, "", ""); err != nil {
		problems = append(problems, err)
	} else {
		m.tls.ServerName = o.Host
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return m, nil
}

// problems checks what needs no parsing.
func (o *EmailOptions) problems() (problems []error) {
	check := func(option string, ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, &OptionError{option, fmt.Errorf(format, args...)})
		}
	}
	check("Host", o.Host != "" && !strings.ContainsFunc(o.Host, notInHost), "mail server %q is not a host name", o.Host)
	check("Port", o.Port >= 0 && o.Port <= 65535, "port %d is not between 1 and 65535", o.Port)
	check("Security", slices.Contains([]Security{STARTTLS, ImplicitTLS, NoSecurity}, o.Security),
		"security %q is not one of starttls, tls and none", o.Security)
	check("Password", o.Username == "" || o.Password != "", "a user name needs its password")
	check("Username", o.Password == "" || o.Username != "", "a password needs its user name")
	check("Username", !strings.ContainsRune(o.Username, 0), "user name contains a NUL character")
	check("Password", !strings.ContainsRune(o.Password, 0), "password contains a NUL character")
	check("Auth", o.Username == "" || slices.Contains([]Mechanism{AutoAuth, PlainAuth, LoginAuth, CRAMMD5}, o.Auth),
		"authentication mechanism %q is not one of auto, PLAIN, LOGIN and CRAM-MD5", o.Auth)
	check("To", len(o.To) > 0, "no recipient is given")
	check("Helo", o.Helo != "" && !strings.ContainsFunc(o.Helo, notInHost), "HELO name %q is not a host name", o.Helo)
	check("Timeout", o.Timeout > 0, "timeout %s is not positive", o.Timeout)
	check("Format", o.Format == MailHTML || o.Format == MailJSON, "format %q is not one of html and json", o.Format)
	return problems
}

// notInHost finds what neither a name nor an address (RFC 5321 section 4.1.3)
// of a host has.
func notInHost(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("@/\\<>\"", r) }

func (o *EmailOptions) port() int {
	switch {
	case o.Port != 0:
		return o.Port
	case o.Security == ImplicitTLS:
		return 465
	case o.Security == NoSecurity:
		return 25
	}
	return 587
}

// parseAddress reads an address that SMTP can carry. Control characters, which
// a quoted local part may hold by RFC 5322, have no place in a command.
func parseAddress(text string) (*mail.Address, error) {
	address, err := mail.ParseAddress(text)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", text, err)
	}
	if oneLine(address.Address) != address.Address {
		return nil, fmt.Errorf("address %q has a control character", text)
	}
	address.Name = oneLine(address.Name)
	return address, nil
}

// Name returns "email": there is one such channel, and notices that wait for
// it are still good when its server is changed.
func (m *Email) Name() string { return "email" }

// String hides the password.
func (m *Email) String() string { return m.opts.String() }

// GoString hides the password.
func (m *Email) GoString() string { return m.opts.String() }

// Send makes one attempt in one SMTP transaction for all recipients that are
// not in settled. Recipients that the server refuses do not stop the others:
// those refused for good (550 and up) are given up, those refused for now stay
// unsettled. What goes wrong before the first recipient is named, a bad
// password too, is worth another attempt: someone can set it right while the
// notice waits.
func (m *Email) Send(ctx context.Context, n *Notice, settled []string) error {
	out := outcome{settled: slices.Clone(settled)}
	to := m.unsettled(settled)
	if len(to) == 0 {
		return nil
	}
	message, err := m.compose(n)
	if err != nil {
		return &SendError{text: err.Error(), Permanent: true, Settled: out.settled}
	}
	s, err := m.connect(ctx)
	if err != nil {
		return m.fail(&out, err)
	}
	defer s.close()
	return m.fail(&out, s.deliver(message, to, &out))
}

func (m *Email) unsettled(settled []string) (to []string) {
	for _, address := range m.to {
		if !slices.Contains(settled, address.Address) {
			to = append(to, address.Address)
		}
	}
	return to
}

// An outcome is what became of the recipients in an attempt.
type outcome struct {
	settled  []string // accepted or refused for good, in earlier attempts too
	refused  []string // refused for good
	deferred int      // refused for now
	reasons  []error  // of every refusal
}

// fail makes a SendError of an attempt's outcome, nil if nothing went wrong.
// err is what ended the attempt early.
func (m *Email) fail(out *outcome, err error) error {
	reasons := out.reasons
	if err != nil {
		reasons = append(reasons, err)
	}
	if len(reasons) == 0 {
		return nil
	}
	var texts []string
	for _, r := range reasons {
		texts = append(texts, m.scrub.line(r.Error()))
	}
	return &SendError{
		text:      "send e-mail through " + m.addr + ": " + strings.Join(texts, "; "),
		Permanent: err == nil && out.deferred == 0,
		Settled:   out.settled,
		Refused:   out.refused,
	}
}
