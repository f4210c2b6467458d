package main

import (
	"context"
	"fmt"
	"path/filepath"

	"siem-s3/cmd/siemctl/logs"
	"siem-s3/cmd/siemctl/spooldir"
	"siem-s3/pipeline"
	"siem-s3/spool"
)

// spoolCmd is about what waits in store_dir.
type spoolCmd struct {
	Ls      spoolLsCmd      `cmd:"" help:"List what waits in a store_dir."`
	Verify  spoolVerifyCmd  `cmd:"" help:"Verify every checksum in a store_dir."`
	Cat     spoolCatCmd     `cmd:"" help:"Print the events that wait in a store_dir."`
	Export  spoolExportCmd  `cmd:"" help:"Write what waits in a store_dir to files, as S3 would get it."`
	Requeue spoolRequeueCmd `cmd:"" help:"Make a file for Fluent Bit of records that could not be read or were rejected."`
}

// spoolBeside is what all of them say of a running Fluent Bit.
const spoolBeside = `It is safe beside a running Fluent Bit: no lock is taken. What is uploaded meanwhile is left out.`

// spoolDir is the directory that a command is about.
type spoolDir struct {
	Dir string `arg:"" placeholder:"DIR" help:"The store_dir of an output siem_s3."`
}

// view looks at the directory. What cannot be used in it is told of, and counted.
func (d *spoolDir) view(s streams) (v *spool.View, unusable int, err error) {
	v, err = spool.Inspect(d.Dir)
	if err != nil {
		return nil, 0, fmt.Errorf("look at the store_dir: %w", err)
	}
	for _, err := range v.Foreign {
		s.report(fmt.Sprintf("%s; it is left out", err))
	}
	return v, len(v.Foreign), nil
}

// eachObject calls do with the objects that wait, verified, oldest first.
// Damaged parts are told of, left out, and counted.
func (d *spoolDir) eachObject(ctx context.Context, s streams, do func(spool.SegmentFile, *pipeline.WaitingObject) error) (damaged int, err error) {
	v, damaged, err := d.view(s)
	if err != nil {
		return 0, err
	}
	err = spooldir.EachSegment(ctx, v, true, func(seg spool.SegmentFile, c *spool.Contents) error {
		for _, e := range c.Damage {
			s.report(e.Error() + "; it is left out")
			damaged++
		}
		for _, st := range c.Streams {
			o, err := pipeline.NewWaitingObject(c.Segment, st)
			if err != nil {
				s.report(fmt.Sprintf("%s: %s; a stream is left out", filepath.Base(seg.Path), err))
				damaged++
				continue
			}
			if err := do(seg, o); err != nil {
				return err
			}
		}
		return nil
	})
	return damaged, err
}

// damage is the error of a command that left something out.
func damage(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%s could not be read; siemctl spool verify lists damage", logs.Counted(n, "part"))
}
