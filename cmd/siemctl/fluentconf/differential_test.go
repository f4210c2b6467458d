package fluentconf_test

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"siem-s3/cmd/siemctl/fluentconf"
	"siem-s3/test/fluentbit"
)

// stricter are what this package refuses and Fluent Bit takes, for the worse: it
// does not set the variable.
var stricter = map[string]bool{
	"a variable without a value": true, "a variable's file not there": true,
}

// plain are configurations of plugins that every Fluent Bit has, so that nothing
// but the format decides whether they are read.
var plain = map[string]string{
	"classic":                      "-- a.conf --\n@SET o=null\n[SERVICE]\n  flush 1\n[INPUT]\n  name dummy\n  tag a\n[OUTPUT]\n  name ${o}\n  match *\n",
	"classic, names cut short":     "-- a.conf --\n[IN]\n  name dummy\n[OUT]\n  name null\n  match *\n",
	"classic, included":            "-- a.conf --\n@INCLUDE in/*.conf\n[OUTPUT]\n  name null\n  match *\n-- in/b.conf --\n[INPUT]\n  name dummy\n@INCLUDE in/c.cnf\n-- in/c.cnf --\n[INPUT]\n  name dummy\n",
	"classic, in a cycle":          "-- a.conf --\n@INCLUDE b.conf\n-- b.conf --\n@INCLUDE a.conf\n",
	"classic, from a subdirectory": "-- a.conf --\n@INCLUDE in/b.conf\n[OUTPUT]\n  name null\n  match *\n-- in/b.conf --\n@INCLUDE c.conf\n-- in/c.conf --\n[INPUT]\n  name dummy\n",
	"classic, without includes":    "-- a.conf --\n@INCLUDE *.cnf\n",
	"classic, a deep comment":      "-- a.conf --\n[INPUT]\n  name dummy\n    # x\n[OUTPUT]\n  name null\n  match *\n",
	"classic, too deep":            "-- a.conf --\n[INPUT]\n  name dummy\n   tag x\n",
	"classic, blank lines":         "-- a.conf --\n[INPUT]\n  name dummy\n  \n\n    \n[OUTPUT]\n  name null\n  match *\n",
	"classic, a short blank line":  "-- a.conf --\n[INPUT]\n  name dummy\n \n",
	"classic, a default":           "-- a.conf --\n[INPUT]\n  name ${NONE:-dummy}\n[OUTPUT]\n  name null\n  match *\n",
	"classic, no value":            "-- a.conf --\n[INPUT]\n  name dummy\n  tag\n",
	"classic, a tab":               "-- a.conf --\n[INPUT]\n  name\tdummy\n",
	"classic, a group":             "-- a.conf --\n[INPUT]\n  name dummy\n  [G]\n    a b\n",
	"classic, plugins":             "-- a.conf --\n[PLUGINS]\n  path /none.so\n",
	"classic, parsers":             "-- a.conf --\n[PARSER]\n  name x\n  format json\n",
	"classic, a list not there":    "-- a.conf --\n[SERVICE]\n  plugins_file none.conf\n",
	"classic, no name":             "-- a.conf --\n[INPUT]\n  tag x\n",
	"YAML":                         "-- a.yaml --\nenv: {o: null}\nservice: {flush: 1}\npipeline:\n  inputs: [{name: dummy, tag: a}]\n  outputs: [{name: '${o}', match: '*'}]\n",
	"YAML, camelCase":              "-- a.yaml --\nservice: {logLevel: info}\npipeline:\n  inputs: [{name: dummy, storage.type: memory}]\n  outputs: [{name: 'null', match: '*', retryLimit: off}]\n",
	"YAML, included":               "-- a.yaml --\nincludes: [in/b.yaml]\npipeline:\n  outputs: [{name: 'null', match: '*'}]\n-- in/b.yaml --\nincludes: [c.yaml]\n-- in/c.yaml --\npipeline:\n  inputs: [{name: dummy}]\n",
	"YAML, includes not there":     "-- a.yaml --\nincludes: [none.yaml]\n",
	"YAML, variables in a list":    "-- a.yaml --\nenv: [{name: o, value: 'null'}, {p: dummy}]\npipeline:\n  inputs: [{name: '${p}'}]\n  outputs: [{name: '${o}', match: '*'}]\n",
	"YAML, a list of values":       "-- a.yaml --\npipeline:\n  inputs: [{name: dummy, dummy: ['{\"a\":1}']}]\n  outputs: [{name: 'null', match: '*'}]\n",
	"YAML, an alias":               "-- a.yaml --\nservice: {flush: &x 1, grace: *x}\n",
	"YAML, two documents":          "-- a.yaml --\nservice: {flush: 1}\n---\npipeline:\n  inputs: [{name: dummy}]\n  outputs: [{name: 'null', match: '*'}]\n",
	"YAML, two services":           "-- a.yaml --\nservice: {flush: 1}\nService: {flush: 1}\n",
	"YAML, a map in the service":   "-- a.yaml --\nservice: {flush: {a: b}}\n",
	"YAML, a list in the service":  "-- a.yaml --\nservice: {flush: [1]}\n",
	"YAML, inputs as a map":        "-- a.yaml --\npipeline: {inputs: {name: dummy}}\n",
	"YAML, an unknown part":        "-- a.yaml --\npipeline: {input: []}\n",
	"YAML, an unknown section":     "-- a.yaml --\nmine: {a: b}\npipeline:\n  inputs: [{name: dummy}]\n  outputs: [{name: 'null', match: '*'}]\n",
	"YAML, an unknown list":        "-- a.yaml --\nmine: [a]\n",
	"YAML, no name":                "-- a.yaml --\npipeline: {outputs: [{match: '*'}]}\n",
	"YAML, a map as a setting":     "-- a.yaml --\npipeline: {inputs: [{name: dummy, tls: {verify: off}}]}\n",
	"YAML, nothing as a setting":   "-- a.yaml --\nservice: {log_file: }\npipeline:\n  inputs: [{name: dummy}]\n  outputs: [{name: 'null', match: '*'}]\n",
	"YAML, a pattern of nothing":   "-- a.yaml --\nincludes: ['none*.yaml']\npipeline:\n  inputs: [{name: dummy}]\n  outputs: [{name: 'null', match: '*'}]\n",
	"YAML, a blank setting":        "-- a.yaml --\npipeline:\n  inputs: [{name: dummy, tag: ' '}]\n  outputs: [{name: 'null', match: '*'}]\n",
	"YAML, processors":             "-- a.yaml --\npipeline:\n  inputs: [{name: dummy, processors: {logs: [{name: content_modifier, action: insert, key: a, value: b}]}}]\n  outputs: [{name: 'null', match: '*'}]\n",
	"YAML, a section by its name":  "-- a.yaml --\ninput: {name: dummy}\npipeline: {outputs: [{name: 'null', match: '*'}]}\n",
	"YAML, no YAML":                "-- a.yaml --\n- a: b\n c: d\n",
}

