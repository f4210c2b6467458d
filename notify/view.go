package notify

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"siem-s3/event"
)

// subjectPrefix begins every subject, so that receivers can filter on it.
const subjectPrefix = "[SIEM] "

// A view is a notice in words for people, from which the e-mail, Slack and
// Teams bodies are made. Its texts have no control characters, and no line
// breaks but those of a row's value.
type view struct {
	Title    string // "312 × Device considered non-compliant"
	Meaning  string // "Device considered non-compliant"
	Severity string // "warning"
	Window   string // "2026-11-22 08:00:00 to 08:04:59 UTC"
	Group    row    // what the events have in common; no Value if nothing
	Items    []item
	More     int // events that are not among Items
	Objects  []string
	Source   string
	ID       string
	Test     bool
}

// An item is one event: its name and the fields that it carries.
type item struct {
	Name string // "LTES0042", "Alice (alice@company.com)"
	Time string
	Rows []row
}

type row struct{ Label, Value string }

// Lines returns the value's lines.
func (r row) Lines() []string { return strings.Split(r.Value, "\n") }

var labels = map[event.Field]string{
	event.Timestamp:      "Time",
	event.LogTypeName:    "Log type",
	event.Name:           "Event",
	event.Details:        "Details",
	event.DeviceID:       "Device ID",
	event.DeviceName:     "Device name",
	event.DeviceUsername: "User",
	event.DeviceGroup:    "Device group",
	event.AdminName:      "Admin name",
	event.AdminEmail:     "Admin e-mail",
}

// severityNames are RFC 5424's keywords in full.
var severityNames = map[event.Severity]string{
	event.Alert:    "alert",
	event.Critical: "critical",
	event.Warning:  "warning",
	event.Notice:   "notice",
	event.Info:     "info",
}

// newView words n with at most limit of its events.
func newView(n *Notice, limit int) view {
	v := view{
		Title:    n.title(),
		Meaning:  n.Type.Meaning(),
		Severity: severityNames[n.Type.Severity()],
		Window:   window(n.First, n.Last),
		Source:   clip(oneLine(n.Source), maxValue),
		ID:       n.ID,
		Test:     n.Test,
	}
	if n.GroupKey != "" {
		v.Group = row{Label: groupLabel(n.GroupBy), Value: clip(oneLine(n.GroupKey), maxValue)}
	}
	for _, e := range n.Events[:min(len(n.Events), limit)] {
		v.Items = append(v.Items, n.item(e))
	}
	v.More = max(n.Count-len(v.Items), 0)
	for _, o := range n.objects() {
		v.Objects = append(v.Objects, oneLine(o))
	}
	return v
}

// Repeated reports whether the notice is about more than one event.
func (v *view) Repeated() bool { return len(v.Items)+v.More > 1 }

// itemName is the heading of the i-th item.
func (v *view) itemName(i int) string {
	if name := v.Items[i].Name; name != "" {
		return name
	}
	return v.Meaning
}

// status is the line below the title in chats.
func (v *view) status() string { return sentence(v.Severity) + " · received " + v.Window }

// Footer says who sent the notice.
func (v *view) Footer() string {
	text := "Sent by siem_s3"
	if v.Source != "" {
		text += " on " + v.Source
	}
	return text + ". Message " + v.ID + "."
}

// title says what happened and to whom: "Device reported threats: LTES0042".
func (n *Notice) title() string {
	title, whom := n.Type.Meaning(), n.GroupKey
	if n.Count > 1 {
		title = fmt.Sprintf("%d × %s", n.Count, title)
	} else if len(n.Events) > 0 {
		whom = n.whom(n.Events[0])
	}
	if whom = clip(oneLine(whom), 120); whom != "" {
		title += ": " + whom
	}
	if n.Test {
		title = "[TEST] " + title
	}
	return title
}

// subject is the title as an e-mail has it.
func (n *Notice) subject() string { return subjectPrefix + n.title() }

// whom names the device or the admin of an event.
func (n *Notice) whom(e Event) string {
	if n.Type.Category() == event.Account {
		name, email := n.get(e, event.AdminName), n.get(e, event.AdminEmail)
		if name != "" && email != "" {
			return name + " (" + email + ")"
		}
		return name + email
	}
	if name := n.get(e, event.DeviceName); name != "" {
		return name
	}
	return n.get(e, event.DeviceID)
}

// item words e. The log type, which the notice names, and an event text that
// only repeats its meaning are left out, as are empty fields.
func (n *Notice) item(e Event) item {
	it := item{Name: oneLine(n.whom(e))}
	for i, f := range n.Type.Category().Fields() {
		value := printable(e[i])
		switch {
		case f == event.Timestamp:
			value = readableTime(value)
			it.Time = value
		case f == event.LogTypeName, f == event.Name && value == n.Type.Meaning():
			continue
		}
		if value != "" {
			it.Rows = append(it.Rows, row{labels[f], value})
		}
	}
	return it
}

// printable is oneLine for a text that may have several lines. Empty lines go.
func printable(text string) string {
	var lines []string
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' }) {
		if line = oneLine(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// groupLabel returns the label of the field of that name.
func groupLabel(name string) string {
	for f, label := range labels {
		if f.String() == name {
			return label
		}
	}
	return oneLine(name)
}

// readableTime writes a timestamp of the schema for people.
func readableTime(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	return t.UTC().Format("2006-01-02 15:04:05.999 UTC")
}

// window words the time between first and last, which is one moment or two.
func window(first, last time.Time) string {
	const moment = "2006-01-02 15:04:05"
	from, to := first.UTC().Format(moment), last.UTC().Format(moment)
	if from == to {
		return from + " UTC"
	}
	return from + " to " + strings.TrimPrefix(to, from[:len("2006-01-02 ")]) + " UTC"
}

// sentence makes the first letter of s a capital.
func sentence(s string) string {
	for i, r := range s {
		return string(unicode.ToUpper(r)) + s[i+len(string(r)):]
	}
	return s
}
