package events_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"

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
