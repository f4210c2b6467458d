// Package receiver has the receivers of alerts, in this process: a mail server and
// a web server that keep what they get. It does not import testing, so that
// programs may use it.
package receiver

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"sync"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// MailOptions say what a mail server asks of its clients.
type MailOptions struct {
	Addr string // host:port; any free port of the loopback if empty
	// Certificate is for STARTTLS, which is not offered without it.
	Certificate *tls.Certificate
	// User and Password have to be given by AUTH PLAIN, if set.
	User, Password string
}

// A Mail is an SMTP server.
type Mail struct {
	Host, Port string
	inbox[Message]

	options MailOptions
	server  *smtp.Server
	done    chan struct{}

	answerMu sync.Mutex
	answer   func() error
}

// ServeMail starts a mail server.
func ServeMail(o MailOptions) (*Mail, error) {
	listener, err := net.Listen("tcp", cmp.Or(o.Addr, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("start the mail server: %w", err)
	}
	addr := listener.Addr().(*net.TCPAddr)
	m := &Mail{Host: addr.IP.String(), Port: strconv.Itoa(addr.Port), options: o, done: make(chan struct{})}
	m.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{mail: m, conn: c, known: o.User == ""}, nil
	}))
	m.server.Domain = "localhost"
	m.server.ErrorLog = log.New(io.Discard, "", 0)
	if o.Certificate != nil {
		m.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*o.Certificate}, MinVersion: tls.VersionTLS12}
	}
	go func() {
		defer close(m.done)
		_ = m.server.Serve(listener) // ends when the listener does
	}()
	// Close may come before Serve knows the listener.
	m.closer = func() {
		listener.Close()
		<-m.done
		_ = m.server.Close()
	}
	return m, nil
}

// Answer sets what decides on messages, which are kept before that: nil accepts
// all, and an error is a refusal.
func (m *Mail) Answer(f func() error) {
	m.answerMu.Lock()
	defer m.answerMu.Unlock()
	m.answer = f
}

type mailSession struct {
	mail  *Mail
	conn  *smtp.Conn
	known bool
	to    []string
}

// AuthMechanisms is what EHLO offers. Without TLS no password is asked for.
func (s *mailSession) AuthMechanisms() []string {
	if _, secure := s.conn.TLSConnectionState(); s.mail.options.User == "" || !secure {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth begins an authentication.
func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.mail.options.User || password != s.mail.options.Password {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

// Mail begins a transaction.
func (s *mailSession) Mail(string, *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	return nil
}

// Rcpt adds a recipient.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data takes the message.
func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := readMessage(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	m.To = s.to
	s.mail.answerMu.Lock()
	answer := s.mail.answer
	s.mail.answerMu.Unlock()
	s.mail.add(m)
	if answer == nil {
		return nil
	}
	return answer()
}

// Reset ends a transaction.
func (s *mailSession) Reset() { s.to = nil }

// Logout ends the session.
func (s *mailSession) Logout() error { return nil }

// inbox is what a server got so far.
type inbox[T any] struct {
	mu     sync.Mutex
	got    []T
	grown  chan struct{} // closed when got grows
	closer func()
}

func (i *inbox[T]) add(v T) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, v)
	if i.grown != nil {
		close(i.grown)
		i.grown = nil
	}
}

// All returns what has come so far, in order.
func (i *inbox[T]) All() []T {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]T(nil), i.got...)
}

// Wait returns all that has come as soon as that is enough, and with the error of
// ctx when it is done before.
func (i *inbox[T]) Wait(ctx context.Context, enough func([]T) bool) ([]T, error) {
	for {
		i.mu.Lock()
		if i.grown == nil {
			i.grown = make(chan struct{})
		}
		got, grown := append([]T(nil), i.got...), i.grown
		i.mu.Unlock()
		if enough(got) {
			return got, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return got, context.Cause(ctx)
		}
	}
}

// Close ends the server and its connections.
func (i *inbox[T]) Close() { i.closer() }
