package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Hub has the listeners of a process. The zero Hub has none.
type Hub struct {
	mu        sync.Mutex
	listeners map[string]*listener // by the address that was asked for
}

// Listen serves o at the address, a host and a port, together with the outputs
// that are served there already. close ends that; the last close of an address
// ends its listener.
func (h *Hub) Listen(address string, o Output) (close func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.listeners[address]
	if l == nil {
		if l, err = listen(address); err != nil {
			return nil, fmt.Errorf("metrics_listen: %w", err)
		}
		if h.listeners == nil {
			h.listeners = map[string]*listener{}
		}
		h.listeners[address] = l
	}
	c := newCollector(o)
	if err := l.registry.Register(c); err != nil {
		h.leave(address, l)
		return nil, fmt.Errorf("metrics of %s: %w", o.Name, err)
	}
	l.add(c)
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		l.registry.Unregister(c)
		l.remove(c)
		h.leave(address, l)
	}), nil
}

// leave ends a listener that serves no output any more. It needs h.mu.
func (h *Hub) leave(address string, l *listener) {
	if len(l.all()) == 0 {
		delete(h.listeners, address)
		l.close()
	}
}

// listener is one address.
type listener struct {
	registry *prometheus.Registry
	server   *http.Server
	net      net.Listener
	done     chan struct{} // closed when Serve has returned

	mu         sync.Mutex
	collectors []*collector
}

func listen(address string) (*listener, error) {
	n, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	l := &listener{registry: prometheus.NewRegistry(), net: n, done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(l.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", l.readyz)
	l.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
	}
	go func() {
		defer close(l.done)
		_ = l.server.Serve(n) // until close
	}()
	return l, nil
}

// readyz answers 200, or 503 with a line for each output that is not ready.
func (l *listener) readyz(w http.ResponseWriter, _ *http.Request) {
	var wrong []string
	for _, c := range l.all() {
		if err := c.output.Ready(); err != nil {
			wrong = append(wrong, c.output.Name+": "+strings.ReplaceAll(err.Error(), "\n", " "))
		}
	}
	if len(wrong) == 0 {
		_, _ = io.WriteString(w, "ok\n")
		return
	}
	http.Error(w, strings.Join(wrong, "\n"), http.StatusServiceUnavailable)
}

// closeWait is how long a scrape under way may go on when its output ends.
const closeWait = time.Second

func (l *listener) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	if err := l.server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		_ = l.server.Close()
	}
	<-l.done
}

func (l *listener) add(c *collector) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.collectors = append(l.collectors, c)
}

func (l *listener) remove(c *collector) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.collectors = slices.DeleteFunc(l.collectors, func(other *collector) bool { return other == c })
}

func (l *listener) all() []*collector {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.collectors)
}
