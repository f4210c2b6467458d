package schema

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"siem-s3/event"
	"siem-s3/pipeline"
)

// A layout is a key format in pieces.
type layout struct {
	// folders has the tokens of each folder; the last one is the object's name.
	folders [][]string
}

// tokens are time codes, variables, slashes and what is between them.
var tokens = regexp.MustCompile(`%.|\$\w*(?:\[[^]]*\])*|/|[^%$/]+`)

const categoryVariable = "$CATEGORY"

// newLayout reads a key format, which has to keep categories apart: they have
// different columns.
func newLayout(keyFormat string) (*layout, error) {
	if _, err := pipeline.ParseKeyFormat(keyFormat, "host"); err != nil {
		return nil, fmt.Errorf("key format %q: %w", keyFormat, err)
	}
	l := &layout{folders: [][]string{nil}}
	all := tokens.FindAllString(keyFormat, -1)
	if !slices.Contains(all, categoryVariable) {
		return nil, fmt.Errorf("key format %q: without $CATEGORY nothing tells the objects of device and account events apart", keyFormat)
	}
	for _, t := range all {
		switch {
		case t == "/":
			l.folders = append(l.folders, nil)
			continue
		case strings.HasPrefix(t, "$EVENT") && strings.Contains(t, "/"):
			return nil, fmt.Errorf("key format %q: %s makes folders of different depth, which no pattern matches", keyFormat, t)
		}
		last := len(l.folders) - 1
		l.folders[last] = append(l.folders[last], t)
	}
	return l, nil
}

// variable reports whether a token stands for different texts.
func variable(t string) bool {
	return t != "%%" && (strings.HasPrefix(t, "%") || strings.HasPrefix(t, "$"))
}

var stars = regexp.MustCompile(`\*+`)

// glob returns the pattern of the category's keys, with * for what varies.
func (l *layout) glob(c event.Category) (string, error) {
	var folders []string
	for _, folder := range l.folders {
		var b strings.Builder
		for _, t := range folder {
			switch text := resolve(t, c); {
			case text == "":
				b.WriteByte('*')
			case strings.ContainsAny(text, "*?[]{}"):
				return "", fmt.Errorf("the folder or name %q of the key format has characters that mean something in patterns", text)
			default:
				b.WriteString(text)
			}
		}
		folders = append(folders, b.String())
	}
	// A star before the extension is for the number of a key that was taken.
	return stars.ReplaceAllString(strings.Join(folders, "/")+"*.json*", "*"), nil
}

// resolve returns the text of a token, "" if it varies.
func resolve(t string, c event.Category) string {
	switch {
	case t == categoryVariable:
		return c.String()
	case t == "%%":
		return "%"
	case variable(t):
		return ""
	}
	return t
}

// A partition is a folder name=value whose value varies.
type partition struct {
	name  string
	value []string // tokens
}

var partitionName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)=`)

// partitionOf reads a folder as one.
func partitionOf(folder []string) (p partition, ok bool) {
	m := partitionName.FindString(folder[0])
	if m == "" || !slices.ContainsFunc(folder, variable) {
		return p, false
	}
	p = partition{name: strings.TrimSuffix(m, "="), value: slices.Clone(folder[1:])}
	if rest := folder[0][len(m):]; rest != "" {
		p.value = slices.Insert(p.value, 0, rest)
	}
	return p, true
}

// partitions returns those of the layout.
func (l *layout) partitions() (all []partition) {
	for _, folder := range l.folders[:len(l.folders)-1] {
		if p, ok := partitionOf(folder); ok {
			all = append(all, p)
		}
	}
	return all
}

// location returns the folder of a category's objects as a template in which
// ${name} stands for the value of a partition, and what of it comes before the
// first. An error says why Hive has no form for the layout.
func (l *layout) location(c event.Category) (template, root string, err error) {
	var folders []string
	first := -1
	seen := map[string]bool{}
	for i, folder := range l.folders[:len(l.folders)-1] {
		p, ok := partitionOf(folder)
		switch {
		case !ok:
			text, err := fixed(folder, c)
			if err != nil {
				return "", "", err
			}
			folders = append(folders, text)
			continue
		case p.name != strings.ToLower(p.name) || seen[p.name]:
			return "", "", fmt.Errorf("the key format's folder %s= is no partition: names are to be different and in lower case", p.name)
		}
		seen[p.name] = true
		if first < 0 {
			first = i
		}
		folders = append(folders, p.name+"=${"+p.name+"}")
	}
	if first < 0 {
		return "", "", errors.New("the key format has no partitions, which are folders such as dt=%Y-%m-%d: every query would read everything")
	}
	if slices.Contains(l.folders[len(l.folders)-1], categoryVariable) && !slices.ContainsFunc(l.folders[:len(l.folders)-1], hasCategory) {
		return "", "", errors.New("the key format has $CATEGORY in the object's name alone: make it a folder, category=$CATEGORY")
	}
	return strings.Join(folders, "/"), strings.Join(append(folders[:first:first], ""), "/"), nil
}

func hasCategory(folder []string) bool { return slices.Contains(folder, categoryVariable) }

// fixed returns the text of a folder that varies by category at most.
func fixed(folder []string, c event.Category) (string, error) {
	var b strings.Builder
	for _, t := range folder {
		text := resolve(t, c)
		if text == "" {
			return "", fmt.Errorf("the key format's folder %s is no partition: make it name=%s", strings.Join(folder, ""), strings.Join(folder, ""))
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// A projection says which values a partition can have (Amazon Athena User Guide,
// "Supported types for partition projection").
type projection struct {
	kind   string   // enum, date, integer or injected
	values []string // of enum all of them, else the first and the last
	format string   // of date, as Java's DateTimeFormatter has it
	unit   string   // of date
}

// A timeCode is one of a key format's, and its form for others.
type timeCode struct {
	code, java, unit, goLayout string
	first, last                string // of its values without those of longer units
}

// codes are the time codes from the longest unit to the shortest.
var codes = []timeCode{
	{"%Y", "yyyy", "YEARS", "2006", "", ""},
	{"%m", "MM", "MONTHS", "01", "1", "12"},
	{"%d", "dd", "DAYS", "02", "1", "31"},
	{"%H", "HH", "HOURS", "15", "0", "23"},
	{"%M", "mm", "MINUTES", "04", "0", "59"},
	{"%S", "ss", "SECONDS", "05", "0", "59"},
}

// project returns the projection of a partition. Values that nobody can foretell
// are injected: each query has to give them.
func (p partition) project(c event.Category, from time.Time) projection {
	if text, err := fixed(p.value, c); err == nil {
		return projection{kind: "enum", values: []string{text}}
	}
	injected := projection{kind: "injected"}
	var java, start string
	finest, known := -1, 0
	for _, t := range p.value {
		i := slices.IndexFunc(codes, func(k timeCode) bool { return k.code == t })
		switch {
		case i >= 0:
			java += codes[i].java
			start += from.Format(codes[i].goLayout)
			finest = max(finest, i)
			known |= 1 << i
		case strings.Trim(t, "-_.:") == "":
			java += t
			start += t
		default:
			return injected
		}
	}
	switch {
	case finest >= 0 && known == 1<<(finest+1)-1:
		return projection{kind: "date", values: []string{start, "NOW"}, format: java, unit: codes[finest].unit}
	case finest > 0 && len(p.value) == 1:
		return projection{kind: "integer", values: []string{codes[finest].first, codes[finest].last}}
	}
	return injected
}
