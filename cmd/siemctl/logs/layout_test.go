package logs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"siem-s3/event"
	"siem-s3/formatter"
	"siem-s3/pipeline"
	"siem-s3/test/chunk"
)

func at(text string) time.Time {
	t, err := ParseWhen(text, sampleTime)
	if err != nil {
		panic(err)
	}
	return t
}

func TestWhatKeysSay(t *testing.T) {
	const stored = "2026-11-22 08:05:02"
	for name, test := range map[string]struct {
		format, key        string
		category           string
		start, end, begin  string
		encoding, compress string
	}{
		"the default": {
			defaultKeys, "siem/category=device/dt=2026-11-22/hour=08/20261122T080000Z-0123456789abcdef.json.gz",
			"device", "2026-11-22 08:00", "2026-11-22 08:05", "2026-11-22 08:00", "json", "gz",
		},
		"a category without events": {
			defaultKeys, "siem/category=rejected/dt=2026-11-22/hour=08/20261122T080000Z-0123456789abcdef.json",
			"rejected", "2026-11-22 08:00", "2026-11-22 08:05", "2026-11-22 08:00", "json", "",
		},
		"taken once before": {
			defaultKeys, "siem/category=account/dt=2026-11-22/hour=08/20261122T080000Z-0123456789abcdef-2.log.zst",
			"account", "2026-11-22 08:00", "2026-11-22 08:05", "2026-11-22 08:00", "log", "zst",
		},
		"the hour alone": {
			"logs/%Y/%m/%d/%H/$CATEGORY-$UUID", "logs/2026/11/22/08/device-0123456789abcdef.json.gz",
			"device", "2026-11-22 08:00", "2026-11-22 09:00", "2026-11-22 08:00:02", "json", "gz",
		},
		"the day alone": {
			"%Y%m%d-$UUID", "20261122-0123456789abcdef.json.gz",
			"-", "2026-11-22", "2026-11-23", "2026-11-22 08:00:02", "json", "gz",
		},
		"no time": {
			"$TAG[1]/$CATEGORY/$UUID", "prod.eu/device/0123456789abcdef.json.gz",
			"device", "2026-11-22 08:00:02", "2026-11-22 08:05:02", "2026-11-22 08:00:02", "json", "gz",
		},
		"no date": {
			"$CATEGORY/%H%M/$UUID", "device/0800/0123456789abcdef.json.gz",
			"device", "2026-11-22 08:00:02", "2026-11-22 08:05:02", "2026-11-22 08:00:02", "json", "gz",
		},
		"values": {
			"$HOSTNAME/$device_group/$site['a/b'][0]/100%%/%Y-%m-%dT%H%M%S-$UUID",
			"gw-1/Sales%20%5BEMEA%5D/none/100%/2026-11-22T080000-0123456789abcdef.json.gz",
			"-", "2026-11-22 08:00", "2026-11-22 08:05", "2026-11-22 08:00", "json", "gz",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := &Object{Key: test.key, Modified: at(stored)}
			if !newLayout(t, test.format).Parse(o) {
				t.Fatal("not a key of the format")
			}
			if want := (Span{at(test.start), at(test.end)}); o.Window != want || !o.begin.Equal(at(test.begin)) {
				t.Errorf("window %v from %v, want %v from %s", o.Window, o.begin, want, test.begin)
			}
			if o.CategoryName() != test.category || o.Format != test.encoding || o.Compression != test.compress {
				t.Errorf("%s, %s, %s", o.CategoryName(), o.Format, o.Compression)
			}
		})
	}
}

func TestKeysOfOthers(t *testing.T) {
	l := newLayout(t, defaultKeys)
	for _, key := range []string{
		"", "siem/", "siem/README.md", "other/category=device/dt=2026-11-22/hour=08/20261122T080000Z-0123456789abcdef.json.gz",
		"siem/category=devices/dt=2026-11-22/hour=08/20261122T080000Z-0123456789abcdef.json.gz",
		"siem/category=device/dt=2026-11-22/hour=08/20261122T080000Z-0123456789abcdef.parquet",
		"siem/category=device/dt=2026-11-22/hour=08/more/20261122T080000Z-0123456789abcdef.json.gz",
	} {
		if l.Parse(&Object{Key: key}) {
			t.Errorf("%q is one of ours", key)
		}
	}
}

func TestKeyFormatsThatAreNone(t *testing.T) {
	for _, format := range []string{"", "siem/%Y", "siem/%Q/$UUID", "siem/$NOPE/$UUID"} {
		if _, err := NewLayout(format, window); err == nil {
			t.Errorf("%q is a key format", format)
		}
	}
}

// A memoryBucket keeps the keys that a pipeline puts.
type memoryBucket struct {
	mu   sync.Mutex
	keys []string
}

