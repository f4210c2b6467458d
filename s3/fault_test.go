package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"siem-s3/s3"
)

// A middlebox stands between a Bucket and the real server, and misbehaves.
type middlebox struct {
	*httptest.Server
	forward http.Handler

	mu   sync.Mutex
	seen []*http.Request // without bodies
}

// newMiddlebox starts one that treats its n-th request, from 1, as told. By
// calling m.forward it passes the request on.
func newMiddlebox(t *testing.T, treat func(m *middlebox, n int, w http.ResponseWriter, r *http.Request)) *middlebox {
	t.Helper()
	target, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	quiet := log.New(io.Discard, "", 0)
	m := &middlebox{forward: &httputil.ReverseProxy{
		Transport: tr,
		ErrorLog:  quiet,
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(target)
			pr.Out.Host = pr.In.Host // it is signed
		},
	}}
	m.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.seen = append(m.seen, r.Clone(context.Background()))
		n := len(m.seen)
		m.mu.Unlock()
		treat(m, n, w, r)
	}))
	m.Config.ErrorLog = quiet
	m.Start()
	t.Cleanup(m.Close)
	return m
}

// requests returns, for each request so far, its method and which of the headers
// that make a put safe it had.
func (m *middlebox) requests() (list []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.seen {
		text := r.Method
		for _, name := range []string{"If-None-Match", "X-Amz-Checksum-Crc32", "Content-Md5", "X-Amz-Checksum-Mode"} {
			if r.Header.Get(name) != "" {
				text += " " + name
			}
		}
		list = append(list, text)
	}
	return list
}

// via returns options that lead through the middlebox to a fresh bucket.
func (m *middlebox) via(t *testing.T) s3.Options {
	o := options(bucketFor(t))
	o.Endpoint = m.URL
	return o
}

// refuse answers like S3.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("X-Amz-Request-Id", "4442587FB7D0A2F9")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}

const (
	fullPut   = "PUT If-None-Match X-Amz-Checksum-Crc32"
	plainPut  = "PUT X-Amz-Checksum-Crc32"
	oldPut    = "PUT If-None-Match"
	barePut   = "PUT"
	checkHead = "HEAD X-Amz-Checksum-Mode"
)

func wantRequests(t *testing.T, m *middlebox, want ...string) {
	t.Helper()
	if got := m.requests(); !slices.Equal(got, want) {
		t.Errorf("requests\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// abort breaks the connection without an answer.
func abort() { panic(http.ErrAbortHandler) }

func TestLostAnswerIsFoundOutAtOnce(t *testing.T) {
	m := newMiddlebox(t, func(m *middlebox, n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			m.forward.ServeHTTP(httptest.NewRecorder(), r)
			abort()
		}
		m.forward.ServeHTTP(w, r)
	})
	o := m.via(t)
	if err := put(t, open(t, o), "key", "text"); err != nil {
		t.Error(err)
	}
	wantRequests(t, m, fullPut, checkHead)
	wantObject(t, o.Bucket, "key", "text")
}

func TestLostAnswerIsRecognisedByTheNextTry(t *testing.T) {
	m := newMiddlebox(t, func(m *middlebox, n int, w http.ResponseWriter, r *http.Request) {
		switch n {
		case 1:
			m.forward.ServeHTTP(httptest.NewRecorder(), r)
			abort()
		case 2:
			abort()
		}
		m.forward.ServeHTTP(w, r)
	})
	o := m.via(t)
	b := open(t, o)
	var e *s3.Error
	if err := put(t, b, "key", "text"); !errors.As(err, &e) || e.Config() || e.Status != 0 {
		t.Fatalf("first try: %v, want a transient error", err)
	}
	if err := put(t, b, "key", "text"); err != nil {
		t.Errorf("second try: %v", err)
	}
	wantRequests(t, m, fullPut, checkHead, fullPut, checkHead)
	wantObject(t, o.Bucket, "key", "text")
}

func TestExistingObjectWhoseHeadFails(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		notice  string
		problem string // of the put, "" for success
	}{
		"forbidden":   {http.StatusForbidden, "HeadObject is forbidden", ""},
		"gone":        {http.StatusNotFound, "", "is gone"},
		"unavailable": {http.StatusServiceUnavailable, "", "head object"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMiddlebox(t, func(m *middlebox, _ int, w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					w.WriteHeader(c.status)
					return
				}
				m.forward.ServeHTTP(w, r)
			})
			o := m.via(t)
			told := collectNotices(&o)
			b := open(t, o)
			if err := put(t, b, "key", "text"); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				err := put(t, b, "key", "text")
				var e *s3.Error
				if c.problem == "" {
					if err != nil {
						t.Error(err)
					}
				} else if !errors.As(err, &e) || e.Config() || e.Conflict() || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("error %v, want a transient one with %q", err, c.problem)
				}
			}
			texts := told.all()
			if c.notice == "" && len(texts) > 0 || c.notice != "" && (len(texts) != 1 || !strings.Contains(texts[0], c.notice)) {
				t.Errorf("notices %q, want %q, once", texts, c.notice)
			}
		})
	}
}

