package schema

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siem-s3/conf"
	"siem-s3/event"
	"siem-s3/formatter"
)

var update = flag.Bool("update", false, "write the golden files and the reference")

// golden compares got with a file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

var allCategories = []event.Category{event.Device, event.Account, event.Rejected}

// options are those of the default key format.
func options() *Options {
	key, _ := conf.Lookup("s3_key_format")
	return &Options{
		Bucket: "acme-siem-logs", Region: "eu-central-1", KeyFormat: key.Default,
		From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Categories: allCategories,
	}
}

// dialect returns the one of that name.
func dialect(t *testing.T, name string) Dialect {
	t.Helper()
	for _, d := range Dialects() {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("no dialect %s", name)
	return Dialect{}
}

func written(t *testing.T, name string, o *Options) string {
	t.Helper()
	var b strings.Builder
	if err := dialect(t, name).Write(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDialects(t *testing.T) {
	for _, d := range Dialects() {
		t.Run(d.Name, func(t *testing.T) {
			golden(t, filepath.Join("testdata", d.Name), written(t, d.Name, options()))
		})
	}
}

// value is a text that every form has to escape.
const value = `CORP\alice "Al" [Süd] 山田`

// sample returns an event with texts in all columns but the empty ones.
func sample(lt event.LogType, empty ...event.Field) *event.Event {
	e := &event.Event{Type: lt}
	for _, f := range lt.Category().Fields() {
		e.Set(f, []byte(value))
	}
	for _, f := range empty {
		e.Set(f, nil)
	}
	e.Set(event.Timestamp, []byte("2026-11-22T08:00:00.123Z"))
	e.Set(event.LogTypeName, []byte(lt.String()))
	return e
}

// rejected returns a line of a record that is that MessagePack value.
func rejected(record string) string {
	return string(formatter.AppendRejected(nil, &formatter.Rejected{
		ReceivedAt: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), Reason: "no log_type", Record: []byte(record),
	}))
}
