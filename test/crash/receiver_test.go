package crash

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"siem-s3/test/events"
)

// alerting are the log types that alert in trials: about one event in five.
var alerting = []string{"critical_found", "process_scan_infection_found", "config"}

// A notice is an alert as the webhook's body tells it.
type notice struct {
	ID      string `json:"id"`
	LogType string `json:"log_type"`
	Count   int    `json:"count"`
	First   string `json:"first"`
	Events  []struct {
		Details string `json:"details"`
	} `json:"events"`
}

func (n *notice) same(other *notice) bool {
	return n.LogType == other.LogType && n.Count == other.Count && n.First == other.First && slices.Equal(n.Events, other.Events)
}

// A receiver takes alerts by webhook. What it did not say OK to may come again,
// under the same id.
type receiver struct {
	url string

	mu       sync.Mutex
	rand     *rand.Rand
	rate     float64 // of the alerts whose answer is none, or an error
	kill     func(answered bool)
	notices  map[string]*notice
	repeats  int
	problems []string
}

func newReceiver(t *testing.T, seed uint64) *receiver {
	t.Helper()
	r := &receiver{rand: rand.New(rand.NewPCG(seed, 3)), notices: map[string]*notice{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/hook"
	return r
}

// behave says what happens to the alerts to come: which share fails, and what is
// called, twice, around the answer to the alert of that number.
func (r *receiver) behave(rate float64, number int, kill func(answered bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rate, r.kill = rate, nil
	if kill == nil {
		return
	}
	seen := 0
	r.kill = func(answered bool) {
		if !answered {
			seen++
		}
		if seen == number {
			kill(answered)
		}
	}
}

// ServeHTTP implements http.Handler. One alert is taken at a time.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.take(req.Header.Get("webhook-id"), body)
	if r.kill != nil {
		r.kill(false)
	}
	switch x := r.rand.Float64(); {
	case x < r.rate/2:
		panic(http.ErrAbortHandler)
	case x < r.rate:
		w.WriteHeader(http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
	if r.kill != nil {
		_ = http.NewResponseController(w).Flush()
		time.Sleep(time.Duration(r.rand.IntN(3000)) * time.Microsecond) // it notes the answer meanwhile
		r.kill(true)
	}
}

func (r *receiver) take(id string, body []byte) {
	var b struct{ Data notice }
	err := json.Unmarshal(body, &b)
	n := &b.Data
	if err != nil || n.ID != id || n.Count < 1 || len(n.Events) > n.Count {
		r.problems = append(r.problems, fmt.Sprintf("alert %s: %v\n%s", id, err, body))
		return
	}
	first := r.notices[id]
	if first == nil {
		r.notices[id] = n
		return
	}
	r.repeats++
	if !n.same(first) {
		r.problems = append(r.problems, fmt.Sprintf("alert %s came again and was another", id))
	}
}

// check returns what is wrong with the alerts of the first n events of a set: each
// event that alerts is told of under exactly one id.
func (r *receiver) check(set events.Set, n int) (problems []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	want := map[string]int{}
	var line []byte
	for i := range n {
		line = set.AppendRecord(line[:0], i)
		var e struct {
			LogType string `json:"log_type"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return []string{err.Error()}
		}
		if slices.Contains(alerting, e.LogType) {
			want[e.LogType]++
		}
	}
	got, told := map[string]int{}, map[int]string{}
	problems = r.problems
	for id, n := range r.notices {
		got[n.LogType] += n.Count
		for _, e := range n.Events {
			number := events.Number([]byte(e.Details))
			if told[number] != "" {
				problems = append(problems, fmt.Sprintf("event %d is told of by alert %s and by %s", number, told[number], id))
			}
			told[number] = id
		}
	}
	for _, t := range alerting {
		if got[t] != want[t] {
			problems = append(problems, fmt.Sprintf("alerts of %s tell of %d events, want %d", t, got[t], want[t]))
		}
	}
	return problems[:min(5, len(problems))]
}
