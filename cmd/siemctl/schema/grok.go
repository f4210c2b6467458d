package schema

import (
	"errors"
	"strings"

	"siem-s3/event"
)

// The parts of a line of SYSLOG, as regular expressions that Oniguruma, PCRE,
// Java and RE2 all understand.
const (
	numberPattern = `[0-9]{1,3}`
	wordPattern   = `[!-~]+`
	// valuePattern is a PARAM-VALUE (RFC 5424 section 6.3.3).
	valuePattern = `(?:[^"\\\]]|\\["\\\]])*`
	textPattern  = `.*`
)

// syslogLine returns the expression of a category's lines, without anchors. part
// makes the piece that captures a part; it gets the name and the expression.
func syslogLine(c event.Category, part func(name, pattern string) string) string {
	line := "<" + part("priority", numberPattern) + ">1 " + part(event.Timestamp.String(), timePattern) +
		" " + part("hostname", wordPattern) + " " + part("app_name", wordPattern) + " - " +
		part(event.LogTypeName.String(), logTypePattern(c)) + ` \[` + c.String() + `@[0-9.]+`
	for _, f := range params(c) {
		line += " " + f + `="` + part(f, valuePattern) + `"`
	}
	return line + `\](?: ` + part(event.Details.String(), textPattern) + ")?"
}

func logTypePattern(c event.Category) string { return "(?:" + strings.Join(logTypes(c), "|") + ")" }

// params returns the columns that are parameters of the SD-ELEMENT, all that
// have no place elsewhere in the line.
func params(c event.Category) []string {
	var all []string
	for _, f := range c.Fields() {
		switch f {
		case event.Timestamp, event.LogTypeName, event.Details:
		default:
			all = append(all, f.String())
		}
	}
	return all
}

// eventCategories returns those of the options that are stored as SYSLOG, if the
// output does that.
func (o *Options) eventCategories() []event.Category {
	var all []event.Category
	for _, c := range o.Categories {
		if isEvents(c) {
			all = append(all, c)
		}
	}
	return all
}

// A grokPattern is a named one.
type grokPattern struct{ name, pattern string }

// grokPatterns returns patterns that need no others. prefix is put before the
// names of what they capture.
func grokPatterns(categories []event.Category, prefix string) []grokPattern {
	all := []grokPattern{
		{"SIEM_NUMBER", numberPattern},
		{"SIEM_TIME", timePattern},
		{"SIEM_WORD", wordPattern},
		{"SIEM_VALUE", valuePattern},
		{"SIEM_TEXT", textPattern},
	}
	for _, c := range categories {
		name := grokName(c)
		all = append(all, grokPattern{name + "_TYPE", logTypePattern(c)})
		line := syslogLine(c, func(capture, pattern string) string {
			for _, p := range all {
				if p.pattern == pattern {
					return "%{" + p.name + ":" + prefix + capture + "}"
				}
			}
			panic("no pattern for " + capture)
		})
		all = append(all, grokPattern{name, line})
	}
	return all
}

func grokName(c event.Category) string { return "SIEM_" + strings.ToUpper(c.String()) }

// grok writes a file of patterns, as Logstash and others take it.
func grok(w *writer, o *Options) error {
	if len(o.eventCategories()) == 0 {
		return errors.New("rejected records are never stored as SYSLOG")
	}
	w.line("# Lines of SYSLOG: match ^%%{%s}$. The values of parameters keep the backslash", strings.Join(each("%s", grokNames(o)), "}$ or ^%{"))
	w.line(`# before ", \ and ] (RFC 5424 section 6.3.3), and control characters as #ooo.`)
	for _, p := range grokPatterns(o.eventCategories(), "") {
		w.line("%s %s", p.name, p.pattern)
	}
	return nil
}

func grokNames(o *Options) (names []string) {
	for _, c := range o.eventCategories() {
		names = append(names, grokName(c))
	}
	return names
}
