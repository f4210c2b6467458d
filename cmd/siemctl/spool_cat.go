package main

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"slices"

	"siem-s3/cmd/siemctl/spooldir"
	"siem-s3/pipeline"
	"siem-s3/spool"
)

// spoolCatCmd prints events that wait.
type spoolCatCmd struct {
	spoolDir
	Category []string `enum:"device,account,rejected" placeholder:"CATEGORY" help:"Only ${enum}; several with commas. Otherwise all of them."`
}

// Help is what the command's --help says beyond its flags.
func (spoolCatCmd) Help() string {
	return `Prints the lines of the objects that wait, JSON or SYSLOG as they will be stored, in the order in which they arrived. Rejected records are JSON in any case.

` + spoolBeside + ` Damaged chunks are told of and left out.

Examples:

  siemctl spool cat /var/lib/fluent-bit/siem_s3 | jq -r .log_type | sort | uniq -c
  siemctl spool cat /var/lib/fluent-bit/siem_s3 --category rejected | jq -r .reason | sort | uniq -c` + logsExitCodes
}

// Run prints.
func (c *spoolCatCmd) Run(ctx context.Context, s streams) error {
	out := bufio.NewWriterSize(s.out, 256<<10)
	damaged, err := c.eachObject(ctx, s, func(_ spool.SegmentFile, o *pipeline.WaitingObject) error {
		if len(c.Category) > 0 && !slices.Contains(c.Category, o.Category.String()) {
			return nil
		}
		if err := spooldir.WriteEvents(out, o); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil // uploaded meanwhile
	})
	err = firstError(err, out.Flush())
	return interrupted(ctx, firstError(err, damage(damaged)))
}
