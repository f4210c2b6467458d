package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"siem-s3/cmd/siemctl/logs"
)

// logsStatsCmd counts events.
type logsStatsCmd struct {
	logsPlace
	logsRange
	logsFilter
	By     string `enum:"auto,hour,day" default:"auto" placeholder:"hour|day" help:"The step of the timeline. Otherwise hours up to three days and days beyond."`
	Top    int    `default:"10" placeholder:"N" help:"How many devices and admins to show (${default})."`
	Chart  string `placeholder:"FILE.svg" help:"Draw the timeline into a file, too."`
	Format string `short:"o" enum:"table,json,csv" default:"table" placeholder:"FORMAT" help:"How to print: ${enum}."`
}

// Help is what the command's --help says beyond its flags.
func (logsStatsCmd) Help() string {
	return `Counts the events of a range by log type, by hour or day, by device and by admin, and the rejected records by reason.

Examples:

  siemctl logs stats -c /etc/fluent-bit/fluent-bit.conf
  siemctl logs stats -c fluent-bit.conf --since 30d --by day --chart november.svg
  siemctl logs stats -c fluent-bit.conf --since 7d --device LTES0042
  siemctl logs stats -c fluent-bit.conf -o json | jq '.log_types[] | select(.level == "alert")'` + logsExitCodes
}

// Validate finds what nothing can be looked for by.
func (c *logsStatsCmd) Validate() error {
	var err error
	if c.Top < 0 {
		err = fmt.Errorf("--top: want a number from 0 on")
	}
	return firstError(c.logsPlace.validate(), c.logsRange.validate(), c.logsFilter.validate(), err)
}

// hourly is the longest range whose timeline is in hours if nothing else is asked for.
const hourly = 72 * time.Hour

// Run counts.
func (c *logsStatsCmd) Run(ctx context.Context, s streams) error {
	search, err := newSearch(s, &c.logsPlace, &c.logsRange, &c.logsFilter, logs.Categories...)
	if err != nil {
		return err
	}
	objects, err := find(ctx, s, search.sources, search.query)
	if err != nil {
		return interrupted(ctx, err)
	}
	span, step := search.query.Range, 24*time.Hour
	if c.By == "hour" || c.By == "auto" && span.End.Sub(span.Start) <= hourly {
		step = time.Hour
	}
	var total int64
	for _, o := range objects {
		total += o.Size
	}
	bar := newProgress(s.err, "counting", total, true)
	stats, err := logs.Count(ctx, objects, search.query, search.filter, step, c.Top, search.problems,
		func(o *logs.Object) { bar.add(o.Size) })
	bar.stop()
	if err != nil {
		return interrupted(ctx, err)
	}
	if err := stats.Print(s.out, c.Format, inColour(s.out)); err != nil {
		return err
	}
	if c.Chart != "" {
		if err := writeChart(c.Chart, stats); err != nil {
			return err
		}
	}
	return search.problems.Err()
}

// writeChart replaces the file only with a whole chart.
func writeChart(path string, stats *logs.Stats) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".chart-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // there is none after the rename
	err = stats.Chart(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
