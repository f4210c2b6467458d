package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"siem-s3/test/host"
)

// workers has so many workers take the same chunks, as fast as they can.
func (b *bench) workers(ctx context.Context, dir, bucket string, workers int) (string, error) {
	const chunks = 200
	c, err := chunkOf(0, chunkEvents)
	if err != nil {
		return "", err
	}
	h, err := b.startHost(ctx, output{plugin: "siem_s3"}, dir, bucket, workers)
	if err != nil {
		return "", err
	}
	defer h.Kill()
	begin := time.Now()
	took, err := sendAll(ctx, h, c, chunks, 2*workers)
	if err != nil {
		return "", err
	}
	wall := time.Since(begin)
	if err := h.Exit(ctx); err != nil {
		return "", err
	}
	u := h.Usage()
	slices.Sort(took)
	return fmt.Sprintf("%.0f MB/s of chunks, %.2f s of CPU time, a flush takes %.1f ms (median)",
		chunks*float64(len(c))/1e6/wall.Seconds(), (u.User + u.System).Seconds(), took[len(took)/2].Seconds()*1e3), nil
}

// sendAll sends a chunk so often, with a few under way at a time, and returns
// how long each took in the plugin.
func sendAll(ctx context.Context, h *host.Host, c []byte, times, underWay int) ([]time.Duration, error) {
	var mu sync.Mutex
	var took []time.Duration
	var problem error
	var wg sync.WaitGroup
	places := make(chan struct{}, underWay)
	for range times {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			r, err := flush(ctx, h, c)
			mu.Lock()
			defer mu.Unlock()
			took, problem = append(took, r), errors.Join(problem, err)
		})
	}
	wg.Wait()
	return took, problem
}

func flush(ctx context.Context, h *host.Host, c []byte) (time.Duration, error) {
	f, err := h.Send("bench", "siem.file", c)
	if err != nil {
		return 0, err
	}
	r, err := f.Wait(ctx)
	if err == nil && r.Status != host.OK {
		err = fmt.Errorf("a flush was answered %s", r.Status)
	}
	return r.Took, err
}

// largeSegment uploads a segment of a gigabyte, of one object and a small one, in
// one go, when the output stops.
func (b *bench) largeSegment(ctx context.Context, dir, bucket string) (string, error) {
	const want = 1 << 30
	c, err := chunkOf(0, chunkEvents)
	if err != nil {
		return "", err
	}
	o := output{plugin: "siem_s3", settings: map[string]string{"compression": "none", "total_file_size": "5G"}}
	h, err := b.startHost(ctx, o, dir, bucket, 1)
	if err != nil {
		return "", err
	}
	defer h.Kill()
	if _, err := sendAll(ctx, h, c, want/len(c)+1, 2); err != nil {
		return "", err
	}
	before := statusKB(h.Pid(), "VmRSS")
	// 5 resets the peak: proc_pid_clear_refs(5).
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", h.Pid()), []byte("5"), 0o200); err != nil {
		return "", err
	}
	peak := watchPeak(h.Child)
	if err := h.Exit(ctx); err != nil {
		return "", err
	}
	files, stored, err := sizeOf(filepath.Join(b.dir, "s3", "data", bucket))
	return fmt.Sprintf("%.0f MB in %d objects, memory before %.1f MB, peak meanwhile %.1f MB", float64(stored)/1e6, files,
		float64(before)*1024/1e6, float64(<-peak)/1e6), err
}
