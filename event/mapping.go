package event

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"siem-s3/record"
)

// MappingOptions says where the fields of events are in records.
type MappingOptions struct {
	// Accessors has the record accessor of each field that is not simply the
	// value of the record's key of the same name, see [record.ParseAccessor].
	Accessors map[Field]string
	// LogTypes has the name of the log type of each value that a source writes
	// for it. White space around both and the case of letters do not matter. A
	// value in it means what it says here, even if it is a log type's name.
	LogTypes map[string]string
}

// An AccessorError is an accessor in MappingOptions that cannot be used.
type AccessorError struct {
	Field    Field
	Accessor string
	Err      error // from record.ParseAccessor
}

func (e *AccessorError) Error() string { return fmt.Sprintf("field %s: %v", e.Field, e.Err) }

// Unwrap returns e.Err.
func (e *AccessorError) Unwrap() error { return e.Err }

// A LogTypeError is an entry of MappingOptions.LogTypes that cannot be used.
type LogTypeError struct {
	Source string // the value of the source
	Name   string // the log type that it is to mean
	Reason string
}

func (e *LogTypeError) Error() string {
	return fmt.Sprintf("log type %q of value %q: %s", e.Name, e.Source, e.Reason)
}

// A Mapping makes events of records by a set of options. It does not change and
// can be shared; each goroutine maps by a [Mapper] of its own.
type Mapping struct {
	targets  table[[]target] // by the record's key
	logTypes table[LogType]  // by the normal name, see appendNormal
}

// A target is a field and where below the source's key its value is.
type target struct {
	field    Field
	below    bool // whether it is below, or the value of the key itself
	accessor record.Accessor
}

// NewMapping returns the Mapping of the options. The error joins every problem
// there is, each an *AccessorError or a *LogTypeError, in a fixed order.
func NewMapping(o MappingOptions) (*Mapping, error) {
	m := new(Mapping)
	for _, t := range Types() {
		*m.logTypes.at(t.String()) = t
	}
	errs := append(m.addFields(o.Accessors), m.addLogTypes(o.LogTypes)...)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return m, nil
}

func (m *Mapping) addFields(accessors map[Field]string) (errs []error) {
	for f := range numFields {
		accessor := record.Key(f.String())
		if text, ok := accessors[f]; ok {
			var err error
			if accessor, err = record.ParseAccessor(text); err != nil {
				errs = append(errs, &AccessorError{Field: f, Accessor: text, Err: err})
				continue
			}
		}
		targets := m.targets.at(accessor.Root())
		*targets = append(*targets, target{f, accessor.Nested(), accessor})
	}
	return errs
}

func (m *Mapping) addLogTypes(names map[string]string) (errs []error) {
	seen := make(map[string]string, len(names)) // normal source value to the source
	for _, value := range slices.SortedFunc(maps.Keys(names), cmp.Compare) {
		normal := string(appendNormal(nil, []byte(value)))
		t, known := Lookup([]byte(names[value]))
		twin, twice := seen[normal]
		seen[normal] = value
		var reason string
		switch {
		case !known:
			reason = "no such log type, there are " + allNames()
		case normal == "":
			reason = "the value is empty"
		case twice && *m.logTypes.at(normal) != t:
			reason = fmt.Sprintf("the value is the same as %q, which means %s", twin, *m.logTypes.at(normal))
		default:
			*m.logTypes.at(normal) = t
			continue
		}
		errs = append(errs, &LogTypeError{Source: value, Name: names[value], Reason: reason})
	}
	return errs
}

func allNames() string {
	var names []string
	for _, t := range Types() {
		names = append(names, t.String())
	}
	return strings.Join(names, ", ")
}
