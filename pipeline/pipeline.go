package pipeline

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"siem-s3/event"
	"siem-s3/formatter"
	"siem-s3/notify"
	"siem-s3/spool"
)

// ErrStopped is returned by Write once the Pipeline stops.
var ErrStopped = errors.New("output is stopping")

// A Format writes events, one a line.
type Format interface {
	Append(dst []byte, e *event.Event) []byte
	Ext() string
	ContentType() string
}

// A Bucket is where objects go. Put makes one attempt; it must be idempotent: a
// second Put of the same key and content, after the answer to the first was
// lost, returns nil. Errors may implement
//
//	Config() bool               an administrator has to act; trying often is no use
//	Conflict() bool             the key holds another object
//	RetryAfter() time.Duration  the server's wish
//
// Check says whether the bucket can be reached and used, as far as that can be
// told without a Put.
type Bucket interface {
	Check(ctx context.Context) error
	Put(ctx context.Context, key string, body io.ReadSeeker, size int64, contentType string, meta map[string]string) error
}

// Options of a Pipeline. New does not default them.
type Options struct {
	Log     hclog.Logger
	Mapping *event.Mapping
	Format  Format
	Codec   formatter.Codec
	Key     *KeyFormat
	Bucket  Bucket // may be nil with AlertsOnly
	// Location is what the log calls the bucket, such as s3://audit.
	Location string
	// Window is how long a segment is open. Windows start at multiples of it on
	// the wall clock.
	Window time.Duration

	StoreDir      string
	StoreDirLimit int64 // bytes
	SegmentBytes  int64

	// Alerts is nil if no event alerts. With AlertsOnly no event is stored either.
	Alerts     *Alerts
	AlertsOnly bool
}

// maxStreams is how many objects one window fills before it is sealed early.
const maxStreams = 64

// A Pipeline takes chunks and stores them. Its methods are safe for concurrent use.
type Pipeline struct {
	o       Options
	log     hclog.Logger
	spool   *spool.Spool
	writers sync.Pool
	stats   counters
	intake  *health
	upload  *uploader
	alerts  *notify.Queue // nil if no event alerts

	inFlight sync.RWMutex // held for reading by Write
	stopped  bool

	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// New opens the spool and recovers what is in it. Nothing runs before Start.
func New(o Options) (*Pipeline, error) {
	p := &Pipeline{o: o, log: o.Log}
	p.writers.New = func() any { return newWriter(p, o.Codec.NewCompressor()) }
	p.intake = newHealth(p.log, "can't store a chunk; Fluent Bit is asked to send it again", "storing chunks again")
	so := spool.Options{
		MaxBytes: o.StoreDirLimit, SegmentBytes: o.SegmentBytes, MaxStreams: maxStreams, Describe: p.describe,
		Synced: p.stats.sync.observe,
	}
	if o.Alerts != nil {
		p.alerts = p.newQueue(o.Alerts)
		so.Replay, so.Committed = p.replayed, p.committed
	}
	var err error
	if p.spool, err = spool.Open(o.StoreDir, so); err != nil {
		return nil, fmt.Errorf("open store_dir: %w", err)
	}
	p.upload = newUploader(p)
	p.logRecovery()
	return p, nil
}

func (p *Pipeline) logRecovery() {
	found := p.spool.Recovered()
	if found.Segments > 0 {
		p.log.Info("found what an earlier run left in store_dir", "segments", found.Segments, "chunks", found.Batches, "bytes", found.Bytes)
	}
	for _, torn := range found.Torn {
		p.log.Warn("cut off a chunk that was half written when the process ended; Fluent Bit was not told that it is stored", "error", torn)
	}
	for _, err := range found.Foreign {
		p.log.Error("a file in store_dir is no segment that can be read; it is left where it is", "error", err)
	}
}

// describe fixes the object key of a stream. The spool calls it with its lock
// held, so it must be quick.
func (p *Pipeline) describe(stream string, _ spool.ID) []byte {
	var random [8]byte
	rand.Read(random[:]) // never fails
	window := time.Now().UTC().Truncate(p.o.Window)
	ext, contentType := p.o.Format.Ext(), p.o.Format.ContentType()
	if streamCategory(stream) == event.Rejected {
		ext, contentType = formatter.JSON{}.Ext(), formatter.JSON{}.ContentType()
	}
	if p.o.Codec.Ext() != "" {
		ext += "." + p.o.Codec.Ext()
	}
	meta, err := json.Marshal(streamMeta{
		Key:         p.o.Key.key(stream, window, hex.EncodeToString(random[:])) + "." + ext,
		ContentType: contentType,
		Compression: p.o.Codec.Name(),
	})
	if err != nil {
		panic(err) // strings always marshal
	}
	return meta
}

// Start begins to seal, to upload and to alert.
func (p *Pipeline) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.wg.Go(func() { p.sealWindows(ctx) })
	p.wg.Go(func() { p.upload.run(ctx) })
	if !p.o.AlertsOnly {
		p.wg.Go(func() { p.checkBucket(ctx) })
	}
	if p.alerts != nil {
		p.alerts.Start()
	}
}

