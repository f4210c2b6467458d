package logs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"siem-s3/event"
	"siem-s3/formatter"
)

// kinds are the formats and compressions that objects have.
var kinds = []struct{ ext, codec string }{
	{"json.gz", "gzip"}, {"log.gz", "gzip"}, {"json.zst", "zstd"}, {"log.zst", "zstd"}, {"json", "none"}, {"log", "none"},
}

// store puts events into a window's object of the n-th kind, and returns its key.
func store(t testing.TB, s *Source, start time.Time, n int, events []*event.Event) string {
	t.Helper()
	kind := kinds[n%len(kinds)]
	write := formatter.JSON{}.Append
	if strings.HasPrefix(kind.ext, "log") {
		write = mustSyslog(t).Append
	}
	var raw []byte
	for _, e := range events {
		raw = write(raw, e)
	}
	key := fmt.Sprintf("siem/category=%s/dt=%s/hour=%s/%sZ-%016x.%s", events[0].Category(),
		start.Format("2006-01-02"), start.Format("15"), start.Format("20060102T150405"), n, kind.ext)
	put(t, s, key, packed(t, kind.codec, raw))
	return key
}

// query finds everything of the day of sampleTime.
func query() *Query {
	return &Query{Range: Span{at("2026-11-22"), at("2026-11-23")}, Slack: time.Hour, Categories: Categories[:2]}
}

// find is Find that must find.
func find(t testing.TB, s *Source, q *Query) []*Object {
	t.Helper()
	found, err := Find(t.Context(), []*Source{s}, q)
	if err != nil || len(found.Objects) == 0 {
		t.Fatalf("%d objects, %v", len(found.Objects), err)
	}
	return found.Objects
}

// cat prints events as Cat does, and returns the lines and the problems.
func cat(t testing.TB, objects []*Object, q *Query, f *Filter, o Output) (lines, problems []string) {
	t.Helper()
	var out bytes.Buffer
	noted := NewProblems(func(text string) { problems = append(problems, text) })
	p, err := NewPrinter(&out, o, f, noted)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Cat(t.Context(), objects, q); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if (noted.Err() == nil) != (problems == nil) {
		t.Errorf("%v after %q", noted.Err(), problems)
	}
	return slices.Collect(strings.Lines(out.String())), problems
}

// times returns the timestamps of lines of JSON.
func times(lines []string) (list []string) {
	for _, l := range lines {
		list = append(list, l[len(stampStart):len(stampStart)+stampSize])
	}
	return list
}

func TestEventsOfAllKindsOfObjectsComeInTheOrderOfTime(t *testing.T) {
	s := newSource(t, newBucket(t))
	r := rand.New(rand.NewPCG(1, 2))
	var want []string
	types := map[event.Category]event.LogType{event.Device: logType(t, "compliant"), event.Account: logType(t, "logon")}
	for n := range 24 {
		start := sampleTime.Add(time.Duration(n/2) * window)
		var events []*event.Event
		for range 500 {
			// They arrive up to 40 seconds late and so out of order.
			late := time.Duration(r.IntN(40_000)) * time.Millisecond
			at := start.Add(time.Duration(r.IntN(300))*time.Second - late).Truncate(time.Millisecond)
			events = append(events, deviceEvent(types[Categories[n%2]], at, fmt.Sprintf("LT%d", n)))
			want = append(want, at.Format("2006-01-02T15:04:05.000Z"))
		}
		store(t, s, start, n, events)
	}
	slices.Sort(want)
	lines, problems := cat(t, find(t, s, query()), query(), &Filter{}, Output{Format: NDJSON})
	if got := times(lines); !slices.Equal(got, want) || problems != nil {
		t.Errorf("%d events, want %d in their order; %v", len(got), len(want), problems)
	}
	again, _ := cat(t, find(t, s, query()), query(), &Filter{}, Output{Format: NDJSON})
	if !slices.Equal(again, lines) {
		t.Error("another order the second time")
	}
}

func TestEventsOfTheSameTimeComeInTheOrderOfKeysAndLines(t *testing.T) {
	s := newSource(t, newBucket(t))
	lt := logType(t, "compliant")
	for _, n := range []int{6, 0, 12} { // kinds[0] all
		store(t, s, sampleTime, n, []*event.Event{
			deviceEvent(lt, sampleTime, fmt.Sprintf("%02d-1", n)), deviceEvent(lt, sampleTime, fmt.Sprintf("%02d-2", n)),
		})
	}
	lines, _ := cat(t, find(t, s, query()), query(), &Filter{}, Output{Format: CSV})
	var devices []string
	for _, l := range lines[1:] {
		devices = append(devices, strings.Split(l, ",")[5])
	}
	if want := []string{"00-1", "00-2", "06-1", "06-2", "12-1", "12-2"}; !slices.Equal(devices, want) {
		t.Errorf("%q", devices)
	}
}

