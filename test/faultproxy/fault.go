package faultproxy

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
	"time"
)

// A Fault is one thing that goes wrong with a request.
type Fault struct {
	Name  string
	serve func(*Proxy, http.ResponseWriter, *http.Request)
}

// Faults of the network.
var (
	// LostAnswer lets the server do what it is asked to, and closes the connection
	// where the answer should come.
	LostAnswer = &Fault{"lost answer", func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		p.alone(r)
		breakOff(w, false)
	}}
	// ResetAnswer is LostAnswer with a reset.
	ResetAnswer = &Fault{"reset answer", func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		p.alone(r)
		breakOff(w, true)
	}}
	// ResetBody breaks both connections in the middle of the request's body.
	ResetBody = &Fault{"reset in mid-body", func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		p.alone(cut(r))
		breakOff(w, true)
	}}
	// Refused closes the connection before anything of the request is read.
	Refused = &Fault{"connection closed at once", func(_ *Proxy, w http.ResponseWriter, _ *http.Request) {
		breakOff(w, true)
	}}
	// FlippedBit changes a bit in the middle of the body, which the server must notice.
	FlippedBit = &Fault{"flipped bit", func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if len(body) > 0 {
			body[len(body)/2] ^= 1
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.forward.ServeHTTP(w, r)
	}}
	// Twice sends the request to the server twice, as a proxy does that tries again
	// on its own, and passes on the second answer.
	Twice = &Fault{"sent twice", func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.alone(r)
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.forward.ServeHTTP(w, r)
	}}
)

// Late takes the whole request, breaks the connection, and passes the request on
// that much later.
func Late(after time.Duration) *Fault {
	return &Fault{"arrives late", func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		again := r.Clone(context.WithoutCancel(r.Context()))
		again.Body = io.NopCloser(bytes.NewReader(body))
		p.work.Go(func() { // while this request is counted, so before the wait for it
			if p.pause(again.Context(), after) {
				p.alone(again)
			}
		})
		breakOff(w, true)
	}}
}

// Stall lets the request wait that long before it is passed on.
func Stall(d time.Duration) *Fault {
	return &Fault{"stall", func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		if !p.pause(r.Context(), d) {
			panic(http.ErrAbortHandler)
		}
		p.forward.ServeHTTP(w, r)
	}}
}

// pause reports whether d went by before the end of ctx and of the proxy.
func (p *Proxy) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-p.stop:
	}
	return false
}

// Answer is an error of S3 instead of the server's answer, with further headers
// in pairs. The body of the request is not read.
func Answer(status int, code, message string, headers ...string) *Fault {
	text, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}{Code: code, Message: message, RequestID: "FAULTPROXY"})
	if err != nil {
		panic(err) // strings always marshal
	}
	return &Fault{strconv.Itoa(status) + " " + code, func(_ *Proxy, w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/xml")
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = w.Write(append([]byte(xml.Header), text...))
		}
	}}
}

// Answers that Amazon S3 gives (Amazon S3 API Reference, "Error responses").
var (
	SlowDown      = Answer(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	SlowDownFor1s = Answer(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.", "Retry-After", "1")
	InternalError = Answer(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
	// Conflict is what a conditional write gets while another one is under way.
	Conflict       = Answer(http.StatusConflict, "ConditionalRequestConflict", "The conditional request cannot succeed due to a conflicting operation.")
	ExpiredToken   = Answer(http.StatusForbidden, "ExpiredToken", "The provided token has expired.")
	RequestTimeout = Answer(http.StatusBadRequest, "RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period.")
	NoSuchBucket   = Answer(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	AccessDenied   = Answer(http.StatusForbidden, "AccessDenied", "Access Denied")
	// ClockSkew is what a server says whose clock is an hour behind.
	ClockSkew = &Fault{"403 RequestTimeTooSkewed", func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		date := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
		Answer(http.StatusForbidden, "RequestTimeTooSkewed",
			"The difference between the request time and the current time is too large.", "Date", date).serve(p, w, r)
	}}
	WrongRegion = Answer(http.StatusMovedPermanently, "PermanentRedirect",
		"The bucket you are attempting to access must be addressed using the specified endpoint.",
		"X-Amz-Bucket-Region", "eu-west-3")
	// BadGateway is a proxy's answer, which is none of S3.
	BadGateway = &Fault{"502 in HTML", func(_ *Proxy, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html><body><h1>502 Bad Gateway</h1></body></html>")
	}}
)

// Before calls f when the request comes, and breaks the connection.
func Before(name string, f func()) *Fault {
	return &Fault{name, func(_ *Proxy, w http.ResponseWriter, _ *http.Request) {
		f()
		breakOff(w, true)
	}}
}

// Within calls f when half of the request's body has come.
func Within(name string, f func()) *Fault {
	return &Fault{name, func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		p.alone(cut(r))
		f()
		breakOff(w, true)
	}}
}

// After calls f when the server has answered, and does not pass the answer on.
func After(name string, f func()) *Fault {
	return &Fault{name, func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		p.alone(r)
		f()
		breakOff(w, true)
	}}
}
