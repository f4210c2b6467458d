package formatter_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/leodido/go-syslog/v4/rfc5424"
	"pgregory.net/rapid"

	"siem-s3/event"
	"siem-s3/formatter"
)

// An event is the same event in both encodings, control characters aside.
func TestEventReadsBackFromBothEncodings(t *testing.T) {
	syslog := mustSyslog(t)
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		if err := sameEvent(e, readJSON, formatter.JSON{}.Append(nil, e), asIs); err != nil {
			t.Error("JSON:", err)
		}
		if err := sameEvent(e, readSyslog, syslog.Append(nil, e), withoutControls); err != nil {
			t.Error("SYSLOG:", err)
		}
	})
}

// nasty holds what either encoding has to escape or must leave alone.
var nasty = []rune("\x00\x01\t\n\r\x1b\x1f\x7f\u0080\u0085\u009b\u009f\u00a0\u2028\u2029\ufeff\ufffd\"\\]['=#<> -/&\u00e9\u5c71\U0001f512")

func drawEvent(t *rapid.T) *event.Event {
	text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom(nasty)), rapid.StringMatching(`[ -~]{0,40}`))
	// A timestamp has four digits for the year and three for the fraction.
	ms := rapid.Int64Range(-62135596800000, 253402300799999).Draw(t, "ms")
	lt := rapid.SampledFrom(event.Types()).Draw(t, "type")
	texts := map[event.Field]string{}
	for _, f := range lt.Category().Fields() {
		if f != event.Timestamp && f != event.LogTypeName {
			texts[f] = text.Draw(t, f.String())
		}
	}
	return newEvent(lt, time.UnixMilli(ms).UTC(), texts)
}

func asIs(s string) string { return s }

// withoutControls is the SYSLOG form of a value.
func withoutControls(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, "#%03o", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// sameEvent reads a line back and compares it, field for field, with e.
func sameEvent(e *event.Event, read func(*event.Event, []byte) (map[string]string, error), line []byte, form func(string) string) error {
	if err := oneLine(line); err != nil {
		return fmt.Errorf("%w in %q", err, line)
	}
	got, err := read(e, line)
	if err != nil {
		return fmt.Errorf("%w in %q", err, line)
	}
	fields := e.Category().Fields()
	for _, f := range fields {
		text, ok := got[f.String()]
		if want := form(string(e.Get(f))); !ok || text != want {
			return fmt.Errorf("%s is %q, want %q, in %q", f, text, want, line)
		}
	}
	if len(got) != len(fields) {
		return fmt.Errorf("%d fields, want %d, in %q", len(got), len(fields), line)
	}
	return nil
}

// oneLine checks that a line ends with LF and has no other byte below a space.
func oneLine(line []byte) error {
	for i, c := range line {
		if last := i == len(line)-1; last != (c == '\n') || c < ' ' && !last {
			return fmt.Errorf("byte %#02x at %d of %d", c, i, len(line))
		}
	}
	return nil
}

// readJSON reads an object's members, which must be strings in the order of the
// event's columns.
func readJSON(e *event.Event, line []byte) (map[string]string, error) {
	got := map[string]string{}
	if err := json.Unmarshal(line, &got); err != nil {
		return nil, err
	}
	rest := line
	for _, f := range e.Category().Fields() {
		_, after, ok := bytes.Cut(rest, []byte(`"`+f.String()+`":"`))
		if !ok {
			return nil, fmt.Errorf("no %s after the column before", f)
		}
		rest = after
	}
	return got, nil
}

// readSyslog reads a message, of which every part must be as it is for e.
func readSyslog(e *event.Event, line []byte) (map[string]string, error) {
	parsed, err := rfc5424.NewParser().Parse(bytes.TrimSuffix(line, []byte("\n")))
	if err != nil {
		return nil, err
	}
	m := parsed.(*rfc5424.SyslogMessage)
	switch {
	case *m.Facility != 13, *m.Severity != uint8(e.Type.Severity()), m.Version != 1:
		return nil, fmt.Errorf("priority %d, version %d", *m.Priority, m.Version)
	case m.Hostname == nil || *m.Hostname != "gw-1", m.Appname == nil || *m.Appname != "siem_s3", m.ProcID != nil:
		return nil, fmt.Errorf("origin %v %v %v", m.Hostname, m.Appname, m.ProcID)
	case m.Timestamp == nil || m.MsgID == nil || m.StructuredData == nil:
		return nil, fmt.Errorf("no timestamp, MSGID or STRUCTURED-DATA")
	}
	params, ok := (*m.StructuredData)[e.Category().String()+"@32473"]
	if !ok || len(*m.StructuredData) != 1 {
		return nil, fmt.Errorf("elements %v", *m.StructuredData)
	}
	got := map[string]string{
		"timestamp": m.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z"),
		"log_type":  *m.MsgID,
		"details":   "",
	}
	if m.Message != nil {
		got["details"] = *m.Message
	}
	for name, value := range params {
		got[name] = value
	}
	return got, nil
}

func FuzzJSON(f *testing.F) {
	seedFuzz(f)
	f.Fuzz(func(t *testing.T, kind uint8, a, b, c, d, details string) {
		e := fuzzEvent(kind, a, b, c, d, details)
		if err := sameEvent(e, readJSON, formatter.JSON{}.Append(nil, e), asIs); err != nil {
			t.Error(err)
		}
	})
}

// No event holds invalid UTF-8; should one do so, its line is still a line.
func FuzzSyslog(f *testing.F) {
	seedFuzz(f)
	syslog := mustSyslog(f)
	f.Fuzz(func(t *testing.T, kind uint8, a, b, c, d, details string) {
		e := fuzzEvent(kind, a, b, c, d, details)
		if err := sameEvent(e, readSyslog, syslog.Append(nil, e), withoutControls); err != nil {
			t.Error(err)
		}
		e.Set(event.Details, []byte(details))
		e.Set(event.DeviceGroup, []byte(d))
		e.Set(event.AdminName, []byte(b))
		if line := syslog.Append(nil, e); oneLine(line) != nil {
			t.Errorf("invalid UTF-8: %v in %q", oneLine(line), line)
		}
	})
}

func seedFuzz(f *testing.F) {
	f.Add(uint8(7), "5f3c9a4e", "LTES0042", `CORP\alice`, "Sales [EMEA]", "Threat found")
	f.Add(uint8(18), "Admin logged on", `Alice "Al"`, "alice@company.com", "", "")
	f.Add(uint8(0), "\x00\n\r\x7f", "\u0085\u009b", "\xc2\x85\xc2", "\"]\\", "x\n<8>1 - - - - - -")
	f.Add(uint8(19), string(nasty), "\xff\xfe", " ", "-", "\ufeffbyte order mark")
}

func fuzzEvent(kind uint8, a, b, c, d, details string) *event.Event {
	types := event.Types()
	texts := map[event.Field]string{
		event.DeviceID: a, event.DeviceName: b, event.DeviceUsername: c, event.DeviceGroup: d,
		event.Name: a, event.AdminName: b, event.AdminEmail: c,
		event.Details: details,
	}
	for f, text := range texts {
		texts[f] = strings.ToValidUTF8(text, "\ufffd")
	}
	return newEvent(types[int(kind)%len(types)], sampleTime, texts)
}
