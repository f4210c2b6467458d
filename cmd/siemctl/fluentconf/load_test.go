package fluentconf_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"siem-s3/cmd/siemctl/fluentconf"
	"siem-s3/conf"
)

// write puts the files of an archive into a directory of the test's own, with
// DIR in them replaced by it, and returns the directory.
func write(t testing.TB, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(strings.TrimSuffix(string(f.Data), "EOF\n"), "DIR", dir)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// env is an environment that is not the process's.
func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

var fixed = env(map[string]string{"HOSTNAME": "gw-1", "BUCKET": "acme", "EMPTY": ""})

// dump writes what a test may want to know of a configuration, without the
// directory that it is in.
func dump(c *fluentconf.Config, dir string) string {
	var b strings.Builder
	section := func(s *fluentconf.Section) {
		fmt.Fprintf(&b, "%s %s\n", s.Kind, s.Pos)
		for _, p := range s.Properties {
			fmt.Fprintf(&b, "  %s=%q %s", p.Key, p.Value, p.Pos)
			if len(p.Unset) > 0 {
				fmt.Fprintf(&b, " unset %v", p.Unset)
			}
			if p.Nested {
				b.WriteString(" nested")
			}
			b.WriteString("\n")
		}
	}
	if len(c.Service.Properties) > 0 {
		section(&c.Service)
	}
	for _, list := range [][]*fluentconf.Section{c.Inputs, c.Filters, c.Outputs} {
		for _, s := range list {
			section(s)
		}
	}
	for _, l := range c.Libraries {
		fmt.Fprintf(&b, "library %s %s\n", l.Path, l.Pos)
	}
	return strings.ReplaceAll(b.String(), dir+"/", "")
}

// check loads the first file of an archive and compares what comes of it.
func check(t *testing.T, archive, want string) {
	t.Helper()
	dir := write(t, archive)
	main := filepath.Join(dir, txtar.Parse([]byte(archive)).Files[0].Name)
	c, err := fluentconf.Load(main, fixed)
	var got string
	if err != nil {
		if e := (*fluentconf.Error)(nil); !errors.As(err, &e) {
			t.Errorf("an error without a place: %v", err)
		}
		got = strings.ReplaceAll(err.Error(), dir+"/", "") + "\n"
	} else {
		got = dump(c, dir)
	}
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestSamplesAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, conf.Samples); err != nil {
		t.Fatal(err)
	}
	var outputs []string
	for _, name := range []string{"fluent-bit.conf", "fluent-bit.yaml"} {
		c, err := fluentconf.Load(filepath.Join(dir, name), env(map[string]string{"SIEM_S3_BUCKET": "acme"}))
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Inputs) != 3 || len(c.Outputs) != 1 || len(c.Libraries) != 1 {
			t.Fatalf("%s: %d inputs, %d outputs, %d libraries", name, len(c.Inputs), len(c.Outputs), len(c.Libraries))
		}
		out := c.Outputs[0]
		if got := out.Plugin(); got != "siem_s3" {
			t.Errorf("%s: the output is %s", name, got)
		}
		if got, _ := out.First("Bucket"); got.Value != "acme" || len(got.Unset) != 0 {
			t.Errorf("%s: bucket %+v", name, got)
		}
		if got, _ := out.First("region"); got.Value != "" || len(got.Unset) != 1 {
			t.Errorf("%s: region %+v", name, got)
		}
		if got := c.Service.Value("STORAGE.SYNC"); got != "full" {
			t.Errorf("%s: storage.sync %q", name, got)
		}
		var settings []string
		for _, p := range out.Properties {
			settings = append(settings, p.Key+"="+p.Value)
		}
		outputs = append(outputs, strings.Join(settings, "\n"))
	}
	if outputs[0] != outputs[1] {
		t.Errorf("the formats differ:\n%s\n\n%s", outputs[0], outputs[1])
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	big := filepath.Join(dir, "big.conf")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, 33<<20); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.conf"): ": can't be read: no such file or directory",
		dir:                             ": can't be read: not a regular file",
		os.DevNull:                      ": can't be read: not a regular file",
		big:                             ": can't be read: larger than 32 MiB",
	} {
		if _, err := fluentconf.Load(path, fixed); err == nil || err.Error() != path+want {
			t.Errorf("error %v, want %s%s", err, path, want)
		}
	}
}

func TestLibraries(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ archive, want string }{
		"a classic list beside the file": {
			"-- main.conf --\n[SERVICE]\n  Plugins_File lists/p.conf\n-- lists/p.conf --\n[PLUGINS]\n  path /a.so\n  Path ${B}.so\n",
			"service main.conf:1:1\n  plugins_file=\"lists/p.conf\" main.conf:2:3\nlibrary /a.so lists/p.conf:2:3\nlibrary ${B}.so lists/p.conf:3:3\n",
		},
		"a list in YAML": {
			"-- main.conf --\n[SERVICE]\n  plugins_file DIR/p.yml\n-- p.yml --\nplugins:\n  - /a.so\n  - /b.so\n",
			"service main.conf:1:1\n  plugins_file=\"p.yml\" main.conf:2:3\nlibrary /a.so p.yml:2:5\nlibrary /b.so p.yml:3:5\n",
		},
		"a list in the main file": {
			"-- main.yaml --\nplugins:\n  - /a.so\n",
			"library /a.so main.yaml:2:5\n",
		},
		"a list that is not there": {
			"-- main.conf --\n[SERVICE]\n  plugins_file p.conf\n",
			"main.conf:2:3: \"p.conf\" can't be read: no such file or directory\n",
		},
		"the classic list in the main file": {
			"-- main.conf --\n[PLUGINS]\n  path /a.so\n",
			"main.conf:1:1: plugins can't be loaded here: want a file of plugins, named by plugins_file in [SERVICE]\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, tc.archive, tc.want)
		})
	}
}
