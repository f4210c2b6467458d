package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"siem-s3/conf"
	"siem-s3/test/bucket"
	"siem-s3/test/receiver"
	"siem-s3/test/s3server"
)

// demoCmd shows the plugin at work on this machine alone.
type demoCmd struct {
	FluentBit string `help:"Fluent Bit's program. Otherwise $$FLUENT_BIT, then fluent-bit on the PATH, then the C host." placeholder:"PATH" xor:"engine"`
	Host      bool   `help:"Run the plugin in the C host of the tests even where there is a Fluent Bit." xor:"engine"`
	Plugin    string `help:"The plugin. Otherwise out_siem_s3.so next to siemctl." placeholder:"PATH"`
	Keep      string `help:"Leave the objects, the configuration and the log in a directory." placeholder:"DIR"`
}

// Help is what the command's --help says beyond its flags.
func (demoCmd) Help() string {
	return "It starts an S3 server, a mail server and a web server on this machine, runs the plugin on " +
		"sample events and shows what is stored and what alerts. Everything happens in a temporary directory that is removed at the end. " +
		"It needs a checkout of the sources and the go command: the S3 server is compiled from there."
}

// demoWindow is upload_timeout in the demo: the shortest that shows a window.
const demoWindow = 2 * time.Second

// demo is one run. Its steps fill it from top to bottom.
type demo struct {
	cmd demoCmd
	out *printer
	dir string // the temporary directory

	events  []byte // lines of JSON
	records int    // how many they are
	server  *s3server.Server
	engine  engine
	reader  *bucket.Reader
	objects []bucket.Object

	mail   *receiver.Mail
	web    *receiver.Web
	secret string // of the webhook's signatures

	cleanup []func() // run from the last to the first
}

// A demoStep is a numbered step with its heading.
type demoStep struct {
	title string
	run   func(context.Context) error
}

func (d *demo) steps() []demoStep {
	return []demoStep{
		{"An S3 server on this machine", d.startServer},
		{"Receivers of alerts", d.startReceivers},
		{"Fluent Bit with the plugin", d.startEngine},
		{"The sample events", d.feed},
		{"The alerts", d.showAlerts},
		{"One window", d.awaitObjects},
		{"The objects in the bucket", d.showObjects},
		{"What is in them", d.showLines},
		{"What is no event", d.showRejected},
		{"Does it add up?", d.count},
	}
}

// Run runs the demo. It fails unless every record is stored exactly once.
func (c *demoCmd) Run(ctx context.Context, s streams) error {
	// Left alone, these would end the process before it has cleaned up.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	d, err := newDemo(*c, newPrinter(s.out))
	if err != nil {
		return err
	}
	defer d.close()
	err = d.run(ctx)
	if ctx.Err() != nil {
		return errors.New("interrupted; nothing is left behind")
	}
	if err != nil && d.engine != nil {
		fmt.Fprintf(s.err, "\n%s's log ends with:\n%s\n\n", d.engine.name(), lastLines(d.engine.log(), 40))
	}
	return errors.Join(err, d.keep(ctx))
}

func newDemo(c demoCmd, out *printer) (*demo, error) {
	root, err := sources()
	if err != nil {
		return nil, err
	}
	if c.Plugin, err = pluginPath(c.Plugin); err != nil {
		return nil, err
	}
	if c.Keep != "" {
		if c.Keep, err = filepath.Abs(c.Keep); err != nil {
			return nil, fmt.Errorf("directory to keep: %w", err)
		}
	}
	// The go command finds the S3 server from here.
	if err := os.Chdir(root); err != nil {
		return nil, err
	}
	events, err := conf.Samples.ReadFile("sample-events.ndjson")
	if err != nil {
		return nil, err // it is embedded
	}
	return &demo{cmd: c, out: out, events: events, records: bytes.Count(events, []byte("\n"))}, nil
}

// run runs the steps, each under its heading.
func (d *demo) run(ctx context.Context) error {
	var err error
	if d.dir, err = os.MkdirTemp("", "siem-s3-demo-"); err != nil {
		return fmt.Errorf("temporary directory: %w", err)
	}
	d.defers(func() { removeAll(d.dir) })
	forgetAWS()
	d.out.heading("siem-s3: %d sample records into S3, as JSON and as SYSLOG, with alerts", d.records)
	for i, s := range d.steps() {
		d.out.step(i+1, s.title)
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, s.title, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// forgetAWS keeps the account that this machine may have out of the demo.
func forgetAWS() {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name)
		}
	}
	_ = os.Setenv("AWS_CONFIG_FILE", os.DevNull)
	_ = os.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
}

// defers adds what close is to do.
func (d *demo) defers(f func()) { d.cleanup = append(d.cleanup, f) }

// close ends what was started and removes what was written.
func (d *demo) close() {
	for _, f := range slices.Backward(d.cleanup) {
		f()
	}
	d.cleanup = nil
}
