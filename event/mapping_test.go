package event

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestNewMappingReportsEveryProblem(t *testing.T) {
	_, err := NewMapping(MappingOptions{
		Accessors: map[Field]string{
			DeviceID:  "device['id']",
			Timestamp: "$a.b",
			AdminName: "$admin['name']",
		},
		LogTypes: map[string]string{
			"malware":   "infection",
			" ":         "logon",
			"Sign-In":   "logon",
			" sign-in ": "logout",
			"4624":      "logon",
		},
	})
	var accessors []*AccessorError
	var logTypes []*LogTypeError
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("got %v, want joined errors", err)
	}
	for _, err := range joined.Unwrap() {
		var a *AccessorError
		var l *LogTypeError
		switch {
		case errors.As(err, &a):
			accessors = append(accessors, a)
		case errors.As(err, &l):
			logTypes = append(logTypes, l)
		default:
			t.Errorf("untyped error %v", err)
		}
	}
	if len(accessors) != 2 || accessors[0].Field != Timestamp || accessors[0].Accessor != "$a.b" ||
		accessors[1].Field != DeviceID || errors.Unwrap(accessors[1]) == nil {
		t.Errorf("accessors: %v", accessors)
	}
	var got []string
	for _, l := range logTypes {
		got = append(got, l.Source+" = "+l.Name)
	}
	if want := []string{"  = logon", "Sign-In = logon", "malware = infection"}; !slices.Equal(got, want) {
		t.Errorf("log types: %q, want %q", got, want)
	}
}

func TestMappingErrorTexts(t *testing.T) {
	for name, tc := range map[string]struct {
		options MappingOptions
		want    string
	}{
		"accessor": {
			MappingOptions{Accessors: map[Field]string{DeviceID: "id"}},
			`field device_id: accessor "id", character 1: expected $ before the key, found 'i'`,
		},
		"unknown log type": {
			MappingOptions{LogTypes: map[string]string{"x": "login"}},
			`log type "login" of value "x": no such log type, there are compliant, noncompliant, `,
		},
		"empty value": {
			MappingOptions{LogTypes: map[string]string{"": "logon"}},
			`log type "logon" of value "": the value is empty`,
		},
		"one value, two log types": {
			MappingOptions{LogTypes: map[string]string{"A": "logon", "a": "logout"}},
			`log type "logout" of value "a": the value is the same as "A", which means logon`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewMapping(tc.options); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestOneValueSpelledTwiceForOneLogTypeIsFine(t *testing.T) {
	if _, err := NewMapping(MappingOptions{LogTypes: map[string]string{"A": "logon", "a": " Logon"}}); err != nil {
		t.Error(err)
	}
}

func TestFieldByName(t *testing.T) {
	for f := range numFields {
		if got, ok := FieldByName(f.String()); !ok || got != f {
			t.Errorf("%s is %v, %t", f, got, ok)
		}
	}
	for _, name := range []string{"", "Timestamp", "map_details"} {
		if f, ok := FieldByName(name); ok {
			t.Errorf("%q is %v", name, f)
		}
	}
}

func TestTable(t *testing.T) {
	var tab table[int]
	if tab.get([]byte("a")) != nil {
		t.Error("the empty table has a")
	}
	names := []string{"a", "b", "", "abc", "abd"}
	for i, name := range names {
		*tab.at(name) = i
	}
	*tab.at("b") += 10
	for i, name := range names {
		if name == "b" {
			i += 10
		}
		if v := tab.get([]byte(name)); v == nil || *v != i {
			t.Errorf("%q: %v, want %d", name, v, i)
		}
	}
	for _, name := range []string{"c", "ab", "abe", "abcd"} {
		if v := tab.get([]byte(name)); v != nil {
			t.Errorf("%q: %d", name, *v)
		}
	}
}
