package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"siem-s3/cmd/siemctl/logs"
	"siem-s3/cmd/siemctl/spooldir"
	"siem-s3/pipeline"
	"siem-s3/spool"
)

// spoolLsCmd lists what waits.
type spoolLsCmd struct {
	spoolDir
	Format string `short:"o" enum:"table,json" default:"table" placeholder:"FORMAT" help:"How to print: ${enum}."`
}

// Help is what the command's --help says beyond its flags.
func (spoolLsCmd) Help() string {
	return `Lists the segments with the objects that they hold for S3, what is in quarantine and why, and what is left of segments that were removed. A segment is removed when all of its objects are uploaded and all of its alerts delivered. ALERTS counts the entries of the queue of alerts, delivered ones included. The last segment is the one that is written to while Fluent Bit runs.

Only Fluent Bit itself knows how often an upload was tried and what went wrong: it is in its log.

` + spoolBeside + ` Payloads are not verified: see siemctl spool verify.

Examples:

  siemctl spool ls /var/lib/fluent-bit/siem_s3
  siemctl spool ls /var/lib/fluent-bit/siem_s3 -o json | jq '.segments[].objects[].key'` + logsExitCodes
}

// spoolListing is a store_dir as JSON.
type spoolListing struct {
	Segments   []spoolSegment     `json:"segments"`
	Quarantine []spoolQuarantined `json:"quarantine"`
	Removed    []spoolRemoved     `json:"removed"`
}

type spoolSegment struct {
	Sequence     uint64                `json:"sequence"`
	File         string                `json:"file"`
	Created      *time.Time            `json:"created"` // nil if the header is damaged
	Last         bool                  `json:"last"`
	Bytes        int64                 `json:"bytes"`
	Chunks       int                   `json:"chunks"`
	AlertEntries int                   `json:"alert_entries"`
	Objects      []spoolObject         `json:"objects"`
	Damage       []*spool.CorruptError `json:"damage,omitempty"`
}

type spoolObject struct {
	Key         string `json:"key"`
	Category    string `json:"category"`
	Compression string `json:"compression"`
	Bytes       int64  `json:"bytes"`
	Records     int    `json:"records"`
}

