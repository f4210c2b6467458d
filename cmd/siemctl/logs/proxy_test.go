package logs

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// A proxy stands before the real server and treats requests as told. forward
// passes one on.
type proxy struct {
	*httptest.Server
	forward http.Handler

	mu   sync.Mutex
	seen []string // method and Range of each GET of an object, after the key's last slash
}

// through returns settings that lead through a proxy, which treats each request
// of an object: n counts them from 1.
func through(t *testing.T, set Settings, treat func(p *proxy, n int, w http.ResponseWriter, r *http.Request)) (*proxy, Settings) {
	t.Helper()
	target, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	quiet := log.New(io.Discard, "", 0)
	p := &proxy{forward: &httputil.ReverseProxy{Transport: tr, ErrorLog: quiet, Rewrite: func(pr *httputil.ProxyRequest) {
		pr.SetURL(target)
		pr.Out.Host = pr.In.Host // it is signed
	}}}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("list-type") != "" {
			p.forward.ServeHTTP(w, r)
			return
		}
		p.mu.Lock()
		p.seen = append(p.seen, r.Method+" "+r.Header.Get("Range"))
		n := len(p.seen)
		p.mu.Unlock()
		treat(p, n, w, r)
	}))
	p.Config.ErrorLog = quiet
	p.Start()
	t.Cleanup(p.Close)
	led := Settings{}
	for key, value := range set {
		led[key] = value
	}
	led["endpoint"] = p.URL
	return p, led
}

func (p *proxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.seen...)
}

// cutOff lets n bytes of an answer pass and then breaks the connection, once that
// may be if there is a when.
type cutOff struct {
	http.ResponseWriter
	n    int
	when <-chan struct{}
}

func (c *cutOff) Write(p []byte) (int, error) {
	if len(p) > c.n {
		_, _ = c.ResponseWriter.Write(p[:c.n])
		c.ResponseWriter.(http.Flusher).Flush()
		if c.when != nil {
			<-c.when
		}
		panic(http.ErrAbortHandler)
	}
	c.n -= len(p)
	return c.ResponseWriter.Write(p)
}
