// Package faultproxy is a way to an S3 server on which whatever goes wrong in
// practice goes wrong when a test wants it to.
package faultproxy

import (
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// A Proxy passes requests on to a server, as they are: their signatures stay valid.
type Proxy struct {
	// Endpoint is the proxy's URL, http://127.0.0.1:PORT.
	Endpoint string

	forward http.Handler
	server  *http.Server
	client  *http.Transport
	work    sync.WaitGroup // whatever runs
	stop    chan struct{}  // closed by Close

	mu     sync.Mutex
	closed bool
	choose func(*http.Request) *Fault
	counts map[string]int
}

// Start returns a Proxy to the server at that URL. It must be closed.
func Start(server string) (*Proxy, error) {
	target, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		Endpoint: "http://" + listener.Addr().String(),
		client:   &http.Transport{DisableCompression: true},
		counts:   map[string]int{},
		stop:     make(chan struct{}),
	}
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { // but for the Host header, which is signed
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		},
		Transport: p.client,
		// A connection that breaks on one side breaks on the other.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = &http.Server{Handler: http.HandlerFunc(p.serve)}
	p.work.Go(func() { _ = p.server.Serve(listener) }) // until Close
	return p, nil
}

// Close breaks every connection and returns when nothing is under way any more.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	close(p.stop)
	_ = p.server.Close()
	p.work.Wait()
	p.client.CloseIdleConnections()
}

// Choose sets what decides over the requests to come: choose names the fault that
// a request meets, nil for none. It is called from several goroutines at once. A
// nil choose ends all faults.
func (p *Proxy) Choose(choose func(*http.Request) *Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.choose = choose
}

// Counts returns how many requests have met each fault, by its name.
func (p *Proxy) Counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	if !p.begin() {
		panic(http.ErrAbortHandler)
	}
	defer p.work.Done()
	if f := p.faultFor(r); f != nil {
		f.serve(p, w, r)
	} else {
		p.forward.ServeHTTP(w, r)
	}
}

// begin counts something that Close has to wait for, unless it is too late.
func (p *Proxy) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.work.Add(1)
	}
	return !p.closed
}

func (p *Proxy) faultFor(r *http.Request) *Fault {
	p.mu.Lock()
	choose := p.choose
	p.mu.Unlock()
	if choose == nil {
		return nil
	}
	f := choose(r)
	if f != nil {
		p.mu.Lock()
		p.counts[f.Name]++
		p.mu.Unlock()
	}
	return f
}

// breakOff ends the client's connection without an answer: with a reset, or as
// if the other side had closed it.
func breakOff(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// nowhere is where an answer goes that gets lost.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhere) WriteHeader(int)             {}

// alone forwards a request whose answer gets lost, and survives a broken
// connection to the server.
func (p *Proxy) alone(r *http.Request) {
	defer func() { _ = recover() }() // http.ErrAbortHandler
	p.forward.ServeHTTP(nowhere{http.Header{}}, r)
}

// cut returns r with a body that breaks in its middle.
func cut(r *http.Request) *http.Request {
	half := *r
	half.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, r.ContentLength/2), broken{}))
	return &half
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
