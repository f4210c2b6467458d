package s3server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.uber.org/goleak"

	"siem-s3/test/s3server"
)

// childDir is set for the copy of this program that only runs a server there.
const childDir = "S3SERVER_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		s, err := s3server.Run(context.Background(), dir)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(s.Endpoint)
		select {}
	}
	goleak.VerifyTestMain(m)
}

func store(t *testing.T, s *s3server.Server, bucket, key, text string) {
	t.Helper()
	_, err := s.Client().PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: strings.NewReader(text), Metadata: map[string]string{"name": "value"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestServersKeepObjects(t *testing.T) {
	for name, opts := range map[string][]s3server.Option{
		"http":  nil,
		"https": {s3server.WithTLS(), s3server.WithRegion("eu-west-1")},
	} {
		t.Run(name, func(t *testing.T) {
			s := s3server.StartWithBucket(t, "logs", opts...)
			for _, key := range []string{"b/2", "a/1", "b/1"} {
				store(t, s, "logs", key, "text of "+key)
			}
			if keys, err := s.List(t.Context(), "logs", "b/"); err != nil || !slices.Equal(keys, []string{"b/1", "b/2"}) {
				t.Errorf("keys %v, %v", keys, err)
			}
			got, err := s.Get(t.Context(), "logs", "a/1")
			if err != nil || string(got.Body) != "text of a/1" || got.Metadata["name"] != "value" {
				t.Errorf("object %+v, %v", got, err)
			}
			if _, err := s.Get(t.Context(), "logs", "none"); err == nil {
				t.Error("an object out of nothing")
			}
			if !strings.HasPrefix(s.Endpoint, name+"://") {
				t.Errorf("endpoint %s", s.Endpoint)
			}
		})
	}
}

func TestRestartKeepsAddressAndData(t *testing.T) {
	s := s3server.StartWithBucket(t, "logs")
	store(t, s, "logs", "key", "text")
	endpoint := s.Endpoint
	s.Stop()
	s.Stop()
	if _, err := s.List(t.Context(), "logs", ""); err == nil {
		t.Error("a stopped server answers")
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), "logs", "key"); err != nil || !bytes.Equal(got.Body, []byte("text")) || s.Endpoint != endpoint {
		t.Errorf("object %+v at %s, %v", got, s.Endpoint, err)
	}
}

func TestRunReportsAServerThatDoesNotStart(t *testing.T) {
	s := s3server.Start(t)
	s.Stop()
	ln, err := net.Listen("tcp", strings.TrimPrefix(s.Endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() { _ = http.Serve(ln, http.NotFoundHandler()) }() //nolint:gosec // until the listener is closed
	if err := s.Restart(t.Context()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v, want the server's own", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s3server.Run(ctx, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestServerDiesWithTheProgramThatRunsIt(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childDir+"="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var endpoint string
	if _, err := fmt.Fscan(out, &endpoint); err != nil {
		t.Errorf("the child's server: %v", err)
	}
	conn, dialErr := net.Dial("tcp", strings.TrimPrefix(endpoint, "http://"))
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if dialErr != nil {
		t.Fatal(dialErr)
	}
	defer conn.Close()
	// The kernel closes the connection when the server is gone.
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the server lives on: %v", err)
	}
}