func TestOnlyEventsOfTheRangeArePrinted(t *testing.T) {
	s := newSource(t, newBucket(t))
	lt := logType(t, "compliant")
	store(t, s, at("2026-11-22 08:55"), 0, []*event.Event{
		deviceEvent(lt, at("2026-11-22 07:59:59"), "early"), deviceEvent(lt, at("2026-11-22 08:00"), "first"),
		deviceEvent(lt, at("2026-11-22 08:29:59"), "last"), deviceEvent(lt, at("2026-11-22 08:30"), "late"),
	})
	q := &Query{Range: Span{at("2026-11-22 08:00"), at("2026-11-22 08:30")}, Slack: time.Hour, Categories: Categories[:2]}
	for _, f := range []*Filter{{}, {Types: []event.LogType{lt}}} { // one prints lines unread
		lines, _ := cat(t, find(t, s, q), q, f, Output{Format: NDJSON})
		if len(lines) != 2 || !strings.Contains(lines[0], "first") || !strings.Contains(lines[1], "last") {
			t.Errorf("%q", lines)
		}
	}
	q.Slack = 20 * time.Minute // the object's window begins 25 minutes behind the range
	if found, err := Find(t.Context(), []*Source{s}, q); err != nil || len(found.Objects) != 0 {
		t.Errorf("%d objects, %v", len(found.Objects), err)
	}
}

func TestFilters(t *testing.T) {
	s := newSource(t, newBucket(t))
	store(t, s, sampleTime, 0, []*event.Event{
		deviceEvent(logType(t, "compliant"), sampleTime, "LTES0042"),
		deviceEvent(logType(t, "process_scan_infection_found"), sampleTime, "LTES0043"),
	})
	store(t, s, sampleTime, 1, []*event.Event{newEvent(logType(t, "logon"), sampleTime, map[event.Field]string{
		event.Name: "Admin logged on", event.AdminName: "Alice", event.AdminEmail: "alice@company.com",
	})})
	pattern := func(text string) []Pattern {
		var p Pattern
		if err := p.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return []Pattern{p}
	}
	grep := func(text string) *Filter {
		f := &Filter{}
		if err := f.SetGrep(text); err != nil {
			t.Fatal(err)
		}
		return f
	}
	const one, two, admin = "LTES0042", "LTES0043", "Alice"
	for name, test := range map[string]struct {
		filter *Filter
		want   []string
	}{
		"everything":                 {&Filter{}, []string{admin, one, two}},
		"a log type":                 {&Filter{Types: []event.LogType{logType(t, "compliant")}}, []string{one}},
		"log types of both":          {&Filter{Types: []event.LogType{logType(t, "compliant"), logType(t, "logon")}}, []string{admin, one}},
		"a device by its name":       {&Filter{Devices: pattern("ltes0042")}, []string{one}},
		"a device by its ID":         {&Filter{Devices: pattern("id-LTES0043")}, []string{two}},
		"not by a part of its name":  {&Filter{Devices: pattern("LTES")}, nil},
		"devices":                    {&Filter{Devices: pattern("LTES*")}, []string{one, two}},
		"either device":              {&Filter{Devices: append(pattern("LTES0042"), pattern("LTES0043")...)}, []string{one, two}},
		"a user with a backslash":    {&Filter{Users: pattern(`corp\ALICE`)}, []string{one, two}},
		"an admin by e-mail":         {&Filter{Admins: pattern("*@company.com")}, []string{admin}},
		"an admin by name":           {&Filter{Admins: pattern("alice")}, []string{admin}},
		"a device and a log type":    {&Filter{Devices: pattern("LTES*"), Types: []event.LogType{logType(t, "compliant")}}, []string{one}},
		"text":                       {grep("logged on"), []string{admin}},
		"text that JSON escapes":     {grep(`CORP\\alice`), []string{one, two}},
		"an expression":              {grep("(?i)THREATS?$"), []string{two}},
		"text of the encoding":       {grep("device_name"), nil},
		"text over two fields":       {grep("LTES0042.*Sales"), nil},
		"text at the start of field": {grep("^Sales"), []string{one, two}},
	} {
		t.Run(name, func(t *testing.T) {
			lines, problems := cat(t, find(t, s, query()), query(), test.filter, Output{Format: NDJSON})
			var got []string
			for _, l := range lines {
				for _, name := range []string{one, two, admin} {
					if strings.Contains(l, name) {
						got = append(got, name)
					}
				}
			}
			if slices.Sort(got); !slices.Equal(got, test.want) || problems != nil {
				t.Errorf("%q, want %q; %q", got, test.want, problems)
			}
		})
	}
}

