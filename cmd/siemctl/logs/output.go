package logs

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"siem-s3/event"
	"siem-s3/formatter"
)

// Formats are the ways in which events are printed.
const (
	NDJSON = "ndjson" // a JSON object a line, as it is stored
	JSON   = "json"   // one JSON array
	Syslog = "syslog" // RFC 5424 messages
	CSV    = "csv"    // RFC 4180, with the names of the columns first
	Table  = "table"  // for people
)

// An Output says how events are printed.
type Output struct {
	Format string
	// Syslog is what messages say that events do not. An EnterpriseID must be there.
	Syslog formatter.SyslogOptions
	// Rejected prints rejected records, which have columns of their own.
	Rejected bool
	// Colour is for terminals.
	Colour bool
}

// An encoding is an Output at work.
type encoding struct {
	append func(dst []byte, e *Entry) []byte
	as     string // see printing
	// What is written before the first entry, between two, after each, after the
	// last, and if there is none.
	before, between, end, after, none string
}

func (o *Output) encoding() (encoding, error) {
	switch o.Format {
	case NDJSON:
		return encoding{append: appendJSON, as: "json", end: "\n"}, nil
	case JSON:
		return encoding{append: appendJSON, as: "json", before: "[\n", between: ",\n", after: "\n]\n", none: "[]\n"}, nil
	case CSV:
		header := csvHeader(o.Rejected) + "\n"
		return encoding{append: appendCSV, before: header, end: "\n", none: header}, nil
	case Table:
		return encoding{append: o.appendRow, before: rowHeader(o.Rejected, o.Colour) + "\n", end: "\n"}, nil
	case Syslog:
		f, err := formatter.NewSyslog(o.Syslog)
		if err != nil {
			return encoding{}, err
		}
		return encoding{append: func(dst []byte, e *Entry) []byte {
			return bytes.TrimSuffix(f.Append(dst, &e.Event), []byte("\n"))
		}, as: "log", end: "\n"}, nil
	}
	return encoding{}, fmt.Errorf("unknown output %q", o.Format)
}

// appendJSON appends an event as the formatter does, and a rejected record as it
// stands.
func appendJSON(dst []byte, e *Entry) []byte {
	if e.Rejected() {
		return append(dst, e.Line...)
	}
	return bytes.TrimSuffix(formatter.JSON{}.Append(dst, &e.Event), []byte("\n"))
}

// eventColumns are those of both categories, each once.
var eventColumns = []event.Field{
	event.Timestamp, event.LogTypeName, event.Name, event.Details,
	event.DeviceID, event.DeviceName, event.DeviceUsername, event.DeviceGroup,
	event.AdminName, event.AdminEmail,
}

func csvHeader(rejected bool) string {
	if rejected {
		return "received_at,reason,detail,tag,record"
	}
	var names []string
	for _, f := range eventColumns {
		names = append(names, f.String())
	}
	return strings.Join(names, ",")
}

func appendCSV(dst []byte, e *Entry) []byte {
	if e.Rejected() {
		dst = event.AppendTimestamp(dst, e.Time)
		for _, text := range [][]byte{e.Reason, e.Detail, e.Tag, e.Record} {
			dst = appendCell(append(dst, ','), text)
		}
		return dst
	}
	for i, f := range eventColumns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCell(dst, e.Event.Get(f))
	}
	return dst
}

