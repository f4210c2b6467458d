package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"

	"siem-s3/event"
	"siem-s3/formatter"
)

func crc(text []byte) uint32 { return crc32.ChecksumIEEE(text) }

// nasty holds what either format has to escape or must leave alone.
var nasty = []rune("\x00\x01\t\n\r\x1b\x1f\x7f\u0080\u0085\u009b\u009f\u00a0\u2028\u2029\ufeff\ufffd\"\\]['=#01237<> -/&\u00e9\u5c71\U0001f512")

func drawEvent(t *rapid.T) *event.Event {
	text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom(nasty)), rapid.StringMatching(`[ -~]{0,40}`))
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

// octal is a text that in SYSLOG can't be told from a control character.
var octal = regexp.MustCompile(`#(0[0-3][0-7]|177|2[0-3][0-7])`)

func asIs(text []byte) []byte { return text }

// asSyslogReads is a text as it comes back from SYSLOG.
func asSyslogReads(text []byte) []byte {
	return octal.ReplaceAllFunc(text, func(m []byte) []byte {
		var r rune
		fmt.Sscanf(string(m[1:]), "%o", &r)
		return []byte(string(r))
	})
}

func TestEventsComeBackFromWhatTheFormatterWrites(t *testing.T) {
	syslog := mustSyslog(t)
	for name, test := range map[string]struct {
		append func([]byte, *event.Event) []byte
		reader lineReader
		form   func([]byte) []byte
	}{
		"json": {formatter.JSON{}.Append, new(jsonReader), asIs},
		"log":  {syslog.Append, new(syslogReader), asSyslogReads},
	} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			want := drawEvent(t)
			line := bytes.TrimSuffix(test.append(nil, want), []byte("\n"))
			var got Entry
			if err := test.reader.read(line, &got); err != nil {
				t.Fatalf("%v in %q", err, line)
			}
			if err := sameEvent(&got, want, test.form); err != nil {
				t.Errorf("%v in %q", err, line)
			}
			if ms, ok := test.reader.time(line); !ok || ms != want.Time.UnixMilli() {
				t.Errorf("time %d, %v in %q", ms, ok, line)
			}
		}))
	}
}

func sameEvent(got *Entry, want *event.Event, form func([]byte) []byte) error {
	if got.Event.Type != want.Type || !got.Time.Equal(want.Time) || !got.Event.Time.Equal(want.Time) || got.Rejected() {
		return fmt.Errorf("%s at %s", got.Event.Type, got.Time)
	}
	for f := event.Timestamp; f <= event.AdminEmail; f++ {
		if text := form(want.Get(f)); !bytes.Equal(got.Event.Get(f), text) {
			return fmt.Errorf("%s is %q, want %q", f, got.Event.Get(f), text)
		}
	}
	return nil
}

func TestRejectedRecordsComeBack(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom(nasty)))
	rapid.Check(t, func(t *rapid.T) {
		want := formatter.Rejected{
			ReceivedAt: time.UnixMilli(rapid.Int64Range(0, 253402300799999).Draw(t, "ms")).UTC(),
			Reason:     text.Draw(t, "reason"), Detail: text.Draw(t, "detail"), Tag: text.Draw(t, "tag"),
			Record: []byte("\x81\xa1a\x01"), // {"a":1}
		}
		line := bytes.TrimSuffix(formatter.AppendRejected(nil, &want), []byte("\n"))
		var got Entry
		if err := new(jsonReader).read(line, &got); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if !got.Rejected() || !got.Time.Equal(want.ReceivedAt) || string(got.Reason) != want.Reason ||
			string(got.Detail) != want.Detail || string(got.Tag) != want.Tag || string(got.Record) != `{"a":1}` {
			t.Errorf("%+v of %q", got, line)
		}
	})
}

