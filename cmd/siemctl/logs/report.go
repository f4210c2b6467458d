package logs

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"siem-s3/event"
)

// Print writes the stats as Table, JSON or CSV. colour is for terminals.
func (s *Stats) Print(w io.Writer, format string, colour bool) error {
	switch format {
	case Table:
		_, err := w.Write(s.table(colour))
		return err
	case JSON:
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s.document())
	case CSV:
		_, err := w.Write(s.csv())
		return err
	}
	return fmt.Errorf("unknown output %q", format)
}

// typesByCount returns the log types that there are, the most frequent first.
func (s *Stats) typesByCount() []event.LogType {
	list := slices.DeleteFunc(event.Types(), func(t event.LogType) bool { return s.Types[t] == 0 })
	slices.SortStableFunc(list, func(a, b event.LogType) int { return s.Types[b] - s.Types[a] })
	return list
}

// The widths of a table of stats, in characters.
const (
	countWidth = 10
	barWidth   = 40
)

func (s *Stats) table(colour bool) []byte {
	var t tabular
	t.colour = colour
	fmt.Fprintf(&t.Builder, "%s to %s (UTC): %s, %s\n",
		s.Range.Start.Format("2006-01-02 15:04"), s.Range.End.Format("2006-01-02 15:04"), Counted(s.Events, "event"), Counted(s.Rejected, "rejected record"))
	if s.Events > 0 {
		t.heading("LOG TYPE", "EVENTS", "", typeWidth)
		types := s.typesByCount()
		for _, lt := range types {
			t.row(lt.String(), s.Types[lt], bar(s.Types[lt], s.Types[types[0]]), severityColour(lt.Severity()))
		}
		s.timeline(&t)
	}
	t.actors("DEVICE", s.Devices)
	t.actors("ADMIN", s.Admins)
	if len(s.Reasons) > 0 {
		t.heading("REJECTED", "RECORDS", "", typeWidth)
		for _, r := range s.Reasons {
			t.row(r.Reason, r.Records, bar(r.Records, s.Reasons[0].Records), "")
		}
	}
	return []byte(t.String())
}

func (s *Stats) timeline(t *tabular) {
	most := 0
	for i := range s.Timeline {
		most = max(most, s.Timeline[i].Total())
	}
	title, layout := "DAY (UTC)", "Mon 2006-01-02"
	if s.Step < 24*time.Hour {
		title, layout = "HOUR (UTC)", "2006-01-02 15:04"
	}
	t.heading(title, "EVENTS", "", typeWidth)
	for i := range s.Timeline {
		b := &s.Timeline[i]
		t.row(b.Start.Format(layout), b.Total(), bar(b.Total(), most), b.colour())
	}
}

// colour is that of the gravest level in the bucket.
func (b *Bucket) colour() string {
	switch {
	case b.Levels[Grave] > 0:
		return "31"
	case b.Levels[Warning] > 0:
		return "33"
	}
	return ""
}

// tabular is a table in the making.
type tabular struct {
	strings.Builder
	colour bool
	width  int
}

func (t *tabular) heading(name, count, more string, width int) {
	t.width = width
	row := string(appendPadded(nil, []byte(name), width)) + fmt.Sprintf("%*s", countWidth, count)
	if more != "" {
		row += "  " + more
	}
	fmt.Fprintf(&t.Builder, "\n%s\n", paint(t.colour, "1", row))
}

func (t *tabular) row(name string, count int, more, colour string) {
	row := string(appendPadded(nil, []byte(name), t.width)) + fmt.Sprintf("%*d", countWidth, count)
	if more != "" {
		row += "  " + paint(t.colour && colour != "", colour, more)
	}
	t.WriteString(row + "\n")
}

// maxActorWidth leaves room for the counts in a line of 100 characters.
const maxActorWidth = 72

func (t *tabular) actors(title string, list []Actor) {
	if len(list) == 0 {
		return
	}
	width := typeWidth
	for _, a := range list {
		width = min(maxActorWidth, max(width, widths.StringWidth(a.String())))
	}
	t.heading(title, "EVENTS", "WARNINGS OR WORSE", width)
	for _, a := range list {
		colour := ""
		if a.Severe > 0 {
			colour = "33"
		}
		t.row(a.String(), a.Events, strconv.Itoa(a.Severe), colour)
	}
}

