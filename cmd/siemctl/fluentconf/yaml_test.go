package fluentconf_test

import "testing"

var yamlTests = map[string]struct{ archive, want string }{
	"sections and settings": {
		"-- a.yaml --\nservice:\n  flush: 1\n  log_level: info\n  telemetry: {metrics: {x: true}}\nPipeline:\n  inputs:\n    - name: dummy\n      tag: 'a b'\n  Outputs:\n    - match: '*'\n      name: null\n",
		"service a.yaml:1:1\n  flush=\"1\" a.yaml:2:3\n  log_level=\"info\" a.yaml:3:3\ninput a.yaml:7:7\n  name=\"dummy\" a.yaml:7:7\n  tag=\"a b\" a.yaml:8:7\noutput a.yaml:10:7\n  match=\"*\" a.yaml:10:7\n  name=\"null\" a.yaml:11:7\n",
	},
	"camelCase, and values that YAML reads otherwise": {
		"-- a.yaml --\npipeline:\n  outputs:\n    - name: x\n      storeDir: /a\n      Match: '*'\n      store_Dir: on\n      storage.type: 0x10\n      e: ''\n      n:\n      t: ~\n",
		"output a.yaml:3:7\n  name=\"x\" a.yaml:3:7\n  store_dir=\"/a\" a.yaml:4:7\n  Match=\"*\" a.yaml:5:7\n  store_dir=\"on\" a.yaml:6:7\n  storage.type=\"0x10\" a.yaml:7:7\n  e=\"\" a.yaml:8:7\n  n=\"\" a.yaml:9:7\n  t=\"~\" a.yaml:10:7\n",
	},
	"lists and what is not looked into": {
		"-- a.yaml --\npipeline:\n  inputs:\n    - name: x\n      path: [a, '${BUCKET}']\n      processors:\n        logs: [{name: y}]\n      routes: {logs: [{name: z}]}\n",
		"input a.yaml:3:7\n  name=\"x\" a.yaml:3:7\n  path=\"a\" a.yaml:4:14\n  path=\"acme\" a.yaml:4:17\n  processors=\"\" a.yaml:5:7 nested\n  routes=\"\" a.yaml:7:7 nested\n",
	},
	"variables of a map": {
		"-- a.yaml --\npipeline:\n  outputs:\n    - name: ${n}\n      b: ${f}\nenv:\n  n: x\n  f: file://DIR/f\n-- f --\nin\na file\n",
		"output a.yaml:3:7\n  name=\"x\" a.yaml:3:7\n  b=\"in\\na file\" a.yaml:4:7\n",
	},
	"variables of a list": {
		"-- a.yaml --\nenv:\n  - {name: n, value: x}\n  - m: y\n  - {name: f, uri: 'file://DIR/f', refresh_interval: 60}\n  - {value: z}\npipeline:\n  outputs:\n    - name: ${n}${m}${f}\n-- f --\nw\n",
		"output a.yaml:8:7\n  name=\"xyw\" a.yaml:8:7\n",
	},
	"includes, from the including file's directory and by pattern": {
		"-- a.yaml --\nincludes:\n  - sub/b.yaml\n-- sub/b.yaml --\nincludes: [c.yaml, more/*.yaml]\npipeline: {outputs: [{name: b}]}\n-- sub/c.yaml --\npipeline: {outputs: [{name: c}]}\n-- sub/more/d.yaml --\nservice: {d: 1}\n",
		"service sub/more/d.yaml:1:1\n  d=\"1\" sub/more/d.yaml:1:11\noutput sub/c.yaml:1:22\n  name=\"c\" sub/c.yaml:1:23\noutput sub/b.yaml:2:22\n  name=\"b\" sub/b.yaml:2:23\n",
	},
	"lists that are not looked into": {
		"-- a.yaml --\nparsers: [{name: x, format: json}]\nmultiline_parsers: [{name: y, rules: [{state: z}]}]\nupstream_servers: [{name: u, nodes: [{name: v, host: h, port: 1}]}]\nstream_processor: [{name: s, exec: t}]\ncustoms: [{name: w}]\nextensions: {a: {b: [1]}}\nmine: {a: b}\n", "",
	},
	"several documents": {"-- a.yaml --\nservice: {a: 1}\n---\npipeline: {outputs: [{name: x}]}\n", "service a.yaml:1:1\n  a=\"1\" a.yaml:1:11\noutput a.yaml:3:22\n  name=\"x\" a.yaml:3:23\n"},
	"a section by another name": {
		"-- a.yaml --\noutput: {name: x}\n", "output a.yaml:1:1\n  name=\"x\" a.yaml:1:10\n",
	},
	"a relative pattern of nothing": {"-- a.yaml --\nincludes: ['b*.yaml']\nservice: {a: 1}\n", "service a.yaml:2:1\n  a=\"1\" a.yaml:2:11\n"},
	"nothing":                       {"-- a.yaml --\n# nothing\n", ""},

	"no YAML":                    {"-- a.yaml --\npipeline:\n  - a: b\n c: d\n", "a.yaml:2: not YAML: did not find expected key\n"},
	"a value for a document":     {"-- a.yaml --\nhello\n", "a.yaml:1:1: a single value: want a map with service, pipeline, includes, env, plugins or parsers\n"},
	"a second service":           {"-- a.yaml --\nservice: {a: 1}\nSERVICE: {a: 1}\n", "a.yaml:2:1: a second service, after that at a.yaml:1:1: want one for all files\n"},
	"a map in the service":       {"-- a.yaml --\nservice: {a: {b: c}}\n", "a.yaml:1:14: a map: want a single value for a\n"},
	"a list in the service":      {"-- a.yaml --\nservice: {a: [b]}\n", "a.yaml:1:14: a list: want a single value for a\n"},
	"no service":                 {"-- a.yaml --\nservice:\n", "a.yaml:1:9: nothing: want a map of settings\n"},
	"inputs as a map":            {"-- a.yaml --\npipeline: {inputs: {name: x}}\n", "a.yaml:1:20: a map: want a list of plugins, each with a name\n"},
	"plugins as values":          {"-- a.yaml --\npipeline: {inputs: [tail]}\n", "a.yaml:1:21: a single value: want a map of settings with a name\n"},
	"an unknown part":            {"-- a.yaml --\npipeline: {output: []}\n", "a.yaml:1:12: \"output\" in the pipeline: want inputs, filters and outputs\n"},
	"a plugin without a name":    {"-- a.yaml --\npipeline: {outputs: [{nam: x}]}\n", "a.yaml:1:22: this output has no name: want the name of a plugin\n"},
	"a map as a setting":         {"-- a.yaml --\npipeline: {outputs: [{name: x, tls: {verify: off}}]}\n", "a.yaml:1:37: a map: want a single value for tls\n"},
	"a list of lists":            {"-- a.yaml --\npipeline: {outputs: [{name: x, a: [[b]]}]}\n", "a.yaml:1:36: a list: want single values in the list of a\n"},
	"a blank value":              {"-- a.yaml --\npipeline: {outputs: [{name: ' '}]}\n", "a.yaml:1:29: white space as the value of name: want a value\n"},
	"a map as a key":             {"-- a.yaml --\n{a: b}: c\n", "a.yaml:1:1: a map as a key: want a name\n"},
	"an alias":                   {"-- a.yaml --\nservice: {a: &x 1, b: *x}\n", "a.yaml:1:23: an alias: want the value itself: Fluent Bit knows no aliases\n"},
	"an alias in processors":     {"-- a.yaml --\nservice: {a: &x 1}\npipeline: {inputs: [{name: y, processors: {logs: [*x]}}]}\n", "a.yaml:2:51: an alias: want the value itself: Fluent Bit knows no aliases\n"},
	"an include of a map":        {"-- a.yaml --\nincludes: [{a: b}]\n", "a.yaml:1:12: a map: want the path of a file\n"},
	"an include that is no list": {"-- a.yaml --\nincludes: b.yaml\n", "a.yaml:1:11: a single value: want a list of files\n"},
	"an include of nothing":      {"-- a.yaml --\nincludes: [b.yaml]\n", "a.yaml:1:12: \"b.yaml\" can't be read: no such file or directory\n"},
	"a pattern of nothing":       {"-- a.yaml --\nincludes: ['DIR/b*.yaml']\n", "a.yaml:1:12: no file is named like \"b*.yaml\"\n"},
	"a cycle":                    {"-- a.yaml --\nincludes: [b.yaml]\n-- b.yaml --\nincludes: [./a.yaml]\n", "b.yaml:1:12: a.yaml is read twice: want each file included once\n"},
	"a map in env":               {"-- a.yaml --\nenv: {a: {b: c}}\n", "a.yaml:1:10: a map: want a single value for a\n"},
	"a value in the list of env": {"-- a.yaml --\nenv: [a]\n", "a.yaml:1:7: a single value: want a map of variables\n"},
	"a variable's file":          {"-- a.yaml --\nenv: {a: 'file://DIR/none'}\n", "a.yaml:1:10: the file of variable a can't be used: no such file or directory\n"},
	"plugins as a map":           {"-- a.yaml --\nplugins: {path: /a.so}\n", "a.yaml:1:10: a map: want a list of the paths of libraries\n"},
	"a map in another section":   {"-- a.yaml --\nx-mine: {a: {b: c}}\n", "a.yaml:1:13: a map: want a single value for a\n"},
}

func TestYAML(t *testing.T) {
	t.Parallel()
	for name, tc := range yamlTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, tc.archive, tc.want)
		})
	}
}
