package pipeline

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"siem-s3/event"
	"siem-s3/formatter"
	"siem-s3/notify"
	"siem-s3/record"
	"siem-s3/spool"
)

// intakeJob is what health calls the storing of chunks.
const intakeJob = "chunk"

// Write stores the records of one chunk of Fluent Bit's. It returns nil when all
// of them are durable, an error when none is: then the same chunk should come
// again. The error is spool.ErrFull when there is no room, ErrStopped after Stop.
// Write logs what keeps it from storing, so that the caller need not. It is safe
// for concurrent use and keeps neither tag nor chunk.
func (p *Pipeline) Write(tag string, chunk []byte) error {
	err := recovered(func() error { return p.write(tag, chunk) })
	switch {
	case err == nil:
		p.intake.succeeded(intakeJob)
	case !errors.Is(err, ErrStopped):
		p.intake.failed(intakeJob, err)
	}
	return err
}

func (p *Pipeline) write(tag string, chunk []byte) error {
	p.inFlight.RLock()
	defer p.inFlight.RUnlock()
	if p.stopped {
		return ErrStopped
	}
	digest := p.spool.Digest(tag, chunk)
	if p.spool.Known(digest) {
		p.stats.redelivered.Add(1)
		p.log.Debug("a chunk came again that was stored before the restart", "tag", tag)
		return nil
	}
	w := p.writers.Get().(*writer)
	err := w.store(tag, chunk, digest)
	w.reset()
	p.writers.Put(w) // but not after a panic, which may leave it in any state
	if errors.Is(err, spool.ErrFull) {
		return fmt.Errorf("no room in store_dir until objects are uploaded: %w", err)
	}
	return err
}

// A writer turns chunks into batches, one at a time. It is kept and used again,
// so that a record costs no allocation.
type writer struct {
	p      *Pipeline
	dec    record.Decoder
	rec    record.Record
	mapper *event.Mapper
	ev     event.Event
	comp   formatter.Compressor
	alerts *notify.Collector // nil if no event alerts

	tag      []byte
	received time.Time
	streams  map[string]*part // of this chunk, by name
	parts    []*part          // the same; between len and cap those of earlier chunks
	name     []byte           // scratch
	objects  []spool.Object
	counts   counts
}

// part is what a chunk adds to one stream.
type part struct {
	name    string
	raw     []byte
	out     []byte // compressed
	records int
}

const (
	// maxParts is how many streams the records of one chunk can belong to.
	maxParts = 16384
	// keptParts and keptBytes bound what a writer keeps between chunks.
	keptParts = 256
	keptBytes = 16 << 20
)

func newWriter(p *Pipeline, comp formatter.Compressor) *writer {
	w := &writer{p: p, comp: comp, mapper: p.o.Mapping.NewMapper(), streams: map[string]*part{}}
	if p.o.Alerts != nil {
		w.alerts = notify.NewCollector(p.o.Alerts.Grouping)
	}
	return w
}

// store makes the records of a chunk durable, all or none.
func (w *writer) store(tag string, chunk []byte, digest spool.Digest) error {
	p := w.p
	corrupt := w.read(tag, chunk)
	if corrupt != nil {
		if err := w.quarantine(tag, chunk[corrupt.Offset:], digest, corrupt); err != nil {
			return fmt.Errorf("put an unreadable chunk into quarantine: %w", err)
		}
	}
	if err := w.compress(); err != nil {
		return err
	}
	if err := w.append(digest); err != nil {
		return err
	}
	w.counts.bytes += int64(len(chunk))
	for _, reason := range p.stats.add(&w.counts) {
		p.log.Warn("a record is no event of the schema and is stored as it is, in category rejected; "+
			"others with the same reason are counted, not logged", "reason", reason, "tag", tag)
	}
	if corrupt != nil {
		p.stats.quarantined.Add(1)
		p.log.Error("a part of a chunk can't be read and is kept in quarantine, in store_dir", "tag", tag, "reason", corrupt.Reason,
			"offset", corrupt.Offset, "bytes", len(chunk)-int(corrupt.Offset), "file", hex.EncodeToString(digest[:])+".chunk")
	}
	return nil
}

// append makes what the chunk adds to objects and what it has to alert durable,
// together.
func (w *writer) append(digest spool.Digest) error {
	b := spool.Batch{Digest: digest, Objects: w.objects}
	if w.alerts != nil {
		alerts, err := w.alerts.Take(w.received)
		if err != nil {
			return err
		}
		if alerts != nil {
			b.Notes = []spool.Note{{Kind: notify.EntryAlerts, Data: alerts}}
		}
	}
	if len(b.Objects)+len(b.Notes) == 0 {
		return nil
	}
	start := time.Now()
	if err := w.p.spool.Append(&b); err != nil {
		return err
	}
	w.p.stats.append.observe(time.Since(start))
	return nil
}

