package crash

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A report sums trials up.
type report struct {
	mu              sync.Mutex
	kills           map[string]int
	missed          int // kills elsewhere than chosen
	faults          map[string]int
	total           tally
	refused         int // times that a chunk was refused
	again           int // chunks sent again whose OK had been read
	alerts, repeats int // by their ids, and how many came once more
}

func newReport() *report { return &report{kills: map[string]int{}, faults: map[string]int{}} }

func (r *report) killed(e ending, reached bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := e.name
	if !reached {
		r.missed++
		name = "elsewhere than chosen"
	}
	r.kills[name]++
}

func (r *report) checked(t *trial, result *tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total.events += result.events
	r.total.objects += result.objects
	r.total.lost += result.lost
	r.total.doubled += result.doubled
	r.total.odd += result.odd
	r.refused += t.producer.refused
	r.again += t.producer.again
	r.alerts += len(t.receiver.notices)
	r.repeats += t.receiver.repeats
	for name, n := range t.proxy.Counts() {
		r.faults[name] += n
	}
}

func (r *report) killCount() (n int) {
	for _, k := range r.kills {
		n += k
	}
	return n
}

// String is the summary that a run ends with.
func (r *report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%d kills; %s; %d refusals, %d chunks came again after their OK; %d alerts, %d repeats of them\nkilled: %s\nfaults met: %s",
		r.killCount(), &r.total, r.refused, r.again, r.alerts, r.repeats, list(r.kills), list(r.faults))
}

func list(counts map[string]int) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "\n  %4d %s", counts[name], name)
	}
	return b.String()
}
