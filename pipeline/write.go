package pipeline

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"siem-s3/event"
	"siem-s3/formatter"
	"siem-s3/record"
	"siem-s3/spool"
)

// Write stores the records of one chunk of Fluent Bit's. It returns nil when all
// of them are durable, an error when none is: then the same chunk should come
// again. The error is spool.ErrFull when there is no room, ErrStopped after Stop.
// Write is safe for concurrent use and keeps neither tag nor chunk.
func (p *Pipeline) Write(tag string, chunk []byte) error {
	p.inFlight.RLock()
	defer p.inFlight.RUnlock()
	if p.stopped {
		return ErrStopped
	}
	digest := p.spool.Digest(tag, chunk)
	if p.spool.Known(digest) {
		p.stats.redelivered.Add(1)
		return nil
	}
	w := p.writers.Get().(*writer)
	defer p.writers.Put(w)
	defer w.reset()

	corrupt := w.read(tag, chunk)
	if corrupt != nil {
		if err := p.quarantine(tag, chunk[corrupt.Offset:], digest, corrupt); err != nil {
			return fmt.Errorf("quarantine an unreadable chunk: %w", err)
		}
	}
	batch, err := w.batch(digest)
	if err != nil {
		return err
	}
	if len(batch.Objects) > 0 {
		if err := p.spool.Append(batch); err != nil {
			return err
		}
	}
	w.counts.bytes += int64(len(chunk))
	p.stats.add(&w.counts)
	if corrupt != nil {
		p.stats.quarantined.Add(1)
		p.log.Error("part of a chunk is not MessagePack and was put into quarantine",
			"tag", tag, "offset", corrupt.Offset, "bytes", len(chunk)-int(corrupt.Offset), "reason", corrupt.Reason)
	}
	return nil
}

// quarantine keeps what could not be read, and beside it what is known of it. A
// chunk that comes again gets the same names.
func (p *Pipeline) quarantine(tag string, rest []byte, digest spool.Digest, e *record.CorruptError) error {
	about, err := json.Marshal(map[string]any{
		"tag": tag, "reason": e.Reason, "offset": e.Offset,
		"received_at": string(event.AppendTimestamp(nil, time.Now())),
	})
	if err != nil {
		return err
	}
	name := hex.EncodeToString(digest[:])
	if err := p.spool.Quarantine(name+".json", bytes.NewReader(append(about, '\n'))); err != nil {
		return err
	}
	return p.spool.Quarantine(name+".chunk", bytes.NewReader(rest))
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

	streams map[string]*part // by name
	order   []*part          // those with records of this chunk
	name    []byte           // scratch
	objects []spool.Object
	counts  counts
}

// part is what a chunk adds to one stream.
type part struct {
	name    string
	raw     []byte
	out     []byte // compressed
	records int
}

func newWriter(p *Pipeline) *writer {
	return &writer{p: p, mapper: p.o.Mapping.NewMapper(), comp: p.o.Codec.NewCompressor(), streams: map[string]*part{}}
}

// read takes in the records of a chunk up to the first unreadable one, if any.
func (w *writer) read(tag string, chunk []byte) *record.CorruptError {
	w.dec.Reset(chunk)
	var cached [3]*part // by category, while all records of one belong to one stream
	for {
		err := w.dec.Next(&w.rec)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if corrupt := (*record.CorruptError)(nil); errors.As(err, &corrupt) {
			return corrupt
		}
		ev := &w.ev
		reject := w.mapper.Map(&w.rec, ev)
		category := event.Rejected
		if reject == nil {
			category = ev.Category()
		} else {
			ev = nil
		}
		to := cached[category]
		if to == nil {
			to = w.part(category, tag, ev)
			if !w.p.o.Key.perRecord {
				cached[category] = to
			}
		}
		if reject == nil {
			to.raw = w.p.o.Format.Append(to.raw, ev)
		} else {
			to.raw = w.reject(to.raw, tag, reject)
		}
		to.records++
		w.counts.records[category]++
	}
}

func (w *writer) reject(dst []byte, tag string, err error) []byte {
	var why *event.Reject
	if !errors.As(err, &why) {
		why = &event.Reject{Reason: err.Error()}
	}
	w.counts.reject(why.Reason)
	rec := w.rec.Body
	if w.rec.Problem != "" {
		rec = w.rec.Raw
	}
	return formatter.AppendRejected(dst, &formatter.Rejected{
		ReceivedAt: time.Now(), Reason: why.Reason, Detail: why.Detail, Tag: tag, Record: rec,
	})
}

// part returns what collects the current record's stream.
func (w *writer) part(c event.Category, tag string, ev *event.Event) *part {
	w.name = w.p.o.Key.appendStream(w.name[:0], c, tag, ev, &w.rec)
	to := w.streams[string(w.name)]
	if to == nil {
		to = &part{name: string(w.name)}
		w.streams[to.name] = to
	}
	if to.records == 0 {
		w.order = append(w.order, to)
	}
	return to
}

// batch compresses what read took in. It aliases w.
func (w *writer) batch(digest spool.Digest) (*spool.Batch, error) {
	for _, to := range w.order {
		var err error
		if to.out, err = w.comp.Append(to.out[:0], to.raw); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		w.objects = append(w.objects, spool.Object{
			Stream: to.name, Payload: to.out, Records: to.records,
			RawLen: int64(len(to.raw)), RawCRC: crc32.ChecksumIEEE(to.raw),
		})
	}
	return &spool.Batch{Digest: digest, Objects: w.objects}, nil
}

const (
	// keptStreams and keptBytes bound what a writer keeps between chunks.
	keptStreams = 64
	keptBytes   = 4 << 20
)

// reset makes w ready for the next chunk.
func (w *writer) reset() {
	for _, to := range w.order {
		to.records = 0
		to.raw, to.out = to.raw[:0], to.out[:0]
		if cap(to.raw)+cap(to.out) > keptBytes {
			to.raw, to.out = nil, nil
		}
	}
	if len(w.streams) > keptStreams {
		clear(w.streams)
	}
	clear(w.objects)
	w.order, w.objects = w.order[:0], w.objects[:0]
	w.counts = counts{}
}
