package logs

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"siem-s3/event"
)

// counted stores a day's events and counts them.
func counted(t *testing.T, f *Filter, step time.Duration) (*Stats, []string) {
	t.Helper()
	s := newSource(t, newBucket(t))
	r := rand.New(rand.NewPCG(1, 2))
	types := event.Types()
	for n := range 48 {
		start := at("2026-11-22").Add(time.Duration(n) * 30 * time.Minute)
		byCategory := map[event.Category][]*event.Event{}
		for range 5 + r.IntN(10*(1+n%20)) {
			lt := types[min(r.IntN(len(types)), r.IntN(len(types)))]
			at := start.Add(time.Duration(r.IntN(300)) * time.Second)
			e := deviceEvent(lt, at, fmt.Sprintf("LTES%04d", min(r.IntN(40), r.IntN(40))))
			if lt.Category() == event.Account {
				admin := fmt.Sprintf("admin%d", r.IntN(4))
				e = newEvent(lt, at, map[event.Field]string{event.Name: lt.Meaning(), event.AdminName: admin, event.AdminEmail: admin + "@company.com"})
			}
			byCategory[lt.Category()] = append(byCategory[lt.Category()], e)
		}
		for c, events := range byCategory {
			store(t, s, start, 2*n+int(c), events)
		}
	}
	put(t, s, "siem/category=rejected/dt=2026-11-22/hour=08/20261122T080000Z-0000000000000001.json", sampleRejected())
	q := query()
	q.Categories = Categories
	var problems []string
	stats, err := Count(t.Context(), find(t, s, q), q, f, step, 5, NewProblems(func(text string) { problems = append(problems, text) }), func(*Object) {})
	if err != nil {
		t.Fatal(err)
	}
	return stats, problems
}

func TestStats(t *testing.T) {
	for name, step := range map[string]time.Duration{"hours": time.Hour, "days": 24 * time.Hour} {
		stats, problems := counted(t, &Filter{}, step)
		if problems != nil {
			t.Errorf("%q", problems)
		}
		for _, format := range []string{Table, JSON, CSV} {
			var out bytes.Buffer
			if err := stats.Print(&out, format, false); err != nil {
				t.Fatal(err)
			}
			compareGolden(t, "stats-"+name+"."+format, out.Bytes())
		}
		var chart bytes.Buffer
		if err := stats.Chart(&chart); err != nil {
			t.Fatal(err)
		}
		compareGolden(t, "stats-"+name+".svg", chart.Bytes())
	}
}

func TestStatsAddUp(t *testing.T) {
	stats, _ := counted(t, &Filter{}, time.Hour)
	byType, byTime, byLevel := 0, 0, [levels]int{}
	for _, lt := range event.Types() {
		byType += stats.Types[lt]
		byLevel[levelOf(lt)] += stats.Types[lt]
	}
	var sum [levels]int
	for _, b := range stats.Timeline {
		byTime += b.Total()
		for i, n := range b.Levels {
			sum[i] += n
		}
	}
	if byType != stats.Events || byTime != stats.Events || sum != byLevel || len(stats.Timeline) != 24 || stats.Rejected != 3 {
		t.Errorf("%d events, %d by type, %d by time; %v and %v by level", stats.Events, byType, byTime, sum, byLevel)
	}
}

func TestStatsOfWhatIsLookedFor(t *testing.T) {
	f := &Filter{Types: []event.LogType{logType(t, "compliant")}}
	stats, _ := counted(t, f, time.Hour)
	if stats.Events == 0 || stats.Events != stats.Types[logType(t, "compliant")] || stats.Rejected != 0 || len(stats.Admins) != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestStatsAreWhatTheySay(t *testing.T) {
	stats, _ := counted(t, &Filter{}, time.Hour)
	var out bytes.Buffer
	if err := stats.Print(&out, JSON, false); err != nil || !json.Valid(out.Bytes()) {
		t.Errorf("%v", err)
	}
	out.Reset()
	if err := stats.Print(&out, CSV, false); err != nil {
		t.Fatal(err)
	}
	if _, err := csv.NewReader(&out).ReadAll(); err != nil {
		t.Error(err)
	}
	if err := stats.Print(&out, "xml", false); err == nil {
		t.Error("xml is an output")
	}
}

// Every chart is well formed, no bar leaves the plot, and no line or label the chart.
func TestCharts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Stats{Range: Span{at("2026-11-22"), at("2026-11-23")}, Step: rapid.SampledFrom([]time.Duration{time.Hour, 24 * time.Hour}).Draw(t, "step")}
		for i := range rapid.IntRange(0, 2000).Draw(t, "buckets") {
			b := Bucket{Start: s.Range.Start.Add(time.Duration(i) * s.Step)}
			b.Levels[i%int(levels)] = rapid.IntRange(0, 1_000_000).Draw(t, "events")
			s.Timeline = append(s.Timeline, b)
		}
		var out bytes.Buffer
		if err := s.Chart(&out); err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(&out)
		for {
			token, err := d.Token()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := token.(xml.StartElement); ok {
				checkPlace(t, e)
			}
		}
	})
}

func checkPlace(t *rapid.T, e xml.StartElement) {
	at := map[string]float64{}
	for _, a := range e.Attr {
		if v, err := strconv.ParseFloat(a.Value, 64); err == nil {
			at[a.Name.Local] = v
		}
	}
	inside := func(x, y string) bool {
		return at[x] >= plotLeft-60 && at[x] <= chartWidth && at[y] > 0 && at[y] < chartHeight
	}
	ok := true
	switch e.Name.Local {
	case "line":
		ok = inside("x1", "y1") && inside("x2", "y2") && (at["x1"] == at["x2"] || at["y1"] == at["y2"])
	case "text":
		ok = inside("x", "y")
	case "rect":
		ok = at["rx"] > 0 || len(at) == 0 || // of the legend, or the background
			at["x"] >= plotLeft && at["x"]+at["width"] <= plotLeft+plotWidth+.01 && at["width"] > 0 &&
				at["y"] >= plotTop-.01 && at["y"]+at["height"] <= plotTop+plotHeight+.01
	}
	if !ok {
		t.Errorf("%s at %v", e.Name.Local, at)
	}
}

func TestBars(t *testing.T) {
	for _, test := range []struct {
		n, most int
		want    string
	}{{0, 0, ""}, {0, 5, ""}, {1, 1_000_000, "▏"}, {1, 40, "█"}, {3, 80, "█▌"}} {
		if got := bar(test.n, test.most); got != test.want {
			t.Errorf("%d of %d: %q, want %q", test.n, test.most, got, test.want)
		}
	}
	if got := bar(7, 7); len([]rune(got)) != barWidth {
		t.Errorf("%q", got)
	}
}
