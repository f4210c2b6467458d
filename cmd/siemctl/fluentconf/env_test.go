package fluentconf

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	v := newVariables(func(name string) (string, bool) {
		value, ok := map[string]string{"HOSTNAME": "h", "A": "1", "B": "2", "EMPTY": ""}[name]
		return value, ok
	})
	if err := v.define("B", "set"); err != nil {
		t.Fatal(err)
	}
	if err := v.define("BLANK", ""); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		text, want string
		unset      []string
	}{
		{"plain", "plain", nil},
		{"${A}", "1", nil},
		{"x${A}y${B}z", "x1ysetz", nil},
		{"${NONE}", "", []string{"NONE"}},
		{"a${NONE}b${EMPTY}", "ab", []string{"NONE", "EMPTY"}},
		{"${BLANK}", "", nil},
		{"${BLANK:-d}${EMPTY:-e}${NONE:-f}${A:-g}", "def1", nil},
		{"${NONE:-}", "", nil},
		{"${NONE:x}", "", []string{"NONE:x"}},
		{"${NONE:-a:-b}", "a:-b", nil},
		{"$A $${A}", "$A $1", nil},
		// What is no reference ends the replacing.
		{"${", "${", nil},
		{"${}", "${}", nil},
		{"a}${A}", "a}${A}", nil},
		{"${A}}${B}", "1${B}", nil},
		{"${A} ${B", "1", nil},
		{"${A}${}b", "1b", nil},
		{"${" + strings.Repeat("n", maxVariable) + "}", "${" + strings.Repeat("n", maxVariable) + "}", nil},
	} {
		got, unset := v.expand(tc.text)
		if got != tc.want || !slices.Equal(unset, tc.unset) {
			t.Errorf("%q: %q, unset %q, want %q, %q", tc.text, got, unset, tc.want, tc.unset)
		}
	}
}

func TestVariablesInFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v := newVariables(os.LookupEnv)
	for content, want := range map[string]string{"a": "a", "a\n": "a", "a\r": "a", "a\n\n": "a\n", " a b ": " a b ", "": "", "\n": ""} {
		path := filepath.Join(dir, "value")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		err := v.define("X", "file://"+path)
		if got := v.set["X"]; want != "" && (err != nil || got != want) {
			t.Errorf("%q: %q, %v", content, got, err)
		}
		if want == "" && err == nil {
			t.Errorf("%q: no error", content)
		}
	}
	if err := v.define("X", "file://"+dir); err == nil {
		t.Error("a directory is a value")
	}
	if err := v.define("X", "file://"); err != nil || v.set["X"] != "file://" {
		t.Errorf("%q, %v", v.set["X"], err)
	}
}

func TestHostnameIsPreset(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	v := newVariables(func(string) (string, bool) { return "", false })
	if got, unset := v.expand("${HOSTNAME}"); got != host || unset != nil {
		t.Errorf("%q, unset %q, want %q", got, unset, host)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"storeDir": "store_dir", "store_Dir": "store_dir", "StoreDir": "StoreDir", "storage.type": "storage.type",
		"a": "a", "": "", "a b": "a b", "uRL": "u_r_l", "éA": "éA", "aÉ": "aÉ",
	} {
		if got := yamlKey(key); got != want {
			t.Errorf("YAML %q: %q, want %q", key, got, want)
		}
	}
	if got := classicKey("\tSTORAGE.Type\v"); got != "storage.type" {
		t.Errorf("classic: %q", got)
	}
}
