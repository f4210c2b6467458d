package pipeline

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"siem-s3/event"
	"siem-s3/notify"
)

// Stats are a Pipeline's figures since it was made.
type Stats struct {
	Chunks      int64
	Bytes       int64 // of chunks
	Device      int64 // records stored as device events
	Account     int64 // records stored as account events
	Rejected    int64 // records stored as they are
	Rejects     map[string]int64
	Redelivered int64 // chunks that an earlier process had stored
	Quarantined int64 // chunks of which a part could not be read

	Objects       int64 // uploaded
	ObjectBytes   int64
	ObjectRecords int64
	Retries       int64 // attempts to upload that failed

	// Append is of a chunk, from the end of its compression until it is durable;
	// Sync of one fdatasync, which several chunks may share; Upload of an object.
	Append, Sync, Upload Timing

	Waiting WaitingStats
	Alerts  notify.QueueStats
}

// WaitingStats say what is in the spool.
type WaitingStats struct {
	Bytes, MaxBytes int64
	Segments        int
	Oldest          time.Time // zero if there is nothing
}

// counts are the figures of one chunk.
type counts struct {
	bytes   int64
	records [event.Rejected + 1]int64
	rejects map[string]int64
}

func (c *counts) reject(reason string) {
	if c.rejects == nil {
		c.rejects = map[string]int64{}
	}
	c.rejects[reason]++
}

// counters are the running totals.
type counters struct {
	chunks, bytes            atomic.Int64
	records                  [event.Rejected + 1]atomic.Int64
	redelivered, quarantined atomic.Int64
	objects, objectBytes     atomic.Int64
	objectRecords, retries   atomic.Int64

	append, sync, upload timing

	mu      sync.Mutex
	rejects map[string]int64
}

// add adds the figures of a chunk and returns the reasons of its rejects that
// are new.
func (c *counters) add(n *counts) (news []string) {
	c.chunks.Add(1)
	c.bytes.Add(n.bytes)
	for i := range n.records {
		c.records[i].Add(n.records[i])
	}
	if len(n.rejects) == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rejects == nil {
		c.rejects = map[string]int64{}
	}
	for reason, k := range n.rejects {
		if c.rejects[reason] == 0 {
			news = append(news, reason)
		}
		c.rejects[reason] += k
	}
	return news
}

// Stats returns the current figures.
func (p *Pipeline) Stats() Stats {
	c, waiting := &p.stats, p.spool.Stats()
	c.mu.Lock()
	rejects := maps.Clone(c.rejects)
	c.mu.Unlock()
	var alerts notify.QueueStats
	if p.alerts != nil {
		alerts = p.alerts.Stats()
	}
	return Stats{
		Alerts: alerts,
		Append: c.append.snapshot(), Sync: c.sync.snapshot(), Upload: c.upload.snapshot(),
		Chunks: c.chunks.Load(), Bytes: c.bytes.Load(),
		Device: c.records[event.Device].Load(), Account: c.records[event.Account].Load(),
		Rejected: c.records[event.Rejected].Load(), Rejects: rejects,
		Redelivered: c.redelivered.Load(), Quarantined: c.quarantined.Load(),
		Objects: c.objects.Load(), ObjectBytes: c.objectBytes.Load(),
		ObjectRecords: c.objectRecords.Load(), Retries: c.retries.Load(),
		Waiting: WaitingStats{Bytes: waiting.Bytes, MaxBytes: waiting.MaxBytes, Segments: waiting.Segments, Oldest: waiting.Oldest},
	}
}

// unreadyAfter is how long uploads may fail, for reasons that can pass by
// themselves, before a Pipeline is not ready.
const unreadyAfter = 5 * time.Minute

// Ready returns nil while chunks are stored and uploaded, and else what is wrong.
// Uploads that fail are wrong at once if an administrator has to act, and after 5
// minutes if not.
func (p *Pipeline) Ready() error {
	p.inFlight.RLock()
	stopped := p.stopped
	p.inFlight.RUnlock()
	if stopped {
		return ErrStopped
	}
	if _, err := p.intake.trouble(); err != nil {
		return fmt.Errorf("chunks are not stored: %w", err)
	}
	since, err := p.upload.bucket.trouble()
	var config interface{ Config() bool }
	if err != nil && (errors.As(err, &config) && config.Config() || time.Since(since) > unreadyAfter) {
		return fmt.Errorf("objects are not uploaded: %w", err)
	}
	return nil
}