func TestLinesThatOtherToolsHaveWrittenAnew(t *testing.T) {
	for name, line := range map[string]string{
		"spaces":            `{"timestamp": "2026-11-22T08:00:00.123Z", "log_type": "logon", "event": "Admin logged on", "admin_name": "Alice"}`,
		"another order":     `{"admin_name":"Alice","event":"Admin logged on","log_type":"logon","timestamp":"2026-11-22T08:00:00.123Z"}`,
		"an offset":         `{"timestamp":"2026-11-22T09:00:00.123456+01:00","event":"Admin logged on","log_type":"LOGON","admin_name":"Alice"}`,
		"escapes of others": `{"timestamp":"2026-11-22T08:00:00.123Z","event":"Admin logged on","details":"","admin_name":"\u0041lice","admin_email":"","log_type":"logon"}`,
		"more members":      `{"timestamp":"2026-11-22T08:00:00.123Z","event":"Admin logged on","details":"","admin_name":"Alice","admin_email":"","log_type":"logon","n":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			var r jsonReader
			var e Entry
			if err := r.read([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			want := `{"timestamp":"2026-11-22T08:00:00.123Z","event":"Admin logged on","details":"","admin_name":"Alice","admin_email":"","log_type":"logon"}`
			if got := string(appendJSON(nil, &e)); got != want {
				t.Errorf("%s", got)
			}
			if ms, ok := r.time([]byte(line)); !ok || ms != e.Time.UnixMilli() {
				t.Errorf("time %d, %v", ms, ok)
			}
		})
	}
}

func TestLinesThatAreNone(t *testing.T) {
	const start = "<110>1 2026-11-22T08:00:00.123Z gw-1 siem_s3 - "
	for name, test := range map[string]struct {
		format, line string
	}{
		"empty":                   {"json", ""},
		"half a line":             {"json", `{"timestamp":"2026-11-22T08:00:00.123Z","log_type":"comp`},
		"no time":                 {"json", `{"log_type":"compliant"}`},
		"the 30th of February":    {"json", `{"timestamp":"2026-02-30T08:00:00.123Z","log_type":"compliant"}`},
		"unknown log type":        {"json", `{"timestamp":"2026-11-22T08:00:00.123Z","log_type":"rebooted"}`},
		"an array":                {"json", `["2026-11-22T08:00:00.123Z"]`},
		"empty message":           {"log", ""},
		"another format":          {"log", "Nov 22 08:00:00 gw-1 siem_s3: text"},
		"no structured data":      {"log", start + "compliant - text"},
		"half structured data":    {"log", start + `compliant [device@32473 device_id="a`},
		"a parameter is missing":  {"log", start + `compliant [device@32473 device_id="a" device_name="b" device_username="c"]`},
		"of another category":     {"log", start + `logon [device@32473 device_id="a" device_name="b" device_username="c" device_group="d"]`},
		"unknown message":         {"log", start + `rebooted [device@32473 device_id="a" device_name="b" device_username="c" device_group="d"]`},
		"text right behind":       {"log", start + `compliant [device@32473 device_id="a" device_name="b" device_username="c" device_group="d"]text`},
		"a backslash at the end":  {"log", start + `compliant [device@32473 device_id="a" device_name="b" device_username="c" device_group="d\`},
		"a time with more digits": {"log", `<110>1 2026-11-22T08:00:00.123Z0 gw-1 siem_s3 - compliant [device@32473 device_id="a" device_name="b" device_username="c" device_group="d"]`},
	} {
		t.Run(name, func(t *testing.T) {
			var e Entry
			if err := newLineReader(test.format).read([]byte(test.line), &e); err == nil {
				t.Errorf("read as %+v", e)
			}
		})
	}
}

// Whatever a line holds, reading ends, and what is read of it is written and read
// as the same again.
func FuzzLines(f *testing.F) {
	syslog := mustSyslog(f)
	for _, lt := range event.Types() {
		e := deviceEvent(lt, sampleTime, `LT"1\`)
		f.Add(formatter.JSON{}.Append(nil, e))
		f.Add(syslog.Append(nil, e))
	}
	f.Add([]byte(`{"received_at":"2026-11-22T08:00:00.123Z","reason":"no log_type","detail":"","tag":"a","record":{}}`))
	f.Add([]byte(`<110>1 2026-11-22T08:00:00.123Z - - - compliant [device@1 device_id="\]#012" device_name="" device_username="\"" device_group="#999"] #177`))
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, format := range []string{"json", "log"} {
			var e, again Entry
			r := newLineReader(format)
			if r.read(line, &e) != nil || e.Rejected() {
				continue
			}
			written := appendJSON(nil, &e)
			if ms, ok := r.time(line); bytes.Equal(line, written) && (!ok || ms != e.Time.UnixMilli()) {
				t.Errorf("time alone is %d, %v, and %s with the rest", ms, ok, e.Time)
			}
			if !json.Valid(written) {
				t.Fatalf("%q is written as %q", line, written)
			}
			if err := new(jsonReader).read(written, &again); err != nil || again.Event.Type != e.Event.Type || !again.Time.Equal(e.Time) {
				t.Errorf("%q is written as %q: %v", line, written, err)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	e := deviceEvent(logType(b, "compliant"), sampleTime, "LTES0042")
	for name, line := range map[string][]byte{
		"json": formatter.JSON{}.Append(nil, e), "log": mustSyslog(b).Append(nil, e),
	} {
		line = bytes.TrimSuffix(line, []byte("\n"))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			r := newLineReader(name)
			var e Entry
			for b.Loop() {
				if err := r.read(line, &e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
