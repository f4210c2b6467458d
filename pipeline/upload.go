package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"siem-s3/spool"
)

const (
	// maxPuts is how many objects are uploaded at once.
	maxPuts = 4
	// maxBusy is how many segments are looked at at once. It is more than maxPuts
	// so that a few that can't be uploaded don't hold up the rest.
	maxBusy = 16
)

// An uploader brings sealed segments to the bucket and removes them.
type uploader struct {
	p      *Pipeline
	disk   *health
	bucket *health
	puts   chan struct{} // a place for each Put under way

	draining chan struct{} // closed by drain
	drained  chan struct{} // closed by run when nothing is left after that
}

func newUploader(p *Pipeline) *uploader {
	return &uploader{
		p: p,
		disk: newHealth(p.log, "can't read or remove a segment in store_dir; it stays there and is tried again",
			"reading and removing segments again"),
		bucket: newHealth(p.log, "can't upload to "+p.o.Location+"; events are kept in store_dir and it is tried again",
			"uploading to "+p.o.Location+" again"),
		puts:     make(chan struct{}, maxPuts),
		draining: make(chan struct{}),
		drained:  make(chan struct{}),
	}
}

// run settles segments as they are sealed, until ctx is done.
func (u *uploader) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	busy := map[string]bool{} // by path
	done := make(chan string)
	draining := u.draining
	for {
		sealed := u.p.spool.Sealed()
		for _, seg := range sealed {
			if busy[seg.Path] || len(busy) == maxBusy {
				continue
			}
			busy[seg.Path] = true
			wg.Go(func() {
				u.settle(ctx, seg)
				select {
				case done <- seg.Path:
				case <-ctx.Done():
				}
			})
		}
		if draining == nil && len(sealed) == 0 {
			close(u.drained)
			return
		}
		select {
		case <-u.p.spool.SealedC():
		case path := <-done:
			delete(busy, path)
		case <-draining:
			draining = nil
		case <-ctx.Done():
			return
		}
	}
}

// drain waits until nothing is left to upload or ctx is done. No segment may be
// sealed afterwards.
func (u *uploader) drain(ctx context.Context) {
	u.disk.wakeAll()
	u.bucket.wakeAll()
	close(u.draining)
	select {
	case <-u.drained:
	case <-ctx.Done():
	}
}

// settle uploads every stream of a segment and removes it, however long it
// takes. It returns early when ctx is done.
func (u *uploader) settle(ctx context.Context, seg spool.Segment) {
	var c *spool.Contents
	if !u.retry(ctx, u.disk, seg.Path, func() (err error) {
		c, err = u.p.spool.Load(seg)
		return err
	}) {
		return
	}
	for _, d := range c.Damage {
		u.p.log.Error("a segment is damaged; what can't be read of it is kept in quarantine, the rest is uploaded", "error", d)
	}
	var wg sync.WaitGroup
	places := make(chan struct{}, maxStreams) // a segment of a single chunk can have far more
	for _, st := range c.Streams {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			u.uploadStream(ctx, seg, st)
		})
	}
	wg.Wait() // each is in the bucket, or ctx is done
	u.retry(ctx, u.disk, seg.Path, func() error {
		if err := u.p.release(c); err != nil {
			return err
		}
		return u.p.spool.Remove(c)
	})
}

// uploadStream makes an object of a stream, however long it takes. It returns
// early when ctx is done.
func (u *uploader) uploadStream(ctx context.Context, seg spool.Segment, st *spool.Stream) {
	var o *object
	u.retry(ctx, u.bucket, seg.Path+"/"+st.Name, func() (err error) {
		if o == nil {
			if o, err = newObject(seg, st); err != nil {
				return err
			}
		}
		err = u.put(ctx, o)
		var other interface{ Conflict() bool }
		if errors.As(err, &other) && other.Conflict() {
			o.rename()
			return fmt.Errorf("%w; the next attempt is for the key %s", err, o.key)
		}
		return err
	})
}

func (u *uploader) put(ctx context.Context, o *object) error {
	select {
	case u.puts <- struct{}{}:
		defer func() { <-u.puts }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if u.p.o.Bucket == nil {
		return errors.New("log_storage is off, and no bucket is set for what was stored before")
	}
	body, err := o.open()
	if err != nil {
		return err
	}
	defer body.Close()
	start := time.Now()
	if err := u.p.o.Bucket.Put(ctx, o.key, body, o.size, o.meta.ContentType, o.tags()); err != nil {
		return err
	}
	u.p.stats.upload.observe(time.Since(start))
	u.p.stats.objects.Add(1)
	u.p.stats.objectBytes.Add(o.size)
	u.p.stats.objectRecords.Add(int64(o.stream.Records))
	u.p.log.Info("uploaded", "object", u.p.o.Location+"/"+o.key, "records", o.stream.Records,
		"bytes", o.size, "took", time.Since(start).Round(time.Millisecond).String())
	return nil
}

// retry calls f until it succeeds, with growing pauses, and reports whether it
// did before ctx was done. job names it among those that h follows.
func (u *uploader) retry(ctx context.Context, h *health, job string, f func() error) bool {
	for attempt := 0; ctx.Err() == nil; attempt++ {
		err := recovered(f)
		if err == nil {
			h.succeeded(job)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if h == u.bucket {
			u.p.stats.retries.Add(1)
		}
		sleep(ctx, h.failed(job, err), pause(err, attempt))
	}
	return false
}
