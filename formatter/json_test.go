package formatter_test

import (
	"bytes"
	"testing"

	"siem-s3/event"
	"siem-s3/formatter"
)

func TestJSONOfEveryLogType(t *testing.T) {
	var got []byte
	for _, e := range sampleEvents() {
		got = formatter.JSON{}.Append(got, e)
	}
	compareGolden(t, "events.json", got)
}

func TestJSONWritesEveryColumnOfAnEmptyEvent(t *testing.T) {
	for name, want := range map[string]string{
		"unseen": `{"timestamp":"2026-11-22T08:00:00.123Z","log_type":"unseen","details":"","device_id":"","device_name":"","device_username":"","device_group":""}` + "\n",
		"logout": `{"timestamp":"2026-11-22T08:00:00.123Z","event":"","details":"","admin_name":"","admin_email":"","log_type":"logout"}` + "\n",
	} {
		lt, _ := event.Lookup([]byte(name))
		if got := string(formatter.JSON{}.Append(nil, newEvent(lt, sampleTime, nil))); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// The type of an event is its Type: a text that says otherwise, or breaks the
// line, has no effect.
func TestLogTypeIsNotTakenFromTheText(t *testing.T) {
	syslog := mustSyslog(t)
	for _, e := range sampleEvents() {
		wantJSON, wantSyslog := formatter.JSON{}.Append(nil, e), syslog.Append(nil, e)
		e.Set(event.LogTypeName, []byte("\"\n"))
		if got := (formatter.JSON{}).Append(nil, e); !bytes.Equal(got, wantJSON) {
			t.Errorf("JSON: got %s, want %s", got, wantJSON)
		}
		if got := syslog.Append(nil, e); !bytes.Equal(got, wantSyslog) {
			t.Errorf("SYSLOG: got %s, want %s", got, wantSyslog)
		}
	}
}

func TestAppendKeepsWhatIsThereAndDoesNotAllocate(t *testing.T) {
	syslog := mustSyslog(t)
	for name, appendEvent := range map[string]func([]byte, *event.Event) []byte{
		"JSON": formatter.JSON{}.Append, "SYSLOG": syslog.Append,
	} {
		e := sampleEvents()[0]
		line := string(appendEvent(nil, e))
		if got := string(appendEvent([]byte("before\n"), e)); got != "before\n"+line {
			t.Errorf("%s: got %q", name, got)
		}
		buf := make([]byte, 0, 1024)
		if n := testing.AllocsPerRun(100, func() { appendEvent(buf, e) }); n != 0 {
			t.Errorf("%s: %v allocations per event", name, n)
		}
	}
}

func TestObjectNamesAndMediaTypes(t *testing.T) {
	json, syslog := formatter.JSON{}, mustSyslog(t)
	for _, row := range []struct{ got, want string }{
		{json.Ext(), "json"},
		{json.ContentType(), "application/x-ndjson"},
		{syslog.Ext(), "log"},
		{syslog.ContentType(), "text/plain; charset=utf-8"},
	} {
		if row.got != row.want {
			t.Errorf("got %q, want %q", row.got, row.want)
		}
	}
}
