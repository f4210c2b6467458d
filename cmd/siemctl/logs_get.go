package main

import (
	"context"
	"fmt"
	"strings"

	"siem-s3/cmd/siemctl/logs"
)

// logsGetCmd downloads objects.
type logsGetCmd struct {
	logsPlace
	logsRange
	Dir string `short:"d" default:"." placeholder:"DIR" help:"The directory to download to (${default}). Objects go below it, under their keys."`
}

// Help is what the command's --help says beyond its flags.
func (logsGetCmd) Help() string {
	return `Downloads the objects that ls lists, eight at once, and prints the path of each file. A file is there only when all of it is, compared with the checksum that S3 keeps. What was interrupted goes on where it stopped when the command is run again; what is there already is not downloaded again.

Examples:

  siemctl logs get -c /etc/fluent-bit/fluent-bit.conf --since 7d --dir evidence
  siemctl logs get --bucket acme-siem-logs --since 2026-11-01 --until 2026-12-01 --category account -d november` + logsExitCodes
}

// Validate finds what no range and place can be made of.
func (c *logsGetCmd) Validate() error {
	return firstError(c.logsPlace.validate(), c.logsRange.validate())
}

// Run downloads.
func (c *logsGetCmd) Run(ctx context.Context, s streams) error {
	sources, err := c.sources(s)
	if err != nil {
		return err
	}
	q, err := c.query(0, logs.Categories...)
	if err != nil {
		return err
	}
	objects, err := find(ctx, s, sources, q)
	if err != nil || len(objects) == 0 {
		return interrupted(ctx, err)
	}
	var total int64
	for _, o := range objects {
		total += o.Size
	}
	bar := newProgress(s.err, "downloading", total, true)
	results, err := logs.Get(ctx, objects, c.Dir, bar.add)
	bar.stop()
	failed := c.print(s, results)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted; the same command goes on from here")
	case err != nil:
		return err
	case failed > 0:
		return fmt.Errorf("%s could not be downloaded", logs.Counted(failed, "object"))
	}
	return nil
}

// print prints paths and a summary, and returns how many objects failed.
func (c *logsGetCmd) print(s streams, results []logs.Result) (failed int) {
	var got, there, unverified int
	var bytes int64
	for _, r := range results {
		switch {
		case r.Err != nil:
			if failed++; failed <= 10 {
				s.report(r.Object.Key + ": " + r.Err.Error())
			}
			continue
		case r.There:
			there++
		default:
			got++
			bytes += r.Object.Size
			if r.Checksum == "" {
				unverified++
			}
		}
		fmt.Fprintln(s.out, r.Path)
	}
	summary := []string{fmt.Sprintf("%s downloaded, %s", logs.Counted(got, "object"), sizeText(bytes))}
	if there > 0 {
		summary = append(summary, fmt.Sprintf("%d there already", there))
	}
	if unverified > 0 {
		summary = append(summary, fmt.Sprintf("%d without a checksum to verify", unverified))
	} else if got > 0 {
		summary = append(summary, "all checksums verified")
	}
	s.report(strings.Join(summary, "; "))
	return failed
}