// quarantine keeps what could not be read, and beside it what is known of it. A
// chunk that comes again gets the same names.
func (w *writer) quarantine(tag string, rest []byte, digest spool.Digest, e *record.CorruptError) error {
	about, err := json.Marshal(map[string]any{
		"tag": tag, "reason": e.Reason, "offset": e.Offset,
		"received_at": string(event.AppendTimestamp(nil, w.received)),
	})
	if err != nil {
		return err
	}
	name := hex.EncodeToString(digest[:])
	if err := w.p.spool.Quarantine(name+".json", bytes.NewReader(append(about, '\n'))); err != nil {
		return err
	}
	return w.p.spool.Quarantine(name+".chunk", bytes.NewReader(rest))
}

// read takes in the records of a chunk up to the first unreadable one, if any.
func (w *writer) read(tag string, chunk []byte) *record.CorruptError {
	w.tag, w.received = append(w.tag[:0], tag...), time.Now()
	w.dec.Reset(chunk)
	var cached [event.Rejected + 1]*part // while all records of a category belong to one stream
	for {
		if err := w.dec.Next(&w.rec); err != nil {
			var corrupt *record.CorruptError // or else the end
			errors.As(err, &corrupt)
			return corrupt
		}
		why := w.mapRecord()
		category := w.ev.Category()
		w.counts.records[category]++
		if why == nil && w.alerts != nil {
			w.alerts.Add(&w.ev)
		}
		if w.p.o.AlertsOnly {
			continue
		}
		to := cached[category]
		if to == nil {
			to = w.part(category)
			if !w.p.o.Key.perRecord {
				cached[category] = to
			}
		}
		if why == nil {
			to.raw = w.p.o.Format.Append(to.raw, &w.ev)
		} else {
			to.raw = w.reject(to.raw, tag, why)
		}
		to.records++
	}
}

// mapRecord makes w.ev the event of w.rec, or the zero Event, whose category is
// Rejected, and says why.
func (w *writer) mapRecord() *event.Reject {
	err := w.mapper.Map(&w.rec, &w.ev)
	if err == nil {
		return nil
	}
	why := new(event.Reject)
	if !errors.As(err, &why) {
		why.Reason = err.Error()
	}
	w.ev = event.Event{}
	if w.rec.Time.IsZero() {
		w.rec.Time = w.received
	}
	return why
}

func (w *writer) reject(dst []byte, tag string, why *event.Reject) []byte {
	w.counts.reject(why.Reason)
	rec := w.rec.Body
	if w.rec.Problem != "" {
		rec = w.rec.Raw
	}
	return formatter.AppendRejected(dst, &formatter.Rejected{
		ReceivedAt: w.received, Reason: why.Reason, Detail: why.Detail, Tag: tag, Record: rec,
	})
}

// part returns what collects the current record's stream.
func (w *writer) part(c event.Category) *part {
	ev := &w.ev
	if c == event.Rejected {
		ev = nil
	}
	key := w.p.o.Key
	w.name = key.appendStream(w.name[:0], c, w.tag, ev, &w.rec)
	to := w.streams[string(w.name)]
	if to == nil && len(w.parts) >= maxParts {
		w.name = key.appendRest(w.name[:0], c)
		to = w.streams[string(w.name)]
	}
	if to == nil {
		to = w.newPart()
		to.name = string(w.name)
		w.streams[to.name] = to
	}
	return to
}

func (w *writer) newPart() *part {
	n := len(w.parts)
	w.parts = slices.Grow(w.parts, 1)[:n+1]
	if w.parts[n] == nil {
		w.parts[n] = new(part)
	}
	return w.parts[n]
}

// compress makes w.objects of what read took in.
func (w *writer) compress() error {
	for _, to := range w.parts {
		var err error
		if to.out, err = w.comp.Append(to.out, to.raw); err != nil {
			return fmt.Errorf("compress: %w", err)
		}
		w.objects = append(w.objects, spool.Object{
			Stream: to.name, Payload: to.out, Records: to.records,
			RawLen: int64(len(to.raw)), RawCRC: crc32.ChecksumIEEE(to.raw),
		})
	}
	return nil
}

// reset makes w ready for the next chunk. Nothing of it refers to the last one,
// whose memory is not Go's. What has grown too large is let go.
func (w *writer) reset() {
	if w.alerts != nil {
		w.alerts.Reset()
	}
	kept := 0
	for _, to := range w.parts[:cap(w.parts)] {
		if to != nil {
			kept += cap(to.raw) + cap(to.out)
			*to = part{raw: to.raw[:0], out: to.out[:0]}
		}
	}
	if cap(w.parts) > keptParts || kept > keptBytes {
		*w = *newWriter(w.p, w.comp)
		return
	}
	clear(w.streams)
	clear(w.objects)
	w.parts, w.objects = w.parts[:0], w.objects[:0]
	w.dec, w.rec, w.ev, w.counts = record.Decoder{}, record.Record{}, event.Event{}, counts{}
}
