package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"siem-s3/cmd/siemctl/logs"
	"siem-s3/event"
	"siem-s3/test/events"
)

// genCmd prints sample events.
type genCmd struct {
	Count    int      `short:"n" default:"100" placeholder:"N" help:"How many; 0 goes on for ever."`
	Rate     float64  `placeholder:"N" help:"How many a second. Otherwise as fast as they are read."`
	Seed     uint64   `default:"1" placeholder:"N" help:"Other seeds give other events."`
	LogTypes []string `placeholder:"TYPE" help:"Which log types, or device or account for all of a kind. Otherwise all."`
	From     string   `placeholder:"TIME" help:"The time of the first event. Otherwise each has the time at which it is printed."`
	To       string   `placeholder:"TIME" help:"The time up to which the events are spread. Otherwise they are 0.1 s apart, or as --rate says."`
}

// Help is what the command's --help says beyond its flags.
func (genCmd) Help() string {
	return `Prints device and account events as a service would report them, one JSON object a line, for trying a configuration. Each is numbered (ref=…), so that none can go missing unnoticed.

A TIME is ` + logs.WhenHelp + `. With a --from that does not depend on now, the same flags print the same bytes.

Examples:

  siemctl gen -n 5
  siemctl gen -n 0 --rate 50 >> /var/log/siem/events.ndjson
  siemctl gen -n 1000 --from 2026-11-22T08:00:00Z --to 2026-11-22T20:00:00Z
  siemctl gen --log-types logon,config,process_scan_infection_found

Exit codes: 0 done, 1 not, 2 wrong usage.`
}

// Validate says what kong can't tell of the flags.
func (g *genCmd) Validate() error {
	switch {
	case g.Count < 0:
		return errors.New("--count: want 0 or more")
	case g.Rate < 0 || g.Rate > 1e9:
		return errors.New("--rate: want a number of events a second, up to a billion")
	case g.To != "" && (g.From == "" || g.Count == 0):
		return errors.New("--to: want it with --from and a --count")
	}
	if _, err := g.times(time.Now()); err != nil {
		return err
	}
	_, err := g.logTypes()
	return err
}

// logTypes returns the log types that were asked for.
func (g *genCmd) logTypes() ([]string, error) {
	var chosen []string
	for _, name := range g.LogTypes {
		matched := false
		for _, t := range event.Types() {
			if strings.EqualFold(name, t.String()) || strings.EqualFold(name, t.Category().String()) {
				chosen, matched = append(chosen, t.String()), true
			}
		}
		if !matched {
			return nil, fmt.Errorf("--log-types: there is no %q: want device, account or some of %s", name, strings.Join(events.LogTypes(), ", "))
		}
	}
	return chosen, nil
}

// defaultStep is between events whose times nothing else decides.
const defaultStep = 100 * time.Millisecond

// times returns the time of each event by its number, nil if it is that of printing.
func (g *genCmd) times(now time.Time) (func(n int) time.Time, error) {
	if g.From == "" {
		return nil, nil
	}
	from, err := logs.ParseWhen(g.From, now)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	step := defaultStep
	if g.Rate > 0 {
		step = time.Duration(float64(time.Second) / g.Rate)
	}
	if g.To != "" {
		to, err := logs.ParseWhen(g.To, now)
		if err != nil {
			return nil, fmt.Errorf("--to: %w", err)
		}
		if !to.After(from) {
			return nil, errors.New("--to: want a time after --from")
		}
		step = to.Sub(from) / time.Duration(g.Count)
	}
	return func(n int) time.Time { return from.Add(time.Duration(n) * step) }, nil
}

// Run prints the events. That nobody wants more of them is no failure.
func (g *genCmd) Run(ctx context.Context, s streams) error {
	chosen, err := g.logTypes()
	if err != nil {
		return err
	}
	at, err := g.times(time.Now())
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(s.out, 256<<10)
	stream := events.NewStream(g.Seed, chosen...)
	emit := func(from, to int) error {
		now := time.Now()
		for n := from; n < to; n++ {
			t := now
			if at != nil {
				t = at(n)
			}
			if _, err := w.Write(stream.AppendRecord(w.AvailableBuffer(), n, t)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := g.pace(ctx, emit, w); err != nil {
		return err
	}
	return w.Flush()
}

// pace has events printed, in batches, until there are enough or ctx ends.
func (g *genCmd) pace(ctx context.Context, emit func(from, to int) error, w interface{ Flush() error }) error {
	const batch = 1000
	start, n := time.Now(), 0
	for ctx.Err() == nil && (g.Count == 0 || n < g.Count) {
		next := n + batch
		if g.Rate > 0 {
			// One is due at once, the next after 1/Rate seconds.
			next = min(next, 1+int(time.Since(start).Seconds()*g.Rate))
		}
		if g.Count > 0 {
			next = min(next, g.Count)
		}
		if next <= n {
			// What is due goes out before the wait.
			if err := w.Flush(); err != nil {
				return err
			}
			sleep(ctx, time.Until(start.Add(time.Duration(float64(n)/g.Rate*float64(time.Second)))))
			continue
		}
		if err := emit(n, next); err != nil {
			return err
		}
		n = next
	}
	return nil
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
