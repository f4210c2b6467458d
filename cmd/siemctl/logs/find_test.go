package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"siem-s3/event"
	"siem-s3/s3"
)

// A fakeStore lists keys as S3 does, and counts what that costs.
type fakeStore struct {
	Store
	keys []string // sorted
	fail func(s3.ListOptions) error

	mu       sync.Mutex
	requests int
	listed   []string
}

func (f *fakeStore) List(_ context.Context, o s3.ListOptions) (s3.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	if f.fail != nil {
		if err := f.fail(o); err != nil {
			return s3.Page{}, err
		}
	}
	var p s3.Page
	most := 1000
	if o.Max > 0 {
		most = o.Max
	}
	first, _ := slices.BinarySearch(f.keys, o.Prefix)
	for _, key := range f.keys[first:] {
		if !strings.HasPrefix(key, o.Prefix) {
			break
		}
		if key <= o.After {
			continue
		}
		if len(p.Objects)+len(p.Folders) == most {
			p.More = true
			break
		}
		if i := strings.IndexByte(key[len(o.Prefix):], '/'); o.Folders && i >= 0 {
			if folder := key[:len(o.Prefix)+i+1]; !slices.Contains(p.Folders, folder) {
				p.Folders = append(p.Folders, folder)
			}
			continue
		}
		f.listed = append(f.listed, key)
		p.Objects = append(p.Objects, s3.Listed{Key: key, Modified: time.Now()})
	}
	return p, nil
}

// year returns the keys of so many windows of each category, the last of which
// ends with 2026.
func year(windows int) (keys []string) {
	l := "siem/category=%s/dt=%s/%sZ-0123456789abcdef.json.gz"
	for _, c := range Categories {
		for i := range windows {
			start := at("2027-01-01").Add(-time.Duration(windows-i) * window)
			keys = append(keys, fmt.Sprintf(l, c, start.Format("2006-01-02/hour=15"), start.Format("20060102T150405")))
		}
	}
	slices.Sort(keys)
	return keys
}

func TestADayAmongManyObjects(t *testing.T) {
	store := &fakeStore{keys: year(100_000 / len(Categories))}
	s := &Source{Bucket: "audit", Layout: newLayout(t, defaultKeys), Store: store}
	for name, test := range map[string]struct {
		since, until   string
		slack          time.Duration
		categories     []event.Category
		objects, other int // of other times, that came in the same answers
	}{
		"from midnight to midnight": {"2026-11-22", "2026-11-23", 0, Categories, 3 * 288, 0},
		"of one category":           {"2026-11-22", "2026-11-23", 0, Categories[:1], 288, 0},
		"within a window":           {"2026-11-22 08:01", "2026-11-22 08:02", 0, Categories, 3, 3},
		"the last hours":            {"2026-12-31 08:00", "2027-01-01", time.Hour, Categories, 3 * 17 * 12, 0},
		"with slack":                {"2026-11-22", "2026-11-23", time.Hour, Categories, 3 * 26 * 12, 3 * (1000 - 26*12)},
	} {
		t.Run(name, func(t *testing.T) {
			store.requests, store.listed = 0, nil
			q := &Query{Range: Span{at(test.since), at(test.until)}, Slack: test.slack, Categories: test.categories}
			found, err := Find(t.Context(), []*Source{s}, q)
			if err != nil {
				t.Fatal(err)
			}
			if len(found.Objects) != test.objects {
				t.Errorf("%d objects, want %d", len(found.Objects), test.objects)
			}
			if store.requests != len(test.categories) {
				t.Errorf("%d requests for %d categories", store.requests, len(test.categories))
			}
			if other := len(store.listed) - len(found.Objects); other > test.other {
				t.Errorf("%d keys of other times were listed", other)
			}
		})
	}
}

func TestFoundObjectsAreInTheOrderOfTheirWindows(t *testing.T) {
	store := &fakeStore{keys: year(3000)}
	s := &Source{Layout: newLayout(t, defaultKeys), Store: store}
	found, err := Find(t.Context(), []*Source{s}, &Query{Range: Span{at("2026-01-01"), at("2027-01-01")}, Categories: Categories})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Objects) != len(store.keys) || !slices.IsSortedFunc(found.Objects, compare) || store.requests != 9 {
		t.Errorf("%d of %d objects with %d requests", len(found.Objects), len(store.keys), store.requests)
	}
}

