package crash

import (
	"errors"
	"fmt"
	"strings"

	"siem-s3/test/bucket"
	"siem-s3/test/events"
)

// A tally says how many events of a set are in a bucket, and how often.
type tally struct {
	events, objects    int
	lost, doubled, odd int
	first              []string // of what is wrong
}

// count counts the lines of the objects that are the events up to, not including,
// n. Each line must be the event, to the byte where it is JSON.
func count(objects []bucket.Object, set events.Set, n int) tally {
	t := tally{events: n, objects: len(objects)}
	times := make([]uint8, n)
	var want []byte
	for _, o := range objects {
		for line := range strings.Lines(string(o.Text)) {
			i := events.Number([]byte(line))
			if i < 0 || i >= n || strings.Contains(o.Key, "category=rejected") {
				t.odd++
				t.note("%s: a line that is none of the events: %s", o.Key, line)
				continue
			}
			if want = set.AppendStored(want[:0], i); strings.HasPrefix(o.Ext, "json") && line != string(want) {
				t.odd++
				t.note("%s: event %d is %s, not %s", o.Key, i, line, want)
			}
			if times[i]++; times[i] > 1 {
				t.doubled++
				t.note("%s: event %d once more", o.Key, i)
			}
		}
	}
	for i, k := range times {
		if k == 0 {
			t.lost++
			t.note("event %d is nowhere", i)
		}
	}
	return t
}

func (t *tally) note(format string, args ...any) {
	if len(t.first) < 5 {
		t.first = append(t.first, fmt.Sprintf(format, args...))
	}
}

// err is nil if every event is there exactly once, and nothing else.
func (t *tally) err() error {
	if t.lost+t.doubled+t.odd == 0 {
		return nil
	}
	return errors.New(t.String() + "\n" + strings.Join(t.first, "\n"))
}

// String has the figures.
func (t *tally) String() string {
	return fmt.Sprintf("%d events in %d objects: %d lost, %d doubled, %d odd", t.events, t.objects, t.lost, t.doubled, t.odd)
}