func TestWhatCannotBeReadIsReportedAndTheRestPrinted(t *testing.T) {
	good := formatter.JSON{}.Append(nil, deviceEvent(logType(t, "compliant"), sampleTime, "LTES0042"))
	whole := packed(t, "gzip", bytes.Repeat(good, 100))
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-6] ^= 1 // the CRC-32
	for name, test := range map[string]struct {
		ext     string
		body    []byte
		lines   int
		problem string
	}{
		"damaged":             {"json.gz", flipped, 100, "checksum"},
		"cut off":             {"json.gz", whole[:len(whole)-9], 100, "unexpected EOF"},
		"not gzip":            {"json.gz", good, 0, `not compressed as its name says: it begins with "{\"ti"`},
		"gzip all the same":   {"json", whole, 0, "not compressed as its name says"},
		"not zstd":            {"json.zst", whole, 0, "not compressed as its name says"},
		"a line that is none": {"json", append([]byte("hello\n"), good...), 1, "line 1: invalid character"},
		"not syslog":          {"log", good, 0, "line 1: not a syslog message"},
		"empty":               {"json", nil, 0, ""},
		"without a last LF":   {"json", bytes.TrimSuffix(good, []byte("\n")), 1, ""},
		"several members":     {"json.gz", append(bytes.Clone(whole), whole...), 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSource(t, newBucket(t))
			put(t, s, "siem/category=device/dt=2026-11-22/hour=08/20261122T080000Z-0000000000000001."+test.ext, test.body)
			put(t, s, "siem/category=device/dt=2026-11-22/hour=08/20261122T080000Z-0000000000000002.json", good)
			lines, problems := cat(t, find(t, s, query()), query(), &Filter{}, Output{Format: NDJSON})
			if len(lines) != test.lines+1 {
				t.Errorf("%d lines, want %d and that of the next object", len(lines), test.lines)
			}
			if text := strings.Join(problems, "\n"); (text == "") != (test.problem == "") || !strings.Contains(text, test.problem) {
				t.Errorf("problems %q, want %q", text, test.problem)
			}
		})
	}
}

func TestManyDamagedLinesAreReportedOnceInAWhile(t *testing.T) {
	s := newSource(t, newBucket(t))
	put(t, s, "siem/category=device/dt=2026-11-22/hour=08/20261122T080000Z-0000000000000001.json", bytes.Repeat([]byte("x\n"), 1000))
	lines, problems := cat(t, find(t, s, query()), query(), &Filter{}, Output{Format: NDJSON})
	if len(lines) != 0 || len(problems) != maxReports {
		t.Errorf("%d lines, %d reports", len(lines), len(problems))
	}
}

func TestLinesOfAnyLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []string
		var text bytes.Buffer
		for _, n := range rapid.SliceOf(rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, 600_000))).Draw(t, "lengths") {
			want = append(want, strings.Repeat("x", n))
			text.WriteString(want[len(want)-1] + "\n")
		}
		var got []string
		_, err := cutLines(&text, make([]byte, rapid.IntRange(0, 10).Draw(t, "buffer")), func(line []byte) error {
			got = append(got, string(line))
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d lines, want %d: %v", len(got), len(want), err)
		}
	})
}

// written collects what a sorter writes.
type written []string

func (w *written) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func TestSorterPutsLinesInOrderAndKeepsEqualOnesInTheirs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var got written
		s := sorter{w: &got}
		type item struct {
			at   int64
			text string
		}
		var want []item
		for i, at := range rapid.SliceOf(rapid.Int64Range(-5, 5)).Draw(t, "times") {
			want = append(want, item{at, fmt.Sprint(at, " ", i)})
			if err := s.add(at, []byte(want[i].text)); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortStableFunc(want, func(a, b item) int { return int(a.at - b.at) })
		if err := s.flush(); err != nil || len(got) != len(want) {
			t.Fatalf("%d of %d, %v", len(got), len(want), err)
		}
		for i := range want {
			if got[i] != want[i].text {
				t.Fatalf("%q at %d, want %q", got[i], i, want[i].text)
			}
		}
	})
}

func TestSorterHoldsNoMoreThanItMay(t *testing.T) {
	var got written
	s := sorter{w: &got}
	for i := range 3 * sortLines {
		if err := s.add(int64(-i), []byte("line")); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 2*sortLines || len(s.heap) != sortLines || s.bytes != 4*sortLines {
		t.Errorf("%d written, %d held of %d bytes", len(got), len(s.heap), s.bytes)
	}
	for range 3 {
		if err := s.add(0, make([]byte, sortBytes)); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.heap) != 1 {
		t.Errorf("%d lines held beside one that is as long as all may be", len(s.heap))
	}
}

// BenchmarkCat is the whole way of 100,000 events from a server, in 24 objects.
func BenchmarkCat(b *testing.B) {
	s := newSource(b, newBucket(b))
	lt, raw := logType(b, "compliant"), 0
	for n := range 24 {
		start := sampleTime.Add(time.Duration(n) * window)
		var events []*event.Event
		for i := range 100_000 / 24 {
			events = append(events, deviceEvent(lt, start.Add(time.Duration(i)*50*time.Millisecond), fmt.Sprint("LTES", i%900)))
		}
		raw += len(events) * len(formatter.JSON{}.Append(nil, events[0]))
		store(b, s, start, 0, events)
	}
	for _, format := range []string{NDJSON, Syslog, CSV, Table} {
		b.Run(format, func(b *testing.B) {
			b.SetBytes(int64(raw))
			for b.Loop() {
				o := Output{Format: format, Syslog: formatter.SyslogOptions{Hostname: "-", AppName: "siem_s3", EnterpriseID: "32473"}}
				if lines, _ := cat(b, find(b, s, query()), query(), &Filter{}, o); len(lines) < 99_000 {
					b.Fatal(len(lines))
				}
			}
		})
	}
}