// checkBucket tells an administrator at once what the first upload would tell
// only at the end of the window.
func (p *Pipeline) checkBucket(ctx context.Context) {
	err := recovered(func() error { return p.o.Bucket.Check(ctx) })
	switch {
	case err == nil:
		p.log.Info("checked the bucket, it can be used", "bucket", p.o.Location)
	case ctx.Err() == nil:
		p.log.Warn("checked the bucket, it may not be usable; events are kept in store_dir until it is", "bucket", p.o.Location, "error", err)
	}
}

// sealWindows seals at the end of every window, and tells the log what was in it.
func (p *Pipeline) sealWindows(ctx context.Context) {
	var told Stats
	for {
		now := time.Now()
		end := time.NewTimer(now.Truncate(p.o.Window).Add(p.o.Window).Sub(now))
		select {
		case <-end.C:
			if err := recovered(p.spool.Seal); err != nil {
				p.log.Error("can't close a segment at the end of its window; nothing is lost", "error", err)
			}
			told = p.logWindow(told)
		case <-ctx.Done():
			end.Stop()
			return
		}
	}
}

// logWindow sums up in one line what happened since told, if anything did.
func (p *Pipeline) logWindow(told Stats) Stats {
	s := p.Stats()
	if s.Chunks > told.Chunks {
		p.log.Info("window", "chunks", s.Chunks-told.Chunks, "bytes", s.Bytes-told.Bytes,
			"device", s.Device-told.Device, "account", s.Account-told.Account, "rejected", s.Rejected-told.Rejected,
			"redelivered", s.Redelivered-told.Redelivered, "quarantined", s.Quarantined-told.Quarantined,
			"failed_uploads", s.Retries-told.Retries, "waiting_bytes", s.Waiting.Bytes, "alerts", s.Alerts.Formed-told.Alerts.Formed)
	}
	return s
}

// stopGrace is how much longer than its context Stop waits for what can't be
// interrupted: a disk that does not answer.
const stopGrace = 5 * time.Second

// Stop ends the Pipeline: it refuses further chunks, waits for those in flight,
// seals, uploads, and sends the alerts that were not tried yet, until ctx is
// done. What is left then stays on disk for the next start; the error says so. A
// further Stop returns nil at once.
func (p *Pipeline) Stop(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- recovered(func() error { return p.stop(ctx) }) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case err := <-done:
		return err
	case <-grace.C:
		return errors.New("store_dir or the upload of an object does not come to an end and is left to itself; " +
			"what is stored but not uploaded is uploaded after the next start")
	}
}

func (p *Pipeline) stop(ctx context.Context) error {
	p.inFlight.Lock()
	already := p.stopped
	p.stopped = true
	p.inFlight.Unlock()
	if already {
		return nil
	}
	err := p.spool.Seal()
	if p.cancel != nil {
		if p.alerts != nil {
			p.wg.Go(func() { p.alerts.Stop(ctx) })
		}
		p.upload.drain(ctx)
		p.cancel()
		p.wg.Wait()
	}
	if left := len(p.spool.Sealed()); left > 0 {
		err = errors.Join(err, fmt.Errorf("not everything is uploaded; what is left waits in store_dir for the next start (segments: %d)", left))
	}
	return errors.Join(err, p.spool.Close())
}
