package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"siem-s3/conf"
	"siem-s3/test/chunk"
	"siem-s3/test/fluentbit"
	"siem-s3/test/host"
)

// An engine runs the plugin: Fluent Bit, or the C host.
type engine interface {
	name() string
	// Done is closed when the engine has ended, whoever ended it.
	Done() <-chan struct{}
	// feed gives every output the events, which are lines of JSON.
	feed(ctx context.Context, events []byte) error
	// stop ends the engine as an administrator does.
	stop(ctx context.Context) error
	log() string
}

// startEngine starts Fluent Bit where there is one, else the C host.
func (d *demo) startEngine(ctx context.Context) error {
	program, err := d.findFluentBit()
	switch {
	case err != nil:
		return err
	case program == "":
		return d.startHost(ctx)
	}
	version, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return explain(err)
	}
	first, _, _ := strings.Cut(string(version), "\n")
	d.out.line("%s (%s)", first, program)
	if d.engine, err = d.startFluentBit(ctx, program); err != nil {
		return err
	}
	d.sayOutputs()
	return nil
}

// findFluentBit is the path of Fluent Bit, "" for the C host.
func (d *demo) findFluentBit() (string, error) {
	if d.cmd.Host {
		d.out.line("The C host of the tests, which calls the plugin as Fluent Bit does (--host)")
		return "", nil
	}
	if d.cmd.FluentBit != "" {
		return exec.LookPath(d.cmd.FluentBit)
	}
	path, err := fluentbit.Find()
	if errors.Is(err, fluentbit.ErrNotFound) {
		d.out.line("There is none on this machine ($FLUENT_BIT, PATH): the C host of the tests,")
		d.out.line("which calls the plugin as Fluent Bit does, stands in")
		return "", nil
	}
	return path, err
}

func (d *demo) sayOutputs() {
	for _, o := range demoOutputs {
		d.out.line("[OUTPUT] siem_s3 format=%-6s compression=%-4s to %s/", o.format, o.compression, o.format)
	}
}

// fluentBit is a real Fluent Bit that tails a file.
type fluentBit struct {
	*fluentbit.Process
	file string
}

func (d *demo) startFluentBit(ctx context.Context, program string) (engine, error) {
	parsers, err := conf.Samples.ReadFile("parsers.conf")
	if err != nil {
		return nil, err // it is embedded
	}
	f := &fluentBit{file: filepath.Join(d.dir, "events.ndjson")}
	for path, content := range map[string][]byte{filepath.Join(d.dir, "parsers.conf"): parsers, f.file: nil} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, err
		}
	}
	f.Process, err = fluentbit.Start(ctx, program, fluentbit.Config{
		Dir: d.dir, Text: d.fluentBitConf(), Plugins: []string{d.cmd.Plugin}, Env: d.credentials(),
	})
	if err != nil {
		return nil, err
	}
	d.defers(f.Kill)
	return f, nil
}

// fluentBitConf is a configuration like that of the samples.
func (d *demo) fluentBitConf() string {
	var b strings.Builder
	fmt.Fprintf(&b, `[SERVICE]
    flush         1
    log_level     info
    parsers_file  parsers.conf
    storage.path  %s
    storage.sync  full

[INPUT]
    name            tail
    tag             siem.demo
    path            %s
    parser          siem_json
    read_from_head  on
    storage.type    filesystem
`, filepath.Join(d.dir, "storage"), filepath.Join(d.dir, "events.ndjson"))
	for _, o := range demoOutputs {
		b.WriteString("\n[OUTPUT]\n    name               siem_s3\n    match              *\n" +
			"    workers            1\n    retry_limit        no_limits\n")
		for _, s := range d.settings(o) {
			fmt.Fprintf(&b, "    %-17s  %s\n", s.key, s.value)
		}
	}
	return b.String()
}

func (*fluentBit) name() string  { return "Fluent Bit" }
func (f *fluentBit) log() string { return f.Log.String() }

func (f *fluentBit) feed(_ context.Context, events []byte) error {
	return os.WriteFile(f.file, events, 0o600)
}

func (f *fluentBit) stop(ctx context.Context) error { return f.Stop(ctx) }

// cHost is the C host of the tests.
type cHost struct{ *host.Host }

func (d *demo) startHost(ctx context.Context) error {
	c := host.Config{Plugin: d.cmd.Plugin, Env: d.credentials()}
	for _, o := range demoOutputs {
		settings := map[string]string{}
		for _, s := range d.settings(o) {
			settings[s.key] = s.value
		}
		c.Outputs = append(c.Outputs, host.Output{Name: o.format, Workers: 1, Settings: settings})
	}
	h, err := host.Start(ctx, c)
	if err != nil {
		return err
	}
	d.defers(h.Kill)
	d.engine = &cHost{h}
	d.sayOutputs()
	return nil
}

func (*cHost) name() string  { return "The C host" }
func (h *cHost) log() string { return h.Log.String() }

func (h *cHost) feed(ctx context.Context, events []byte) error {
	c, err := chunk.FromNDJSON(chunk.V2, bytes.NewReader(events), time.Now(), time.Microsecond)
	if err != nil {
		return err
	}
	for _, o := range demoOutputs {
		status, err := h.Flush(ctx, o.format, "siem.demo", c)
		if err != nil {
			return err
		}
		if status != host.OK {
			return fmt.Errorf("the plugin answered %s", status)
		}
	}
	return nil
}

func (h *cHost) stop(ctx context.Context) error { return h.Exit(ctx) }
