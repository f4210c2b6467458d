package test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
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
	"plugin":    {"conf", "record", "event", "formatter", "spool", "s3", "notify", "pipeline"},
}

// free are the packages that may import any other: the command line, whose demo
// runs the parts of the tests too, and the tests themselves.
func free(name string) bool {
	return name == "cmd/siemctl" || name == "test" || strings.HasPrefix(name, "test/")
}

// owners says which one package an outside one, by its prefix, belongs to.
var owners = map[string]string{
	"github.com/aws/":                  "s3",
	"github.com/fluent/fluent-bit-go/": "plugin",
}

// A pkg is what go list tells of a package; its tests' imports are left out.
type pkg struct {
	ImportPath string
	Imports    []string
	CgoFiles   []string
}

func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

func TestImportsKeepToTheTable(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		name := p.name()
		if len(p.CgoFiles) > 0 && name != "plugin" {
			t.Errorf("%s uses cgo, which is plugin's alone", name)
		}
		if _, known := siblings[name]; !known && !free(name) {
			t.Errorf("%s has no row in the table of imports", name)
		}
		for _, i := range p.Imports {
			checkImport(t, name, i)
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
		// The tests look at the servers and the host from their own side.
		if strings.HasPrefix(imported, prefix) && name != owner && !strings.HasPrefix(name, "test/") {
			t.Errorf("%s imports %s, which is %s's alone", name, imported, owner)
		}
	}
}

// list is every package of the module.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,CgoFiles", module+"/...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
