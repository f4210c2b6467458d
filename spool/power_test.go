package spool

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// What the producer, which plays Fluent Bit, knows of a batch.
type fate int

const (
	sent     fate = iota // not acknowledged: to be sent again
	acked                // must be in the log
	removing             // its segment may be gone
	removed              // its segment must be gone
)

// ledger is what a producer sent, and what it must find.
type ledger struct {
	mu      sync.Mutex
	batches []*Batch
	fates   []fate
}

func (l *ledger) add(b *Batch) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches, l.fates = append(l.batches, b), append(l.fates, sent)
	return len(l.batches) - 1
}

func (l *ledger) set(f fate, ids ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		l.fates[id] = f
	}
}

// snapshot returns a copy that does not change.
func (l *ledger) snapshot() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &ledger{batches: slices.Clone(l.batches), fates: slices.Clone(l.fates)}
}

func (l *ledger) unacked() (ids []int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, f := range l.fates {
		if f == sent {
			ids = append(ids, id)
		}
	}
	return ids
}

// newBatch returns batch id with lines of up to some sectors in up to three
// streams, and perhaps a note.
func (l *ledger) newBatch(rng *rand.Rand) int {
	id := len(l.batches)
	b := &Batch{Digest: digest(id)}
	for _, i := range rng.Perm(4)[:1+rng.IntN(3)] {
		text := fmt.Sprintf("%d in %d %s\n", id, i, strings.Repeat("x", rng.IntN(1+rng.IntN(2000))))
		b.Objects = append(b.Objects, object(fmt.Sprint("s", i), text))
	}
	if rng.IntN(3) == 0 {
		b.Notes = []Note{{Kind: 1, Data: fmt.Append(nil, id)}}
	}
	return l.add(b)
}

// found is what a spool holds, by batch.
type found struct {
	objects map[int]int // lines that are as they were sent
	notes   map[int]int // replayed
}

// audit opens the disk and returns what is on it. The spool stays open.
func (l *ledger) audit(t *testing.T, d *disk) (*Spool, found) {
	t.Helper()
	got := found{map[int]int{}, map[int]int{}}
	o := powerOptions(d)
	o.Replay = func(_ Position, n Note) {
		var id int
		fmt.Sscan(string(n.Data), &id)
		got.notes[id]++
	}
	s, err := Open(testDir, o)
	if err != nil {
		t.Fatalf("Open after a crash: %v", err)
	}
	streams, _ := stored(t, s)
	for name, text := range streams {
		for line := range strings.Lines(text) {
			var id int
			fmt.Sscan(line, &id)
			i := slices.IndexFunc(l.batches[id].Objects, func(o Object) bool { return o.Stream == name })
			if i < 0 || string(l.batches[id].Objects[i].Payload) != line {
				t.Fatalf("stream %s has %.40q, which was not sent", name, line)
			}
			got.objects[id]++
		}
	}
	return s, got
}

func powerOptions(d *disk) Options {
	o := testOptions(d)
	o.SegmentBytes, o.MaxStreams = 16<<10, 3
	return o
}

// check opens the disk after a crash, fails the test if a guarantee is broken,
// goes on as Fluent Bit does, which sends again what was not acknowledged, crashes
// the disk once more, and now wants every batch exactly once.
func (l *ledger) check(t *testing.T, d *disk, rng *rand.Rand) {
	t.Helper()
	s, got := l.audit(t, d)
	for id, b := range l.batches {
		objects, known := got.objects[id], s.Known(b.Digest)
		whole := objects == len(b.Objects)
		switch {
		case !whole && objects > 0:
			t.Fatalf("batch %d: %d of %d objects (fate %d)", id, objects, len(b.Objects), l.fates[id])
		case whole && got.notes[id] != len(b.Notes), !whole && got.notes[id] > 0:
			t.Fatalf("batch %d: %d notes (fate %d, whole %v)", id, got.notes[id], l.fates[id], whole)
		case whole && !known:
			t.Fatalf("batch %d is stored but not known", id)
		case l.fates[id] == acked && !whole:
			t.Fatalf("batch %d was acknowledged and is lost", id)
		case l.fates[id] == removed && whole:
			t.Fatalf("batch %d was removed and is back", id)
		case l.fates[id] > acked && !known:
			t.Fatalf("batch %d was removed and is not known", id)
		case l.fates[id] == sent && !whole && known:
			t.Fatalf("batch %d is known but not stored", id)
		}
		if l.fates[id] == sent {
			if !known {
				mustAppend(t, s, b)
			}
			l.fates[id] = acked
		}
	}
	again, got := l.audit(t, d.crash(rng))
	for id, b := range l.batches {
		objects := got.objects[id]
		if l.fates[id] == acked && objects != len(b.Objects) || l.fates[id] == removed && objects > 0 || objects > len(b.Objects) {
			t.Fatalf("batch %d after a second crash: %d of %d objects (fate %d)", id, objects, len(b.Objects), l.fates[id])
		}
	}
	if err := errors.Join(s.Close(), again.Close()); err != nil {
		t.Fatal(err)
	}
}

// workload is a producer and a consumer on a disk that may fail.
type workload struct {
	t      *testing.T
	rng    *rand.Rand
	l      *ledger
	d      *disk
	s      *Spool
	states atomic.Int64 // crash states that were checked

	faultMu sync.Mutex
	faults  *rand.Rand // nil for a disk without faults
	sick    bool       // calls fail for a while
	healthy bool       // no call fails
}

func newWorkload(t *testing.T, seed uint64, faults bool) *workload {
	w := &workload{t: t, rng: rand.New(rand.NewPCG(seed, 1)), l: &ledger{}}
	if faults {
		w.faults = rand.New(rand.NewPCG(seed, 2))
	}
	w.start(newDisk())
	return w
}

