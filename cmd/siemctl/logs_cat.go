package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"siem-s3/cmd/siemctl/logs"
	"siem-s3/event"
)

// logsCatCmd prints events.
type logsCatCmd struct {
	logsPlace
	logsRange
	logsFilter
	logsFormat
}

// logsFormat is the flag that says how events are printed.
type logsFormat struct {
	Format string `short:"o" enum:"auto,table,ndjson,json,syslog,csv" default:"auto" placeholder:"FORMAT" help:"How to print events: table, ndjson, json, syslog or csv. Otherwise table on a terminal and ndjson elsewhere."`
}

// output returns how events of these categories are printed.
func (f *logsFormat) output(s streams, sources []*logs.Source, categories []event.Category) logs.Output {
	format := f.Format
	rejected := slices.Contains(categories, event.Rejected)
	if format == "auto" && onTerminal(s.out) && (!rejected || len(categories) == 1) {
		format = logs.Table
	} else if format == "auto" {
		format = logs.NDJSON
	}
	return logs.Output{Format: format, Syslog: sources[0].Syslog, Rejected: rejected, Colour: inColour(s.out)}
}

// validate finds what has no common form.
func (f *logsFormat) validate(categories []string) error {
	switch rejected := slices.Contains(categories, "rejected"); {
	case rejected && f.Format == logs.Syslog:
		return errors.New("rejected records are no events, and have no form as syslog: use -o ndjson, json, csv or table")
	case rejected && len(categories) > 1 && (f.Format == logs.CSV || f.Format == logs.Table):
		return errors.New("rejected records have columns of their own: use --category rejected alone, or -o ndjson or json")
	}
	return nil
}

// Help is what the command's --help says beyond its flags.
func (logsCatCmd) Help() string {
	return `Prints device and account events in the order of their timestamps, from JSON and SYSLOG objects alike. An event is found if it arrived within --slack after it happened; what a device reported later than that, because it was offline, needs a longer slack. An event is out of order only if more than 32,768 later events (or 16 MB of them) were stored before it; the order is the same every time. Rejected records are printed with --category rejected.

Control characters in SYSLOG objects stand there as #ooo (octal), and are read as what they stand for.

Examples:

  siemctl logs cat -c /etc/fluent-bit/fluent-bit.conf --since 7d --log-type process_scan_infection_found
  siemctl logs cat -c fluent-bit.conf --since 30d --admin '*@acme.example' --log-type config -o table
  siemctl logs cat --bucket acme-siem-logs --device LTES0042 --log-type block_device_access -o csv
  siemctl logs cat -c fluent-bit.conf --grep '(?i)eicar' | jq -r .device_name | sort | uniq -c
  siemctl logs cat -c fluent-bit.conf --category rejected --since 2h` + logsExitCodes
}

// Validate finds what nothing can be looked for by.
func (c *logsCatCmd) Validate() error {
	return firstError(c.logsPlace.validate(), c.logsRange.validate(), c.logsFilter.validate(), c.logsFormat.validate(c.Category))
}

// search is what the flags of cat, tail and stats say.
type search struct {
	sources  []*logs.Source
	query    *logs.Query
	filter   *logs.Filter
	problems *logs.Problems
}

func newSearch(s streams, p *logsPlace, r *logsRange, f *logsFilter, of ...event.Category) (*search, error) {
	filter, err := f.filter()
	if err != nil {
		return nil, err
	}
	q, err := r.query(time.Duration(f.Slack), of...)
	if err != nil {
		return nil, err
	}
	if q.Categories = filter.Categories(q.Categories); len(q.Categories) == 0 {
		return nil, errors.New("no event of this category can match the other flags")
	}
	sources, err := p.sources(s)
	if err != nil {
		return nil, err
	}
	return &search{sources, q, filter, logs.NewProblems(s.report)}, nil
}

// Run prints.
func (c *logsCatCmd) Run(ctx context.Context, s streams) error {
	search, err := newSearch(s, &c.logsPlace, &c.logsRange, &c.logsFilter, event.Device, event.Account)
	if err != nil {
		return err
	}
	printer, err := logs.NewPrinter(s.out, c.output(s, search.sources, search.query.Categories), search.filter, search.problems)
	if err != nil {
		return err
	}
	objects, err := find(ctx, s, search.sources, search.query)
	if err == nil {
		err = printer.Cat(ctx, objects, search.query)
	}
	if closed := printer.Close(); err == nil {
		err = closed
	}
	if err == nil && printer.Count() == 0 && len(objects) > 0 {
		s.report(fmt.Sprintf("no such event in %s, %s to %s", logs.Counted(len(objects), "object"),
			search.query.Range.Start.Format(time.RFC3339), search.query.Range.End.Format(time.RFC3339)))
	}
	return interrupted(ctx, firstError(err, search.problems.Err()))
}
