package events_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"siem-s3/event"
	"siem-s3/test/events"
)

func TestRecordsAreOfTheMeanSize(t *testing.T) {
	t.Parallel()
	const n = 20_000
	if mean := float64(len(events.Set(1).Records(0, n))) / n; mean < events.Mean-1 || mean > events.Mean+1 {
		t.Errorf("mean of %.1f bytes, want %d", mean, events.Mean)
	}
}

func TestStoredHasTheValuesOfTheRecord(t *testing.T) {
	t.Parallel()
	for n := range 1000 {
		var record, stored map[string]any
		text := events.Set(2).AppendStored(nil, n)
		if err := json.Unmarshal(events.Set(2).AppendRecord(nil, n), &record); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &stored); err != nil {
			t.Fatal(err)
		}
		delete(record, "os")
		if delete(stored, "event"); !maps.Equal(record, stored) {
			t.Errorf("%v\n%v", record, stored)
		}
		if got := events.Number(text); got != n {
			t.Errorf("event %d has the number %d", n, got)
		}
	}
}

func TestSetsDifferAndRepeatThemselves(t *testing.T) {
	t.Parallel()
	one := events.Set(1).Records(0, 100)
	if !bytes.Equal(one, append(events.Set(1).Records(0, 40), events.Set(1).Records(40, 100)...)) {
		t.Error("the same set differs")
	}
	if bytes.Equal(one, events.Set(2).Records(0, 100)) {
		t.Error("two sets are the same")
	}
}

func TestNumberOfSomethingElse(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "ref=", "ref=12", "ref=12345678x", "message"} {
		if n := events.Number([]byte(line)); n != -1 {
			t.Errorf("%q: %d", line, n)
		}
	}
}

// The catalog is a second source of the schema: both must say the same.
func TestCatalogFollowsTheSchema(t *testing.T) {
	t.Parallel()
	var want []string
	for _, logType := range event.Types() {
		want = append(want, logType.String())
		line := events.NewStream(1, logType.String()).AppendStored(nil, 0, time.Time{})
		var stored map[string]string
		if err := json.Unmarshal(line, &stored); err != nil {
			t.Fatal(err)
		}
		if stored["log_type"] != logType.String() || stored["event"] != "" && stored["event"] != logType.Meaning() {
			t.Errorf("%s: %v", logType, stored)
		}
		var fields []string
		for _, f := range logType.Category().Fields() {
			fields = append(fields, f.String())
		}
		slices.Sort(fields)
		if got := slices.Sorted(maps.Keys(stored)); !slices.Equal(got, fields) {
			t.Errorf("%s has %v, the schema %v", logType, got, fields)
		}
	}
	if !slices.Equal(events.LogTypes(), want) {
		t.Errorf("%v\n%v", events.LogTypes(), want)
	}
}

func TestSetHasEveryLogTypeAndManyDevices(t *testing.T) {
	t.Parallel()
	logTypes, devices := make(map[string]int), make(map[string]string)
	for n := range 20_000 {
		var record map[string]any
		if err := json.Unmarshal(events.Set(3).AppendRecord(nil, n), &record); err != nil {
			t.Fatal(err)
		}
		logTypes[record["log_type"].(string)]++
		id, ok := record["device_id"].(string)
		if !ok {
			continue
		}
		rest := strings.Join([]string{record["device_name"].(string), record["device_username"].(string), record["device_group"].(string)}, " ")
		if known, ok := devices[id]; ok && known != rest {
			t.Fatalf("device %s is %s and %s", id, known, rest)
		}
		devices[id] = rest
	}
	if len(logTypes) != len(events.LogTypes()) || len(devices) < 4000 {
		t.Errorf("%d devices, log types %v", len(devices), logTypes)
	}
}

func BenchmarkAppendRecord(b *testing.B) {
	var line []byte
	for n := 0; b.Loop(); n++ {
		line = events.Set(1).AppendRecord(line[:0], n)
	}
	b.SetBytes(events.Mean)
}