func TestHeadWithoutChecksumModeIfThatIsRefused(t *testing.T) {
	m := newMiddlebox(t, func(m *middlebox, _ int, w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Checksum-Mode") != "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		m.forward.ServeHTTP(w, r)
	})
	b := open(t, m.via(t))
	for range 2 {
		if err := put(t, b, "key", "text"); err != nil {
			t.Fatal(err)
		}
	}
	wantRequests(t, m, fullPut, fullPut, checkHead, "HEAD")
}

// A refusal is what a server of another make says to a request with a header.
type refusal struct {
	header, code string
	status       int
	message      string
}

func TestServersThatLackHeaders(t *testing.T) {
	const implies = "A header you provided implies functionality that is not implemented"
	unnamed := func(header string) refusal { return refusal{header, "NotImplemented", 501, implies} }
	for name, c := range map[string]struct {
		refusals []refusal
		lock     bool
		requests []string // of two puts under different keys
		notices  []string
	}{
		"no conditional writes, 501": {
			refusals: []refusal{unnamed("If-None-Match")},
			requests: []string{fullPut, plainPut, plainPut},
			notices:  []string{"If-None-Match"},
		},
		"no conditional writes, 400": {
			refusals: []refusal{{"If-None-Match", "InvalidArgument", 400, "Unsupported header 'If-None-Match'"}},
			requests: []string{fullPut, plainPut, plainPut},
			notices:  []string{"If-None-Match"},
		},
		"no checksums, 501": {
			refusals: []refusal{unnamed("X-Amz-Checksum-Crc32")},
			requests: []string{fullPut, plainPut, oldPut, oldPut},
			notices:  []string{"x-amz-checksum-crc32"},
		},
		"no checksums, 400": {
			refusals: []refusal{{"X-Amz-Checksum-Crc32", "InvalidArgument", 400, "Unsupported header 'x-amz-checksum-crc32' received for this API call."}},
			requests: []string{fullPut, oldPut, oldPut},
			notices:  []string{"x-amz-checksum-crc32"},
		},
		"no checksums, taken for the signature's": {
			refusals: []refusal{{"X-Amz-Checksum-Crc32", "XAmzContentSHA256Mismatch", 400, "UnknownError"}},
			requests: []string{fullPut, oldPut, oldPut},
			notices:  []string{"x-amz-checksum-crc32"},
		},
		"no checksums but object locks": {
			refusals: []refusal{{"X-Amz-Checksum-Crc32", "InvalidArgument", 400, "Unsupported header 'x-amz-checksum-crc32'"}},
			lock:     true,
			requests: []string{fullPut, "PUT If-None-Match Content-Md5", "PUT If-None-Match Content-Md5"},
			notices:  []string{"x-amz-checksum-crc32"},
		},
		"neither": {
			refusals: []refusal{
				{"X-Amz-Checksum-Crc32", "InvalidArgument", 400, "Unsupported header 'x-amz-checksum-crc32' received for this API call."},
				unnamed("If-None-Match"),
			},
			requests: []string{fullPut, oldPut, barePut, barePut},
			notices:  []string{"If-None-Match", "x-amz-checksum-crc32"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMiddlebox(t, func(m *middlebox, _ int, w http.ResponseWriter, r *http.Request) {
				for _, no := range c.refusals {
					if r.Header.Get(no.header) != "" {
						refuse(w, no.status, no.code, no.message)
						return
					}
				}
				m.forward.ServeHTTP(w, r)
			})
			o := m.via(t)
			if c.lock {
				o.Bucket = lockedBucketFor(t)
				o.ObjectLockMode, o.ObjectLockDays = "GOVERNANCE", 1
			}
			told := collectNotices(&o)
			b := open(t, o)
			for _, key := range []string{"a", "b"} {
				if err := put(t, b, key, "text of "+key); err != nil {
					t.Fatal(err)
				}
				wantObject(t, o.Bucket, key, "text of "+key)
			}
			wantRequests(t, m, c.requests...)
			texts := told.all()
			if !slices.EqualFunc(texts, c.notices, strings.Contains) {
				t.Errorf("notices %q, want %q", texts, c.notices)
			}
		})
	}
}

func TestServerThatLacksSomethingElseIsNotMisunderstood(t *testing.T) {
	m := newMiddlebox(t, func(_ *middlebox, _ int, w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented")
	})
	o := m.via(t)
	o.SSE = "aws:kms"
	told := collectNotices(&o)
	b := open(t, o)
	wantRefusal(t, put(t, b, "key", "text"), "NotImplemented", "one of server_side_encryption")
	if texts := told.all(); len(texts) > 0 {
		t.Errorf("notices %q", texts)
	}
	// Nothing was learnt: the next try begins with all headers again.
	_ = put(t, b, "key", "text")
	wantRequests(t, m, fullPut, plainPut, oldPut, barePut, fullPut, plainPut, oldPut, barePut)
}