// Fluent Bit itself reads what this package reads, and refuses what it refuses.
func TestFluentBitAgrees(t *testing.T) {
	program := fluentbit.Need(t)
	archives := make(map[string]string)
	for name, archive := range plain {
		archives[name] = archive
	}
	for name, tc := range classicTests {
		if _, err := load(t, tc.archive); err != nil {
			archives["classic: "+name] = tc.archive
		}
	}
	for name, tc := range yamlTests {
		if _, err := load(t, tc.archive); err != nil {
			archives["YAML: "+name] = tc.archive
		}
	}
	for name, archive := range archives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			dir := write(t, archive)
			main := filepath.Join(dir, txtar.Parse([]byte(archive)).Files[0].Name)
			cmd := exec.CommandContext(ctx, program, "--dry-run", "-c", main)
			cmd.Dir = t.TempDir()
			log, theirs := cmd.CombinedOutput()
			_, ours := fluentconf.Load(main, fixed)
			if bytes.Contains(log, []byte("configuration test is successful")) != (theirs == nil) {
				t.Fatalf("Fluent Bit: %v\n%s", theirs, log)
			}
			if (theirs == nil) != (ours == nil) && !stricter[strings.TrimPrefix(name, "classic: ")] {
				t.Errorf("ours: %v, Fluent Bit: %v\n%s", ours, theirs, log)
			}
		})
	}
}

func load(t *testing.T, archive string) (*fluentconf.Config, error) {
	t.Helper()
	return fluentconf.Load(filepath.Join(write(t, archive), txtar.Parse([]byte(archive)).Files[0].Name), fixed)
}
