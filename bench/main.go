// Bench is the macro benchmark: the built plugin under a real load, beside what
// it is compared with. See docs/performance.md.
//
// Where there is a Fluent Bit it tails a file of generated events into the
// plugin, into its own s3 output and into null, whose cost is that of Fluent Bit
// itself and is taken off the others. Else the plugin runs in the C host of the
// tests. The rounds alternate, and what is printed is the median of each figure.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"

	"siem-s3/test/fluentbit"
	"siem-s3/test/plugin"
	"siem-s3/test/s3server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A bench is what all runs share.
type bench struct {
	dir       string
	fluentBit string // path of the program, "" for none: the host takes its place
	plugin    string // path of the library
	server    *s3server.Server
	events    int
	storage   string // storage.type of the input
	runs      int    // so far
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	b := bench{}
	flags.IntVar(&b.events, "events", 1_000_000, "how many events a run has; 1,000,000 are 276 MB")
	flags.StringVar(&b.storage, "storage", "filesystem", "storage.type of Fluent Bit's input: memory or filesystem")
	rounds := flags.Int("rounds", 3, "how often each output is run")
	only := flags.String("run", ".", "regular expression of the outputs to run, and of the figures")
	inHost := flags.Bool("host", false, "use the C host even if there is a Fluent Bit")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	if b.dir, err = os.MkdirTemp("", "siem-s3-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.prepare(ctx, *inHost); err != nil {
		return err
	}
	defer b.server.Stop()
	return cmp.Or(b.compare(ctx, *rounds, chosen), b.measure(ctx, *rounds, chosen))
}

// prepare makes everything that is not to be measured.
func (b *bench) prepare(ctx context.Context, inHost bool) (err error) {
	if b.fluentBit, err = fluentbit.Find(); errors.Is(err, fluentbit.ErrNotFound) || inHost {
		b.fluentBit, err = "", nil
	}
	if err != nil {
		return err
	}
	if b.plugin, err = plugin.Build(ctx, b.dir); err != nil {
		return err
	}
	if err := b.writeEvents(); err != nil {
		return err
	}
	b.server, err = s3server.Run(ctx, filepath.Join(b.dir, "s3"))
	return err
}
