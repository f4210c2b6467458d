package fluentconf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// parse reads a text as Load reads a file, without any file but those that the
// text includes.
func parse(path, text string) (*loader, error) {
	l := &loader{config: &Config{}, vars: newVariables(func(string) (string, bool) { return "", false }), root: "testdata/none", main: true}
	read := l.readClassic
	if isYAML(path) {
		read = l.readYAML
	}
	if err := read(path, []byte(text)); err != nil {
		return l, err
	}
	for _, s := range l.sections {
		if err := l.finish(s); err != nil {
			return l, err
		}
	}
	return l, nil
}

// fuzz looks for texts that crash the reader, or of which it says what can't be.
func fuzz(f *testing.F, path string, seeds ...string) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "/") {
			t.Skip("may read files") // which can be anything
		}
		l, err := parse(path, text)
		lines := 2 // YAML ends them in many ways, and misses things after the last
		for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
			lines += strings.Count(text, end)
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Pos.File != path || e.Pos.Line > lines || e.Problem == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		for _, s := range l.sections {
			for _, p := range s.Properties {
				if p.Pos.Line < 1 || p.Pos.Line > lines || p.Pos.Column < 1 {
					t.Fatalf("%s at %v in %d lines", p.Key, p.Pos, lines)
				}
				if p.Raw != "" && strings.Trim(p.Raw, spaces) == "" && s.Kind == Service {
					t.Fatalf("a blank value at %v", p.Pos)
				}
			}
		}
	})
}

func FuzzClassic(f *testing.F) {
	fuzz(f, "a.conf", "[SERVICE]\n  a ${b:-c}\n\n# d\n[INPUT]\n  name x\n  [G] \n    e f\n", "@SET a=b\n@INCLUDE *.x\n", "[INPUT]\r\n\tname\tx\r\n")
}

func FuzzYAML(f *testing.F) {
	fuzz(f, "a.yaml", "service:\n  a: ${b}\nenv:\n  - {name: c, value: d}\npipeline:\n  inputs:\n    - name: x\n      p: [1, 2]\n", "includes: [a]\nplugins: ['b']\n", "a: &b c\nd: *b\n---\n? e\n: f\n")
}

// setting is a key and a value that both formats can write.
type setting struct{ key, value string }

var settings = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) setting {
	return setting{
		key:   rapid.StringMatching(`[a-z][a-z_.]{0,8}`).Draw(t, "key"),
		value: strings.Trim(rapid.StringMatching(`[!-~]([ -~é$]{0,20}[!-~])?|\$\{[A-Z]{1,3}(:-[a-z]*)?\}`).Draw(t, "value"), spaces),
	}
}), 1, 6)

// A configuration means the same in both formats.
func TestFormatsAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var classic, inYAML bytes.Buffer
		inYAML.WriteString("pipeline:\n  outputs:\n")
		indent := rapid.SampledFrom([]string{" ", "\t", "    "}).Draw(t, "indent")
		var want []string
		for range rapid.IntRange(1, 3).Draw(t, "outputs") {
			fmt.Fprintf(&classic, "[OUTPUT]\n%sname x\n", indent)
			inYAML.WriteString("    - name: x\n")
			for _, s := range settings.Draw(t, "settings") {
				value, err := yaml.Marshal(s.value)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&classic, "%s%s %s\n", indent, s.key, s.value)
				fmt.Fprintf(&inYAML, "      %s: %s\n", s.key, bytes.TrimSpace(value))
				want = append(want, s.key+"="+s.value)
			}
		}
		for path, text := range map[string]string{"a.conf": classic.String(), "a.yaml": inYAML.String()} {
			l, err := parse(path, text)
			if err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			var got, expanded []string
			for _, s := range l.config.Outputs {
				for _, p := range s.Properties[1:] {
					got = append(got, p.Key+"="+p.Raw)
					expanded = append(expanded, p.Value)
				}
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("%s: %q, want %q", path, got, want)
			}
			for i, value := range expanded {
				if !strings.Contains(want[i], "${") && !strings.HasSuffix(want[i], value) {
					t.Fatalf("%s: %q became %q", path, want[i], value)
				}
			}
		}
	})
}