// appendCell appends a field of RFC 4180.
func appendCell(dst, text []byte) []byte {
	if !bytes.ContainsAny(text, "\",\r\n") {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	dst = append(dst, bytes.ReplaceAll(text, []byte(`"`), []byte(`""`))...)
	return append(dst, '"')
}

// The widths of the columns of a table, in characters.
const (
	typeWidth   = len("process_scan_infection_found")
	whoWidth    = 32
	reasonWidth = 24
	tagWidth    = 20
)

func rowHeader(rejected, colour bool) string {
	row := appendPadded(nil, []byte("TIME"), stampSize)
	if rejected {
		row = appendPadded(row, []byte("REASON"), reasonWidth)
		row = appendPadded(row, []byte("TAG"), tagWidth)
		return paint(colour, "1", string(row)+"RECORD")
	}
	row = appendPadded(row, []byte("LOG TYPE"), typeWidth)
	row = appendPadded(row, []byte("WHO"), whoWidth)
	return paint(colour, "1", string(row)+"DETAILS")
}

// appendRow appends an entry for people.
func (o *Output) appendRow(dst []byte, e *Entry) []byte {
	if e.Rejected() {
		dst = event.AppendTimestamp(dst, e.Time)
		dst = append(dst, "  "...)
		dst = appendPadded(dst, reasonText(e), reasonWidth)
		dst = appendPadded(dst, e.Tag, tagWidth)
		return appendLast(dst, e.Record)
	}
	ev := &e.Event
	colour := severityColour(ev.Type.Severity())
	if o.Colour && colour != "" {
		dst = append(dst, "\x1b["+colour+"m"...)
	}
	dst = appendPadded(dst, ev.Get(event.Timestamp), stampSize)
	dst = appendPadded(dst, ev.Get(event.LogTypeName), typeWidth)
	dst = appendPadded(dst, who(ev), whoWidth)
	details := ev.Get(event.Details)
	if len(details) == 0 {
		details = ev.Get(event.Name)
	}
	dst = appendLast(dst, details)
	if o.Colour && colour != "" {
		dst = append(dst, "\x1b[0m"...)
	}
	return dst
}

func reasonText(e *Entry) []byte {
	if len(e.Detail) == 0 {
		return e.Reason
	}
	return []byte(string(e.Reason) + " " + string(e.Detail))
}

// who returns whom the event is about: the device and its user, or the admin.
func who(ev *event.Event) []byte {
	name, more := ev.Get(event.DeviceName), ev.Get(event.DeviceUsername)
	if ev.Category() == event.Account {
		name, more = ev.Get(event.AdminName), ev.Get(event.AdminEmail)
	}
	if len(name) == 0 {
		name = ev.Get(event.DeviceID)
	}
	switch {
	case len(more) == 0:
		return name
	case len(name) == 0:
		return more
	}
	return []byte(string(name) + " (" + string(more) + ")")
}

func severityColour(s event.Severity) string {
	switch {
	case s <= event.Critical:
		return "31" // red
	case s == event.Warning:
		return "33" // yellow
	}
	return ""
}

// paint wraps text in a colour's code of ECMA-48.
func paint(colour bool, code, text string) string {
	if !colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// appendPadded appends text as a column of a table with two spaces behind it.
func appendPadded(dst, text []byte, width int) []byte {
	dst, shown := appendShown(dst, text, width)
	for ; shown < width+2; shown++ {
		dst = append(dst, ' ')
	}
	return dst
}

// appendShown appends text as it may be shown: see showable. It is cut where it
// would be wider than width, and how wide it is is returned.
func appendShown(dst, text []byte, width int) (_ []byte, shown int) {
	if plain(text) && len(text) <= width {
		return append(dst, text...), len(text)
	}
	whole := 0
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		whole += widths.RuneWidth(showable(r))
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		r = showable(r)
		w := widths.RuneWidth(r)
		if whole > width && shown+w > width-1 {
			return append(dst, "…"...), shown + 1
		}
		dst = utf8.AppendRune(dst, r)
		shown += w
	}
	return dst, shown
}

// widths are those of characters on a terminal, whatever the locale.
var widths = &runewidth.Condition{}

// plain reports whether text is printable ASCII, as most is.
func plain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// showable returns r, or what is shown in its place so that no terminal does
// something or shows something else: U+FFFD for control and format characters, a
// space for white space.
func showable(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		return utf8.RuneError
	}
	return r
}

// appendLast appends text as the last column of a table, however wide.
func appendLast(dst, text []byte) []byte {
	dst, _ = appendShown(dst, text, math.MaxInt)
	return dst
}
