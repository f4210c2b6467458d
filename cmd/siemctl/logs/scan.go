package logs

import (
	"context"
	"slices"
	"strings"
	"time"

	"siem-s3/event"
)

// A scan is a run of keys to list: those that begin with prefix and lie, in the
// order of their bytes, between from and the last key that begins with to.
type scan struct{ prefix, from, to string }

// past reports whether key, and every one after it, is behind the run.
func (s scan) past(key string) bool {
	return key[:min(len(key), len(s.to))] > s.to
}

// String returns what a listing has to begin with, for people.
func (s scan) String() string {
	if s.from == s.to {
		return s.from
	}
	return s.from + " to " + s.to
}

// A want is what is looked for: objects by their windows, or by when their events
// happened if the keys tell that.
type want struct {
	windows    Span
	events     Span
	categories []event.Category
}

// takes reports whether an object of the layout can hold what is wanted.
func (w *want) takes(o *Object) bool {
	return (!o.categorized || slices.Contains(w.categories, o.Category)) &&
		o.Window.Meets(w.windows) &&
		(o.events == Span{} || o.events.Meets(w.events))
}

// maxFolders is how many folders are looked into one by one where the key format
// has a variable before the time. Where there are more, all is listed.
const maxFolders = 100

// A planner finds the runs of keys that a layout has for what is wanted. The
// keys of each run are in the order of time as far as their format goes by it:
// from the largest unit to the smallest.
type planner struct {
	*Layout
	want
	// folders lists those below a prefix, and says whether that is too many.
	folders func(ctx context.Context, prefix string) (list []string, tooMany bool, err error)
	scans   []scan
}

// plan adds the runs of keys that begin with prefix, which stands for the tokens
// before the i-th.
func (p *planner) plan(ctx context.Context, i int, prefix string) error {
	for ; i < len(p.tokens); i++ {
		switch t := p.tokens[i]; t.kind {
		case literal:
			prefix += t.text
		case category:
			for _, c := range p.categories {
				if err := p.plan(ctx, i+1, prefix+c.String()); err != nil {
					return err
				}
			}
			return nil
		case windowAt:
			if !p.byTime(i) {
				return p.enter(ctx, i, prefix)
			}
			// Windows start at multiples of their length: this one ends in the range.
			p.add(prefix, p.format(i, p.windows.Start.Truncate(p.window)), p.format(i, p.windows.End.Add(-1)))
			return nil
		case eventAt:
			if !p.byTime(i) {
				return p.enter(ctx, i, prefix)
			}
			p.add(prefix, formatTime(t.text, p.events.Start), formatTime(t.text, p.events.End.Add(-1)))
			p.add(prefix, restValue, restValue)
			return nil
		default:
			return p.enter(ctx, i, prefix)
		}
	}
	p.add(prefix, "", "")
	return nil
}

func (p *planner) add(prefix, from, to string) {
	p.scans = append(p.scans, scan{prefix, prefix + from, prefix + to})
}

// enter plans beyond a token whose value only the bucket knows: in each of the
// folders there, if they are few and there is a time behind it to go by.
func (p *planner) enter(ctx context.Context, i int, prefix string) error {
	next := i + slices.Index(p.tokens[i:], token{literal, "/"}) + 1
	if next == i || !slices.ContainsFunc(p.tokens[next:], func(t token) bool { return t.kind == windowAt || t.kind == eventAt }) {
		p.add(prefix, "", "")
		return nil
	}
	folders, tooMany, err := p.folders(ctx, prefix)
	if err != nil {
		return err
	}
	if tooMany || len(folders) > maxFolders {
		p.add(prefix, "", "")
		return nil
	}
	for _, folder := range folders {
		if err := p.plan(ctx, next, folder); err != nil {
			return err
		}
	}
	return nil
}

// byTime reports whether keys are in the order of time from the i-th token on: it
// starts with the year.
func (l *Layout) byTime(i int) bool { return strings.HasPrefix(l.tokens[i].text, "%Y") && l.run(i) > 0 }

// run returns how many tokens from the i-th on go from the largest unit of time
// to the smallest, with text between, so that keys are in the order of time. Of a
// $EVENT all codes must.
func (l *Layout) run(i int) int {
	if l.tokens[i].kind == eventAt {
		next := 0
		if !inOrder(l.tokens[i].text, &next) {
			return 0
		}
		return 1
	}
	n, next := 0, 0
	for _, t := range l.tokens[i:] {
		if t.kind != literal && (t.kind != windowAt || !inOrder(t.text, &next)) {
			break
		}
		n++
	}
	return n
}

// inOrder reports whether each code of a text repeats a unit of those before next
// in codeOrder, or is next, which it then moves on.
func inOrder(text string, next *int) bool {
	for _, codes := range strings.SplitAfter(text, "%")[1:] {
		if codes == "" || codes[0] == '%' {
			continue
		}
		at := strings.IndexByte(codeOrder, codes[0])
		if at > *next {
			return false
		}
		*next = max(*next, at+1)
	}
	return true
}

// format returns the text of the run from the i-th token on at a time.
func (l *Layout) format(i int, t time.Time) string {
	var b strings.Builder
	for _, tok := range l.tokens[i : i+l.run(i)] {
		if tok.kind == literal {
			b.WriteString(tok.text)
		} else {
			b.WriteString(formatTime(tok.text, t))
		}
	}
	return b.String()
}

// goLayouts are the codes in Go's own notation.
var goLayouts = strings.NewReplacer("%Y", "2006", "%m", "01", "%d", "02", "%H", "15", "%M", "04", "%S", "05")

// formatTime writes t, in UTC, by codes with text between.
func formatTime(codes string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(codes); i++ {
		if codes[i] == '%' && i+1 < len(codes) {
			b.WriteString(t.UTC().Format(goLayouts.Replace(codes[i : i+2])))
			i++
			continue
		}
		b.WriteByte(codes[i])
	}
	return b.String()
}