// start opens the disk and examines crashes at each of its calls from then on.
func (w *workload) start(d *disk) {
	w.t.Helper()
	s, err := Open(testDir, powerOptions(d))
	if err != nil {
		w.t.Fatalf("Open: %v", err)
	}
	crashes := rand.New(rand.NewPCG(w.rng.Uint64(), 3))
	var mu sync.Mutex
	d.before = func(c call) error {
		if readOnly(c) == nil {
			return nil // it changes nothing
		}
		mu.Lock()
		defer mu.Unlock()
		w.examine(d, crashes)
		return w.fault(c)
	}
	d.midway = func() {
		mu.Lock()
		defer mu.Unlock()
		w.l.snapshot().check(w.t, d.kill(), crashes)
		w.states.Add(1)
	}
	w.d, w.s = d, s
}

// examine checks what the death of the process and a power loss would leave now.
func (w *workload) examine(d *disk, rng *rand.Rand) {
	w.l.snapshot().check(w.t, d.kill(), rng)
	w.l.snapshot().check(w.t, d.crash(rng), rng)
	w.states.Add(2)
}

var faultErrors = []error{unix.EIO, unix.ENOSPC, unix.EROFS}

// fault decides whether a call fails. Faults come in bursts.
func (w *workload) fault(c call) error {
	w.faultMu.Lock()
	defer w.faultMu.Unlock()
	if w.faults == nil || w.healthy {
		return nil
	}
	if w.faults.IntN(10) == 0 {
		w.sick = !w.sick
	}
	if !w.sick || w.faults.IntN(2) == 0 {
		return nil
	}
	err := faultErrors[w.faults.IntN(len(faultErrors))]
	if c.op == "write" && w.faults.IntN(2) == 0 {
		return shortWrite{err, w.faults.IntN(4000)}
	}
	return err
}

func (w *workload) step() {
	switch n := w.rng.IntN(20); {
	case n < 10:
		w.append(w.l.newBatch(w.rng))
	case n < 13:
		w.group(2 + w.rng.IntN(3))
	case n < 15:
		w.sealed(w.s.Seal())
	case n < 18:
		w.consume()
	case n < 19:
		for _, id := range w.l.unacked() {
			w.append(id)
		}
	default:
		w.restart()
	}
}

func (w *workload) append(id int) {
	err := w.s.Append(w.l.batches[id])
	if err == nil {
		w.l.set(acked, id)
	} else if w.faults == nil {
		w.t.Errorf("Append without a fault: %v", err)
	}
}

func (w *workload) group(n int) {
	var ids []int
	for range n {
		ids = append(ids, w.l.newBatch(w.rng))
	}
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() { w.append(id) })
	}
	wg.Wait()
}

func (w *workload) sealed(err error) {
	if err != nil && w.faults == nil {
		w.t.Errorf("Seal without a fault: %v", err)
	}
}

// consume removes a sealed segment, not always the oldest.
func (w *workload) consume() {
	sealed := w.s.Sealed()
	if len(sealed) == 0 {
		return
	}
	c, err := w.s.Load(sealed[w.rng.IntN(len(sealed))])
	if err != nil {
		if w.faults == nil {
			w.t.Errorf("Load without a fault: %v", err)
		}
		return
	}
	var ids []int
	for id, b := range w.l.batches {
		if slices.Contains(c.digests, b.Digest) {
			ids = append(ids, id)
		}
	}
	w.l.set(removing, ids...)
	if err := w.s.Remove(c); err == nil {
		w.l.set(removed, ids...)
	} else if w.faults == nil {
		w.t.Errorf("Remove without a fault: %v", err)
	}
}

// restart goes on with what a crash leaves.
func (w *workload) restart() {
	d := w.d.kill()
	if w.rng.IntN(2) == 0 {
		d = w.d.crash(w.rng)
	}
	s := w.s
	w.setHealthy(true)
	w.start(d)
	// A removal whose end the dead process did not see is one for the new one.
	left := map[Digest]bool{}
	for _, seg := range w.s.Sealed() {
		for _, d := range mustLoad(w.t, w.s, seg).digests {
			left[d] = true
		}
	}
	for id, f := range w.l.fates {
		switch b := w.l.batches[id]; {
		case f == removing && left[b.Digest]:
			w.l.set(acked, id)
		case f == removing:
			w.l.set(removed, id)
		case f == sent && w.s.Known(b.Digest):
			w.l.set(acked, id)
		}
	}
	s.Close()
	w.setHealthy(false)
}

func (w *workload) setHealthy(healthy bool) {
	w.faultMu.Lock()
	defer w.faultMu.Unlock()
	w.healthy, w.sick = healthy, false
}

func TestPowerLossAtAnyMoment(t *testing.T)               { testPowerLoss(t, false, 3) }
func TestPowerLossAtAnyMomentOfAFailingDisk(t *testing.T) { testPowerLoss(t, true, 4) }

var powerSeeds = flag.Uint64("power.seeds", 0, "workloads of each power loss test, instead of a few")

func testPowerLoss(t *testing.T, faults bool, seeds uint64) {
	if *powerSeeds > 0 {
		seeds = *powerSeeds
	}
	var states atomic.Int64
	t.Run("seeds", func(t *testing.T) {
		for seed := range seeds {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				w := newWorkload(t, seed, faults)
				for i := 0; i < 25 && !t.Failed(); i++ {
					w.step()
				}
				w.l.snapshot().check(t, w.d.kill(), w.rng)
				w.s.Close()
				states.Add(w.states.Load())
			})
		}
	})
	t.Logf("%d crash states, each recovered twice", states.Load())
}
