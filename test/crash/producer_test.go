package crash

import (
	"math/rand/v2"
	"strings"
	"time"

	"siem-s3/test/chunk"
	"siem-s3/test/events"
	"siem-s3/test/host"
)

// A batch is a chunk of Fluent Bit's: events with consecutive numbers.
type batch struct {
	tag  string
	data []byte
}

// A producer sends the events of one set as Fluent Bit does. A chunk stays with it
// until its OK was read; after a crash it sends again, byte for byte, what had no
// answer, and some of what had been answered just before, which Fluent Bit was
// about to forget.
type producer struct {
	*site
	rand   *rand.Rand
	set    events.Set
	next   int     // number of the next event
	queue  []batch // to be sent, before anything new
	recent []batch // whose OK was read last

	sent, again, refused int // chunks
}

const (
	inFlight = 6
	// forgotten is how many chunks Fluent Bit may have been told of and not have
	// forgotten when it dies.
	forgotten = 4
)

// fresh returns the next chunk: mostly a few events, now and then some thousands.
func (p *producer) fresh() batch {
	n := 1 + p.rand.IntN(100)
	if p.rand.IntN(25) == 0 {
		n = 2000 + p.rand.IntN(3000)
	}
	records := strings.NewReader(string(p.set.Records(p.next, p.next+n)))
	data, err := chunk.FromNDJSON(chunk.V2, records, time.Unix(1_800_000_000, 0), time.Millisecond)
	if err != nil {
		panic(err) // the events are wrong, not what is tested
	}
	p.next += n
	return batch{[]string{"siem.a", "siem.b"}[p.rand.IntN(2)], data}
}

type sentBatch struct {
	batch
	flight *host.Flight
}

// run sends what is queued and that many new chunks, and returns when the host has
// ended or all is answered OK. answered is called after each OK.
func (p *producer) run(h *host.Host, fresh int, answered func()) {
	p.Helper()
	var open []sentBatch
	defer func() {
		for _, o := range open {
			p.queue = append(p.queue, o.batch)
		}
	}()
	for {
		for len(open) < inFlight && (len(p.queue) > 0 || fresh > 0) {
			b := p.take(&fresh)
			f, err := h.Send("a", b.tag, b.data)
			if err != nil {
				p.queue = append(p.queue, b)
				return
			}
			p.sent++
			open = append(open, sentBatch{b, f})
		}
		if len(open) == 0 {
			return
		}
		r, err := open[0].flight.Wait(p.ctx)
		if err != nil {
			p.must(p.ctx.Err())
			return
		}
		b := open[0].batch
		open = open[1:]
		switch r.Status {
		case host.OK:
			p.recent = append(p.recent[max(0, len(p.recent)+1-forgotten):], b)
			answered()
		case host.Retry:
			p.refused++
			p.queue = append(p.queue, b)
			p.rest(h)
		default:
			p.Fatalf("a flush was answered %s", r.Status)
		}
	}
}

// take returns the next chunk to send.
func (p *producer) take(fresh *int) batch {
	if len(p.queue) > 0 {
		b := p.queue[0]
		p.queue = p.queue[1:]
		return b
	}
	*fresh--
	return p.fresh()
}

// rest is Fluent Bit's pause before it sends a chunk again.
func (p *producer) rest(h *host.Host) {
	pause := time.NewTimer(20 * time.Millisecond)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-h.Done():
	case <-p.ctx.Done():
	}
}

// crashed queues what Fluent Bit had been told of and forgets in the crash.
func (p *producer) crashed() {
	for _, b := range p.recent {
		if p.rand.IntN(2) == 0 {
			p.queue = append(p.queue, b)
			p.again++
		}
	}
	p.recent = nil
}
