package logs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"siem-s3/event"
	"siem-s3/pipeline"
)

// A Layout knows what the keys of a key format say, and where in a bucket those
// of a range of time are.
type Layout struct {
	tokens  []token
	key     *regexp.Regexp // a key, with a group for each token that says something
	window  time.Duration  // how long a window is
	groups  []int          // the token of each group
	catches bool           // there is a $CATEGORY
}

// A token is a piece of a key format.
type token struct {
	kind tokenKind
	text string // of a literal, which is "/" or has none, or the codes of a time
}

type tokenKind uint8

const (
	literal  tokenKind = iota
	windowAt           // one of %Y %m %d %H %M %S
	eventAt            // $EVENT[…]
	category
	unknown // what nobody can tell without looking
)

// NewLayout reads a key format, as s3_key_format sets it. window is upload_timeout.
func NewLayout(keyFormat string, window time.Duration) (*Layout, error) {
	if _, err := pipeline.ParseKeyFormat(keyFormat, "host"); err != nil {
		return nil, fmt.Errorf("key format %q: %w", keyFormat, err)
	}
	l := &Layout{window: window}
	for rest := keyFormat; rest != ""; {
		var t token
		t, rest = cutToken(rest)
		l.tokens = append(l.tokens, t)
	}
	l.compile()
	return l, nil
}

// cutToken returns the first token of a valid key format, and what is behind it.
func cutToken(s string) (t token, rest string) {
	switch {
	case strings.HasPrefix(s, "%%"):
		return token{literal, "%"}, s[2:]
	case s[0] == '%':
		return token{windowAt, s[:2]}, s[2:]
	case s[0] == '$':
		return cutVariable(s)
	case s[0] == '/':
		return token{literal, "/"}, s[1:]
	}
	end := strings.IndexAny(s, "%$/")
	if end < 0 {
		end = len(s)
	}
	return token{literal, s[:end]}, s[end:]
}

var (
	variable = regexp.MustCompile(`^\$([A-Za-z0-9_]*)`)
	bracket  = regexp.MustCompile(`^\[[^]]*\]`)
)

func cutVariable(s string) (t token, rest string) {
	name := variable.FindString(s)
	rest = s[len(name):]
	switch name {
	case "$CATEGORY":
		return token{category, ""}, rest
	case "$UUID", "$HOSTNAME":
		return token{unknown, ""}, rest
	case "$TAG":
		return token{unknown, ""}, rest[len(bracket.FindString(rest)):]
	case "$EVENT":
		codes := bracket.FindString(rest)
		return token{eventAt, codes[1 : len(codes)-1]}, rest[len(codes):]
	}
	for bracket.MatchString(rest) {
		rest = rest[len(bracket.FindString(rest)):]
	}
	return token{unknown, ""}, rest
}

// values are the letters that a value in a key is written with.
const values = `[A-Za-z0-9_.%~-]+`

// codes has the expression of each code of a time, and its place in codeOrder.
const codeOrder = "YmdHMS"

func codeExpression(codes string) string {
	var b strings.Builder
	for i := 0; i < len(codes); i++ {
		switch {
		case codes[i] != '%':
			b.WriteString(regexp.QuoteMeta(codes[i : i+1]))
			continue
		case codes[i+1] == '%':
			b.WriteString("%")
		case codes[i+1] == 'Y':
			b.WriteString(`\d{4}`)
		default:
			b.WriteString(`\d\d`)
		}
		i++
	}
	return b.String()
}

// compile makes the expression that whole keys match.
func (l *Layout) compile() {
	var b strings.Builder
	group := func(i int, expression string) {
		b.WriteString("(" + expression + ")")
		l.groups = append(l.groups, i)
	}
	b.WriteString("^")
	for i, t := range l.tokens {
		switch t.kind {
		case literal:
			b.WriteString(regexp.QuoteMeta(t.text))
		case windowAt:
			group(i, codeExpression(t.text))
		case eventAt:
			group(i, codeExpression(t.text)+"|"+restValue)
		case category:
			group(i, "device|account|rejected")
			l.catches = true
		case unknown:
			b.WriteString(values)
		}
	}
	// -2 and so on come before the extension if a key was taken.
	b.WriteString(`(?:-\d+)?\.(json|log)(?:\.(gz|zst))?$`)
	l.key = regexp.MustCompile(b.String())
}

