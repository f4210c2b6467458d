package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"siem-s3/test/fluentbit"
	"siem-s3/test/host"
)

// compare runs the chosen outputs in turns and prints a table.
func (b *bench) compare(ctx context.Context, rounds int, chosen *regexp.Regexp) error {
	var rows []row
	for _, o := range outputs() {
		if (o.plugin == "null" || chosen.MatchString(o.name)) && (b.fluentBit != "" || o.ours()) {
			rows = append(rows, row{output: o})
		}
	}
	if len(rows) <= 1 && b.fluentBit != "" {
		return nil
	}
	for n := range rounds {
		for i := range rows {
			u, err := b.once(ctx, rows[i].output)
			if err != nil {
				return fmt.Errorf("%s: %w", rows[i].output.name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d, %s: %.2f s of CPU time\n", n+1, rows[i].output.name, u.cpu().Seconds())
			rows[i].all = append(rows[i].all, u)
		}
	}
	return b.print(os.Stdout, rows)
}

// once runs one output on all events.
func (b *bench) once(ctx context.Context, o output) (usage, error) {
	b.runs++
	bucket := fmt.Sprintf("bench-%d", b.runs)
	dir := filepath.Join(b.dir, bucket)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return usage{}, err
	}
	defer os.RemoveAll(dir)
	objects := filepath.Join(b.dir, "s3", "data", bucket)
	defer os.RemoveAll(objects)
	if err := b.server.CreateBucket(ctx, bucket); err != nil {
		return usage{}, err
	}
	inHost := b.onceInFluentBit
	if b.fluentBit == "" {
		inHost = b.onceInHost
	}
	u, err := inHost(ctx, o, dir, bucket)
	if err != nil {
		return usage{}, err
	}
	u.objects, u.stored, err = sizeOf(objects)
	return u, err
}

func (b *bench) onceInFluentBit(ctx context.Context, o output, dir, bucket string) (usage, error) {
	port, err := freePort()
	if err != nil {
		return usage{}, err
	}
	p, err := b.startFluentBit(ctx, o, dir, bucket, b.eventsFile(), port)
	if err != nil {
		return usage{}, err
	}
	defer p.Kill()
	start, peak := time.Now(), watchPeak(p.Child)
	if err := awaitTaken(ctx, port, o.plugin, b.events); err != nil {
		return usage{}, err
	}
	wall := time.Since(start)
	if err := p.Stop(ctx); err != nil {
		return usage{}, fmt.Errorf("%w\n%s", err, p.Log)
	}
	u := p.Usage()
	return usage{user: u.User, system: u.System, wall: wall, peak: <-peak}, nil
}

func (b *bench) startFluentBit(ctx context.Context, o output, dir, bucket, input string, port int) (*fluentbit.Process, error) {
	parser := []byte("[PARSER]\n    name json\n    format json\n")
	if err := os.WriteFile(filepath.Join(dir, "parsers.conf"), parser, 0o600); err != nil {
		return nil, err
	}
	c := fluentbit.Config{Dir: dir, Text: b.configuration(o, dir, bucket, input, port), Env: b.environment()}
	if o.ours() {
		c.Plugins = []string{b.plugin}
	}
	return fluentbit.Start(ctx, b.fluentBit, c)
}

// awaitTaken waits until Fluent Bit says that its output has taken the events.
func awaitTaken(ctx context.Context, port int, plugin string, events int) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if n, err := taken(ctx, port, plugin); err == nil && n >= events {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func taken(ctx context.Context, port int, plugin string) (int, error) {
	url := fmt.Sprintf("http://127.0.0.1:%d/api/v1/metrics", port)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var m struct {
		Output map[string]struct {
			Records int `json:"proc_records"`
		} `json:"output"`
	}
	err = json.NewDecoder(resp.Body).Decode(&m)
	return m.Output[plugin+".0"].Records, err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// chunkEvents makes chunks of about 2 MB, as Fluent Bit's are under load.
const chunkEvents = 7000

func (b *bench) onceInHost(ctx context.Context, o output, dir, bucket string) (usage, error) {
	h, err := b.startHost(ctx, o, dir, bucket, 1)
	if err != nil {
		return usage{}, err
	}
	defer h.Kill()
	start, peak := time.Now(), watchPeak(h.Child)
	for n := 0; n < b.events; n += chunkEvents {
		c, err := chunkOf(n, min(n+chunkEvents, b.events))
		if err != nil {
			return usage{}, err
		}
		if status, err := h.Flush(ctx, "bench", "siem.file", c); err != nil || status != host.OK {
			return usage{}, fmt.Errorf("a flush was answered %s: %w", status, err)
		}
	}
	wall := time.Since(start)
	if err := h.Exit(ctx); err != nil {
		return usage{}, err
	}
	u := h.Usage()
	return usage{user: u.User, system: u.System, wall: wall, peak: <-peak}, nil
}

func (b *bench) startHost(ctx context.Context, o output, dir, bucket string, workers int) (*host.Host, error) {
	settings := b.allSettings(o, dir, bucket)
	delete(settings, "workers") // the host's own
	return host.Start(ctx, host.Config{
		Plugin: b.plugin, Env: b.environment(),
		Outputs: []host.Output{{Name: "bench", Workers: workers, Settings: settings}},
	})
}

// sizeOf returns how many files are below dir, and their bytes.
func sizeOf(dir string) (files int, bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files++
		bytes += info.Size()
		return nil
	})
	return files, bytes, err
}
