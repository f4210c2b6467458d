package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"siem-s3/cmd/siemctl/logs"
	"siem-s3/cmd/siemctl/spooldir"
	"siem-s3/pipeline"
	"siem-s3/spool"
)

// spoolVerifyCmd verifies checksums.
type spoolVerifyCmd struct {
	spoolDir
	Format string `short:"o" enum:"table,json" default:"table" placeholder:"FORMAT" help:"How to print damage: ${enum}."`
}

// Help is what the command's --help says beyond its flags.
func (spoolVerifyCmd) Help() string {
	return `Reads every segment and every list of digests (.done) to the last byte, verifies all of their checksums, and prints what is damaged: file, offset, length and reason. The end of the last segment is no damage where it is not whole: it is an append under way, or one of which Fluent Bit was never told that it is stored.

Damage costs the chunks that it hits and no other: the rest of the segment is uploaded, and what is damaged is copied to quarantine. A damaged list of digests costs only the recognition of chunks that Fluent Bit sends again after a crash. Where there is damage, look at the disk.

` + spoolBeside + `

Examples:

  siemctl spool verify /var/lib/fluent-bit/siem_s3
  siemctl spool verify /var/lib/fluent-bit/siem_s3 -o json | jq '.[].file'

Exit codes: 0 nothing is damaged, 1 something is, 2 wrong usage.`
}

// damaged is a part of a file as JSON.
type damaged struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	Reason string `json:"reason"`
}

// Run verifies, and fails if there is damage.
func (c *spoolVerifyCmd) Run(ctx context.Context, s streams) error {
	v, unusable, err := c.view(s)
	if err != nil {
		return err
	}
	all := []damaged{}
	for _, d := range v.Done {
		if d.Damage != nil {
			all = append(all, damaged(*d.Damage))
		}
	}
	found, verified, err := verifySegments(ctx, s, v)
	if err != nil {
		return interrupted(ctx, err)
	}
	all = append(all, found...)
	if err := c.print(s, all); err != nil {
		return err
	}
	s.report(fmt.Sprintf("%s, %s and %s of digests verified, %s damaged", logs.Counted(verified, "segment"),
		logs.Counted(chunksOf(v.Done), "removed chunk"), logs.Counted(len(v.Done), "list"), logs.Counted(len(all), "part")))
	if len(all) > 0 || unusable > 0 {
		return errReported
	}
	return nil
}

func chunksOf(done []spool.DoneFile) (n int) {
	for _, d := range done {
		n += d.Batches
	}
	return n
}

// verifySegments reads all of them.
func verifySegments(ctx context.Context, s streams, v *spool.View) (all []damaged, verified int, err error) {
	var total int64
	for _, seg := range v.Segments {
		total += seg.Size
	}
	bar := newProgress(s.err, "verifying", total, true)
	defer bar.stop()
	err = spooldir.EachSegment(ctx, v, true, func(seg spool.SegmentFile, content *spool.Contents) error {
		for _, e := range content.Damage {
			all = append(all, damaged(*e))
		}
		for _, st := range content.Streams {
			if _, err := pipeline.NewWaitingObject(content.Segment, st); err != nil {
				all = append(all, damaged{filepath.Base(seg.Path), 0, seg.Size, err.Error()})
			}
		}
		verified++
		bar.add(seg.Size)
		return nil
	})
	return all, verified, err
}

func (c *spoolVerifyCmd) print(s streams, all []damaged) error {
	if c.Format == "json" {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	if len(all) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, err := fmt.Fprintln(t, "FILE\tOFFSET\tLENGTH\tREASON")
	for _, d := range all {
		_, lineErr := fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", d.File, d.Offset, d.Length, d.Reason)
		err = errors.Join(err, lineErr)
	}
	return errors.Join(err, t.Flush())
}
