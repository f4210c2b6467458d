package fluentconf

import (
	"bytes"
	"fmt"
	"strings"
)

// A classicFile is a file of the classic format while it is read
// (read_config in src/config_format/flb_cf_fluentbit.c).
type classicFile struct {
	loader *loader
	pos    Pos
	// indent is how the first indented line of the file begins. All others must
	// begin so too.
	indent  string
	section *Section
	// group is set within a group of the section, whose settings are skipped.
	group bool
}

func (l *loader) readClassic(path string, content []byte) error {
	if bytes.HasPrefix(content, []byte("\ufeff")) {
		return &Error{Pos: Pos{path, 1, 1}, Problem: "the file begins with a byte order mark", Want: "UTF-8 without one"}
	}
	f := &classicFile{loader: l, pos: Pos{File: path}}
	for line := range bytes.Lines(content) {
		f.pos.Line++
		text := strings.TrimSuffix(string(line), "\n")
		if text != string(line) {
			text = strings.TrimSuffix(text, "\r")
		}
		if i := strings.IndexByte(text, 0); i >= 0 {
			return f.fail(i+1, "a NUL byte", "text")
		}
		if err := f.read(text); err != nil {
			return err
		}
	}
	return nil
}

// fail returns the error at a column of the current line.
func (f *classicFile) fail(column int, problem, want string) error {
	at := f.pos
	at.Column = column
	return &Error{Pos: at, Problem: problem, Want: want}
}

// includeCommand is followed by a path, in which white space counts.
const includeCommand = "@include "

// read reads one line, without its end.
func (f *classicFile) read(line string) error {
	switch {
	case line == "" || line[0] == '#':
		return nil
	case len(line) > len(includeCommand) && strings.EqualFold(line[:len(includeCommand)], includeCommand):
		return f.include(line[len(includeCommand):])
	case line[0] == '@' && len(line) > 3:
		return f.command(line)
	case line[0] == '[':
		return f.begin(line)
	}
	text, column, err := f.unindent(line)
	if err != nil || text == "" || text[0] == '#' {
		return err
	}
	return f.setting(text, column)
}

// include reads other files in place of the line.
func (f *classicFile) include(path string) error {
	at := f.pos
	at.Column = len(includeCommand) + 1
	paths := []string{f.loader.beside(path)}
	if strings.Contains(path, "*") {
		if paths = glob(joined(f.loader.root, path)); len(paths) == 0 {
			return &Error{Pos: at, Problem: fmt.Sprintf("no file is named like %q", path)}
		}
	}
	for _, path := range paths {
		content, err := f.loader.open(path, at)
		if err != nil {
			return err
		}
		if err := f.loader.readClassic(path, content); err != nil {
			return err
		}
	}
	return nil
}

// command obeys @SET. Fluent Bit ignores what else begins with @.
func (f *classicFile) command(line string) error {
	command, argument, found := strings.Cut(line[1:], " ")
	argument = strings.Trim(argument, spaces)
	const want = "@SET name=value or @INCLUDE path"
	if !found || argument == "" {
		return f.fail(1, "a command without an argument", want)
	}
	if !strings.EqualFold(strings.Trim(command, spaces), "set") {
		return nil
	}
	name, value, found := strings.Cut(argument, "=")
	if !found || name == "" {
		return f.fail(1, "a variable without a value", "@SET name=value")
	}
	if err := f.loader.vars.define(name, value); err != nil {
		at := f.pos
		at.Column = 1
		return &Error{Pos: at, Problem: "the file of variable " + name + " can't be used", Err: err}
	}
	return nil
}

// begin opens the section of a [NAME]. What follows the ] does not count.
func (f *classicFile) begin(line string) error {
	name, _, closed := strings.Cut(line[1:], "]")
	if !closed || name == "" {
		return f.fail(1, "a section without a name", "[SERVICE], [INPUT], [FILTER] or [OUTPUT]")
	}
	at := f.pos
	at.Column = 1
	if f.loader.main {
		switch lowerASCII(name) {
		case "parser", "multiline_parser":
			return &Error{Pos: at, Problem: "parsers can't be defined here", Want: "a file of parsers, named by parsers_file in [SERVICE]"}
		case plugins:
			return &Error{Pos: at, Problem: "plugins can't be loaded here", Want: "a file of plugins, named by plugins_file in [SERVICE]"}
		}
	}
	f.section, f.group = f.loader.begin(kindOf(name), at), false
	return nil
}

// unindent returns an indented line without its indentation, and the column at
// which it begins.
func (f *classicFile) unindent(line string) (text string, column int, err error) {
	const blanks = " \t"
	indented := len(line) - len(strings.TrimLeft(line, blanks))
	if f.indent == "" {
		f.indent = line[:indented]
	}
	rest, ok := strings.CutPrefix(line, f.indent)
	switch {
	case indented == 0:
		return "", 0, f.fail(1, "a setting that is not indented", "white space before it")
	case !ok:
		return "", 0, f.fail(1, "a line that is indented otherwise than the first one", fmt.Sprintf("%s before it", inWords(f.indent)))
	}
	text = strings.TrimLeft(rest, blanks)
	switch extra := len(rest) - len(text); extra {
	case 0:
		f.group = false
	case len(f.indent):
	default:
		return "", 0, f.fail(1, "a line that is indented deeper than the first one", fmt.Sprintf("%s before it", inWords(f.indent)))
	}
	return text, indented + 1, nil
}

// inWords describes indentation.
func inWords(indent string) string {
	tabs := strings.Count(indent, "\t")
	switch tabs {
	case 0:
		return plural(len(indent), "space")
	case len(indent):
		return plural(tabs, "tab")
	}
	return fmt.Sprintf("%q", indent)
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// setting reads "key value". Only a space separates the two.
func (f *classicFile) setting(text string, column int) error {
	key, value, found := strings.Cut(text, " ")
	if !found {
		want := "a key, a space and a value"
		if strings.Contains(text, "\t") {
			want += ", with no tab between"
		}
		return f.fail(column, "no value", want)
	}
	if key[0] == '[' {
		return f.beginGroup(text, column)
	}
	value = strings.Trim(value, spaces)
	switch {
	case value == "":
		return f.fail(column, "no value", "a key, a space and a value")
	case f.section == nil:
		return f.fail(column, "a setting outside of any section", "[SERVICE], [INPUT], [FILTER] or [OUTPUT] before it, in the same file")
	case f.group:
		return nil
	}
	at := f.pos
	at.Column = column
	f.section.Properties = append(f.section.Properties, Property{Key: classicKey(key), Raw: value, Pos: at})
	return nil
}

func (f *classicFile) beginGroup(text string, column int) error {
	if f.section == nil || !strings.Contains(text, "]") {
		return f.fail(column, "a group that is not one", "[NAME] within a section")
	}
	f.group = true
	return nil
}
