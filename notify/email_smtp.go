package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// finalFactor is how much longer than other steps the server's answer to a
// message may take. It checks the message then, and to leave too early makes a
// repeat of what it accepted (RFC 5321 section 4.5.3.2.6).
const finalFactor = 10

// A session is one connection to the mail server, ready for a transaction.
type session struct {
	*Email
	ctx    context.Context
	client *smtp.Client
	stop   func() bool // ends the watch over ctx
}

// connect opens a session: TCP, greeting, EHLO, TLS and AUTH.
func (m *Email) connect(ctx context.Context) (*session, error) {
	s := &session{Email: m, ctx: ctx}
	conn, err := s.dial()
	if err != nil {
		return nil, err
	}
	s.stop = context.AfterFunc(ctx, func() { conn.Close() })
	if err := s.start(conn); err != nil {
		s.stop()
		conn.Close()
		return nil, err
	}
	return s, nil
}

// dial connects, and shakes hands if TLS comes first.
func (s *session) dial() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.Timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, s.explain("connect", s.opts.Timeout, err)
	}
	s.trace("connected to %s (%s)", s.addr, conn.RemoteAddr())
	if s.opts.Security != ImplicitTLS {
		return conn, nil
	}
	secure := tls.Client(conn, s.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, s.explain("TLS handshake", s.opts.Timeout, err)
	}
	s.trace("%s", describeTLS(secure.ConnectionState()))
	return secure, nil
}

// start goes through what is said before the first transaction.
func (s *session) start(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(s.opts.Timeout)); err != nil {
		return s.explain("greeting", s.opts.Timeout, err)
	}
	client, err := smtp.NewClient(conn, s.opts.Host)
	if err != nil {
		return s.explain("greeting", s.opts.Timeout, err)
	}
	s.client = client
	if err := s.step("EHLO", func() error { return client.Hello(s.opts.Helo) }); err != nil {
		return err
	}
	s.trace("greeted by %s", client.HelloResponse())
	if s.opts.Security == STARTTLS {
		if err := s.startTLS(); err != nil {
			return err
		}
	}
	if s.opts.Username == "" {
		return nil
	}
	return s.authenticate()
}

func (s *session) startTLS() error {
	if offered, _ := s.client.Extension("STARTTLS"); !offered {
		return errors.New("the server does not offer STARTTLS, which is required")
	}
	if err := s.step("STARTTLS", func() error { return s.client.StartTLS(s.tls) }); err != nil {
		return err
	}
	if state, ok := s.client.TLSConnectionState(); ok {
		s.trace("%s", describeTLS(state))
	}
	return nil
}

func (s *session) authenticate() error {
	_, offered := s.client.Extension("AUTH")
	mechanism, err := s.mechanism(strings.Fields(strings.ToUpper(offered)))
	if err != nil {
		return err
	}
	if err := s.step("authenticate by "+string(mechanism), func() error { return s.client.Auth(s.auth(mechanism)) }); err != nil {
		return err
	}
	s.trace("authenticated as %s by %s", s.opts.Username, mechanism)
	return nil
}

// mechanism chooses one of those that the server offers.
func (m *Email) mechanism(offered []string) (Mechanism, error) {
	acceptable := []Mechanism{m.opts.Auth}
	if m.opts.Auth == AutoAuth {
		acceptable = []Mechanism{PlainAuth, LoginAuth, CRAMMD5}
		if m.opts.Security == NoSecurity {
			acceptable = []Mechanism{CRAMMD5}
		}
	}
	for _, mechanism := range acceptable {
		if slices.Contains(offered, string(mechanism)) {
			return mechanism, nil
		}
	}
	switch {
	case len(offered) == 0:
		return "", errors.New("the server offers no authentication")
	case m.opts.Auth == AutoAuth && m.opts.Security == NoSecurity:
		return "", fmt.Errorf("the server offers only %s, which would show the password: use TLS", strings.Join(offered, ", "))
	}
	return "", fmt.Errorf("the server offers only %s to authenticate", strings.Join(offered, ", "))
}

// auth returns the client's side of a mechanism. Whether it may go over a
// connection without TLS was decided by its choice.
func (m *Email) auth(mechanism Mechanism) smtp.Auth {
	switch mechanism {
	case PlainAuth:
		return smtp.PlainAuth("", m.opts.Username, m.opts.Password, m.opts.Host, true)
	case LoginAuth:
		return smtp.LoginAuth(m.opts.Username, m.opts.Password, m.opts.Host, true)
	}
	return smtp.CRAMMD5Auth(m.opts.Username, m.opts.Password)
}