func TestKeysOfOthersAreCounted(t *testing.T) {
	store := &fakeStore{keys: []string{
		"siem/category=device/dt=2026-11-22/hour=08/20261122T080000Z-0123456789abcdef.json.gz",
		"siem/category=device/dt=2026-11-22/hour=08/20261122T080000Z-copy.txt",
	}}
	s := &Source{Layout: newLayout(t, defaultKeys), Store: store}
	found, err := Find(t.Context(), []*Source{s}, &Query{Range: Span{at("2026-11-22"), at("2026-11-23")}, Categories: Categories})
	if err != nil || len(found.Objects) != 1 || found.Foreign != 1 {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestNearestTellsWhereThereIsMore(t *testing.T) {
	store := &fakeStore{keys: []string{
		"siem/category=device/dt=2026-11-01/hour=08/20261101T080000Z-0123456789abcdef.json.gz",
		"siem/category=device/dt=2026-11-02/hour=08/20261102T080000Z-0123456789abcdef.json.gz",
		"siem/category=device/dt=2026-12-24/hour=08/20261224T080000Z-0123456789abcdef.json.gz",
	}}
	s := &Source{Bucket: "audit", Layout: newLayout(t, defaultKeys), Store: store}
	found, err := Find(t.Context(), []*Source{s}, &Query{Range: Span{at("2026-11-22"), at("2026-11-23")}, Categories: Categories[:1]})
	if err != nil || len(found.Objects) != 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	if want := []string{"s3://audit/siem/category=device/dt=2026-11-22/hour=00/20261122T000000Z- to " +
		"siem/category=device/dt=2026-11-22/hour=23/20261122T235959Z-"}; !slices.Equal(found.Listed, want) {
		t.Errorf("listed %q", found.Listed)
	}
	places, err := found.Nearest(t.Context())
	want := []string{"s3://audit/siem/category=device/dt=2026-11-02/", "s3://audit/" + store.keys[2]}
	if err != nil || !slices.Equal(places, want) {
		t.Errorf("%q, %v, want %q", places, err, want)
	}
}

// failure is an error of a server.
func failure(status int, code string) *s3.Error {
	return &s3.Error{Op: "list objects", Status: status, Code: code}
}

func TestListingThatFailsForAMomentIsTriedAgain(t *testing.T) {
	failures := 2
	store := &fakeStore{keys: year(10), fail: func(s3.ListOptions) error {
		if failures--; failures >= 0 {
			return failure(503, "SlowDown")
		}
		return nil
	}}
	s := &Source{Layout: newLayout(t, defaultKeys), Store: store}
	found, err := Find(t.Context(), []*Source{s}, &Query{Range: Span{at("2026-12-31"), at("2027-01-01")}, Categories: Categories[:1]})
	if err != nil || len(found.Objects) != 10 || store.requests != 3 {
		t.Errorf("%d requests, %v", store.requests, err)
	}
}

func TestListingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	store := &fakeStore{fail: func(s3.ListOptions) error { cancel(); return failure(503, "SlowDown") }}
	s := &Source{Layout: newLayout(t, defaultKeys), Store: store}
	_, err := Find(ctx, []*Source{s}, &Query{Range: Span{at("2026-12-31"), at("2027-01-01")}, Categories: Categories[:1]})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestFindInARealBucket(t *testing.T) {
	s := newSource(t, newBucket(t))
	for _, key := range year(2) {
		put(t, s, key, []byte("{}\n"))
	}
	found, err := Find(t.Context(), []*Source{s}, &Query{Range: Span{at("2026-12-31"), at("2027-01-01")}, Categories: Categories})
	if err != nil || len(found.Objects) != 6 {
		t.Fatalf("%+v, %v", found, err)
	}
	counts, err := Records(t.Context(), found.Objects)
	if err != nil || !slices.Equal(counts, []int{1, 1, 1, 1, 1, 1}) {
		t.Errorf("%v, %v", counts, err)
	}
}

func BenchmarkFindADayAmong100000(b *testing.B) {
	s := &Source{Layout: newLayout(b, defaultKeys), Store: &fakeStore{keys: year(100_000 / len(Categories))}}
	q := &Query{Range: Span{at("2026-11-22"), at("2026-11-23")}, Categories: Categories}
	for b.Loop() {
		if _, err := Find(b.Context(), []*Source{s}, q); err != nil {
			b.Fatal(err)
		}
	}
}
