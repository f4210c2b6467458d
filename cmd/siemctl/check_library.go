package main

import (
	"debug/elf"
	"path/filepath"
	"slices"
	"strings"

	"siem-s3/cmd/siemctl/fluentconf"
)

// libraries reports how the plugin is loaded, if it is.
func (c *checker) libraries() {
	ours := func(l fluentconf.Library) bool { return strings.Contains(filepath.Base(l.Path), pluginName) }
	i := slices.IndexFunc(c.config.Libraries, ours)
	if i < 0 {
		c.report.add(levelWarning, c.servicePos("plugins_file"), "plugins_file", ": nothing here loads the plugin: name a file with its path, or start Fluent Bit with -e /path/to/out_siem_s3.so")
		return
	}
	l := c.config.Libraries[i]
	if problem := libraryProblem(l.Path); problem != "" {
		c.report.add(levelError, l.Pos, "", "%s %s", l.Path, problem)
	}
}

// entry is what Fluent Bit calls first in a plugin of Go.
const entry = "FLBPluginRegister"

// libraryProblem says why Fluent Bit could not load a plugin of Go, "" if it could.
func libraryProblem(path string) string {
	if strings.Contains(path, "${") {
		return "is not a path: Fluent Bit replaces no variables here"
	}
	f, err := elf.Open(path)
	if err != nil {
		return "can't be loaded: " + cause(err).Error()
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return "can't be loaded: " + err.Error()
	}
	if !slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return s.Name == entry && s.Section != elf.SHN_UNDEF }) {
		return "is no plugin of Fluent Bit: it has no " + entry
	}
	return ""
}
