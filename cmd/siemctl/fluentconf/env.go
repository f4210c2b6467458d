package fluentconf

import (
	"errors"
	"os"
	"strings"
)

// maxVariable is what Fluent Bit has room for between the braces.
const maxVariable = 4096

// variables are what ${NAME} stands for.
type variables struct {
	// set holds those of the configuration, which win over the environment.
	set map[string]string
	// environment looks up those of the process.
	environment func(string) (string, bool)
}

// newVariables has HOSTNAME preset where the environment has none, as in Fluent Bit.
func newVariables(environment func(string) (string, bool)) *variables {
	v := &variables{set: make(map[string]string), environment: environment}
	if _, ok := environment("HOSTNAME"); !ok {
		if host, err := os.Hostname(); err == nil {
			v.set["HOSTNAME"] = host
		}
	}
	return v
}

// define sets a variable. A value file://PATH stands for what the file holds.
func (v *variables) define(name, value string) error {
	path, isFile := strings.CutPrefix(value, "file://")
	if isFile && path != "" {
		content, err := readFile(path)
		if err != nil {
			return err
		}
		value = strings.TrimSuffix(string(content), "\n")
		if value == string(content) {
			value = strings.TrimSuffix(value, "\r")
		}
		if value == "" {
			return errors.New(path + " is empty")
		}
	}
	v.set[name] = value
	return nil
}

// lookup returns the value of a variable. One of the environment that is empty
// counts as not set.
func (v *variables) lookup(name string) (string, bool) {
	if value, ok := v.set[name]; ok {
		return value, true
	}
	value, _ := v.environment(name)
	return value, value != ""
}

// expand replaces the variables in text, and returns with it the names of those
// that are not set. After the first } that ends nothing, the rest stands as it is
// (flb_env_var_translate).
func (v *variables) expand(text string) (expanded string, unset []string) {
	var b strings.Builder
	rest, found := text, false
	for {
		start, end := strings.Index(rest, "${"), strings.IndexByte(rest, '}')
		if start < 0 {
			b.WriteString(rest)
			return b.String(), unset
		}
		if end <= start+2 || end-start-2 >= maxVariable {
			if !found {
				return text, nil
			}
			if end >= 0 {
				b.WriteString(rest[end+1:])
			}
			return b.String(), unset
		}
		value, missing := v.replace(rest[start+2 : end])
		if missing != "" {
			unset = append(unset, missing)
		}
		b.WriteString(rest[:start] + value)
		rest, found = rest[end+1:], true
	}
}

// replace returns what stands for NAME or NAME:-DEFAULT, and the name if it has
// no value.
func (v *variables) replace(reference string) (value, missing string) {
	name, fallback, hasFallback := reference, "", false
	if head, tail, found := strings.Cut(reference, ":"); found {
		if fallback, hasFallback = strings.CutPrefix(tail, "-"); hasFallback {
			name = head
		}
	}
	value, ok := v.lookup(name)
	switch {
	case hasFallback && value == "":
		return fallback, ""
	case !ok:
		return "", name
	}
	return value, ""
}
