package test

import (
	"fmt"
	"testing"

	"siem-s3/test/host"
)

// Many flushes at once, by however many workers, across several windows.
func TestConcurrentFlushesStoreEachRecordOnce(t *testing.T) {
	t.Parallel()
	const chunks, each = 400, 50
	for _, workers := range []int{0, 1, 4} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			o := s.output("a")
			o.Workers = workers
			h := s.start(o)
			var flights []*host.Flight
			for i := range chunks {
				f, err := h.Send("a", "siem", eventChunk(1, i*each, (i+1)*each))
				s.must(err)
				flights = append(flights, f)
				if i == chunks/2 {
					s.awaitLines(1) // the rest comes in another window
				}
			}
			for _, f := range flights {
				r, err := f.Wait(s.ctx)
				s.must(err)
				if r.Status != host.OK {
					t.Errorf("a flush was answered %s", r.Status)
				}
			}
			s.exit(h)
			s.wantEvents(1, chunks*each)
		})
	}
}
