package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"text/tabwriter"
	"time"
)

// A figure is measured on its own, beside the comparison.
type figure struct {
	name string
	once func(ctx context.Context, dir, bucket string) (string, error)
}

func (b *bench) figures() []figure {
	all := []figure{
		{"size of the library", b.size},
		{"start, dlopen to FLBPluginInit's answer", b.start},
		{"1 worker", func(ctx context.Context, dir, bucket string) (string, error) { return b.workers(ctx, dir, bucket, 1) }},
		{"4 workers", func(ctx context.Context, dir, bucket string) (string, error) { return b.workers(ctx, dir, bucket, 4) }},
		{"upload of one large segment", b.largeSegment},
	}
	if b.fluentBit != "" {
		for _, o := range []output{{name: "null", plugin: "null"}, {name: "siem_s3", plugin: "siem_s3"}} {
			all = append(all, figure{"idle with " + o.name, func(ctx context.Context, dir, bucket string) (string, error) {
				return b.idle(ctx, o, dir, bucket)
			}})
		}
	}
	return all
}

// measure prints the chosen figures, each as often as there are rounds.
func (b *bench) measure(ctx context.Context, rounds int, chosen *regexp.Regexp) error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t)
	for _, f := range b.figures() {
		if !chosen.MatchString(f.name) {
			continue
		}
		for range rounds {
			text, err := b.inPlace(ctx, f.once)
			if err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			fmt.Fprintf(t, "%s\t%s\n", f.name, text)
		}
	}
	return t.Flush()
}

// inPlace gives f a directory and a bucket of its own.
func (b *bench) inPlace(ctx context.Context, f func(ctx context.Context, dir, bucket string) (string, error)) (string, error) {
	b.runs++
	bucket := fmt.Sprintf("bench-%d", b.runs)
	dir := filepath.Join(b.dir, bucket)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	defer os.RemoveAll(filepath.Join(b.dir, "s3", "data", bucket))
	if err := b.server.CreateBucket(ctx, bucket); err != nil {
		return "", err
	}
	return f(ctx, dir, bucket)
}

func (b *bench) size(context.Context, string, string) (string, error) {
	info, err := os.Stat(b.plugin)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%.1f MB", float64(info.Size())/1e6), nil
}

// start includes the start of the C host itself, about a millisecond.
func (b *bench) start(ctx context.Context, dir, bucket string) (string, error) {
	begin := time.Now()
	h, err := b.startHost(ctx, output{plugin: "siem_s3"}, dir, bucket, 1)
	if err != nil {
		return "", err
	}
	took := time.Since(begin)
	defer h.Kill()
	rss := statusKB(h.Pid(), "VmRSS")
	return fmt.Sprintf("%.0f ms, %.1f MB of memory in the C host", took.Seconds()*1e3, float64(rss)*1024/1e6), h.Exit(ctx)
}

// idle looks at a Fluent Bit that has nothing to do.
func (b *bench) idle(ctx context.Context, o output, dir, bucket string) (string, error) {
	const settle, watch = 3 * time.Second, 20 * time.Second
	port, err := freePort()
	if err != nil {
		return "", err
	}
	p, err := b.startFluentBit(ctx, o, dir, bucket, filepath.Join(dir, "none"), port)
	if err != nil {
		return "", err
	}
	defer p.Kill()
	if err := pause(ctx, settle); err != nil {
		return "", err
	}
	before := wakeUps(p.Pid())
	if err := pause(ctx, watch); err != nil {
		return "", err
	}
	n := wakeUps(p.Pid()) - before
	rss := statusKB(p.Pid(), "VmRSS")
	return fmt.Sprintf("%.1f wake-ups a second, %.1f MB of memory", float64(n)/watch.Seconds(), float64(rss)*1024/1e6), p.Stop(ctx)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wakeUps is how often the threads of a process have waited for something.
func wakeUps(pid int) (n int64) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return 0
	}
	for _, t := range threads {
		var tid int
		if _, err := fmt.Sscan(t.Name(), &tid); err == nil {
			n += statusKB(tid, "voluntary_ctxt_switches")
		}
	}
	return n
}