type spoolQuarantined struct {
	File   string    `json:"file"`
	Bytes  int64     `json:"bytes"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
	Tag    string    `json:"tag,omitempty"`
}

type spoolRemoved struct {
	Sequence uint64    `json:"sequence"`
	File     string    `json:"file"`
	Removed  time.Time `json:"removed"`
	Chunks   int       `json:"chunks"`
}

// Run lists.
func (c *spoolLsCmd) Run(ctx context.Context, s streams) error {
	v, unusable, err := c.view(s)
	if err != nil {
		return err
	}
	l := spoolListing{Segments: []spoolSegment{}, Quarantine: []spoolQuarantined{}, Removed: []spoolRemoved{}}
	err = spooldir.EachSegment(ctx, v, false, func(seg spool.SegmentFile, content *spool.Contents) error {
		listed, err := listSegment(seg, content)
		l.Segments = append(l.Segments, listed)
		return err
	})
	if err != nil {
		return interrupted(ctx, err)
	}
	for _, info := range v.Quarantine {
		if listed, ok := c.quarantined(s, info); ok {
			l.Quarantine = append(l.Quarantine, listed)
		}
	}
	for _, d := range v.Done {
		l.Removed = append(l.Removed, spoolRemoved{d.Seq, filepath.Base(d.Path), d.Removed, d.Batches})
	}
	return firstError(l.print(s, c.Format), damage(unusable))
}

func listSegment(seg spool.SegmentFile, c *spool.Contents) (spoolSegment, error) {
	l := spoolSegment{
		Sequence: seg.Seq, File: filepath.Base(seg.Path), Last: seg.Last, Bytes: seg.Size,
		Chunks: c.Batches(), AlertEntries: c.NoteCount(), Objects: []spoolObject{}, Damage: c.Damage,
	}
	if !seg.Created.IsZero() {
		l.Created = &seg.Created
	}
	for _, st := range c.Streams {
		o, err := pipeline.NewWaitingObject(c.Segment, st)
		if err != nil {
			return l, fmt.Errorf("%s: %w", l.File, err)
		}
		l.Objects = append(l.Objects, spoolObject{o.Key, o.Category.String(), o.Compression, o.Size, st.Records})
	}
	return l, nil
}

// quarantined lists a file of quarantine. What only describes another file is
// not listed.
func (c *spoolLsCmd) quarantined(s streams, info fs.FileInfo) (l spoolQuarantined, ok bool) {
	l = spoolQuarantined{File: info.Name(), Bytes: info.Size(), Since: info.ModTime().UTC()}
	switch filepath.Ext(l.File) {
	case ".json":
		return l, false
	case ".chunk":
		about, err := spooldir.ReadAbout(c.Dir, l.File)
		if err != nil {
			s.report(err.Error())
		}
		l.Reason, l.Tag = about.Reason, about.Tag
	case ".damaged":
		_, at, _ := strings.Cut(strings.TrimSuffix(l.File, ".damaged"), "@")
		l.Reason = "segment damaged at offset " + at
	}
	return l, true
}

const spoolTime = "2006-01-02 15:04:05"

func (l *spoolListing) print(s streams, format string) error {
	if format == "json" {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		return e.Encode(l)
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	l.segments(t, time.Now())
	l.quarantine(t)
	l.removed(t)
	if err := t.Flush(); err != nil {
		return err
	}
	var bytes int64
	var records int
	for _, seg := range l.Segments {
		bytes += seg.Bytes
		for _, o := range seg.Objects {
			records += o.Records
		}
	}
	s.report(fmt.Sprintf("%s, %s, %s; %s in quarantine", logs.Counted(len(l.Segments), "segment"),
		logs.Counted(records, "record"), sizeText(bytes), logs.Counted(len(l.Quarantine), "file")))
	return nil
}

func (l *spoolListing) segments(t *tabwriter.Writer, now time.Time) {
	if len(l.Segments) > 0 {
		fmt.Fprintln(t, "SEGMENT\tCREATED (UTC)\tAGE\tSIZE\tCHUNKS\tALERTS\tRECORDS\tKEY")
	}
	for _, seg := range l.Segments {
		created, age := "?", "?"
		if seg.Created != nil {
			created, age = seg.Created.Format(spoolTime), now.Sub(*seg.Created).Truncate(time.Second).String()
		}
		name := fmt.Sprint(seg.Sequence)
		if seg.Last {
			name += " (last)"
		}
		row := fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%d\t", name, created, age, sizeText(seg.Bytes), seg.Chunks, seg.AlertEntries)
		for _, o := range seg.Objects {
			fmt.Fprintf(t, "%s%d\t%s\n", row, o.Records, o.Key)
			row = strings.Repeat("\t", 6)
		}
		if len(seg.Objects) == 0 {
			fmt.Fprintf(t, "%s0\t-\n", row)
		}
		for _, e := range seg.Damage {
			fmt.Fprintf(t, "%s\t%d bytes at offset %d: %s\n", strings.Repeat("\t", 6), e.Length, e.Offset, e.Reason)
		}
	}
}

func (l *spoolListing) quarantine(t *tabwriter.Writer) {
	if len(l.Quarantine) > 0 {
		fmt.Fprintln(t, "\nQUARANTINE SINCE (UTC)\tSIZE\tREASON\tTAG\tFILE")
	}
	for _, q := range l.Quarantine {
		fmt.Fprintf(t, "%s\t%s\t%s\t%q\t%s\n", q.Since.Format(spoolTime), sizeText(q.Bytes), q.Reason, q.Tag, q.File)
	}
}

func (l *spoolListing) removed(t *tabwriter.Writer) {
	if len(l.Removed) > 0 {
		fmt.Fprintln(t, "\nREMOVED (UTC)\tSEGMENT\tCHUNKS")
	}
	for _, d := range l.Removed {
		fmt.Fprintf(t, "%s\t%d\t%d\n", d.Removed.Format(spoolTime), d.Sequence, d.Chunks)
	}
}
