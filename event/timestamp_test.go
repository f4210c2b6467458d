package event

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"

	"siem-s3/record"
)

// read returns the time of a value, as a timestamp of the schema, "" if it is none.
func read(tb testing.TB, value any) string {
	tb.Helper()
	raw, err := msgp.AppendIntf(nil, value)
	if err != nil {
		tb.Fatal(err)
	}
	v := record.Read(raw)
	t, ok := readTime(v, bytes.TrimSpace(v.Data))
	if !ok {
		return ""
	}
	return string(AppendTimestamp(nil, t))
}

func TestTimestampForms(t *testing.T) {
	const eight = "2026-11-22T08:00:00.000Z"
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"RFC 3339":                      {"2026-11-22T08:00:00Z", eight},
		"with milliseconds":             {"2026-11-22T08:00:00.123Z", "2026-11-22T08:00:00.123Z"},
		"with one digit":                {"2026-11-22T08:00:00.5Z", "2026-11-22T08:00:00.500Z"},
		"with nanoseconds, cut":         {"2026-11-22T08:00:00.123999999Z", "2026-11-22T08:00:00.123Z"},
		"with more digits than that":    {"2026-11-22T08:00:00.1239999999999Z", "2026-11-22T08:00:00.123Z"},
		"with a comma":                  {"2026-11-22T08:00:00,123Z", "2026-11-22T08:00:00.123Z"},
		"lower case":                    {"2026-11-22t08:00:00z", eight},
		"space":                         {"2026-11-22 08:00:00Z", eight},
		"white space around":            {" 2026-11-22T08:00:00Z\n", eight},
		"east of UTC":                   {"2026-11-22T13:30:00+05:30", eight},
		"west of UTC":                   {"2026-11-21T22:00:00-10:00", eight},
		"offset without colon":          {"2026-11-22T09:00:00+0100", eight},
		"unknown offset":                {"2026-11-22T08:00:00-00:00", eight},
		"leap second":                   {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"},
		"leap second elsewhere":         {"2017-01-01T00:59:60.5+01:00", "2017-01-01T00:00:00.500Z"},
		"leap day":                      {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"},
		"leap day of a 400th year":      {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"},
		"first of all":                  {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
		"last of all":                   {"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999Z"},
		"no second of a leap":           {"2026-11-22T08:00:60Z", ""},
		"before the first":              {"0000-01-01T00:00:00+00:01", ""},
		"after the last":                {"9999-12-31T23:59:59-00:01", ""},
		"no offset":                     {"2026-11-22T08:00:00", ""},
		"offset of hours":               {"2026-11-22T08:00:00+01", ""},
		"offset of a day":               {"2026-11-22T08:00:00+24:00", ""},
		"offset of 60 minutes":          {"2026-11-22T08:00:00+01:60", ""},
		"offset without sign":           {"2026-11-22T08:00:00 01:00", ""},
		"offset that is no number":      {"2026-11-22T08:00:00+a1:00", ""},
		"empty fraction":                {"2026-11-22T08:00:00.Z", ""},
		"fraction without offset":       {"2026-11-22T08:00:00.1", ""},
		"more behind it":                {"2026-11-22T08:00:00ZZ", ""},
		"month 0":                       {"2026-00-22T08:00:00Z", ""},
		"month 13":                      {"2026-13-22T08:00:00Z", ""},
		"day 0":                         {"2026-11-00T08:00:00Z", ""},
		"day 31 of November":            {"2026-11-31T08:00:00Z", ""},
		"leap day of a common year":     {"2026-02-29T08:00:00Z", ""},
		"leap day of a 100th year":      {"1900-02-29T08:00:00Z", ""},
		"hour 24":                       {"2026-11-22T24:00:00Z", ""},
		"minute 60":                     {"2026-11-22T08:60:00Z", ""},
		"second 61":                     {"2026-11-22T08:00:61Z", ""},
		"another separator":             {"2026-11-22_08:00:00Z", ""},
		"no digits":                     {"2026-11-2xT08:00:00Z", ""},
		"seconds":                       {1795334400, eight},
		"milliseconds":                  {1795334400123, "2026-11-22T08:00:00.123Z"},
		"microseconds":                  {1795334400123456, "2026-11-22T08:00:00.123Z"},
		"nanoseconds":                   {int64(1795334400123456789), "2026-11-22T08:00:00.123Z"},
		"zero":                          {0, "1970-01-01T00:00:00.000Z"},
		"before 1970":                   {-1, "1969-12-31T23:59:59.000Z"},
		"milliseconds before 1970":      {-1795334400001, "1913-02-09T15:59:59.999Z"},
		"most seconds":                  {99999999999, "5138-11-16T09:46:39.000Z"},
		"least milliseconds":            {100000000000, "1973-03-03T09:46:40.000Z"},
		"most milliseconds":             {99999999999999, "5138-11-16T09:46:39.999Z"},
		"most microseconds":             {99999999999999999, "5138-11-16T09:46:39.999Z"},
		"least nanoseconds":             {100000000000000000, "1973-03-03T09:46:40.000Z"},
		"largest number":                {uint64(math.MaxUint64), "2554-07-21T23:34:33.709Z"},
		"smallest number":               {int64(math.MinInt64), "1677-09-21T00:12:43.145Z"},
		"seconds before the year 0":     {-99999999999, ""},
		"float seconds":                 {1795334400.123, "2026-11-22T08:00:00.123Z"},
		"float milliseconds":            {1795334400123.0, "2026-11-22T08:00:00.123Z"},
		"float before 1970":             {-0.25, "1969-12-31T23:59:59.750Z"},
		"float32":                       {float32(0.5), "1970-01-01T00:00:00.500Z"},
		"float of nanoseconds":          {1.795334400123e18, "2026-11-22T08:00:00.123Z"},
		"float without end":             {math.Inf(1), ""},
		"float below any":               {math.Inf(-1), ""},
		"no float":                      {math.NaN(), ""},
		"float beyond the year 9999":    {1e30, ""},
		"digits":                        {"1795334400", eight},
		"digits of milliseconds":        {"1795334400123", "2026-11-22T08:00:00.123Z"},
		"digits of nanoseconds":         {"1795334400123456789", "2026-11-22T08:00:00.123Z"},
		"digits with fraction":          {"1795334400.123", "2026-11-22T08:00:00.123Z"},
		"digits with a long fraction":   {"1795334400.1239999999999", "2026-11-22T08:00:00.123Z"},
		"milliseconds with fraction":    {"1795334400123.9", "2026-11-22T08:00:00.123Z"},
		"negative digits":               {"-1.5", "1969-12-31T23:59:58.500Z"},
		"binary digits":                 {[]byte("1795334400"), eight},
		"19 digits":                     {"9999999999999999999", "2286-11-20T17:46:39.999Z"},
		"20 digits":                     {"10000000000000000000", ""},
		"digits with an exponent":       {"1e9", ""},
		"digits with two dots":          {"1.2.3", ""},
		"digits with nothing behind":    {"1.", ""},
		"fraction only":                 {".5", ""},
		"sign only":                     {"-", ""},
		"plus sign":                     {"+1", ""},
		"words":                         {"yesterday", ""},
		"boolean":                       {true, ""},
		"list":                          {[]any{1}, ""},
		"MessagePack's own timestamp":   {msgp.RawExtension{Type: -1, Data: []byte{0, 0, 0, 1}}, ""},
		"EventTime":                     {msgp.RawExtension{Type: 0, Data: []byte{0, 0, 0, 1, 0x1d, 0xcd, 0x65, 0}}, "1970-01-01T00:00:01.500Z"},
		"EventTime of too many ns":      {msgp.RawExtension{Type: 0, Data: []byte{0, 0, 0, 1, 0x3b, 0x9a, 0xca, 0}}, ""},
		"digits that are not all ASCII": {"١٢٣", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if ext, ok := tc.value.(msgp.RawExtension); ok {
				tc.value = &ext
			}
			if got := read(t, tc.value); got != tc.want {
				t.Errorf("%v is %q, want %q", tc.value, got, tc.want)
			}
		})
	}
}

func TestAbsentTimestampIsThatOfFluentBit(t *testing.T) {
	m := newMapper(t, MappingOptions{})
	for name, pairs := range map[string][]any{
		"absent":      {},
		"nil":         {"timestamp", nil},
		"empty":       {"timestamp", ""},
		"white space": {"timestamp", " \t"},
	} {
		var e Event
		if err := m.Map(recordOf(t, append(pairs, "log_type", "added")...), &e); err != nil || !e.Time.Equal(received) {
			t.Errorf("%s: %v, %v", name, e.Time, err)
		}
	}
}

// seconds draws any second from the year 0 to the year 9999.
func seconds(t *rapid.T) int64 { return rapid.Int64Range(minUnix, maxUnix).Draw(t, "seconds") }

func TestAppendTimestampIsThatOfTheStandardLibrary(t *testing.T) {
	var c clock
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", rapid.IntRange(-86399, 86399).Draw(t, "zone"))
		when := time.Unix(seconds(t), rapid.Int64Range(0, 999999999).Draw(t, "nanoseconds")).In(zone)
		want := when.UTC().Format("2006-01-02T15:04:05.000Z")
		for range 2 { // the second time from the remembered second
			if got := string(c.append(nil, when)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		if got := string(AppendTimestamp([]byte("x"), when)); got != "x"+want {
			t.Errorf("got %s, want x%s", got, want)
		}
	})
}

func TestReadingUndoesWriting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(t, "minutes"))
		when := time.Unix(seconds(t), rapid.Int64Range(0, 999999999).Draw(t, "nanoseconds")).In(zone)
		if year := when.Year(); year < 0 || year > 9999 {
			t.Skip("not of RFC 3339")
		}
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999-0700"} {
			text := when.Format(layout)
			if got, ok := parseRFC3339([]byte(text)); !ok || !got.Equal(when) || got.Location() != time.UTC {
				t.Errorf("%s is %v, %t", text, got, ok)
			}
		}
	})
}

func TestEpochUnitsSayTheSameTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// From the least milliseconds on, and as long as nanoseconds fit.
		when := time.Unix(0, rapid.Int64Range(1e17, math.MaxInt64).Draw(t, "nanoseconds"))
		for name, tc := range map[string]struct {
			n         int64
			precision time.Duration
		}{
			"s":  {when.Unix(), time.Second},
			"ms": {when.UnixMilli(), time.Millisecond},
			"µs": {when.UnixMicro(), time.Microsecond},
			"ns": {when.UnixNano(), 1},
		} {
			got, ok := parseEpoch(strconv.AppendInt(nil, tc.n, 10))
			if !ok || !got.Equal(when.Truncate(tc.precision)) {
				t.Errorf("%d %s is %v, want %v", tc.n, name, got, when)
			}
		}
		if got, ok := fromFloat(float64(when.UnixMilli()) / 1e3); !ok || !got.Truncate(time.Millisecond).Equal(when.Truncate(time.Millisecond)) {
			t.Errorf("float seconds are %v, want %v", got, when)
		}
	})
}

// FuzzTimestamp compares with time.Parse, which knows neither leap seconds nor
// the other liberties, but takes some of its own: hence the shape.
func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{
		"2026-11-22T08:00:00.123Z", "2026-11-22 08:00:00+05:30", "2016-12-31T23:59:60Z", "1795334400.5",
		"-1", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999-23:59", "2026-11-22T08:00:00,5Z",
	} {
		f.Add(s)
	}
	shape := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseRFC3339([]byte(s))
		want, err := time.Parse(time.RFC3339Nano, s)
		year := want.UTC().Year()
		if strict := shape.MatchString(s); err == nil && strict && year >= 0 && year <= 9999 && !ok {
			t.Fatalf("%q is not read, want %v", s, want)
		}
		if ok && err == nil && !got.Equal(want) {
			t.Fatalf("%q is %v, want %v", s, got, want)
		}
		for _, parse := range []func([]byte) (time.Time, bool){parseRFC3339, parseEpoch} {
			if when, ok := parse([]byte(s)); ok {
				text := AppendTimestamp(nil, when)
				if back, ok := parseRFC3339(text); !ok || len(text) != 24 || !back.Equal(when.Truncate(time.Millisecond)) {
					t.Fatalf("%q: %v is written %q, which is %v", s, when, text, back)
				}
			}
		}
	})
}
