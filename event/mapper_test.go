package event

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"siem-s3/record"
)

var received = time.Date(2026, 11, 22, 8, 0, 0, 123456789, time.UTC)

func newMapper(tb testing.TB, o MappingOptions) *Mapper {
	tb.Helper()
	m, err := NewMapping(o)
	if err != nil {
		tb.Fatal(err)
	}
	return m.NewMapper()
}

// recordOf returns a record with the pairs as its body, received at that time.
func recordOf(tb testing.TB, pairs ...any) *record.Record {
	tb.Helper()
	body := msgp.AppendMapHeader(nil, uint32(len(pairs)/2))
	for _, v := range pairs {
		if raw, ok := v.(msgp.Raw); ok {
			body = append(body, raw...)
			continue
		}
		var err error
		if body, err = msgp.AppendIntf(body, v); err != nil {
			tb.Fatal(err)
		}
	}
	return &record.Record{Time: received, Body: body, Raw: body}
}

// fields returns the texts of e that are not empty.
func fields(e *Event) map[string]string {
	all := map[string]string{}
	for f := range numFields {
		if text := e.Get(f); len(text) > 0 {
			all[f.String()] = string(text)
		}
	}
	return all
}

func TestMap(t *testing.T) {
	const stamp = "2026-11-22T08:00:00.123Z"
	for name, tc := range map[string]struct {
		options MappingOptions
		pairs   []any
		want    map[string]string
	}{
		"device event": {
			pairs: []any{
				"timestamp", "2026-11-22T09:00:00.5+01:00", "log_type", "critical_found", "details", "disk is not encrypted",
				"device_id", "6F1C", "device_name", "LTES0042", "device_username", "alice", "device_group", "Sales",
			},
			want: map[string]string{
				"timestamp": "2026-11-22T08:00:00.500Z", "log_type": "critical_found", "details": "disk is not encrypted",
				"device_id": "6F1C", "device_name": "LTES0042", "device_username": "alice", "device_group": "Sales",
			},
		},
		"account event": {
			pairs: []any{"log_type", "config", "event", "Policy changed", "details", "d", "admin_name", "Alice", "admin_email", "alice@company.com"},
			want: map[string]string{
				"timestamp": stamp, "log_type": "config", "event": "Policy changed",
				"details": "d", "admin_name": "Alice", "admin_email": "alice@company.com",
			},
		},
		"fields of the other category and unknown keys stay out": {
			pairs: []any{"log_type", "added", "event", "e", "admin_name", "Alice", "host", "gw-1", 7, "seven"},
			want:  map[string]string{"timestamp": stamp, "log_type": "added"},
		},
		"account event without an event": {
			pairs: []any{"log_type", "logon", "device_id", "6F1C"},
			want:  map[string]string{"timestamp": stamp, "log_type": "logon", "event": "Admin logged on"},
		},
		"account event with an empty event": {
			pairs: []any{"log_type", "logout", "event", ""},
			want:  map[string]string{"timestamp": stamp, "log_type": "logout", "event": "Admin logged off"},
		},
		"log type in other letters and with white space": {
			pairs: []any{"log_type", " Deleted_User\n"},
			want:  map[string]string{"timestamp": stamp, "log_type": "deleted_user"},
		},
		"log type as binary": {
			pairs: []any{"log_type", []byte("unseen")},
			want:  map[string]string{"timestamp": stamp, "log_type": "unseen"},
		},
		"log type by log_type_map": {
			options: MappingOptions{LogTypes: map[string]string{" Malware Found ": "Process_Scan_Infection_Found"}},
			pairs:   []any{"log_type", "malware FOUND"},
			want:    map[string]string{"timestamp": stamp, "log_type": "process_scan_infection_found"},
		},
		"log type of a number by log_type_map": {
			options: MappingOptions{LogTypes: map[string]string{"4624": "logon"}},
			pairs:   []any{"log_type", 4624},
			want:    map[string]string{"timestamp": stamp, "log_type": "logon", "event": "Admin logged on"},
		},
		"log_type_map comes before the log types": {
			options: MappingOptions{LogTypes: map[string]string{"deleted": "deleted_user"}},
			pairs:   []any{"log_type", "deleted"},
			want:    map[string]string{"timestamp": stamp, "log_type": "deleted_user"},
		},
		"fields by accessor": {
			options: MappingOptions{Accessors: map[Field]string{
				Timestamp: "$time", LogTypeName: "$e['type']", DeviceID: "$device['id']", DeviceName: "$device['names'][1]",
				DeviceGroup: "$device['id']", Details: "$device['none']",
			}},
			pairs: []any{
				"device",
				map[string]any{"id": 42, "names": []any{"a", "LTES0042"}},
				"e",
				map[string]any{"type": "added"},
				"time", 1795334400, "device_id", "not this", "details", "nor this",
			},
			want: map[string]string{
				"timestamp": "2026-11-22T08:00:00.000Z", "log_type": "added",
				"device_id": "42", "device_name": "LTES0042", "device_group": "42",
			},
		},
		"a key that is itself and holds another field": {
			options: MappingOptions{Accessors: map[Field]string{DeviceID: "$details['id']"}},
			pairs:   []any{"log_type", "added", "details", map[string]any{"id": "x"}},
			want:    map[string]string{"timestamp": stamp, "log_type": "added", "details": `{"id":"x"}`, "device_id": "x"},
		},
		"of duplicate keys the last": {
			pairs: []any{"log_type", "added", "details", "first", "log_type", "deleted", "details", "second"},
			want:  map[string]string{"timestamp": stamp, "log_type": "deleted", "details": "second"},
		},
		"of duplicate keys the last, even without the field": {
			options: MappingOptions{Accessors: map[Field]string{DeviceID: "$device['id']"}},
			pairs:   []any{"log_type", "added", "device", map[string]any{"id": "x"}, "device", "y"},
			want:    map[string]string{"timestamp": stamp, "log_type": "added"},
		},
		"values that are no strings": {
			pairs: []any{
				"log_type", "added", "details",
				[]any{1, "x", nil, true},
				"device_id", uint64(math.MaxUint64),
				"device_name", 1.5, "device_username", false, "device_group", nil,
			},
			want: map[string]string{
				"timestamp": stamp, "log_type": "added", "details": `[1,"x",null,true]`,
				"device_id": "18446744073709551615", "device_name": "1.5", "device_username": "false",
			},
		},
		"float32 and binary": {
			pairs: []any{"log_type", "added", "device_name", float32(0.1), "device_id", []byte("bin")},
			want:  map[string]string{"timestamp": stamp, "log_type": "added", "device_name": "0.1", "device_id": "bin"},
		},
		"values that are not UTF-8": {
			pairs: []any{"log_type", "added", "details", "a\xffb", "device_id", []byte("\xc3"), "device_name", "0123456789\xe6\xa4"},
			want: map[string]string{
				"timestamp": stamp, "log_type": "added", "details": "a\ufffdb", "device_id": "\ufffd", "device_name": "0123456789\ufffd\ufffd",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var e Event
			e.Set(DeviceGroup, []byte("left over"))
			if err := newMapper(t, tc.options).Map(recordOf(t, tc.pairs...), &e); err != nil {
				t.Fatal(err)
			}
			if got := fields(&e); !maps.Equal(got, tc.want) {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
			if e.Type.String() != tc.want["log_type"] {
				t.Errorf("type %v", e.Type)
			}
			if got := string(AppendTimestamp(nil, e.Time)); got != tc.want["timestamp"] {
				t.Errorf("time %v", e.Time)
			}
		})
	}
}

func TestEveryLogTypeIsMapped(t *testing.T) {
	m := newMapper(t, MappingOptions{})
	for _, logType := range Types() {
		var e Event
		if err := m.Map(recordOf(t, "log_type", logType.String()), &e); err != nil || e.Type != logType {
			t.Errorf("%v: %v, %v", logType, e.Type, err)
		}
		if want := logType.Meaning(); logType.Category() == Account && string(e.Get(Name)) != want {
			t.Errorf("%v: event %q, want %q", logType, e.Get(Name), want)
		}
	}
}

func TestRejects(t *testing.T) {
	long := strings.Repeat("é", 100)
	for name, tc := range map[string]struct {
		record *record.Record
		want   Reject
	}{
		"problem of the record":       {&record.Record{Problem: "nested too deep"}, Reject{Reason: "nested too deep"}},
		"body that is a list":         {&record.Record{Body: []byte{0x90}}, Reject{Reason: "body is not a map"}},
		"no body":                     {&record.Record{}, Reject{Reason: "body is not a map"}},
		"empty map":                   {recordOf(t), Reject{Reason: "no log_type"}},
		"log type of nil":             {recordOf(t, "log_type", nil), Reject{Reason: "no log_type"}},
		"log type of white space":     {recordOf(t, "log_type", " \t"), Reject{Reason: "no log_type"}},
		"unknown log type":            {recordOf(t, "log_type", "Login "), Reject{"unknown log_type", "Login "}},
		"log type of a map":           {recordOf(t, "log_type", map[string]any{"a": 1}), Reject{"unknown log_type", `{"a":1}`}},
		"long unknown log type":       {recordOf(t, "log_type", long), Reject{"unknown log_type", long[:60] + "…"}},
		"unknown log type, no UTF-8":  {recordOf(t, "log_type", "\xff"), Reject{"unknown log_type", "\ufffd"}},
		"timestamp of a boolean":      {recordOf(t, "log_type", "added", "timestamp", true), Reject{"unreadable timestamp", "true"}},
		"timestamp of a list":         {recordOf(t, "log_type", "added", "timestamp", []any{1}), Reject{"unreadable timestamp", "[1]"}},
		"timestamp of another form":   {recordOf(t, "log_type", "added", "timestamp", "Nov 22 08:00"), Reject{"unreadable timestamp", "Nov 22 08:00"}},
		"timestamp of another ext":    {recordOf(t, "log_type", "added", "timestamp", msgp.Raw("\xd4\x05\x00")), Reject{"unreadable timestamp", `{"ext":5,"data":"AA=="}`}},
		"no timestamp, no event time": {&record.Record{Body: recordOf(t, "log_type", "added").Body}, Reject{Reason: "no timestamp"}},
	} {
		t.Run(name, func(t *testing.T) {
			var e Event
			err := newMapper(t, MappingOptions{}).Map(tc.record, &e)
			var got *Reject
			if !errors.As(err, &got) || *got != tc.want {
				t.Errorf("got %v, want %v", err, &tc.want)
			}
			if len(got.Detail) > maxDetail {
				t.Errorf("detail of %d bytes", len(got.Detail))
			}
		})
	}
}

func TestRejectError(t *testing.T) {
	for want, r := range map[string]*Reject{
		"no log_type":               {Reason: "no log_type"},
		`unknown log_type "a\n\"b"`: {Reason: "unknown log_type", Detail: "a\n\"b"},
	} {
		if got := r.Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestValuesSurviveTheGrowthOfTheScratch(t *testing.T) {
	m := newMapper(t, MappingOptions{})
	big := strings.Repeat("\xff", 5000)
	var e Event
	if err := m.Map(recordOf(t, "log_type", "added", "details", "\xffsmall", "device_id", 123456, "device_name", big, "device_group", "\xfflast"), &e); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"timestamp": "2026-11-22T08:00:00.123Z", "log_type": "added", "details": "\ufffdsmall",
		"device_id": "123456", "device_name": strings.Repeat("\ufffd", 5000), "device_group": "\ufffdlast",
	}
	if got := fields(&e); !maps.Equal(got, want) {
		t.Errorf("got %.200q", got)
	}
	for f := range numFields {
		_ = append(e.Get(f), "overwritten"...)
	}
	if got := fields(&e); !maps.Equal(got, want) {
		t.Errorf("appending to a value changes another: %.200q", got)
	}
}

func TestMappersOfAMappingAreIndependent(t *testing.T) {
	m, err := NewMapping(MappingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for _, name := range []string{"added", "deleted"} {
		go func() {
			mapper := m.NewMapper()
			for range 1000 {
				var e Event
				if err := mapper.Map(recordOf(t, "log_type", name, "device_id", 7), &e); err != nil || e.Type.String() != name {
					done <- errors.Join(err, errors.New(e.Type.String()))
					return
				}
			}
			done <- nil
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestMappingDoesNotAllocate(t *testing.T) {
	m := newMapper(t, MappingOptions{Accessors: map[Field]string{DeviceID: "$device['id']"}})
	for name, r := range map[string]*record.Record{
		"strings":        recordOf(t, "log_type", "added", "timestamp", "2026-11-22T08:00:00Z", "details", "x"),
		"other values":   recordOf(t, "log_type", " ADDED", "timestamp", 1795334400123, "details", []any{1, 2.5}, "device", map[string]any{"id": 7}),
		"account events": recordOf(t, "log_type", "logon", "admin_name", "a\xff"),
	} {
		var e Event
		if n := testing.AllocsPerRun(100, func() {
			if err := m.Map(r, &e); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestNormalNamesAreThoseOfLookup(t *testing.T) {
	for _, name := range []string{"", " Added ", "ÀÉ", "İstanbul", "\u2003x\u00a0", "a\xffB", "ǅ"} {
		want := bytes.ToLower(bytes.TrimSpace([]byte(name)))
		if got := appendNormal(nil, []byte(name)); !bytes.Equal(got, want) {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

func TestValidIsThatOfUTF8(t *testing.T) {
	for length := range 26 {
		for at := range length {
			text := bytes.Repeat([]byte{'a'}, length)
			text[at] = 0xff
			if valid(text) {
				t.Errorf("0xff at %d of %d is valid", at, length)
			}
			text[at] = 0x7f
			if !valid(text) {
				t.Errorf("0x7f at %d of %d is not valid", at, length)
			}
		}
	}
	if !valid([]byte("検疫しました")) {
		t.Error("Japanese is not valid")
	}
}

// FuzzMap maps any bytes as body: the event has only valid texts, of the fields
// of its category, and its details are those of the record.
func FuzzMap(f *testing.F) {
	for _, r := range []*record.Record{
		recordOf(f, "log_type", "added", "timestamp", "2026-11-22T08:00:00.123Z", "details", "x\xff"),
		recordOf(f, "log_type", "LOGON ", "timestamp", 1795334400.5, "admin_name", []any{1, nil}),
		recordOf(f, "log_type", "deleted", "device", map[string]any{"id": 7}, "device", 1),
		recordOf(f, "log_type", "nothing", "timestamp", "x"),
	} {
		f.Add(r.Body)
	}
	f.Add([]byte("\x8f\xa8log_type\xa5added\xa7details"))
	m := newMapper(f, MappingOptions{Accessors: map[Field]string{DeviceID: "$device['id']"}})
	f.Fuzz(func(t *testing.T, body []byte) {
		var e Event
		err := m.Map(&record.Record{Time: received, Body: body, Raw: body}, &e)
		var reject *Reject
		if errors.As(err, &reject) {
			if reject.Reason == "" || len(reject.Detail) > maxDetail || !utf8.ValidString(reject.Detail) {
				t.Fatalf("%#v", reject)
			}
			return
		}
		if err != nil || !e.Type.Valid() || string(e.Get(LogTypeName)) != e.Type.String() {
			t.Fatalf("%v, %+v", err, e)
		}
		if stamp, err := time.Parse("2006-01-02T15:04:05.000Z", string(e.Get(Timestamp))); err != nil || !stamp.Equal(e.Time.Truncate(time.Millisecond)) {
			t.Fatalf("timestamp %q of %v: %v", e.Get(Timestamp), e.Time, err)
		}
		for field := range numFields {
			if !utf8.Valid(e.Get(field)) || len(e.Get(field)) > 0 && !slices.Contains(e.Category().Fields(), field) {
				t.Fatalf("%v is %q", field, e.Get(field))
			}
		}
		checkDetails(t, body, &e)
	})
}

// checkDetails compares the details of e with what msgp reads, if that is a string.
func checkDetails(t *testing.T, body []byte, e *Event) {
	if bytes.Contains(body, []byte("\x07details")) {
		return // msgp takes binary keys for strings
	}
	doc, _, err := msgp.ReadMapStrIntfBytes(body, nil)
	if details, ok := doc["details"].(string); err == nil && ok {
		if want := string([]rune(details)); string(e.Get(Details)) != want {
			t.Fatalf("details %q, want %q", e.Get(Details), want)
		}
	}
}
