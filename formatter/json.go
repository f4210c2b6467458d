// Package formatter makes the bytes of objects: events and rejected records as
// lines, in JSON or as RFC 5424 syslog messages, and lines compressed in batches
// that can be put together.
//
// Both encodings carry the same contents: every column of the event schema.
package formatter

import (
	"siem-s3/event"
	"siem-s3/record"
)

// JSON writes an event as a JSON object on a line of its own. The keys are the
// columns of the event's category, all of them, in their order; every value is a
// string, "" for what the event does not carry.
type JSON struct{}

// Ext returns the extension of object names, without its dot.
func (JSON) Ext() string { return "json" }

// ContentType returns the media type of objects: JSON texts on lines.
func (JSON) ContentType() string { return "application/x-ndjson" }

// Append appends e to dst as one line, ended by LF. The log type is e.Type,
// which must be valid.
func (JSON) Append(dst []byte, e *event.Event) []byte {
	l := &jsonLayouts[e.Type-1]
	for i := range l.columns {
		dst = append(dst, l.columns[i].before...)
		dst = record.AppendQuoted(dst, e.Get(l.columns[i].field))
	}
	return append(dst, l.end...)
}

// A layout is all of a line that depends on the log type alone: the text that
// stands around the values.
type layout struct {
	columns []column
	end     []byte
}

// A column is a value and the text between it and the one before.
type column struct {
	before []byte
	field  event.Field
}

// jsonLayouts has the layout of a log type at the index one below its number.
var jsonLayouts = func() (layouts []layout) {
	for _, t := range event.Types() {
		layouts = append(layouts, jsonLayout(t))
	}
	return layouts
}()

func jsonLayout(t event.LogType) (l layout) {
	text := "{" // what has to be written before the next value
	for i, f := range t.Category().Fields() {
		if i > 0 {
			text += ","
		}
		text += `"` + f.String() + `":`
		if f == event.LogTypeName {
			text += `"` + t.String() + `"`
			continue
		}
		l.columns = append(l.columns, column{[]byte(text), f})
		text = ""
	}
	l.end = []byte(text + "}\n")
	return l
}
