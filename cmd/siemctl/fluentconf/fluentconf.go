// Package fluentconf reads the configuration of Fluent Bit 5.1, in the classic
// format and in YAML, with everything that it includes and every variable
// replaced, as Fluent Bit itself does it (src/config_format, src/flb_env.c and
// src/flb_config.c of its sources).
//
// What Fluent Bit refuses is an [Error] with its place. So are some mistakes that
// Fluent Bit accepts and gets wrong in silence: a classic setting that is not
// indented, of which it drops the first letter, and an @SET that sets nothing.
// What it keeps to itself or hands to its plugins unread, such as processors, is
// not looked into.
package fluentconf

import (
	"fmt"
	"strings"
)

// The kinds of sections that a Config tells apart.
const (
	Service = "service"
	Input   = "input"
	Filter  = "filter"
	Output  = "output"
	plugins = "plugins"
)

// A Config is what Fluent Bit makes of a configuration file.
type Config struct {
	// File is the main file, as it was named to Load.
	File string
	// Files are the main file and all that it includes, in the order in which
	// they were opened.
	Files []string
	// Service is the settings of Fluent Bit itself. It has no properties if
	// there is no such section.
	Service Section
	// The plugins, in their order.
	Inputs, Filters, Outputs []*Section
	// Libraries are the plugins that are loaded from files.
	Libraries []Library
}

// A Library is a file that plugins_file or a list of plugins names.
type Library struct {
	// Path is what is loaded: relative paths are so to the working directory of
	// Fluent Bit.
	Path string
	Pos  Pos
}

// A Section is one plugin, or the settings of Fluent Bit itself.
type Section struct {
	// Kind is one of the kinds above.
	Kind       string
	Pos        Pos
	Properties []Property
}

// A Property is one setting as it was given. A list has one property for each
// of its values.
type Property struct {
	// Key is in lower case and, if it was written so in YAML, turned from
	// camelCase into snake_case.
	Key string
	// Value has its variables replaced. It may be a secret.
	Value string
	// Raw is the value as it stands in the file.
	Raw string
	// Unset are the variables in Raw that are nowhere set and have no default:
	// Fluent Bit puts nothing in their place.
	Unset []string
	// Nested says that the value is a map or a list of maps, which is not
	// looked into. Value is then empty.
	Nested bool
	Pos    Pos
}

// A Pos is a place in a file. Line and Column count from 1; 0 stands for none.
// Columns are in bytes.
type Pos struct {
	File         string
	Line, Column int
}

// String returns file:line:column, as far as they are known.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Plugin returns the name of the section's plugin.
func (s *Section) Plugin() string {
	name, _ := s.First("name")
	return name.Value
}

// First returns the first property with that key, in letters of either case. It
// is the one that a plugin gets.
func (s *Section) First(key string) (Property, bool) {
	for _, p := range s.Properties {
		if strings.EqualFold(p.Key, key) {
			return p, true
		}
	}
	return Property{}, false
}

// Last returns the last property with that key, in letters of either case. It is
// the one that holds for what Fluent Bit keeps to itself, such as match.
func (s *Section) Last(key string) (Property, bool) {
	for i := len(s.Properties) - 1; i >= 0; i-- {
		if p := s.Properties[i]; strings.EqualFold(p.Key, key) {
			return p, true
		}
	}
	return Property{}, false
}

// Value returns the value of Last, "" if there is none.
func (s *Section) Value(key string) string {
	p, _ := s.Last(key)
	return p.Value
}

// An Error is a place that Fluent Bit can't read, or would misread. Its text
// quotes no value.
type Error struct {
	Pos Pos
	// Problem says what is wrong, Want what is expected instead, "" if Problem
	// says it all.
	Problem, Want string
	// Err is the cause, if it is another error.
	Err error
}

// Error returns the error on one line:
//
//	fluent-bit.conf:12:5: no value: want a key, a space and a value
func (e *Error) Error() string { return e.Pos.String() + ": " + e.Text() }

// Text returns the error without its place.
func (e *Error) Text() string {
	text := e.Problem
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Want != "" {
		text += ": want " + e.Want
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
