package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"siem-s3/event"
)

// feed gives the engine the sample events.
func (d *demo) feed(ctx context.Context) error {
	if err := d.engine.feed(ctx, d.events); err != nil {
		return err
	}
	d.out.line("%d records: every log type of devices and accounts, and some that are no event", d.records)
	return nil
}

// demoPatience is how long records may take to their objects. It decides nothing
// but how long a failure takes.
const demoPatience = demoWindow + 20*time.Second

// awaitObjects waits until every record is in the bucket and stops the engine, which
// uploads what it still has: from then on nothing is added.
func (d *demo) awaitObjects(ctx context.Context) error {
	start := time.Now()
	if err := d.pollBucket(ctx, start.Add(demoPatience)); err != nil {
		return err
	}
	d.out.line("Objects are made every %v here, every 5m by default: waited %v", demoWindow,
		time.Since(start).Round(100*time.Millisecond))
	if err := d.engine.stop(ctx); err != nil {
		return err
	}
	d.out.line("%s has stopped, with exit status 0", d.engine.name())
	var err error
	d.objects, err = d.reader.Objects(ctx)
	return err
}

// pollBucket looks at the bucket until every record is there, or the deadline has
// come: to say what is missing then is not its job.
func (d *demo) pollBucket(ctx context.Context, deadline time.Time) error {
	for time.Now().Before(deadline) {
		var err error
		if d.objects, err = d.reader.Objects(ctx); err != nil {
			return err
		}
		if d.complete() {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-d.engine.Done():
			return fmt.Errorf("%s has ended", d.engine.name())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// complete tells whether every output has stored as many lines as there are records.
func (d *demo) complete() bool {
	for _, o := range demoOutputs {
		if d.stored(o) < d.records {
			return false
		}
	}
	return true
}

// showObjects lists what an administrator sees in the bucket.
func (d *demo) showObjects(context.Context) error {
	rows := []string{"lines\tbytes\tkey"}
	for _, o := range d.objects {
		rows = append(rows, fmt.Sprintf("%d\t%d\t%s", o.Number, o.Size, o.Key))
	}
	d.out.table(rows...)
	return nil
}

// showLines shows the same two events in each format.
func (d *demo) showLines(context.Context) error {
	for i, o := range demoOutputs {
		if i > 0 {
			d.out.blank()
		}
		d.out.label("%s: a device event and an account event", strings.ToUpper(o.format))
		d.out.line("%s", pick(d.lines(o, event.Device), "process_scan_infection_found"))
		d.out.line("%s", pick(d.lines(o, event.Account), "logon"))
	}
	return nil
}

// pick is the first line with a word in it.
func pick(lines []string, word string) string {
	for _, line := range lines {
		if strings.Contains(line, word) {
			return line
		}
	}
	return "(none)"
}

// showRejected shows one record that is no event, and the reasons of all.
func (d *demo) showRejected(context.Context) error {
	lines := d.lines(demoOutputs[0], event.Rejected)
	if len(lines) == 0 {
		d.out.line("(nothing)")
		return nil
	}
	d.out.label("It is stored whole, as JSON, with the reason:")
	d.out.line("%s", lines[0])
	d.out.blank()
	d.out.label("The reasons of all %d:", len(lines))
	for _, line := range lines {
		var r struct{ Reason, Detail string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return fmt.Errorf("read a rejected record: %w", err)
		}
		if r.Detail != "" {
			r.Reason += ": " + r.Detail
		}
		d.out.line("%s", r.Reason)
	}
	return nil
}

// count fails unless every output has stored every record once, as an event or as
// a rejected record.
func (d *demo) count(context.Context) error {
	rows := []string{"\tin\t \tdevice\t \taccount\t \trejected\t"}
	var wrong []error
	for _, o := range demoOutputs {
		device, account, rejected := len(d.lines(o, event.Device)), len(d.lines(o, event.Account)), len(d.lines(o, event.Rejected))
		sign := "="
		if stored := device + account + rejected; stored != d.records || stored != d.stored(o) {
			sign = "!="
			wrong = append(wrong, fmt.Errorf("%d records in, %d lines stored as %s", d.records, d.stored(o), o.format))
		}
		rows = append(rows, fmt.Sprintf("%s\t%d\t%s\t%d\t+\t%d\t+\t%d\t", o.format, d.records, sign, device, account, rejected))
	}
	d.out.table(rows...)
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	d.out.line("%s", d.out.paint(green, "Yes: every record is stored, once in each format."))
	return nil
}
