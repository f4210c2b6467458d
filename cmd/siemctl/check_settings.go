package main

import (
	"errors"
	"os"
	"strings"

	"siem-s3/cmd/siemctl/fluentconf"
	"siem-s3/conf"
	"siem-s3/wire"
)

// get reads a setting as the plugin gets it from Fluent Bit: the first one with
// that key, nothing of what Fluent Bit keeps to itself.
func (o *output) get(key string) string {
	if conf.HostKey(key) {
		return ""
	}
	p, _ := o.section.First(key)
	return p.Value
}

// settings reads the settings of an output and reports those that can't stand.
func (c *checker) settings(o *output) {
	o.settings, _ = conf.Parse(o.get) // its problems are among those below
	_, _, err := wire.Settings(o.get, func(string) {})
	switch {
	case err == nil:
		o.stands = true
	case errors.As(err, &o.problems):
		for _, p := range o.problems {
			text := strings.TrimPrefix(p.String(), p.Key)
			c.report.add(levelError, o.given(p.Key, p.Key+"_file"), p.Key, "%s", text)
		}
	default:
		c.report.add(levelError, o.section.Pos, "", "%s", err)
	}
}

// names reports settings that are not there, that are there twice, and whose
// variables are not set.
func (c *checker) names(o *output) {
	seen := make(map[string]fluentconf.Pos)
	for _, p := range o.section.Properties {
		name := strings.ToLower(p.Key)
		key, known := conf.Lookup(name)
		switch {
		case conf.HostKey(name) || p.Nested:
			continue
		case !known:
			c.report.add(levelError, p.Pos, p.Key, ": unknown setting%s", suggestion(name))
			continue
		}
		if first, twice := seen[name]; twice {
			c.report.add(levelError, p.Pos, p.Key, ": given twice: only the first one, at %s, holds", first)
			continue
		}
		seen[name] = p.Pos
		c.variables(p)
		c.exposed(p, key)
	}
}

func suggestion(name string) string {
	if near, ok := conf.Nearest(name); ok {
		return "; did you mean " + near + "?"
	}
	return ""
}

// variables reports those of a setting that are nowhere set.
func (c *checker) variables(p fluentconf.Property) {
	for _, name := range p.Unset {
		if p.Value == "" {
			c.report.add(levelNote, p.Pos, p.Key, ": ${%s} is not set here, so the setting counts as not given", name)
		} else {
			c.report.add(levelWarning, p.Pos, p.Key, ": ${%s} is not set here, and nothing stands in its place", name)
		}
	}
}

// exposed reports a secret that every user of this machine can read.
func (c *checker) exposed(p fluentconf.Property, key conf.Key) {
	if !key.Secret || p.Value == "" || strings.Contains(p.Raw, "${") {
		return
	}
	info, err := os.Stat(p.Pos.File)
	if err == nil && info.Mode().Perm()&0o004 != 0 {
		c.report.add(levelWarning, p.Pos, p.Key, ": every user can read this secret: use %s_file, or chmod o-r %s", key.Name, p.Pos.File)
	}
}
