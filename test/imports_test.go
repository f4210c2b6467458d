package test

import (
	"errors"
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "siem-s3"

// siblings says which packages of this module each one may import.
var siblings = map[string][]string{
	"conf":      {},
	"record":    {},
	"spool":     {},
	"s3":        {},
	"event":     {"record"},
	"formatter": {"event", "record"},
	"notify":    {"event"},
	"pipeline":  {"record", "event", "formatter", "spool", "notify"},
	"wire":      {"conf", "record", "event", "formatter", "spool", "s3", "notify", "pipeline"},
	"metrics":   {"pipeline"},
	"plugin":    {"conf", "record", "event", "formatter", "spool", "s3", "notify", "pipeline", "wire", "metrics"},

	"cmd/siemctl/fluentconf": {},
}

// free tells of the packages without a row that may import any other: the command
// line, whose demo runs parts of the tests too, the benchmark, and the tests
// themselves.
func free(name string) bool {
	if _, bound := siblings[name]; bound {
		return false
	}
	return name == "bench" || strings.HasPrefix(name+"/", "cmd/siemctl/") || strings.HasPrefix(name+"/", "test/")
}

// owners says which one package an outside one, by its prefix, belongs to. The
// tests look at servers and hosts from the other side, on their own.
var owners = map[string]string{
	"github.com/aws/":                  "s3",
	"github.com/prometheus/":           "metrics",
	"github.com/fluent/fluent-bit-go/": "plugin",
}

func TestImportsKeepToTheTable(t *testing.T) {
	t.Parallel()
	seen := packages(t, "..")
	for name, p := range seen {
		if _, known := siblings[name]; !known && !free(name) {
			t.Errorf("%s has no row in the table of imports", name)
		}
		if len(p.CgoFiles) > 0 && name != "plugin" {
			t.Errorf("%s uses cgo, which is plugin's alone", name)
		}
		for _, i := range p.Imports {
			checkImport(t, name, i)
		}
	}
	for name := range siblings {
		if seen[name] == nil {
			t.Errorf("%s has a row in the table of imports, but no code", name)
		}
	}
}

func checkImport(t *testing.T, name, imported string) {
	t.Helper()
	sibling, ok := strings.CutPrefix(imported, module+"/")
	if ok && !free(name) && !slices.Contains(siblings[name], sibling) {
		t.Errorf("%s imports %s, which is not in its row", name, sibling)
	}
	for prefix, owner := range owners {
		if strings.HasPrefix(imported, prefix) && name != owner && !strings.HasPrefix(name, "test/") {
			t.Errorf("%s imports %s, which is %s's alone", name, imported, owner)
		}
	}
}

// packages reads the packages below root, by their path from there. The imports of
// their tests are apart, in other fields. It asks no go command: the cache of test
// results would not see what that one reads.
func packages(t *testing.T, root string) map[string]*build.Package {
	t.Helper()
	all := map[string]*build.Package{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != root && (name == "testdata" || strings.ContainsAny(name[:1], "._")) {
			return filepath.SkipDir
		}
		p, err := build.ImportDir(path, 0)
		var none *build.NoGoError
		if errors.As(err, &none) {
			return nil
		}
		name, _ := filepath.Rel(root, path)
		all[filepath.ToSlash(name)] = p
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