func (*memoryBucket) Check(context.Context) error { return nil }

func (m *memoryBucket) Put(_ context.Context, key string, _ io.ReadSeeker, _ int64, _ string, _ map[string]string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys = append(m.keys, key)
	return nil
}

// keysOf returns the keys that the plugin makes of a format now.
func keysOf(t *testing.T, format string) []string {
	t.Helper()
	mapping, err := event.NewMapping(event.MappingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	codec, err := formatter.NewCodec("gzip", 0)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pipeline.ParseKeyFormat(format, "gw.example")
	if err != nil {
		t.Fatal(err)
	}
	bucket := &memoryBucket{}
	p, err := pipeline.New(pipeline.Options{
		Log: hclog.NewNullLogger(), Mapping: mapping, Format: formatter.JSON{}, Codec: codec, Key: key, Bucket: bucket,
		Window: window, StoreDir: t.TempDir(), StoreDirLimit: 1 << 26, SegmentBytes: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Start()
	var b []byte
	for _, body := range []map[string]any{
		{"log_type": "added", "device_id": "a", "device_group": "Sales / [EMEA]", "timestamp": "2026-11-20T23:00:00Z"},
		{"log_type": "logon", "timestamp": "2026-11-22T01:00:00Z"},
		{"log_type": "rebooted"},
	} {
		b = chunk.Append(b, chunk.V2, chunk.Record{Time: sampleTime, Body: body})
	}
	if err := p.Write("siem.prod.eu", b); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	return bucket.keys
}

// What the plugin makes of a key format is what a Layout of it reads, and its
// keys are among those listed for the time.
func TestLayoutsReadTheKeysOfThePlugin(t *testing.T) {
	for _, format := range []string{
		defaultKeys,
		"$UUID",
		"a.b/$CATEGORY.$UUID",
		"$HOSTNAME/$TAG/%Y/%m/%d/%H/%M/%S/$UUID",
		"$TAG[0]-$TAG[2]/%Y%m%d/$CATEGORY/$UUID",
		"$device_group/$device['id']/dt=$EVENT[%Y-%m-%d]/$UUID-%H%M",
		"%d.%m.%Y/$UUID",
		"siem/dt=$EVENT[%Y-%m-%d]/h=$EVENT[%H]/%H%M%S-$CATEGORY-$UUID",
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			l, before := newLayout(t, format), time.Now()
			keys := keysOf(t, format)
			slices.Sort(keys)
			if len(keys) == 0 {
				t.Fatal("no objects")
			}
			now := time.Now()
			s := &Source{Layout: l, Store: &fakeStore{keys: keys}}
			found, err := Find(t.Context(), []*Source{s}, &Query{
				Range: Span{at("2026-11-20 23:00"), at("2026-11-20 23:30")}, Slack: 1e6 * time.Hour, Categories: Categories,
			})
			if err != nil || found.Foreign > 0 {
				t.Fatalf("%d of %d keys are not of the layout: %v", found.Foreign, len(keys), err)
			}
			for _, key := range keys {
				o := &Object{Key: key, Modified: now}
				l.Parse(o)
				if !o.Window.Meets(Span{before.Truncate(window), now.Add(24 * time.Hour)}) {
					t.Errorf("%s is of %v", key, o.Window)
				}
				holds := o.events == Span{} || o.events.Meets(Span{at("2026-11-20 23:00"), at("2026-11-20 23:30")})
				if is := slices.ContainsFunc(found.Objects, func(f *Object) bool { return f.Key == key }); is != holds {
					t.Errorf("%s, of events %v: found %v", key, o.events, is)
				}
			}
		})
	}
}

func planned(t *testing.T, format, since, until string, folders map[string][]string, categories ...event.Category) []string {
	t.Helper()
	span := Span{at(since), at(until)}
	q := Query{Range: span, Categories: categories}
	p := planner{Layout: newLayout(t, format), want: q.want(), folders: func(_ context.Context, prefix string) ([]string, bool, error) {
		list, ok := folders[prefix]
		if !ok {
			t.Errorf("folders of %q", prefix)
		}
		return list, len(list) == 0, nil
	}}
	if err := p.plan(t.Context(), 0, ""); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, s := range p.scans {
		list = append(list, s.String())
	}
	return list
}

func TestOnlyKeysOfTheTimeAreListed(t *testing.T) {
	for name, test := range map[string]struct {
		format, since, until string
		folders              map[string][]string
		want                 []string
	}{
		"by the default": {
			defaultKeys, "2026-11-22 08:00", "2026-11-22 09:30", nil,
			[]string{
				"siem/category=device/dt=2026-11-22/hour=08/20261122T080000Z- to siem/category=device/dt=2026-11-22/hour=09/20261122T092959Z-",
				"siem/category=account/dt=2026-11-22/hour=08/20261122T080000Z- to siem/category=account/dt=2026-11-22/hour=09/20261122T092959Z-",
			},
		},
		"by the month": {
			"a/%Y/%m-$UUID", "2026-10-31", "2026-11-22", nil,
			[]string{"a/2026/10- to a/2026/11-"},
		},
		"in no order of time": {
			"a/%d.%m.%Y/$UUID", "2026-10-31", "2026-11-22", nil,
			[]string{"a/"},
		},
		"with the category behind": {
			"%Y/%m/%d/$CATEGORY/%H-$UUID", "2026-11-22 08:00", "2026-11-23", nil,
			[]string{"2026/11/22/"},
		},
		"below hosts": {
			"logs/h-$HOSTNAME/%Y-%m-%d/$UUID", "2026-11-22 08:00", "2026-11-23 08:00",
			map[string][]string{"logs/h-": {"logs/h-gw1/", "logs/h-gw2/"}},
			[]string{"logs/h-gw1/2026-11-22/ to logs/h-gw1/2026-11-23/", "logs/h-gw2/2026-11-22/ to logs/h-gw2/2026-11-23/"},
		},
		"below too many folders": {
			"$device_id/%Y-%m-%d/$UUID", "2026-11-22", "2026-11-23",
			map[string][]string{"": {}},
			[]string{""},
		},
		"with the time in the name only": {
			"$TAG-%Y-$UUID", "2026-11-22", "2026-11-23", nil,
			[]string{""},
		},
		"by the events' own time": {
			"dt=$EVENT[%Y-%m-%d]/%H-$UUID", "2026-11-20", "2026-11-23", nil,
			[]string{"dt=2026-11-20 to dt=2026-11-22", "dt=other"},
		},
		"by the events' own hour alone": {
			"h=$EVENT[%H]/$UUID", "2026-11-20", "2026-11-23", nil,
			[]string{"h="},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := planned(t, test.format, test.since, test.until, test.folders, event.Device, event.Account)
			if !slices.Equal(got, test.want) {
				t.Errorf("\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(test.want, "\n     "))
			}
		})
	}
}

func TestParseWhen(t *testing.T) {
	now := at("2026-11-22 08:30:15")
	for text, want := range map[string]string{
		"now": "2026-11-22T08:30:15Z", "today": "2026-11-22T00:00:00Z", "Yesterday": "2026-11-21T00:00:00Z",
		"90m": "2026-11-22T07:00:15Z", "7d": "2026-11-15T08:30:15Z", "2w": "2026-11-08T08:30:15Z",
		"2026-11-20": "2026-11-20T00:00:00Z", " 2026-11-20T09:00:00+01:00 ": "2026-11-20T08:00:00Z",
		"2026-11-20 09:00": "2026-11-20T09:00:00Z", "2026-11-20T09:00:00.5Z": "2026-11-20T09:00:00Z",
	} {
		got, err := ParseWhen(text, now)
		if err != nil || got.Format(time.RFC3339) != want || got.Location() != time.UTC {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-2h", "2", "h", "2y", "1h30m", "22.11.2026", "2026-13-01", "9999999d"} {
		if got, err := ParseWhen(text, now); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzLayout(f *testing.F) {
	f.Add(defaultKeys, "siem/category=device/dt=2026-11-22/hour=08/20261122T080000Z-0123456789abcdef.json.gz")
	f.Add("$EVENT[%Y%m]/$a['b'][0]/$UUID", "202611/x/0123456789abcdef.log")
	f.Add("$EVENT[%H]/%H%Y$TAG[3]$UUID", "other/082026a0.json.zst")
	f.Fuzz(func(t *testing.T, format, key string) {
		l, err := NewLayout(format, window)
		if err != nil {
			return
		}
		o := &Object{Key: key, Modified: sampleTime}
		if l.Parse(o) && !o.Window.Start.Before(o.Window.End) {
			t.Errorf("window %v", o.Window)
		}
		q := Query{Range: Span{sampleTime, sampleTime.Add(time.Hour)}, Categories: Categories}
		p := planner{Layout: l, want: q.want(), folders: func(_ context.Context, prefix string) ([]string, bool, error) {
			return []string{prefix + "x/"}, false, nil
		}}
		if err := p.plan(t.Context(), 0, ""); err != nil || len(p.scans) == 0 {
			t.Errorf("%d runs, %v", len(p.scans), err)
		}
		for _, s := range p.scans {
			if s.from > s.to || !strings.HasPrefix(s.from, s.prefix) {
				t.Errorf("%+v", fmt.Sprint(s.prefix, s))
			}
		}
	})
}
