package main

import (
	"debug/elf"
	"os"
	"strings"
	"testing"

	"siem-s3/test/plugin"
)

// The floor that is stated in docs/install.md. It holds for what is built on a
// glibc no newer, as the Dockerfile does and checks; a build elsewhere needs what
// it was built on, so this test knows of a floor only where it is told one.
func TestPluginKeepsToTheFloor(t *testing.T) {
	so, err := plugin.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	floor := os.Getenv("SIEM_S3_GLIBC_FLOOR")
	needs, err := check([]string{so}, floor)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the plugin as it was built here needs glibc %s; $SIEM_S3_GLIBC_FLOOR is %q", needs, floor)
	if _, err := check([]string{so}, "2.2"); err == nil {
		t.Error("a floor that nothing can keep to is kept to")
	}
}

func TestNewestVersionCounts(t *testing.T) {
	ordered := []string{"2.2", "2.2.5", "2.3", "2.17", "2.28", "2.31", "2.34", "3.0"}
	for i, text := range ordered {
		v, ok := parse(text)
		if !ok || v.String() != text {
			t.Errorf("%s reads %v, %v", text, v, ok)
		}
		for j, other := range ordered {
			if w, _ := parse(other); v.less(w) != (i < j) {
				t.Errorf("%s < %s: %v", text, other, v.less(w))
			}
		}
	}
}

func TestWhatIsNoVersion(t *testing.T) {
	for _, text := range []string{"", "2", "PRIVATE", "2.x", "2.-1", "2.3.4.5", "2."} {
		if v, ok := parse(text); ok {
			t.Errorf("%q reads %v", text, v)
		}
	}
}

func TestFilesThatTellNothing(t *testing.T) {
	text := t.TempDir() + "/text"
	if err := os.WriteFile(text, []byte(strings.Repeat("no library ", 10)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		paths []string
		floor string
		want  string
	}{
		"none":     {nil, "2.31", "no files"},
		"missing":  {[]string{text + "0"}, "", "no such file"},
		"no ELF":   {[]string{text}, "", "bad magic"},
		"no floor": {[]string{text}, "old", "no version of glibc"},
	} {
		if _, err := check(test.paths, test.floor); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// This program is itself one of the files that it can read, if it uses glibc.
func TestProgramWithoutGlibc(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libs, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = needed(self)
	if static := len(libs) == 0; static != (err != nil) {
		t.Errorf("it links %v: %v", libs, err)
	}
}