// bar draws n of most in eighths of a character, and at least one of them if
// there is anything.
func bar(n, most int) string {
	if most == 0 || n == 0 {
		return ""
	}
	eighths := max(1, n*barWidth*8/most)
	return strings.Repeat("█", eighths/8) + strings.TrimSpace(string([]rune(" ▏▎▍▌▋▊▉")[eighths%8]))
}

// A document is the stats as JSON.
type document struct {
	Since    time.Time       `json:"since"`
	Until    time.Time       `json:"until"`
	Events   int             `json:"events"`
	Rejected int             `json:"rejected"`
	Types    []typeCount     `json:"log_types"`
	Step     string          `json:"step"` // hour or day
	Timeline []timelineCount `json:"timeline"`
	Devices  []deviceCount   `json:"devices"`
	Admins   []adminCount    `json:"admins"`
	Reasons  []reasonCount   `json:"rejected_reasons"`
}

type typeCount struct {
	LogType  string `json:"log_type"`
	Category string `json:"category"`
	Level    string `json:"level"` // alert, warning or routine
	Events   int    `json:"events"`
}

type timelineCount struct {
	Start   time.Time `json:"start"`
	Events  int       `json:"events"`
	Alert   int       `json:"alert"`
	Warning int       `json:"warning"`
	Routine int       `json:"routine"`
}

type deviceCount struct {
	ID     string `json:"device_id"`
	Name   string `json:"device_name"`
	Events int    `json:"events"`
	Severe int    `json:"warnings_or_worse"`
}

type adminCount struct {
	ID     string `json:"admin_email"`
	Name   string `json:"admin_name"`
	Events int    `json:"events"`
	Severe int    `json:"warnings_or_worse"`
}

type reasonCount struct {
	Reason  string `json:"reason"`
	Records int    `json:"records"`
}

func (s *Stats) document() *document {
	d := &document{
		Since: s.Range.Start, Until: s.Range.End, Events: s.Events, Rejected: s.Rejected, Step: s.step(),
		Timeline: []timelineCount{}, Devices: []deviceCount{}, Admins: []adminCount{}, Reasons: []reasonCount{},
	}
	for _, t := range event.Types() {
		d.Types = append(d.Types, typeCount{t.String(), t.Category().String(), levelOf(t).String(), s.Types[t]})
	}
	for i := range s.Timeline {
		b := &s.Timeline[i]
		d.Timeline = append(d.Timeline, timelineCount{b.Start, b.Total(), b.Levels[Grave], b.Levels[Warning], b.Levels[Routine]})
	}
	for _, a := range s.Devices {
		d.Devices = append(d.Devices, deviceCount(a))
	}
	for _, a := range s.Admins {
		d.Admins = append(d.Admins, adminCount(a))
	}
	for _, r := range s.Reasons {
		d.Reasons = append(d.Reasons, reasonCount(r))
	}
	return d
}

func (s *Stats) step() string {
	if s.Step < 24*time.Hour {
		return "hour"
	}
	return "day"
}

// csv has a row for every count, and says in its first column of what.
func (s *Stats) csv() []byte {
	var dst []byte
	row := func(cells ...string) {
		for i, cell := range cells {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCell(dst, []byte(cell))
		}
		dst = append(dst, '\n')
	}
	row("what", "key", "name", "count", "warnings_or_worse")
	for _, t := range event.Types() {
		severe := 0
		if levelOf(t) < Routine {
			severe = s.Types[t]
		}
		row("log_type", t.String(), t.Meaning(), strconv.Itoa(s.Types[t]), strconv.Itoa(severe))
	}
	for i := range s.Timeline {
		b := &s.Timeline[i]
		row(s.step(), b.Start.Format(time.RFC3339), "", strconv.Itoa(b.Total()), strconv.Itoa(b.Total()-b.Levels[Routine]))
	}
	for _, a := range s.Devices {
		row("device", a.ID, a.Name, strconv.Itoa(a.Events), strconv.Itoa(a.Severe))
	}
	for _, a := range s.Admins {
		row("admin", a.ID, a.Name, strconv.Itoa(a.Events), strconv.Itoa(a.Severe))
	}
	for _, r := range s.Reasons {
		row("rejected", r.Reason, "", strconv.Itoa(r.Records), "")
	}
	return dst
}

// Counted is "1 event", "2 events".
func Counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
