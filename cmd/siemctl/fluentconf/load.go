package fluentconf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// maxFiles is how many files Fluent Bit reads for one configuration.
	maxFiles = 1000
	// maxFile is the length of a line at which Fluent Bit gives up, taken for
	// the whole file here.
	maxFile = 32 << 20
)

// Load reads the configuration in a file: YAML if its name ends in .yaml or
// .yml, otherwise in the classic format. environment looks up the variables of
// the process, as os.LookupEnv does. Relative paths are so to the working
// directory, as it is for a Fluent Bit started there, and then to the file's.
//
// The error of a configuration that Fluent Bit can't read is an *[Error]; the
// first one ends the reading.
func Load(path string, environment func(string) (string, bool)) (*Config, error) {
	l := &loader{
		config: &Config{File: path, Service: Section{Kind: Service, Pos: Pos{File: path}}},
		vars:   newVariables(environment),
		main:   true,
	}
	if err := l.load(path, Pos{}); err != nil {
		return nil, err
	}
	for _, s := range l.sections {
		if err := l.finish(s); err != nil {
			return nil, err
		}
	}
	if err := l.loadLibraries(); err != nil {
		return nil, err
	}
	return l.config, nil
}

// A loader reads one configuration, file by file.
type loader struct {
	config *Config
	vars   *variables
	// sections are all that were opened, in their order; the service's is once
	// among them.
	sections []*Section
	// root is the directory of the main file, to which the classic format's
	// includes are relative.
	root string
	// main is unset when a file of plugins is read.
	main   bool
	opened []os.FileInfo
}

// load reads the file that something begins with.
func (l *loader) load(path string, from Pos) error {
	l.root = filepath.Dir(path)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		l.root = filepath.Dir(real)
	}
	content, err := l.open(path, from)
	if err != nil {
		return err
	}
	if isYAML(path) {
		return l.readYAML(path, content)
	}
	return l.readClassic(path, content)
}

func isYAML(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".yaml" || ext == ".yml"
}

// open returns the content of a file that was not read before. from is the place
// that names it, the zero Pos for the main file.
func (l *loader) open(path string, from Pos) ([]byte, error) {
	at := from
	if at == (Pos{}) {
		at.File = path
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, &Error{Pos: at, Problem: l.cannotRead(path, from), Err: cause(err)}
	case slices.ContainsFunc(l.opened, func(o os.FileInfo) bool { return os.SameFile(o, info) }):
		return nil, &Error{Pos: at, Problem: path + " is read twice", Want: "each file included once"}
	case len(l.opened) == maxFiles:
		return nil, &Error{Pos: at, Problem: fmt.Sprintf("more than %d files", maxFiles)}
	}
	content, err := readFile(path)
	if err != nil {
		return nil, &Error{Pos: at, Problem: l.cannotRead(path, from), Err: err}
	}
	l.opened = append(l.opened, info)
	l.config.Files = append(l.config.Files, path)
	return content, nil
}

// cannotRead names the file unless the error's place is that file.
func (l *loader) cannotRead(path string, from Pos) string {
	if from == (Pos{}) {
		return "can't be read"
	}
	return fmt.Sprintf("%q can't be read", path)
}

// readFile returns what a regular file of a sane size holds.
func readFile(path string) ([]byte, error) {
	// A pipe would block for ever: look before opening.
	info, err := os.Stat(path)
	if err != nil {
		return nil, cause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, cause(err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	return content, nil
}

// cause returns the reason of a file system's error without the path.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// glob returns the files that a pattern names. As in a shell, * does not match
// the dot at the start of a name.
func glob(pattern string) []string {
	found, _ := filepath.Glob(pattern) // a bad pattern finds nothing
	wanted := strings.Split(filepath.Clean(pattern), "/")
	return slices.DeleteFunc(found, func(path string) bool {
		for i, name := range strings.Split(path, "/") {
			if i < len(wanted) && strings.HasPrefix(name, ".") && !strings.HasPrefix(wanted[i], ".") {
				return true
			}
		}
		return false
	})
}

// begin opens a section. There is one service, which grows.
func (l *loader) begin(kind string, at Pos) *Section {
	s := &Section{Kind: kind, Pos: at}
	switch kind {
	case Service:
		s = &l.config.Service
		if slices.Contains(l.sections, s) {
			return s
		}
		s.Pos = at
	case Input:
		l.config.Inputs = append(l.config.Inputs, s)
	case Filter:
		l.config.Filters = append(l.config.Filters, s)
	case Output:
		l.config.Outputs = append(l.config.Outputs, s)
	}
	l.sections = append(l.sections, s)
	return s
}

// finish replaces the variables of a section, when all of them are known.
func (l *loader) finish(s *Section) error {
	for i := range s.Properties {
		p := &s.Properties[i]
		p.Value, p.Unset = l.vars.expand(p.Raw)
	}
	switch s.Kind {
	case Input, Filter, Output, "custom":
		if _, ok := s.First("name"); !ok {
			return &Error{Pos: s.Pos, Problem: "this " + s.Kind + " has no name", Want: "the name of a plugin"}
		}
	}
	return nil
}

// loadLibraries reads the files that plugins_file names, and collects the
// libraries of all lists of plugins.
func (l *loader) loadLibraries() error {
	sections := l.sections
	for _, p := range l.config.Service.Properties {
		if p.Key != "plugins_file" {
			continue
		}
		// The list has sections of its own, none of which belong to the
		// configuration, and may be read once more.
		list := &loader{config: &Config{File: p.Value}, vars: l.vars}
		path := l.beside(p.Value)
		if err := list.load(path, p.Pos); err != nil {
			return err
		}
		l.config.Files = append(l.config.Files, list.config.Files...)
		sections = append(sections, list.sections...)
	}
	for _, s := range sections {
		if s.Kind != plugins {
			continue
		}
		for _, p := range s.Properties {
			if p.Key == "path" {
				l.config.Libraries = append(l.config.Libraries, Library{Path: p.Raw, Pos: p.Pos})
			}
		}
	}
	return nil
}

// beside returns a path that is taken from the working directory if it is there,
// and from the main file's otherwise.
func (l *loader) beside(path string) string {
	if _, err := os.Stat(path); err != nil && errors.Is(err, os.ErrNotExist) && !filepath.IsAbs(path) {
		return filepath.Join(l.root, path)
	}
	return path
}
