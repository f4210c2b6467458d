// Package s3server runs a real S3 server, versitygw, on the loopback interface,
// for tests and demonstrations. The server is a tool of this module (tools.mod),
// compiled once by the go command, which must therefore be at hand.
package s3server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"siem-s3/test/child"
)

// startTimeout bounds the wait for the first answer: the server needs a tenth of
// a second on an idle machine.
const startTimeout = 30 * time.Second

// A Server is a running S3 server with random root credentials. Only one
// goroutine may Stop or Restart it at a time; everything else is safe for
// concurrent use.
type Server struct {
	// Endpoint is the server's URL, http://127.0.0.1:PORT or https://….
	// Buckets are addressed in path style.
	Endpoint  string
	AccessKey string
	SecretKey string
	Region    string
	// CAFile is the PEM file of the certificate that the server shows, "" without TLS.
	CAFile string

	dir    string
	addr   string
	health string
	proc   *child.Child // nil when stopped
	http   *http.Client
}

// An Option changes how a server is run.
type Option func(*Server)

// WithRegion sets the server's region, us-east-1 otherwise. Requests signed for
// another one are refused.
func WithRegion(region string) Option { return func(s *Server) { s.Region = region } }

// WithTLS makes the server speak https with a fresh certificate, valid for
// 127.0.0.1 and found in CAFile.
func WithTLS() Option { return func(s *Server) { s.CAFile = filepath.Join(s.dir, "cert.pem") } }

// Run starts a server that keeps its data under dir, and returns when it
// answers. The file system of dir must have extended attributes. ctx bounds the
// start only; the server lives until Stop, or until this process dies.
func Run(ctx context.Context, dir string, opts ...Option) (*Server, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	s := &Server{
		AccessKey: rand.Text()[:20],
		SecretKey: rand.Text() + rand.Text(),
		Region:    "us-east-1",
		dir:       dir,
		health:    "/health-" + strings.ToLower(rand.Text()),
	}
	for _, opt := range opts {
		opt(s)
	}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if err := s.startOnFreePort(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// prepare makes the directories, the certificate and the client that they allow.
func (s *Server) prepare() error {
	for _, sub := range []string{"data", "versions", "iam"} {
		if err := os.MkdirAll(filepath.Join(s.dir, sub), 0o755); err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
	}
	tr := &http.Transport{IdleConnTimeout: time.Second}
	if s.CAFile != "" {
		cert, err := writeCertificate(s.CAFile, s.keyFile())
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		tr.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
		tr.TLSClientConfig.RootCAs.AddCert(cert)
	}
	s.http = &http.Client{Transport: tr}
	return nil
}

// startOnFreePort tries ports that the kernel says are free. Another process may
// take one between that answer and the server's bind, hence the repetition.
func (s *Server) startOnFreePort(ctx context.Context) error {
	var errs []error
	for range 3 {
		addr, err := freeAddr()
		if err != nil {
			return fmt.Errorf("free port: %w", err)
		}
		s.setAddr(addr)
		if err = s.start(ctx); err == nil {
			return nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (s *Server) setAddr(addr string) {
	s.addr = addr
	s.Endpoint = "http://" + addr
	if s.CAFile != "" {
		s.Endpoint = "https://" + addr
	}
}

func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// Stop kills the server, as an outage would, and waits until it is gone. Its
// data stay. Stopping a stopped server does nothing.
func (s *Server) Stop() {
	if s.proc != nil {
		s.proc.Kill()
		s.proc = nil
	}
	s.http.CloseIdleConnections()
}

// Restart stops the server if it runs and starts it again with the same
// address, credentials and data.
func (s *Server) Restart(ctx context.Context) error {
	s.Stop()
	return s.start(ctx)
}

func (s *Server) start(ctx context.Context) error {
	path, err := binary(ctx)
	if err != nil {
		return err
	}
	cmd := exec.Command(path, s.args()...) // ctx bounds the start, not its life
	cmd.Env = []string{"ROOT_ACCESS_KEY=" + s.AccessKey, "ROOT_SECRET_KEY=" + s.SecretKey}
	if s.proc, err = child.Start(cmd); err != nil {
		return err
	}
	if err := s.waitReady(ctx); err != nil {
		log := s.proc.Log
		s.Stop()
		return fmt.Errorf("versitygw on %s: %w\n%s", s.addr, err, log)
	}
	return nil
}

// args are versitygw's. Its paths must be absolute: with relative siblings it
// finds one directory inside another and refuses.
func (s *Server) args() []string {
	args := []string{
		"--port", s.addr, "--region", s.Region, "--health", s.health, "--quiet", "--keep-alive",
		"--iam-dir", filepath.Join(s.dir, "iam"),
	}
	if s.CAFile != "" {
		args = append(args, "--cert", s.CAFile, "--key", s.keyFile())
	}
	return append(args, "posix", "--versioning-dir", filepath.Join(s.dir, "versions"), filepath.Join(s.dir, "data"))
}

// waitReady polls the health path, whose name is random so that another server
// on a contested port cannot be taken for this one.
func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.healthy(ctx) {
			return nil
		}
		select {
		case <-s.proc.Done():
			return errors.New("exited at once")
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func (s *Server) healthy(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+s.health, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (s *Server) keyFile() string { return filepath.Join(s.dir, "key.pem") }
