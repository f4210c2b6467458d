package conf

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Problem is one setting that cannot stand, with its remedy.
type Problem struct {
	// Key is the name of the setting.
	Key string
	// Value is the text that was given, "" if none was. A secret may stand
	// here: it is never shown.
	Value string
	// Want completes the sentence "want …" with what is allowed.
	Want string
}

// String returns the problem on one line, with secrets redacted:
//
//	upload_timeout "5 minutes": want a duration from 1s to 24h, such as 30s, 5m or 1h
func (p Problem) String() string {
	if p.Value == "" {
		return p.Key + " is not set: want " + p.Want
	}
	return p.Key + " " + shown(p.Key, p.Value) + ": want " + p.Want
}

// shown returns the value of a key as a message may show it.
func shown(name, value string) string {
	const longest = 120
	key, _ := Lookup(name)
	holdsSecret := key.FileFor != "" || key.Kind() == kindKey
	if key.Secret || holdsSecret && !strings.HasPrefix(value, "/") {
		return redacted // not a path: may well be the secret itself
	}
	// What stands before the @ of a URL may be a password.
	withUser := key.Kind() == kindURL || key.Kind() == kindHost
	if at := strings.LastIndexByte(value, '@'); at >= 0 && (withUser || strings.Contains(value[:at], "://")) {
		value = redacted + value[at:]
	}
	characters := 0
	for i := range value {
		if characters++; characters > longest {
			return strconv.Quote(value[:i] + "…")
		}
	}
	return strconv.Quote(value)
}

// Problems is every problem of the settings, as one error. Err makes an error of
// it only if there are any.
type Problems []Problem

// Add appends a problem, unless its key has one already: the first is the one
// to solve first.
func (p *Problems) Add(problem Problem) {
	if !p.Has(problem.Key) {
		*p = append(*p, problem)
	}
}

// Has reports whether there is a problem with that key.
func (p Problems) Has(key string) bool {
	return slices.ContainsFunc(p, func(q Problem) bool { return q.Key == key })
}

// Err returns the problems in the order of the reference, nil if there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	sorted := slices.Clone(p)
	slices.SortStableFunc(sorted, func(a, b Problem) int { return cmp.Compare(position(a.Key), position(b.Key)) })
	return sorted
}

// Error implements error: one line for one problem, a list under a heading for more.
func (p Problems) Error() string {
	if len(p) == 1 {
		return p[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d settings need attention:", len(p))
	for _, problem := range p {
		b.WriteString("\n  - " + problem.String())
	}
	return b.String()
}