// deliver makes one transaction and notes in out what became of each of to. It
// returns what ended the transaction before that was known.
func (s *session) deliver(message []byte, to []string, out *outcome) error {
	if err := s.step("MAIL FROM", func() error { return s.client.Mail(path(s.from.Address)) }); err != nil {
		return err
	}
	var accepted []string
	for _, address := range to {
		err := s.step("recipient "+address, func() error { return s.client.Rcpt(path(address)) })
		switch code := replyCode(err); {
		case err == nil:
			accepted = append(accepted, address)
		case code == 0:
			return err
		case refusedForGood(code):
			out.refuse(err, address)
		default:
			out.deferred++
			out.reasons = append(out.reasons, err)
		}
	}
	if len(accepted) == 0 {
		return nil
	}
	answer, err := s.data(message)
	if replyCode(err) >= 550 { // 552 too: here it speaks of the size
		out.refuse(err, accepted...)
		return nil
	}
	if err != nil {
		return err
	}
	out.settled = append(out.settled, accepted...)
	s.trace("accepted for %s: %s", strings.Join(accepted, ", "), answer)
	return nil
}

// refuse notes that addresses were refused for good.
func (o *outcome) refuse(reason error, addresses ...string) {
	o.refused = append(o.refused, addresses...)
	o.settled = append(o.settled, addresses...)
	o.reasons = append(o.reasons, reason)
}

// data sends the message and returns the server's answer to it.
func (s *session) data(message []byte) (answer string, err error) {
	var w io.WriteCloser
	err = s.step("DATA", func() (err error) {
		w, err = s.client.Data()
		return err
	})
	if err != nil {
		return "", err
	}
	err = s.step("send message", func() error {
		_, err := io.Copy(w, bytes.NewReader(message))
		return err
	})
	if err != nil {
		return "", err
	}
	err = s.stepWithin("message", finalFactor*s.opts.Timeout, w.Close)
	if data, ok := w.(*smtp.DataCloser); ok {
		answer = data.ServerResponse()
	}
	return answer, err
}

// close ends the session politely, but does not insist: what matters was
// answered before.
func (s *session) close() {
	_ = s.step("QUIT", s.client.Quit)
	_ = s.client.Close()
	s.stop()
}

func (s *session) step(name string, run func() error) error {
	return s.stepWithin(name, s.opts.Timeout, run)
}

// stepWithin runs a step of the dialogue, all of which must be over in time.
func (s *session) stepWithin(name string, limit time.Duration, run func() error) error {
	err := s.client.UpdateDeadline(limit)
	if err == nil {
		err = run()
	}
	return s.explain(name, limit, err)
}

// explain says in which step err came up, and what it means if the error itself
// speaks of sockets.
func (s *session) explain(step string, limit time.Duration, err error) error {
	var timeout net.Error
	var answer *textproto.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answer):
		return fmt.Errorf("%s: %w", step, (*reply)(answer))
	case s.ctx.Err() != nil:
		return fmt.Errorf("%s: interrupted: %w", step, context.Cause(s.ctx))
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%s: no answer within %s", step, limit)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the server closed the connection", step)
	}
	return fmt.Errorf("%s: %w", step, withoutSockets(err))
}

func (s *session) trace(format string, args ...any) {
	trace(s.ctx, s.scrub.line(fmt.Sprintf(format, args...)))
}

// path writes an address as SMTP commands have it, its local part quoted where
// it must be.
func path(address string) string { return (&mail.Address{Address: address}).String() }

// A reply is a server's answer that is no success. Unlike textproto's, its text
// is not quoted: a secret in it could not be found with its quotes escaped.
type reply textproto.Error

func (r *reply) Error() string { return fmt.Sprintf("%d %s", r.Code, r.Msg) }

// replyCode returns the code of the reply that err is, 0 if it is none.
func replyCode(err error) int {
	var r *reply
	if errors.As(err, &r) {
		return r.Code
	}
	return 0
}

// refusedForGood tells replies to a recipient that another attempt cannot
// change: those about a mailbox (RFC 5321 section 4.2.3), but for 552, which
// used to mean too many recipients (section 4.5.3.1.10). Other 5xx, such as
// "authentication required", are about a setting or the dialogue.
func refusedForGood(code int) bool { return code >= 550 && code != 552 }
