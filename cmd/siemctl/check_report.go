package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"siem-s3/cmd/siemctl/fluentconf"
)

// A level says how bad a finding is; checkCmd.Help explains them.
type level string

const (
	levelError   level = "error"
	levelWarning level = "warning"
	levelNote    level = "note"
	levelOK      level = "ok"
)

// The colours of findings, beside those of the demo.
const (
	red    = "31"
	yellow = "33"
)

var levelColour = map[level]string{levelError: red, levelWarning: yellow, levelNote: dim, levelOK: green}

// A finding is one line of the report. Its message begins with the setting that
// it is about, if there is one.
type finding struct {
	Level   level  `json:"level"`
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Setting string `json:"setting,omitempty"`
	Message string `json:"message"`
}

// place is where to look, as editors understand it.
func (f finding) place() string { return fluentconf.Pos{File: f.File, Line: f.Line}.String() }

// A report is everything that was found.
type report struct {
	File     string    `json:"file"`
	Outputs  int       `json:"outputs"`
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
	Findings []finding `json:"findings"`

	files []string // in the order in which findings are listed
}

// add appends a finding about a setting, "" for none, whose name the message
// begins with.
func (r *report) add(l level, at fluentconf.Pos, setting, format string, args ...any) finding {
	message := fmt.Sprintf(format, args...)
	if setting != "" {
		message = setting + message
	}
	f := finding{Level: l, File: at.File, Line: at.Line, Column: at.Column, Setting: setting, Message: oneLine(message)}
	r.Findings = append(r.Findings, f)
	switch l {
	case levelError:
		r.Errors++
	case levelWarning:
		r.Warnings++
	}
	return f
}

// oneLine keeps what a terminal would obey out of a message.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// sort puts the findings into the order of the files and their lines.
func (r *report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b finding) int {
		if a.File != b.File {
			return slices.Index(r.files, a.File) - slices.Index(r.files, b.File)
		}
		return a.Line - b.Line
	})
}

// summary says it in a few words.
func (r *report) summary() string {
	var parts []string
	for _, p := range []struct {
		n    int
		noun string
	}{{r.Errors, "error"}, {r.Warnings, "warning"}} {
		if p.n > 0 {
			parts = append(parts, plural(p.n, p.noun))
		}
	}
	if parts == nil {
		return fmt.Sprintf("no problems with %s of %s", plural(r.Outputs, "output"), r.File)
	}
	return strings.Join(parts, ", ")
}

// plural is "1 error", "2 errors".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// A presenter prints a report while it comes about: begin prints what is there
// by then, each a later finding, end the rest.
type presenter struct {
	begin func(more []fluentconf.Pos) error
	each  func(finding) error
	end   func() error
}

// newPresenter returns the presenter of a format, text or json.
func newPresenter(format string, w io.Writer, r *report) presenter {
	if format == "json" {
		return presenter{
			begin: func([]fluentconf.Pos) error { return nil },
			each:  func(finding) error { return nil },
			end:   func() error { return writeJSON(w, r) },
		}
	}
	t := &textPresenter{p: newPrinter(w), report: r}
	return presenter{t.begin, t.each, t.end}
}

// writeJSON writes v, indented, as people read it too.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// A textPresenter prints a line for each finding, in columns.
type textPresenter struct {
	p      *printer
	report *report
	width  int // of the column of places
}

func (t *textPresenter) begin(more []fluentconf.Pos) error {
	for _, f := range t.report.Findings {
		t.width = max(t.width, len(f.place()))
	}
	for _, at := range more {
		t.width = max(t.width, len(finding{File: at.File, Line: at.Line}.place()))
	}
	for _, f := range t.report.Findings {
		if err := t.each(f); err != nil {
			return err
		}
	}
	return nil
}

func (t *textPresenter) each(f finding) error {
	word := t.p.paint(levelColour[f.Level], fmt.Sprintf("%-7s", f.Level))
	_, err := fmt.Fprintf(t.p.w, "%-*s  %s  %s\n", t.width, f.place(), word, f.Message)
	return err
}

func (t *textPresenter) end() error {
	if len(t.report.Findings) > 0 {
		t.p.blank()
	}
	_, err := fmt.Fprintln(t.p.w, t.report.summary())
	return err
}
