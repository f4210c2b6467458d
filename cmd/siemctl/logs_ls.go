package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"siem-s3/cmd/siemctl/logs"
)

// logsLsCmd lists objects.
type logsLsCmd struct {
	logsPlace
	logsRange
	Records bool   `help:"Show how many records each object holds. It costs one request for each."`
	Format  string `short:"o" enum:"table,json,ndjson" default:"table" placeholder:"FORMAT" help:"How to print: ${enum}."`
}

// Help is what the command's --help says beyond its flags.
func (logsLsCmd) Help() string {
	return `Lists the objects whose windows meet the range: an object holds what arrived in its window, 5 minutes by default. Only the keys of that time are listed.

Examples:

  siemctl logs ls -c /etc/fluent-bit/fluent-bit.conf
  siemctl logs ls --bucket acme-siem-logs --region eu-central-1 --since 2026-11-22 --until 2026-11-23
  siemctl logs ls -c fluent-bit.yaml --category rejected --since 7d --records
  siemctl logs ls -c fluent-bit.conf -o ndjson | jq -r .key` + logsExitCodes
}

// Validate finds what no range and place can be made of.
func (c *logsLsCmd) Validate() error {
	return firstError(c.logsPlace.validate(), c.logsRange.validate())
}

// firstError is the first that is one: usage is explained one thing at a time.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Run lists.
func (c *logsLsCmd) Run(ctx context.Context, s streams) error {
	sources, err := c.sources(s)
	if err != nil {
		return err
	}
	q, err := c.query(0, logs.Categories...)
	if err != nil {
		return err
	}
	objects, err := find(ctx, s, sources, q)
	if err != nil {
		return interrupted(ctx, err)
	}
	var records []int
	if c.Records {
		if records, err = logs.Records(ctx, objects); err != nil {
			return interrupted(ctx, err)
		}
	}
	return c.print(s, objects, records)
}

// listed is an object as JSON.
type listed struct {
	Bucket      string    `json:"bucket"`
	Key         string    `json:"key"`
	WindowStart time.Time `json:"window_start"`
	WindowEnd   time.Time `json:"window_end"`
	Category    string    `json:"category"`
	Size        int64     `json:"size"`
	Modified    time.Time `json:"modified"`
	Records     *int      `json:"records,omitempty"`
}

func (c *logsLsCmd) print(s streams, objects []*logs.Object, records []int) error {
	if c.Format == "table" {
		return c.table(s, objects, records)
	}
	list := []listed{}
	for i, o := range objects {
		l := listed{o.Source.Bucket, o.Key, o.Window.Start, o.Window.End, o.CategoryName(), o.Size, o.Modified.UTC(), nil}
		if c.Records && records[i] >= 0 {
			l.Records = &records[i]
		}
		list = append(list, l)
	}
	e := json.NewEncoder(s.out)
	if c.Format == "json" {
		e.SetIndent("", "  ")
		return e.Encode(list)
	}
	for _, l := range list {
		if err := e.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

func (c *logsLsCmd) table(s streams, objects []*logs.Object, records []int) error {
	if len(objects) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	heading := []string{"WINDOW (UTC)", "CATEGORY", "SIZE"}
	if c.Records {
		heading = append(heading, "RECORDS")
	}
	fmt.Fprintln(t, strings.Join(append(heading, "KEY"), "\t"))
	var bytes int64
	for i, o := range objects {
		bytes += o.Size
		cells := []string{o.Window.Start.Format("2006-01-02 15:04:05"), o.CategoryName(), sizeText(o.Size)}
		if c.Records && records[i] < 0 {
			cells = append(cells, "?")
		} else if c.Records {
			cells = append(cells, fmt.Sprint(records[i]))
		}
		fmt.Fprintln(t, strings.Join(append(cells, o.Key), "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	s.report(fmt.Sprintf("%s, %s", logs.Counted(len(objects), "object"), sizeText(bytes)))
	return nil
}

// sizeText is a size in the unit that people would choose, decimal as everywhere.
func sizeText(n int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if n >= unit.bytes {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.bytes), unit.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
