package logs

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"siem-s3/event"
	"siem-s3/formatter"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// compareGolden compares got with a file of testdata.
func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", name, got, want)
	}
}

// sampleEvents are an event of every log type, a minute apart, the last with
// texts that every form has to escape.
func sampleEvents() []*event.Event {
	var events []*event.Event
	for i, lt := range event.Types() {
		at := sampleTime.Add(time.Duration(i) * time.Minute)
		e := deviceEvent(lt, at, "LTES0042")
		if lt.Category() == event.Account {
			e = newEvent(lt, at, map[event.Field]string{
				event.Name: lt.Meaning(), event.AdminName: "Alice 山田", event.AdminEmail: "alice@company.com",
			})
		}
		events = append(events, e)
	}
	last := events[len(events)-1]
	last.Set(event.Details, []byte("a \"quoted\", [bracketed] \\ and\nbroken\x1b[31m text\u202e"))
	last.Set(event.AdminName, []byte(strings.Repeat("long ", 10)))
	return events
}

func sampleRejected() []byte {
	var raw []byte
	for i, r := range []formatter.Rejected{
		{Reason: "unknown log_type", Detail: "rebooted", Tag: "siem.mdm", Record: []byte("\x81\xa8log_type\xa8rebooted")},
		{Reason: "no log_type", Tag: "siem.\x1b[31m", Record: []byte("\x80")},
		{Reason: "no log_type", Tag: "siem,\"x\"", Record: []byte("\x80")},
	} {
		r.ReceivedAt = sampleTime.Add(time.Duration(i) * time.Second)
		raw = formatter.AppendRejected(raw, &r)
	}
	return raw
}

// print prints entries of lines of JSON or SYSLOG.
func print(t *testing.T, format string, lines []byte, o Output) []byte {
	t.Helper()
	var out bytes.Buffer
	p, err := NewPrinter(&out, o, &Filter{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := newLineReader(format)
	for line := range bytes.Lines(lines) {
		var e Entry
		if err := r.read(bytes.TrimSuffix(line, []byte("\n")), &e); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(p.append(nil, &e)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var syslogOptions = formatter.SyslogOptions{Hostname: "gw-1", AppName: "siem_s3", Facility: 13, EnterpriseID: "32473"}

func TestOutputs(t *testing.T) {
	var stored []byte
	for _, e := range sampleEvents() {
		stored = formatter.JSON{}.Append(stored, e)
	}
	for _, format := range []string{NDJSON, JSON, Syslog, CSV, Table} {
		compareGolden(t, "events."+format, print(t, "json", stored, Output{Format: format, Syslog: syslogOptions}))
		if format != Syslog {
			compareGolden(t, "rejected."+format, print(t, "json", sampleRejected(), Output{Format: format, Rejected: true}))
		}
	}
	compareGolden(t, "events.colour", print(t, "json", stored, Output{Format: Table, Colour: true}))
}

// Whichever way events are stored, they are printed the same.
func TestOutputsOfSyslogObjects(t *testing.T) {
	var stored []byte
	for _, e := range sampleEvents() {
		stored = mustSyslog(t).Append(stored, e)
	}
	for _, format := range []string{NDJSON, JSON, Syslog, CSV, Table} {
		compareGolden(t, "events."+format, print(t, "log", stored, Output{Format: format, Syslog: syslogOptions}))
	}
}

func TestOutputsWithoutEvents(t *testing.T) {
	for format, want := range map[string]string{
		NDJSON: "", JSON: "[]\n", Syslog: "", Table: "",
		CSV: "timestamp,log_type,event,details,device_id,device_name,device_username,device_group,admin_name,admin_email\n",
	} {
		if got := print(t, "json", nil, Output{Format: format, Syslog: syslogOptions}); string(got) != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

func TestOutputsAreWhatTheySay(t *testing.T) {
	var stored []byte
	for _, e := range sampleEvents() {
		stored = formatter.JSON{}.Append(stored, e)
	}
	var list []map[string]string
	if err := json.Unmarshal(print(t, "json", stored, Output{Format: JSON}), &list); err != nil || len(list) != len(event.Types()) {
		t.Errorf("%d events in JSON, %v", len(list), err)
	}
	rows, err := csv.NewReader(bytes.NewReader(print(t, "json", stored, Output{Format: CSV}))).ReadAll()
	if err != nil || len(rows) != len(list)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, e := range list {
		for j, name := range rows[0] {
			if rows[i+1][j] != e[name] {
				t.Errorf("%s of event %d is %q in CSV and %q in JSON", name, i, rows[i+1][j], e[name])
			}
		}
	}
	if rejected := print(t, "json", sampleRejected(), Output{Format: NDJSON}); !bytes.Equal(rejected, sampleRejected()) {
		t.Errorf("rejected records are printed as %s", rejected)
	}
}

func TestUnknownOutputs(t *testing.T) {
	for _, o := range []Output{{Format: "xml"}, {Format: Syslog}} {
		if _, err := NewPrinter(&bytes.Buffer{}, o, &Filter{}, nil); err == nil {
			t.Errorf("%+v is one", o)
		}
	}
}

func TestCategoriesThatCanMatch(t *testing.T) {
	any := make([]Pattern, 1)
	for name, test := range map[string]struct {
		filter Filter
		want   []event.Category
	}{
		"all":             {Filter{}, Categories},
		"a device":        {Filter{Devices: any}, Categories[:1]},
		"a user":          {Filter{Users: any}, Categories[:1]},
		"an admin":        {Filter{Admins: any}, Categories[1:2]},
		"a log type":      {Filter{Types: []event.LogType{logType(t, "logon")}}, Categories[1:2]},
		"log types":       {Filter{Types: []event.LogType{logType(t, "logon"), logType(t, "added")}}, Categories[:2]},
		"what can't be":   {Filter{Devices: any, Admins: any}, nil},
		"nor can another": {Filter{Devices: any, Types: []event.LogType{logType(t, "logon")}}, nil},
	} {
		if got := test.filter.Categories(Categories); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
