package event

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The schema is a promise to those who read the events: a change of the golden
// file is a change of it.
func TestSchema(t *testing.T) {
	var got bytes.Buffer
	for _, c := range []Category{Device, Account, Rejected} {
		fmt.Fprintf(&got, "%s: %v\n", c, c.Fields())
	}
	for _, logType := range Types() {
		fmt.Fprintf(&got, "%s %s %d %q\n", logType.Category(), logType, logType.Severity(), logType.Meaning())
	}
	const file = "testdata/schema.golden"
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got:\n%s\nwant:\n%s", got.Bytes(), want)
	}
}

func TestLookup(t *testing.T) {
	for _, logType := range Types() {
		for _, name := range []string{logType.String(), " " + logType.String() + "\n", string(bytes.ToUpper([]byte(logType.String())))} {
			if got, ok := Lookup([]byte(name)); !ok || got != logType {
				t.Errorf("%q is %v, %t", name, got, ok)
			}
		}
	}
	for _, name := range []string{"", "  ", "login", "log on"} {
		if got, ok := Lookup([]byte(name)); ok || got.Valid() || got.Category() != Rejected {
			t.Errorf("%q is %v, %t", name, got, ok)
		}
	}
}
