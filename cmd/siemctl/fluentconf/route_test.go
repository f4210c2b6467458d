package fluentconf_test

import (
	"path/filepath"
	"testing"

	"siem-s3/cmd/siemctl/fluentconf"
)

// reaches loads a configuration of one output that matters and says of each
// input whether its records may get there.
func reaches(t *testing.T, text string) (all []bool) {
	t.Helper()
	c, err := fluentconf.Load(filepath.Join(write(t, "-- a.conf --\n"+text), "a.conf"), fixed)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range c.Inputs {
		all = append(all, c.Reaches(in, c.Outputs[0]))
	}
	return all
}

func TestReaches(t *testing.T) {
	t.Parallel()
	// The second input keeps the case of one input and one output away.
	const rest = "[INPUT]\n name dummy\n tag nowhere\n"
	for name, tc := range map[string]struct {
		input, output string
		want          bool
	}{
		"everything":                   {" name tail\n tag a.b\n", " match *\n", true},
		"the tag":                      {" name tail\n tag a.b\n", " match a.b\n", true},
		"another tag":                  {" name tail\n tag a.b\n", " match a.c\n", false},
		"a longer tag":                 {" name tail\n tag a.b\n", " match a\n", false},
		"the start of the tag":         {" name tail\n tag a.b.c\n", " match a.*\n", true},
		"the end":                      {" name tail\n tag a.b.c\n", " match *.c\n", true},
		"the middle":                   {" name tail\n tag a.b.c\n", " match a*b*c\n", true},
		"the middle twice":             {" name tail\n tag a.b.c\n", " match a*b*b*c\n", false},
		"start and end that overlap":   {" name tail\n tag aba\n", " match ab*ba\n", false},
		"case":                         {" name tail\n tag A\n", " match a\n", false},
		"the last match":               {" name tail\n tag a\n", " match a\n match b\n", false},
		"no match":                     {" name tail\n tag a\n", " x y\n", false},
		"the name of an input":         {" name tail\n", " match tail.0\n", true},
		"the name of another":          {" name tail\n", " match tail.1\n", false},
		"a regular expression":         {" name tail\n tag a1\n", " match_regex ^a[0-9]\n", true},
		"one that matches later":       {" name tail\n tag ba1\n", " match_regex a[0-9]\n", false},
		"one between slashes":          {" name tail\n tag a1\n", " match_regex /a\\d/\n", true},
		"one that Go can't read":       {" name tail\n tag a1\n", " match_regex (?<=b)c\n", true},
		"one that matches nothing":     {" name tail\n tag a1\n", " match_regex b*\n", false},
		"regular expression or match":  {" name tail\n tag a1\n", " match a1\n match_regex b\n", true},
		"a tag of the path":            {" name tail\n tag a.*\n", " match b\n", true},
		"a tag of a variable":          {" name tail\n tag ${NONE}a\n", " match b\n", true},
		"a match of a variable":        {" name tail\n tag a\n", " match ${NONE}b\n", true},
		"a tag of what is received":    {" name forward\n", " match b\n", true},
		"a tag set over that":          {" name forward\n tag a\n", " match b\n", false},
		"a tag of a key in the record": {" name http\n tag a\n tag_key x\n", " match b\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := reaches(t, "[INPUT]\n"+tc.input+rest+"[OUTPUT]\n name siem_s3\n"+tc.output)
			if got[0] != tc.want {
				t.Errorf("%v, want %v", got[0], tc.want)
			}
		})
	}
}

func TestReachesAll(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"one input and one output": "[INPUT]\n name tail\n tag a\n[OUTPUT]\n name x\n match b\n",
		"tags are rewritten":       "[INPUT]\n name tail\n tag a\n[INPUT]\n name tail\n tag c\n[FILTER]\n name rewrite_tag\n[OUTPUT]\n name x\n match b\n",
	} {
		for i, got := range reaches(t, text) {
			if !got {
				t.Errorf("%s: not input %d", name, i)
			}
		}
	}
}

func TestRoutesGoPastTags(t *testing.T) {
	t.Parallel()
	dir := write(t, "-- a.yaml --\npipeline:\n  inputs:\n    - {name: tail, tag: a, routes: {logs: [{name: r}]}}\n    - {name: tail, tag: b}\n  outputs:\n    - {name: siem_s3}\n")
	c, err := fluentconf.Load(filepath.Join(dir, "a.yaml"), fixed)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Reaches(c.Inputs[0], c.Outputs[0]) || c.Reaches(c.Inputs[1], c.Outputs[0]) {
		t.Error("an input reaches an output with its routes only")
	}
}
