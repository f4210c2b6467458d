// Package schema writes the schema of what is stored as other tools want it:
// for databases that read it in the bucket, and for SIEMs that take it in. All
// of it is made of the schema in package event and of the key format, so that
// neither can change without it.
package schema

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"siem-s3/event"
)

// Options say what is stored, where, and what to write of it.
type Options struct {
	Bucket   string
	Region   string // of the bucket, "" if it does not matter
	Endpoint string // the URL of a server other than Amazon's, or ""
	// KeyFormat is s3_key_format.
	KeyFormat string
	// Dir is where downloaded objects are, by their keys, for DuckDB to read in
	// place of the bucket; or "".
	Dir string
	// Syslog is set if events are stored as SYSLOG.
	Syslog bool
	// From is the first day that partition projection looks at.
	From time.Time
	// Categories are those to write, in their order.
	Categories []event.Category
}

// A Dialect is what a tool reads.
type Dialect struct {
	// Name is that of the dialect's flag.
	Name  string
	write func(w *writer, o *Options) error
	// reads is set if the tool reads objects, and those only in JSON.
	reads bool
}

// Dialects returns all of them.
func Dialects() []Dialect {
	return []Dialect{
		{Name: "json-schema", write: jsonSchema},
		{Name: "athena", write: athena, reads: true},
		{Name: "trino", write: trino, reads: true},
		{Name: "clickhouse", write: clickhouse, reads: true},
		{Name: "duckdb", write: duckdb, reads: true},
		{Name: "grok", write: grok},
		{Name: "splunk-props", write: splunk},
		{Name: "elastic", write: elastic},
	}
}

// Write writes the schema in d. The error says what in the options d has no
// form for, or is w's.
func (d Dialect) Write(w io.Writer, o *Options) error {
	if d.reads {
		if err := o.readable(d.Name); err != nil {
			return err
		}
	}
	var text writer
	if err := d.write(&text, o); err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// readable finds what keeps a tool that reads JSON from reading the objects.
func (o *Options) readable(tool string) error {
	if o.Bucket == "" && o.Dir == "" {
		return errors.New("where are the objects? Give -c with a configuration of Fluent Bit, or --bucket")
	}
	if o.Syslog && slices.ContainsFunc(o.Categories, isEvents) {
		return fmt.Errorf("%s: the output stores events as SYSLOG, and what --%s prints reads JSON: only --category rejected is; --grok and --splunk-props read SYSLOG", tool, tool)
	}
	return nil
}

func isEvents(c event.Category) bool { return c != event.Rejected }

// A writer collects lines.
type writer struct{ strings.Builder }

// line adds a line.
func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// rejectedColumns are those of rejected records, see [formatter.AppendRejected].
var rejectedColumns = []string{"received_at", "reason", "detail", "tag", recordColumn}

// recordColumn is the one column that is no string, but any JSON.
const recordColumn = "record"

// columns returns the names of a category's columns, in their order.
func columns(c event.Category) []string {
	if c == event.Rejected {
		return rejectedColumns
	}
	var names []string
	for _, f := range c.Fields() {
		names = append(names, f.String())
	}
	return names
}

// timeColumn returns the column that says when.
func timeColumn(c event.Category) string { return columns(c)[0] }

// logTypes returns the names of a category's log types.
func logTypes(c event.Category) []string {
	var names []string
	for _, t := range event.Types() {
		if t.Category() == c {
			names = append(names, t.String())
		}
	}
	return names
}
