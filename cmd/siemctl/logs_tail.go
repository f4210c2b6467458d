package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"siem-s3/cmd/siemctl/logs"
	"siem-s3/event"
)

// logsTailCmd prints the last events and follows new ones.
type logsTailCmd struct {
	logsPlace
	logsRange
	logsFilter
	logsFormat
	Lines    int          `short:"n" default:"10" placeholder:"N" help:"How many events to print (${default})."`
	Follow   bool         `short:"f" help:"Go on with the events of new objects as they are stored, until Ctrl-C."`
	Interval logsDuration `default:"10s" placeholder:"DURATION" help:"How often to look for new objects (${default}, at least 1s)."`
}

// Help is what the command's --help says beyond its flags.
func (logsTailCmd) Help() string {
	return `Prints the last events of the range, in the order of their timestamps. With -f it goes on with what is stored from then on: every look lists the windows of the last --slack, with one request for each bucket and category, and prints what the objects hold that were not there before. New events come when a window ends, every 5 minutes by default.

Examples:

  siemctl logs tail -c /etc/fluent-bit/fluent-bit.conf
  siemctl logs tail -f -n 0 -c fluent-bit.conf --log-type critical_found,process_scan_infection_found
  siemctl logs tail -f -c fluent-bit.conf --category rejected -o ndjson | jq .reason

Exit codes: 0 done, with -f when interrupted; 1 something failed or could not be read; 2 wrong usage.`
}

// Validate finds what nothing can be looked for by.
func (c *logsTailCmd) Validate() error {
	var err error
	switch {
	case c.Lines < 0:
		err = errors.New("-n: want a number from 0 on")
	case c.Interval < logsDuration(time.Second):
		err = errors.New("--interval: want at least 1s")
	case c.Follow && c.Format == logs.JSON:
		err = errors.New("-o json is one array, which -f would never end: use -o ndjson")
	case c.Follow && c.Until != "now":
		err = errors.New("-f goes on from now: leave out --until")
	}
	return firstError(c.logsPlace.validate(), c.logsRange.validate(), c.logsFilter.validate(), c.logsFormat.validate(c.Category), err)
}

// Run prints and follows.
func (c *logsTailCmd) Run(ctx context.Context, s streams) error {
	search, err := newSearch(s, &c.logsPlace, &c.logsRange, &c.logsFilter, event.Device, event.Account)
	if err != nil {
		return err
	}
	printer, err := logs.NewPrinter(s.out, c.output(s, search.sources, search.query.Categories), search.filter, search.problems)
	if err != nil {
		return err
	}
	err = c.run(ctx, s, search, printer)
	if closed := printer.Close(); err == nil {
		err = closed
	}
	if c.Follow && ctx.Err() != nil {
		return search.problems.Err() // it was stopped as it has to be
	}
	return interrupted(ctx, firstError(err, search.problems.Err()))
}

func (c *logsTailCmd) run(ctx context.Context, s streams, search *search, printer *logs.Printer) error {
	if !c.Follow {
		objects, err := find(ctx, s, search.sources, search.query)
		if err != nil {
			return err
		}
		return printer.Last(ctx, objects, search.query, c.Lines)
	}
	found, err := logs.Find(ctx, search.sources, search.query)
	if err != nil {
		return err
	}
	if err := printer.Last(ctx, found.Objects, search.query, c.Lines); err != nil {
		return err
	}
	f := &logs.Follower{
		Printer: printer, Sources: search.sources, Categories: search.query.Categories,
		Lookback: time.Duration(c.Slack), Interval: time.Duration(c.Interval),
		Failed: func(err error) { s.report(err.Error() + "; looking again") },
	}
	f.Seen(found.Objects)
	s.report(fmt.Sprintf("looking for new objects every %s; Ctrl-C ends", time.Duration(c.Interval)))
	return f.Run(ctx)
}
