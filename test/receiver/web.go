package receiver

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A Post is what a request to a webhook brought.
type Post struct {
	ID     string // webhook-id
	Header http.Header
	Body   []byte
	Type   string // the log type
	Count  int    // how many events it tells of
	// Signed says that its signature is by the secret, and that it is of now, as
	// the Standard Webhooks library finds.
	Signed bool
	At     time.Time
}

// A Web is a web server that takes alerts of the format json.
type Web struct {
	URL string
	inbox[Post]

	verifier *standardwebhooks.Webhook // nil: without a signature

	answerMu sync.Mutex
	answer   http.HandlerFunc
}

// ServeWeb starts a web server. Its secret is that of signatures, "" for none.
func ServeWeb(secret string) (*Web, error) {
	w := &Web{}
	if secret != "" {
		var err error
		if w.verifier, err = standardwebhooks.NewWebhook(secret); err != nil {
			return nil, fmt.Errorf("start the web server: %w", err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the web server: %w", err)
	}
	w.URL = "http://" + listener.Addr().String() + "/alerts"
	server := &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends when the server is closed
	}()
	w.closer = func() {
		server.Close()
		<-done
	}
	return w, nil
}

// Answer sets what is answered to requests, which are kept before that. nil stands
// for HTTP status 204.
func (w *Web) Answer(f http.HandlerFunc) {
	w.answerMu.Lock()
	defer w.answerMu.Unlock()
	w.answer = f
}

// ServeHTTP takes one request.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	p := Post{ID: r.Header.Get(standardwebhooks.HeaderWebhookID), Header: r.Header, At: time.Now()}
	var err error
	if p.Body, err = io.ReadAll(http.MaxBytesReader(rw, r.Body, 1<<20)); err != nil {
		return // it was cut off
	}
	var alert struct {
		Data struct {
			LogType string `json:"log_type"`
			Count   int    `json:"count"`
		} `json:"data"`
	}
	if err := json.Unmarshal(p.Body, &alert); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	p.Type, p.Count = alert.Data.LogType, alert.Data.Count
	p.Signed = w.verifier != nil && w.verifier.Verify(p.Body, r.Header) == nil
	w.answerMu.Lock()
	answer := w.answer
	w.answerMu.Unlock()
	w.add(p)
	if answer == nil {
		rw.WriteHeader(http.StatusNoContent)
		return
	}
	answer(rw, r)
}