func TestBodyDamagedOnItsWayIsRefusedAndSentAgain(t *testing.T) {
	m := newMiddlebox(t, func(m *middlebox, n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			refuse(w, http.StatusBadRequest, "BadDigest", "The x-amz-checksum-crc32 you specified did not match what we received.")
			return
		}
		m.forward.ServeHTTP(w, r)
	})
	b := open(t, m.via(t))
	var e *s3.Error
	if err := put(t, b, "key", "text"); !errors.As(err, &e) || e.Config() {
		t.Errorf("error %v, want a transient one", err)
	}
	if err := put(t, b, "key", "text"); err != nil {
		t.Error(err)
	}
	wantRequests(t, m, fullPut, fullPut)
}

// zeros is an endless body that needs no memory.
type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

func TestStalledServerEndsTheAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		size  int64
		stall func(w http.ResponseWriter, r *http.Request)
	}{
		"no answer": {10, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
		}},
		"body not read": {64 << 20, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadFull(r.Body, make([]byte, 1000))
		}},
		"answer cut short": {10, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusInternalServerError)
			_ = http.NewResponseController(w).Flush()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			m := newMiddlebox(t, func(_ *middlebox, _ int, w http.ResponseWriter, r *http.Request) {
				c.stall(w, r)
				<-release
			})
			t.Cleanup(func() { close(release) })
			o := m.via(t)
			o.StallTimeout = 200 * time.Millisecond
			b := open(t, o)
			body := io.NewSectionReader(zeros{}, 0, c.size)
			err := b.Put(t.Context(), "key", body, c.size, "", nil)
			var e *s3.Error
			if !errors.As(err, &e) || e.Config() || !strings.Contains(err.Error(), "no progress for 200ms") {
				t.Errorf("error %v, want a transient stall", err)
			}
		})
	}
}

func TestCancellingEndsAnUploadAndReleasesTheBody(t *testing.T) {
	reading, release := make(chan struct{}), make(chan struct{})
	m := newMiddlebox(t, func(_ *middlebox, _ int, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 1000))
		close(reading)
		<-release
	})
	t.Cleanup(func() { close(release) })
	b := open(t, m.via(t))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-reading
		cancel()
	}()
	const size = 64 << 20
	body := &guardedBody{SectionReader: io.NewSectionReader(zeros{}, 0, size)}
	if err := b.Put(ctx, "key", body, size, "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want a cancellation", err)
	}
	// With -race this write is the test: nobody may still be reading.
	body.reads = 0
}

// guardedBody notes its reads, unsynchronised on purpose.
type guardedBody struct {
	*io.SectionReader
	reads int
}

func (b *guardedBody) Read(p []byte) (int, error) {
	b.reads++
	return b.SectionReader.Read(p)
}

func TestBrokenConnectionToATakenKeyIsAConflict(t *testing.T) {
	m := newMiddlebox(t, func(m *middlebox, n int, w http.ResponseWriter, r *http.Request) {
		if n == 2 {
			abort()
		}
		m.forward.ServeHTTP(w, r)
	})
	b := open(t, m.via(t))
	if err := put(t, b, "key", "text"); err != nil {
		t.Fatal(err)
	}
	var e *s3.Error
	if err := put(t, b, "key", "another text"); !errors.As(err, &e) || !e.Conflict() || e.Status != 0 {
		t.Errorf("error %v, want a conflict", err)
	}
}

func TestConnectionResetInTheMiddleOfTheBody(t *testing.T) {
	m := newMiddlebox(t, func(m *middlebox, n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			_, _ = io.ReadFull(r.Body, make([]byte, 100_000))
			abort()
		}
		m.forward.ServeHTTP(w, r)
	})
	o := m.via(t)
	b := open(t, o)
	text := strings.Repeat("0123456789", 400_000)
	var e *s3.Error
	if err := put(t, b, "key", text); !errors.As(err, &e) || e.Config() || e.Status != 0 {
		t.Fatalf("error %v, want a transient one", err)
	}
	if err := put(t, b, "key", text); err != nil {
		t.Fatal(err)
	}
	wantObject(t, o.Bucket, "key", text)
}

func TestRequestsHaveNothingThatOtherServersChokeOn(t *testing.T) {
	m := newMiddlebox(t, func(m *middlebox, _ int, w http.ResponseWriter, r *http.Request) { m.forward.ServeHTTP(w, r) })
	o := m.via(t)
	o.UserAgent = "siem-s3/1.2.3"
	if err := put(t, open(t, o), "key", "text"); err != nil {
		t.Fatal(err)
	}
	h := m.seen[0].Header
	for _, name := range []string{"Accept-Encoding", "X-Amz-Trailer", "Content-Encoding", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Decoded-Content-Length"} {
		if h.Get(name) != "" {
			t.Errorf("%s: %s", name, h.Get(name))
		}
	}
	// echo -n text | sha256sum
	const sum = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"
	if h.Get("X-Amz-Content-Sha256") != sum {
		t.Errorf("X-Amz-Content-Sha256: %s, want %s over plain http", h.Get("X-Amz-Content-Sha256"), sum)
	}
	if !strings.Contains(h.Get("User-Agent"), "siem-s3/1.2.3") {
		t.Errorf("User-Agent: %s", h.Get("User-Agent"))
	}
}
