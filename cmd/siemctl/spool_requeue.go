package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"siem-s3/cmd/siemctl/logs"
	"siem-s3/cmd/siemctl/spooldir"
)

// spoolRequeueCmd makes a file that Fluent Bit can read of records that did not
// become events.
type spoolRequeueCmd struct {
	Dir      string   `arg:"" optional:"" placeholder:"DIR" help:"The store_dir whose quarantine to read."`
	Rejected []string `sep:"none" placeholder:"FILE" help:"Read rejected records from this file of JSON lines, as siemctl spool cat and logs cat print them; - is standard input. Can be given more than once."`
	To       string   `placeholder:"FILE" help:"The file to write to, which must not be there yet. Otherwise records are printed, and nothing is moved."`
}

// Help is what the command's --help says beyond its flags.
func (spoolRequeueCmd) Help() string {
	return `Makes lines of JSON of the records that can be read in quarantine/*.chunk, and of rejected records. Once they are safe in the file of --to, the chunks that any of them came from are moved to quarantine/requeued, where they are kept until somebody removes them; chunks in which nothing can be read stay where they are. Without --to nothing is moved.

Fluent Bit then reads the file as any other. Each line has the time of its record under the key date (that of its arrival, if it was rejected), unless it has such a key. Mend the mapping first, then give Fluent Bit an input for it, with a tag that the output matches, and a parser:

  [PARSER]
      name        requeued
      format      json
      time_key    date
      time_format %Y-%m-%dT%H:%M:%S.%L%z

  [INPUT]
      name           tail
      path           /var/spool/requeue/*.ndjson
      parser         requeued
      tag            requeued
      db             /var/lib/fluent-bit/requeue.db
      read_from_head on

What was rejected stays in the bucket, in category rejected, too.

Examples:

  siemctl spool requeue /var/lib/fluent-bit/siem_s3 | less
  siemctl spool requeue /var/lib/fluent-bit/siem_s3 --to /var/spool/requeue/1.ndjson
  siemctl logs cat -c fluent-bit.conf --category rejected --since 7d -o ndjson | siemctl spool requeue --rejected - --to /var/spool/requeue/2.ndjson` + logsExitCodes
}

// Validate finds that there is nothing to read.
func (c *spoolRequeueCmd) Validate() error {
	if c.Dir == "" && len(c.Rejected) == 0 {
		return fmt.Errorf("give the store_dir, or --rejected FILE")
	}
	return nil
}

// Run requeues.
func (c *spoolRequeueCmd) Run(ctx context.Context, s streams) error {
	var lines []byte
	var chunks []string
	var records int
	if c.Dir != "" {
		var err error
		if lines, chunks, records, err = c.salvage(ctx, s); err != nil {
			return interrupted(ctx, err)
		}
	}
	buf := bytes.NewBuffer(lines)
	for _, file := range c.Rejected {
		n, err := unreject(s, buf, file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		records += n
	}
	return c.finish(s, buf, chunks, records)
}

// finish writes the lines, and only then moves what they came from.
func (c *spoolRequeueCmd) finish(s streams, lines io.Reader, chunks []string, records int) error {
	switch {
	case c.To == "":
		_, err := io.Copy(s.out, lines)
		return err
	case records == 0:
		s.report("no records: nothing is written and nothing moved")
		return nil
	}
	if err := spooldir.WriteNew(c.To, lines); err != nil {
		return err
	}
	if len(chunks) > 0 {
		if err := spooldir.SetAside(c.Dir, chunks); err != nil {
			return fmt.Errorf("the records are in %s, but what they came from is not moved: %w", c.To, err)
		}
	}
	s.report(fmt.Sprintf("%s in %s; %s moved to quarantine/requeued", logs.Counted(records, "record"), c.To, logs.Counted(len(chunks), "chunk")))
	return nil
}

// salvage reads the chunks in quarantine and returns the names of those in which
// there are records.
func (c *spoolRequeueCmd) salvage(ctx context.Context, s streams) (lines []byte, chunks []string, records int, err error) {
	v, _, err := (&spoolDir{Dir: c.Dir}).view(s)
	if err != nil {
		return nil, nil, 0, err
	}
	for _, info := range v.Quarantine {
		if filepath.Ext(info.Name()) != ".chunk" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, 0, err
		}
		chunk, err := os.ReadFile(filepath.Join(c.Dir, "quarantine", info.Name()))
		if err != nil {
			return nil, nil, 0, err
		}
		var n int
		var lost int64
		if lines, n, lost = spooldir.Salvage(lines, chunk); n > 0 {
			chunks = append(chunks, info.Name())
		}
		records += n
		s.report(fmt.Sprintf("%s: %s, %d of %d bytes can't be read", info.Name(), logs.Counted(n, "record"), lost, len(chunk)))
	}
	return lines, chunks, records, nil
}

func unreject(s streams, dst io.Writer, file string) (records int, err error) {
	in := io.Reader(os.Stdin)
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		in = f
	}
	records, left, err := spooldir.Unreject(dst, in)
	if left > 0 {
		s.report(fmt.Sprintf("%s: %s left out that are no maps of keys and values", file, logs.Counted(left, "record")))
	}
	return records, err
}
