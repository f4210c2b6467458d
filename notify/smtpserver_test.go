package notify

import (
	"bufio"
	"crypto/hmac"
	"crypto/md5"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const (
	testUser     = "siem-user"
	testPassword = `pässword "31337\`
)

// A mailServer is a real SMTP server in this process that keeps what it
// accepts and refuses what it is told to.
type mailServer struct {
	port       int
	mechanisms []string // none: no AUTH, and all may send

	mu       sync.Mutex
	refuse   map[string]*smtp.SMTPError // by recipient, "from" or "data"
	received []received
}

type received struct {
	to  []string
	raw string
}

// serveMail starts a server; setUp sets it up before.
func serveMail(t *testing.T, certificate *tls.Certificate, implicit bool, mechanisms ...string) *mailServer {
	t.Helper()
	s := &mailServer{mechanisms: mechanisms, refuse: make(map[string]*smtp.SMTPError)}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{mailServer: s}, nil }))
	server.Domain = "localhost"
	server.AllowInsecureAuth = true
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = listener.Addr().(*net.TCPAddr).Port
	if certificate != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}}
		if implicit {
			listener = tls.NewListener(listener, server.TLSConfig)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		listener.Close() // Serve may not have come to know it yet
		<-done
		_ = server.Close()
	})
	return s
}

// refuses makes the server answer so to a recipient, to "from" or to "data"; a
// code of 0 ends that.
func (s *mailServer) refuses(what string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse[what] = nil
	if code != 0 {
		s.refuse[what] = &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: "refused in a test"}
	}
}

func (s *mailServer) answer(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.refuse[what]; e != nil {
		return e
	}
	return nil
}

// messages returns what was accepted so far.
func (s *mailServer) messages() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

type mailSession struct {
	*mailServer
	authenticated bool
	to            []string
}

func (s *mailSession) AuthMechanisms() []string { return s.mechanisms }

func (s *mailSession) Auth(mechanism string) (sasl.Server, error) {
	check := func(ok bool) error {
		if !ok {
			return smtp.ErrAuthFailed
		}
		s.authenticated = true
		return nil
	}
	switch mechanism {
	case "PLAIN":
		return sasl.NewPlainServer(func(_, user, password string) error {
			return check(user == testUser && password == testPassword)
		}), nil
	case "LOGIN":
		return &loginServer{check: check}, nil
	case "CRAM-MD5":
		return &cramServer{check: check}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// A loginServer asks for user and password one after the other.
type loginServer struct {
	check func(bool) error
	said  []string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response != nil {
		l.said = append(l.said, string(response))
	}
	switch len(l.said) {
	case 0:
		return []byte("Username:"), false, nil
	case 1:
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(slices.Equal(l.said, []string{testUser, testPassword}))
}

// A cramServer is RFC 2195's server.
type cramServer struct{ check func(bool) error }

func (c *cramServer) Next(response []byte) (challenge []byte, done bool, err error) {
	const nonce = "<1896.697170952@localhost>"
	if response == nil {
		return []byte(nonce), false, nil
	}
	mac := hmac.New(md5.New, []byte(testPassword))
	mac.Write([]byte(nonce))
	return nil, true, c.check(string(response) == testUser+" "+hex.EncodeToString(mac.Sum(nil)))
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error {
	if len(s.mechanisms) > 0 && !s.authenticated {
		return smtp.ErrAuthRequired
	}
	return s.answer("from")
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.answer(to); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.answer("data"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = append(s.received, received{s.to, string(raw)})
	return nil
}

func (s *mailSession) Reset()        { s.to = nil }
func (s *mailSession) Logout() error { return nil }

// serveScript answers like a mail server, until a command of the client begins
// with stopAt: that it answers by closing the connection (cut), or not at all
// and waits for the client to go. "greeting" stops before the first word and
// "handshake" after the answer to STARTTLS. It returns its port.
func serveScript(t *testing.T, stopAt string, cut bool, replies map[string]string) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				if script(conn, stopAt, replies) && !cut {
					_, _ = io.Copy(io.Discard, conn)
				}
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	return listener.Addr().(*net.TCPAddr).Port
}

// script reports whether it came to stopAt.
func script(conn net.Conn, stopAt string, replies map[string]string) bool {
	if stopAt == "greeting" {
		return true
	}
	fmt.Fprint(conn, "220 localhost ready\r\n")
	lines := bufio.NewScanner(conn)
	inData := false
	for lines.Scan() {
		line := lines.Text()
		if inData && line != "." {
			continue
		}
		if strings.HasPrefix(line, stopAt) {
			return true
		}
		verb, _, _ := strings.Cut(line, " ")
		answer := replyTo(verb, line, replies)
		inData = strings.HasPrefix(answer, "354")
		fmt.Fprintf(conn, "%s\r\n", answer)
		if stopAt == "handshake" && verb == "STARTTLS" {
			return true
		}
	}
	return false
}

func replyTo(verb, line string, replies map[string]string) string {
	if r, ok := replies[verb]; ok {
		return strings.ReplaceAll(r, "%s", line)
	}
	switch verb {
	case "EHLO":
		return "250-localhost\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250 STARTTLS"
	case "STARTTLS":
		return "220 go on"
	case "AUTH":
		return "235 welcome"
	case "DATA":
		return "354 go on"
	case "QUIT":
		return "221 bye"
	}
	return "250 ok"
}
