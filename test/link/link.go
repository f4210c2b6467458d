// Package link is a TCP connection to a server that a test can break at a place
// of its choice.
package link

import (
	"context"
	"net"
	"sync"
)

// A Link forwards connections to a server.
type Link struct {
	// Addr is the address to connect to, host:port.
	Addr string

	server   string
	listener net.Listener
	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	mu     sync.Mutex
	sent   int64 // bytes to the server
	cutAt  int64
	atCut  func()
	mute   bool
	silent chan struct{} // closed when an answer was lost
}

// TB is what Start needs of a testing.TB.
type TB interface {
	Helper()
	Cleanup(func())
	Fatal(args ...any)
}

// Start makes a Link to the server at that address. It is closed when the test is
// over.
func Start(t TB, server string) *Link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Link{Addr: listener.Addr().String(), server: server, listener: listener, silent: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.wg.Go(l.accept)
	t.Cleanup(func() {
		l.cancel()
		_ = listener.Close()
		l.wg.Wait()
	})
	return l
}

// CutAfter calls f once, and breaks the connection, when n more bytes have gone to
// the server.
func (l *Link) CutAfter(n int64, f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutAt, l.atCut = l.sent+n, f
}

// LoseAnswers makes every connection break when the server answers. The channel is
// closed when that has happened.
func (l *Link) LoseAnswers() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute = true
	return l.silent
}

// PassAnswers ends LoseAnswers.
func (l *Link) PassAnswers() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute = false
}

func (l *Link) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.wg.Go(func() { l.serve(client) })
	}
}

// serve forwards one connection, both ways, until either way breaks.
func (l *Link) serve(client net.Conn) {
	server, err := net.Dial("tcp", l.server)
	if err != nil {
		_ = client.Close()
		return
	}
	ctx, cancel := context.WithCancel(l.ctx)
	var ways sync.WaitGroup
	ways.Go(func() { defer cancel(); forward(server, client, l.pass) })
	ways.Go(func() { defer cancel(); forward(client, server, l.answer) })
	<-ctx.Done()
	_, _ = client.Close(), server.Close() // broken on purpose
	ways.Wait()
}

// forward copies until pass forbids it.
func forward(to, from net.Conn, pass func(n int) bool) {
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		if n > 0 && !pass(n) || err != nil {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// pass counts what goes to the server.
func (l *Link) pass(n int) bool {
	l.mu.Lock()
	l.sent += int64(n)
	f := l.atCut
	if f == nil || l.sent < l.cutAt {
		l.mu.Unlock()
		return true
	}
	l.atCut = nil
	l.mu.Unlock()
	f()
	return false
}

// answer says whether an answer may go to the client.
func (l *Link) answer(int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mute {
		select {
		case <-l.silent:
		default:
			close(l.silent)
		}
	}
	return !l.mute
}
