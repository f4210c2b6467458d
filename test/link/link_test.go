package link_test

import (
	"io"
	"net"
	"testing"

	"go.uber.org/goleak"

	"siem-s3/test/link"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo runs a server that sends back what it gets, and returns its address.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(c, c) // the link breaks it on purpose
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// ask sends text over a connection of its own and returns what comes back for it.
func ask(t *testing.T, addr, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		return ""
	}
	answer := make([]byte, len(text))
	n, _ := io.ReadFull(c, answer)
	return string(answer[:n])
}

func TestLinkForwards(t *testing.T) {
	l := link.Start(t, echo(t))
	if got := ask(t, l.Addr, "hello"); got != "hello" {
		t.Errorf("got %q", got)
	}
}

func TestLinkIsCutOnce(t *testing.T) {
	l := link.Start(t, echo(t))
	cuts := 0
	l.CutAfter(8, func() { cuts++ })
	for i, want := range []string{"hello", "", "hello"} {
		if got := ask(t, l.Addr, "hello"); got != want {
			t.Errorf("connection %d: got %q, want %q", i, got, want)
		}
	}
	if cuts != 1 {
		t.Errorf("%d cuts", cuts)
	}
}

func TestAnswersAreLostUntilTheyPass(t *testing.T) {
	l := link.Start(t, echo(t))
	lost := l.LoseAnswers()
	if got := ask(t, l.Addr, "hello"); got != "" {
		t.Errorf("got %q", got)
	}
	<-lost
	l.PassAnswers()
	if got := ask(t, l.Addr, "hello"); got != "hello" {
		t.Errorf("got %q", got)
	}
}