// restValue is what stands for a value that would have been one too many.
const restValue = "other"

// A Span is the time from Start up to, not including, End.
type Span struct{ Start, End time.Time }

// Meets reports whether the spans have a moment in common.
func (s Span) Meets(other Span) bool { return s.Start.Before(other.End) && other.Start.Before(s.End) }

// widen returns the span with d before it and behind it.
func (s Span) widen(d time.Duration) Span { return Span{s.Start.Add(-d), s.End.Add(d)} }

// Parse fills in what o's key says, and reports whether it is one of the layout.
func (l *Layout) Parse(o *Object) bool {
	m := l.key.FindStringSubmatch(o.Key)
	if m == nil {
		return false
	}
	n := len(l.groups)
	o.Format, o.Compression = m[n+1], m[n+2]
	var window, events clock
	for i, text := range m[1 : n+1] {
		switch t := l.tokens[l.groups[i]]; t.kind {
		case category:
			o.Category, _ = categoryByName(text)
			o.categorized = true
		case windowAt:
			window.set(t.text[1], text)
		case eventAt:
			if text != restValue {
				events.setAll(t.text, text)
			}
		}
	}
	var ok bool
	o.events, _ = events.span()
	o.Window, ok = window.span()
	if !ok {
		// Nothing but the upload says when it was.
		o.Window = Span{o.Modified.Add(-l.window), o.Modified}
	}
	o.begin = o.Window.Start
	if late := o.Modified.Add(-l.window); late.After(o.begin) && o.Window.End.Sub(o.begin) > l.window {
		// The key says the hour or the day; the upload was at the window's end.
		o.begin = late
		if last := o.Window.End.Add(-l.window); o.begin.After(last) {
			o.begin = last
		}
	}
	if end := o.Window.Start.Add(l.window); end.After(o.Window.End) {
		o.Window.End = end
	}
	return true
}

func categoryByName(name string) (event.Category, bool) {
	for _, c := range Categories {
		if c.String() == name {
			return c, true
		}
	}
	return 0, false
}

// Categories are all of them, in their order.
var Categories = []event.Category{event.Device, event.Account, event.Rejected}

// A clock collects the parts of a time, each at the place of its code in
// codeOrder.
type clock struct {
	value [len(codeOrder)]int
	known [len(codeOrder)]bool
}

func (c *clock) set(code byte, digits string) {
	i := strings.IndexByte(codeOrder, code)
	c.value[i], _ = strconv.Atoi(digits) // the expression lets nothing else pass
	c.known[i] = true
}

// span returns the year, month, … or second that the parts tell of, and whether
// they tell of a day at least.
func (c *clock) span() (Span, bool) {
	n := 0
	for n < len(c.known) && c.known[n] {
		n++
	}
	if n < 3 {
		return Span{}, false
	}
	v := c.value
	for i := n; i < len(v); i++ {
		v[i] = 0
	}
	start := time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], 0, time.UTC)
	return Span{start, start.Add(units[n-1])}, true
}

// units are how long what a code tells of is, from the day on.
var units = [len(codeOrder)]time.Duration{2: 24 * time.Hour, 3: time.Hour, 4: time.Minute, 5: time.Second}

// setAll sets what a text by the codes of $EVENT tells.
func (c *clock) setAll(codes, text string) {
	for i := 0; i < len(codes); i++ {
		n := 1
		if codes[i] == '%' {
			i++
			switch codes[i] {
			case 'Y':
				n = 4
			case 'm', 'd', 'H':
				n = 2
			}
			if n > 1 {
				c.set(codes[i], text[:n])
			}
		}
		text = text[n:]
	}
}
