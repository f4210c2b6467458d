package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// A row is an output and what its runs took.
type row struct {
	output output
	all    []usage
}

// print prints the medians. The CPU time of null, which the rows have in the
// first place if Fluent Bit ran, is taken off the others.
func (b *bench) print(w io.Writer, rows []row) error {
	size, err := os.Stat(b.eventsFile())
	if err != nil {
		return err
	}
	runner := "Fluent Bit"
	var base usage
	if b.fluentBit == "" {
		runner = "the C host"
	} else {
		base = median(rows[0].all)
	}
	rounds := len(rows[0].all)
	fmt.Fprintf(w, "%d events of %.1f MB in %s, median of %d\n\n", b.events, float64(size.Size())/1e6, runner, rounds)
	theirs := map[string]usage{} // by compression
	for _, r := range rows {
		if r.output.plugin == "s3" {
			theirs[r.output.compression()] = median(r.all)
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "output\tCPU s\tuser\tsystem\tabove null\tMB/s a core\ts3 takes\twall s\tpeak MB\tobjects\tMB\tratio\t")
	for _, r := range rows {
		u := median(r.all)
		own := u.cpu() - base.cpu()
		times, rate, ratio := "", "", ""
		if s3, ok := theirs[r.output.compression()]; ok && r.output.ours() {
			times = fmt.Sprintf("%.1f×", float64(s3.cpu()-base.cpu())/float64(own))
		}
		if own > 0 {
			rate = fmt.Sprintf("%.0f", float64(size.Size())/1e6/own.Seconds())
		}
		if u.stored > 0 {
			ratio = fmt.Sprintf("%.1f", float64(size.Size())/float64(u.stored))
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t%s\t%.1f\t%.0f\t%d\t%.1f\t%s\t\n", r.output.name, u.cpu().Seconds(),
			u.user.Seconds(), u.system.Seconds(), own.Seconds(), rate, times, u.wall.Seconds(), float64(u.peak)/1e6,
			u.objects, float64(u.stored)/1e6, ratio)
	}
	return t.Flush()
}

// compression is what o compresses with, "" if it stores nothing.
func (o output) compression() string {
	if c := o.settings["compression"]; c != "" || o.plugin == "null" {
		return c
	}
	return "none"
}
