package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"siem-s3/cmd/siemctl/logs"
	"siem-s3/cmd/siemctl/spooldir"
	"siem-s3/pipeline"
	"siem-s3/spool"
)

// spoolExportCmd writes objects to files.
type spoolExportCmd struct {
	spoolDir
	To string `required:"" placeholder:"OUT" help:"The directory to write to. Objects go below it, under their keys."`
}

// Help is what the command's --help says beyond its flags.
func (spoolExportCmd) Help() string {
	return `Writes each object that waits to a file of its own, byte for byte as S3 would get it, and prints the path of each. It is for a bucket that is gone, or for history that must be at hand before it is back. A file is there only when all of it is on disk; one that is there already is left alone, and is an error if it is something else.

Nothing leaves the store_dir: once Fluent Bit reaches a bucket, it uploads the same objects under the same keys. While it runs, the last segment grows; stop it before, or export to another directory afterwards, to have all of that one.

` + spoolBeside + ` Damaged chunks are told of and left out.

Examples:

  siemctl spool export /var/lib/fluent-bit/siem_s3 --to /mnt/usb/evidence
  aws s3 cp --recursive /mnt/usb/evidence s3://acme-siem-logs-new/` + logsExitCodes
}

// Run exports.
func (c *spoolExportCmd) Run(ctx context.Context, s streams) error {
	if err := os.MkdirAll(c.To, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(c.To)
	if err != nil {
		return err
	}
	defer root.Close()
	var written, before, failed int
	var growing bool
	damaged, err := c.eachObject(ctx, s, func(seg spool.SegmentFile, o *pipeline.WaitingObject) error {
		file, there, err := spooldir.Export(root, o)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // uploaded meanwhile
		case err != nil:
			s.report(file + ": " + err.Error())
			failed++
			return nil
		case there:
			before++
		default:
			written++
		}
		growing = growing || seg.Last
		_, err = fmt.Fprintln(s.out, file)
		return err
	})
	if err != nil {
		return interrupted(ctx, err)
	}
	s.report(fmt.Sprintf("%s written; %d there already", logs.Counted(written, "object"), before))
	if growing {
		s.report("those of the last segment are as they are now: while Fluent Bit runs, they may get more")
	}
	if failed > 0 {
		return fmt.Errorf("%s could not be written", logs.Counted(failed, "object"))
	}
	return damage(damaged)
}
