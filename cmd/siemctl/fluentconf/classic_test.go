package fluentconf_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siem-s3/cmd/siemctl/fluentconf"
)

var classicTests = map[string]struct{ archive, want string }{
	"sections and settings": {
		"-- a.conf --\n# all\n[SERVICE]\n    Flush  1\n\n[INPUT]\n    Name  dummy\n    # no\n    Tag   a.b  c \t\n[output] x\n    name null\n",
		"service a.conf:2:1\n  flush=\"1\" a.conf:3:5\ninput a.conf:5:1\n  name=\"dummy\" a.conf:6:5\n  tag=\"a.b  c\" a.conf:8:5\noutput a.conf:9:1\n  name=\"null\" a.conf:10:5\n",
	},
	"lines end in CR LF, the last one in nothing": {
		"-- a.conf --\n[OUTPUT]\r\n  name null\r\n  x yEOF\n",
		"output a.conf:1:1\n  name=\"null\" a.conf:2:3\n  x=\"y\" a.conf:3:3\n",
	},
	"names cut short": {
		"-- a.conf --\n[S]\n  a 1\n[IN]\n  name x\n[OUT]\n  name y\n[FILT]\n  name z\n[FOO]\n  name w\n",
		"service a.conf:1:1\n  a=\"1\" a.conf:2:3\ninput a.conf:3:1\n  name=\"x\" a.conf:4:3\nfilter a.conf:7:1\n  name=\"z\" a.conf:8:3\noutput a.conf:5:1\n  name=\"y\" a.conf:6:3\n",
	},
	"the service grows": {
		"-- a.conf --\n[SERVICE]\n  a 1\n[INPUT]\n  name x\n[SERVICE]\n  a 2\n",
		"service a.conf:1:1\n  a=\"1\" a.conf:2:3\n  a=\"2\" a.conf:6:3\ninput a.conf:3:1\n  name=\"x\" a.conf:4:3\n",
	},
	"groups are skipped": {
		"-- a.conf --\n[INPUT]\n  name x\n  [RULE] \n    a b\n    c d\n  tag t\n",
		"input a.conf:1:1\n  name=\"x\" a.conf:2:3\n  tag=\"t\" a.conf:6:3\n",
	},
	"variables": {
		"-- a.conf --\n@SET p=siem\n@set  q=${p}\n[OUTPUT]\n  name ${p}_s3\n  bucket ${BUCKET}\n  a ${NONE}${EMPTY}x\n  b ${NONE:-d}\n  c ${q}\n  d ${HOSTNAME}\n@SET p=late\n",
		"output a.conf:3:1\n  name=\"late_s3\" a.conf:4:3\n  bucket=\"acme\" a.conf:5:3\n  a=\"x\" a.conf:6:3 unset [NONE EMPTY]\n  b=\"d\" a.conf:7:3\n  c=\"${p}\" a.conf:8:3\n  d=\"gw-1\" a.conf:9:3\n",
	},
	"a variable in a file": {
		"-- a.conf --\n@SET k=file://DIR/key\n[OUTPUT]\n  name x\n  k ${k}\n-- key --\ns3cr3t\n",
		"output a.conf:2:1\n  name=\"x\" a.conf:3:3\n  k=\"s3cr3t\" a.conf:4:3\n",
	},
	"includes, from the main file's directory and by pattern": {
		"-- a.conf --\n@INCLUDE in/one.conf\n@include in/more/*.conf\n-- in/one.conf --\n[INPUT]\n\tname one\n@INCLUDE in/two.conf\n-- in/two.conf --\n[INPUT]\n  name two\n" +
			"-- in/more/4.conf --\n[INPUT]\n  name four\n-- in/more/3.conf --\n[INPUT]\n  name three\n-- in/more/.5.conf --\n[INPUT]\n  name five\n",
		"input in/one.conf:1:1\n  name=\"one\" in/one.conf:2:2\ninput in/two.conf:1:1\n  name=\"two\" in/two.conf:2:3\n" +
			"input in/more/3.conf:1:1\n  name=\"three\" in/more/3.conf:2:3\ninput in/more/4.conf:1:1\n  name=\"four\" in/more/4.conf:2:3\n",
	},
	"a section goes on after an include": {
		"-- a.conf --\n[OUTPUT]\n  name x\n@INCLUDE b.conf\n  match *\n-- b.conf --\n[INPUT]\n  name y\n",
		"input b.conf:1:1\n  name=\"y\" b.conf:2:3\noutput a.conf:1:1\n  name=\"x\" a.conf:2:3\n  match=\"*\" a.conf:4:3\n",
	},
	"other commands are ignored": {
		"-- a.conf --\n@FOO bar\n[OUTPUT]\n  name x\n", "output a.conf:2:1\n  name=\"x\" a.conf:3:3\n",
	},

	"a cycle":                       {"-- a.conf --\n@INCLUDE b.conf\n-- b.conf --\n\n@INCLUDE a.conf\n", "b.conf:2:10: a.conf is read twice: want each file included once\n"},
	"an include of nothing":         {"-- a.conf --\n@INCLUDE b.conf\n", "a.conf:1:10: \"b.conf\" can't be read: no such file or directory\n"},
	"white space after an include":  {"-- a.conf --\n@INCLUDE b.conf \n-- b.conf --\n", "a.conf:1:10: \"b.conf \" can't be read: no such file or directory\n"},
	"a pattern of nothing":          {"-- a.conf --\n@INCLUDE x/*.conf\n", "a.conf:1:10: no file is named like \"x/*.conf\"\n"},
	"a command without an argument": {"-- a.conf --\n@SETx\n", "a.conf:1:1: a command without an argument: want @SET name=value or @INCLUDE path\n"},
	"a variable without a value":    {"-- a.conf --\n@SET x\n", "a.conf:1:1: a variable without a value: want @SET name=value\n"},
	"a variable's file not there":   {"-- a.conf --\n@SET x=file://DIR/y\n", "a.conf:1:1: the file of variable x can't be used: no such file or directory\n"},
	"a section that is open":        {"-- a.conf --\n\n[INPUT\n", "a.conf:2:1: a section without a name: want [SERVICE], [INPUT], [FILTER] or [OUTPUT]\n"},
	"parsers":                       {"-- a.conf --\n[PARSER]\n  name x\n", "a.conf:1:1: parsers can't be defined here: want a file of parsers, named by parsers_file in [SERVICE]\n"},
	"a plugin without a name":       {"-- a.conf --\n[INPUT]\n  tag x\n", "a.conf:1:1: this input has no name: want the name of a plugin\n"},
	"a setting outside":             {"-- a.conf --\n  a b\n", "a.conf:1:3: a setting outside of any section: want [SERVICE], [INPUT], [FILTER] or [OUTPUT] before it, in the same file\n"},
	"not indented":                  {"-- a.conf --\n[INPUT]\nname x\n", "a.conf:2:1: a setting that is not indented: want white space before it\n"},
	"indented less":                 {"-- a.conf --\n[INPUT]\n    name x\n  tag y\n", "a.conf:3:1: a line that is indented otherwise than the first one: want 4 spaces before it\n"},
	"a comment indented less":       {"-- a.conf --\n[INPUT]\n    name x\n  # y\n", "a.conf:3:1: a line that is indented otherwise than the first one: want 4 spaces before it\n"},
	"indented deeper":               {"-- a.conf --\n[INPUT]\n  name x\n   tag y\n", "a.conf:3:1: a line that is indented deeper than the first one: want 2 spaces before it\n"},
	"indented with the other":       {"-- a.conf --\n[INPUT]\n\tname x\n    tag y\n", "a.conf:3:1: a line that is indented otherwise than the first one: want 1 tab before it\n"},
	"a tab before the value":        {"-- a.conf --\n[INPUT]\n  name\tx\n", "a.conf:2:3: no value: want a key, a space and a value, with no tab between\n"},
	"no value":                      {"-- a.conf --\n[INPUT]\n  name\n", "a.conf:2:3: no value: want a key, a space and a value\n"},
	"a blank value":                 {"-- a.conf --\n[INPUT]\n  name  \n", "a.conf:2:3: no value: want a key, a space and a value\n"},
	"a NUL byte":                    {"-- a.conf --\n[INPUT]\n  name a\x00b\n", "a.conf:2:9: a NUL byte: want text\n"},
	"a byte order mark":             {"-- a.conf --\n\ufeff[INPUT]\n  name x\n", "a.conf:1:1: the file begins with a byte order mark: want UTF-8 without one\n"},
}

func TestClassic(t *testing.T) {
	t.Parallel()
	for name, tc := range classicTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, tc.archive, tc.want)
		})
	}
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	path := filepath.Join(t.TempDir(), "a.conf")
	if err := os.WriteFile(path, []byte("[OUTPUT]\n  name "+long+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := fluentconf.Load(path, fixed)
	if err != nil || c.Outputs[0].Plugin() != long {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(path, []byte("[OUTPUT]\n  name x\n  "+long), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fluentconf.Load(path, fixed); err == nil || len(err.Error()) > len(path)+100 {
		t.Errorf("error %.200v", err)
	}
}
