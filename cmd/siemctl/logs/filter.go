package logs

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"

	"siem-s3/event"
)

// A Filter says which events are looked for. Lists that are empty take all; an
// event must match one of each list that is not.
type Filter struct {
	Types []event.LogType
	// Devices are IDs or names, Users those of devices, Admins names or e-mail
	// addresses. Case does not matter, and * stands for any text.
	Devices, Users, Admins []Pattern
	// Grep must match one of the event's texts, or the line of a rejected record.
	Grep *regexp.Regexp
}

// A Pattern matches a whole text, whatever its case.
type Pattern struct{ *regexp.Regexp }

// UnmarshalText reads a text in which * stands for any.
func (p *Pattern) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("empty")
	}
	quoted := strings.ReplaceAll(regexp.QuoteMeta(string(text)), `\*`, `.*`)
	var err error
	p.Regexp, err = regexp.Compile(`(?is)^` + quoted + `$`)
	return err
}

// Categories returns the categories of which an event can match, of those given.
func (f *Filter) Categories(of []event.Category) []event.Category {
	can := func(c event.Category) bool {
		switch {
		case len(f.Devices)+len(f.Users) > 0 && c != event.Device, len(f.Admins) > 0 && c != event.Account:
			return false
		case len(f.Types) > 0:
			return slices.ContainsFunc(f.Types, func(t event.LogType) bool { return t.Category() == c })
		}
		return true
	}
	var left []event.Category
	for _, c := range of {
		if can(c) {
			left = append(left, c)
		}
	}
	return left
}

// all reports whether f takes everything.
func (f *Filter) all() bool {
	return f.Grep == nil && len(f.Types)+len(f.Devices)+len(f.Users)+len(f.Admins) == 0
}

// match reports whether e is one that is looked for.
func (f *Filter) match(e *Entry) bool {
	switch {
	case len(f.Types) > 0 && !slices.Contains(f.Types, e.Event.Type),
		!oneOf(f.Devices, e, event.DeviceID, event.DeviceName),
		!oneOf(f.Users, e, event.DeviceUsername),
		!oneOf(f.Admins, e, event.AdminName, event.AdminEmail):
		return false
	}
	return f.Grep == nil || f.grep(e)
}

// oneOf reports whether one of the patterns, if there are any, matches one of the
// fields.
func oneOf(patterns []Pattern, e *Entry, fields ...event.Field) bool {
	for _, p := range patterns {
		for _, field := range fields {
			if p.Match(e.Event.Get(field)) {
				return true
			}
		}
	}
	return len(patterns) == 0
}

func (f *Filter) grep(e *Entry) bool {
	if plain, whole := f.Grep.LiteralPrefix(); whole && unescaped(plain) && !bytes.Contains(e.Line, []byte(plain)) {
		return false
	}
	if e.Rejected() {
		return f.Grep.Match(e.Line)
	}
	for _, field := range e.Event.Category().Fields() {
		if f.Grep.Match(e.Event.Get(field)) {
			return true
		}
	}
	return false
}

// unescaped reports whether a text stands in lines of every format as it is.
func unescaped(text string) bool {
	for _, r := range text {
		if !(r == ' ' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return false
		}
	}
	return true
}

// SetGrep sets Grep to an expression in RE2 syntax.
func (f *Filter) SetGrep(expression string) (err error) {
	f.Grep, err = regexp.Compile(expression)
	return err
}
