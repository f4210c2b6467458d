package test

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"siem-s3/test/host"
)

// A chunk whose OK was the last thing that the process said is stored, once.
func TestCrashRightAfterTheAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.output("a", "upload_timeout", "1h")
	for i := range 5 {
		h := s.start(a)
		s.flush(h, "a", "x", eventChunk(1, 100*i, 100*i+100))
		h.Kill()
	}
	s.exit(s.start(a))
	s.wantEvents(1, 500)
}

// Fluent Bit sends a chunk again after a crash if it never saw the answer. It is
// recognised, whether its segment is still on disk or was uploaded.
func TestCrashBeforeTheAnswerIsSeen(t *testing.T) {
	t.Parallel()
	for _, uploaded := range []bool{false, true} {
		t.Run("uploaded "+strconv.FormatBool(uploaded), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			a := s.output("a", "upload_timeout", "1h")
			if uploaded {
				a = with(a, "upload_timeout", "1s")
			}
			first := eventChunk(1, 0, 100)
			h := s.start(a)
			s.flush(h, "a", "x", first)
			if uploaded {
				s.awaitLines(100)
				s.until(func() error { return noSegments(t, a) })
			}
			h.Kill()
			for range 2 { // the second answer is not seen either
				h = s.start(a)
				s.flush(h, "a", "x", first)
				h.Kill()
			}
			h = s.start(a)
			s.flush(h, "a", "x", first)
			s.flush(h, "a", "x", eventChunk(1, 100, 200))
			s.exit(h)
			s.wantEvents(1, 200)
		})
	}
}

// Chunks with the same bytes are two if no crash was between them, or if their
// tags differ.
func TestEqualChunksAreStoredEach(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.output("a", "upload_timeout", "1h", "s3_key_format", "x/$UUID")
	record := recordChunk(t, `{"log_type": "logon", "details": "twice"}`)
	h := s.start(a)
	s.flush(h, "a", "x", record)
	s.flush(h, "a", "x", record)
	h.Kill()
	h = s.start(a)
	s.flush(h, "a", "y", record)
	s.exit(h)
	lines := 0
	for _, o := range s.objects() {
		lines += o.Number
	}
	if lines != 3 {
		t.Errorf("%d lines, want 3", lines)
	}
}

// A workload under which the process is killed again and again at random, with
// chunks in flight and uploads under way. $CRASH_ROUNDS says how often.
func TestCrashAtRandom(t *testing.T) {
	t.Parallel()
	rounds, err := strconv.Atoi(os.Getenv("CRASH_ROUNDS"))
	if err != nil {
		rounds = 5
	}
	s := newSite(t)
	s.wait(time.Duration(rounds+5) * patience / 10)
	a := s.output("a")
	a.Workers = 3
	w := &workload{site: s, seed: rand.Uint64()}
	w.rand = rand.New(rand.NewPCG(w.seed, 0))
	t.Logf("seed %d", w.seed)
	for range rounds {
		w.round(s.start(a), 1+w.rand.IntN(60))
	}
	h := s.start(a)
	w.redeliver(h)
	s.exit(h)
	s.wantEvents(1, w.next)
}

// A workload sends the events of one set in chunks, as Fluent Bit does: what was
// under way at a crash is sent again, byte for byte.
type workload struct {
	*site
	seed    uint64
	rand    *rand.Rand
	next    int      // number of the next event
	pending [][]byte // chunks to be sent again
}

// inFlight is how many chunks a workload has under way at once.
const inFlight = 6

// round sends chunks until that many are answered, and kills the host.
func (w *workload) round(h *host.Host, answers int) {
	w.Helper()
	w.redeliver(h)
	type sent struct {
		chunk  []byte
		flight *host.Flight
	}
	var open []sent
	for range answers + inFlight {
		n := 1 + w.rand.IntN(100)
		c := eventChunk(1, w.next, w.next+n)
		w.next += n
		f, err := h.Send("a", "siem", c)
		w.must(err)
		if open = append(open, sent{c, f}); len(open) < inFlight {
			continue
		}
		r, err := open[0].flight.Wait(w.ctx)
		w.must(err)
		if r.Status != host.OK {
			w.Fatalf("a flush was answered %s", r.Status)
		}
		if w.rand.IntN(10) == 0 { // Fluent Bit dies before it takes note of the answer
			w.pending = append(w.pending, open[0].chunk)
		}
		open = open[1:]
	}
	h.Kill()
	for _, o := range open {
		w.pending = append(w.pending, o.chunk)
	}
}

// redeliver sends again what has to be.
func (w *workload) redeliver(h *host.Host) {
	w.Helper()
	for _, c := range w.pending {
		w.flush(h, "a", "siem", c)
	}
	w.pending = nil
}

var errSegments = errors.New("segments are left in store_dir")

func noSegments(t *testing.T, o host.Output) error {
	t.Helper()
	if len(segments(t, o)) > 0 {
		return errSegments
	}
	return nil
}
