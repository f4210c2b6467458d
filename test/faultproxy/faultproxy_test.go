package faultproxy

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An origin is a server that keeps the bodies it got whole.
type origin struct {
	mu    sync.Mutex
	got   [][]byte
	hosts []string
	came  chan struct{} // a value for each
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	o.mu.Lock()
	o.got, o.hosts = append(o.got, b), append(o.hosts, r.Host)
	o.mu.Unlock()
	o.came <- struct{}{}
	_, _ = io.WriteString(w, "done")
}

func (o *origin) bodies() [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.got
}

func start(t *testing.T) (*Proxy, *origin) {
	t.Helper()
	o := &origin{came: make(chan struct{}, 10)}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	p, err := Start(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, o
}

// put sends a body and returns the status, 0 if there was no answer.
func put(t *testing.T, p *Proxy, body []byte) (int, http.Header) {
	t.Helper()
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.Endpoint+"/b/k", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	return resp.StatusCode, resp.Header
}

var sent = bytes.Repeat([]byte("0123456789"), 10_000)

func TestWithoutAFaultTheRequestIsPassedOnAsItIs(t *testing.T) {
	p, o := start(t)
	if status, _ := put(t, p, sent); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if got := o.bodies(); len(got) != 1 || !bytes.Equal(got[0], sent) {
		t.Errorf("the server got %d bodies", len(got))
	}
	if want := p.Endpoint[len("http://"):]; o.hosts[0] != want {
		t.Errorf("Host %s, want %s, which was signed", o.hosts[0], want)
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		fault  *Fault
		status int // 0: no answer
		got    int // bodies that the server got whole
	}{
		{LostAnswer, 0, 1},
		{ResetAnswer, 0, 1},
		{ResetBody, 0, 0},
		{Refused, 0, 0},
		{Twice, 200, 2},
		{Late(time.Millisecond), 0, 1},
		{Stall(time.Millisecond), 200, 1},
		{SlowDown, 503, 0},
		{SlowDownFor1s, 503, 0},
		{InternalError, 500, 0},
		{Conflict, 409, 0},
		{ExpiredToken, 403, 0},
		{RequestTimeout, 400, 0},
		{NoSuchBucket, 404, 0},
		{AccessDenied, 403, 0},
		{ClockSkew, 403, 0},
		{WrongRegion, 301, 0},
		{BadGateway, 502, 0},
	} {
		t.Run(tt.fault.Name, func(t *testing.T) {
			p, o := start(t)
			p.Choose(func(*http.Request) *Fault { return tt.fault })
			// An early answer can be lost in the reset that follows the unread body.
			body := sent
			if tt.status >= 300 {
				body = sent[:10]
			}
			if status, _ := put(t, p, body); status != tt.status {
				t.Errorf("status %d, want %d", status, tt.status)
			}
			for range tt.got {
				<-o.came
			}
			if got := o.bodies(); len(got) != tt.got {
				t.Errorf("the server got %d bodies, want %d", len(got), tt.got)
			}
			if n := p.Counts()[tt.fault.Name]; n != 1 {
				t.Errorf("counted %d times", n)
			}
			p.Choose(nil)
			if status, _ := put(t, p, sent); status != http.StatusOK {
				t.Errorf("status %d after the end of the fault", status)
			}
		})
	}
}

func TestAnswersCarryTheirHeaders(t *testing.T) {
	p, _ := start(t)
	for fault, want := range map[*Fault]string{SlowDownFor1s: "Retry-After", WrongRegion: "X-Amz-Bucket-Region"} {
		p.Choose(func(*http.Request) *Fault { return fault })
		if _, header := put(t, p, nil); header.Get(want) == "" {
			t.Errorf("%s: no %s in %v", fault.Name, want, header)
		}
	}
	p.Choose(func(*http.Request) *Fault { return ClockSkew })
	_, header := put(t, p, nil)
	if at, err := http.ParseTime(header.Get("Date")); err != nil || time.Since(at) < 50*time.Minute {
		t.Errorf("Date %v, %v", at, err)
	}
}

func TestFlippedBitChangesOneBit(t *testing.T) {
	p, o := start(t)
	p.Choose(func(*http.Request) *Fault { return FlippedBit })
	put(t, p, sent)
	got := o.bodies()[0]
	different := 0
	for i := range sent {
		if got[i] != sent[i] {
			different++
		}
	}
	if len(got) != len(sent) || different != 1 {
		t.Errorf("%d bytes of %d differ", different, len(got))
	}
}

func TestPointsOfAnUpload(t *testing.T) {
	for name, tt := range map[string]struct {
		point func(string, func()) *Fault
		got   int
	}{"before": {Before, 0}, "within": {Within, 0}, "after": {After, 1}} {
		t.Run(name, func(t *testing.T) {
			p, o := start(t)
			reached := make(chan struct{}, 1)
			p.Choose(func(*http.Request) *Fault {
				return tt.point(name, func() { reached <- struct{}{} })
			})
			if status, _ := put(t, p, sent); status != 0 {
				t.Errorf("status %d, want no answer", status)
			}
			<-reached
			if got := o.bodies(); len(got) != tt.got {
				t.Errorf("the server has %d bodies, want %d", len(got), tt.got)
			}
		})
	}
}
