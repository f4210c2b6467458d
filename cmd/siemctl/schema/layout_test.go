package schema

import (
	"io"
	"reflect"
	"strings"
	"testing"

	"siem-s3/event"
)

func TestLayoutsThatToolsHaveNoFormFor(t *testing.T) {
	for name, test := range map[string]struct{ dialect, format, want string }{
		"no category":            {"duckdb", "siem/dt=%Y-%m-%d/$UUID", "without $CATEGORY nothing tells"},
		"no partitions":          {"athena", "siem/$CATEGORY/$UUID", "the key format has no partitions"},
		"folders that vary":      {"athena", "siem/$CATEGORY/%Y/dt=%d/$UUID", "folder %Y is no partition: make it name=%Y"},
		"category in the name":   {"trino", "dt=%Y-%m-%d/$CATEGORY-$UUID", "in the object's name alone"},
		"capitals":               {"trino", "category=$CATEGORY/DT=%Y-%m-%d/$UUID", "folder DT= is no partition"},
		"twice the same name":    {"athena", "category=$CATEGORY/d=%Y/d=%m/$UUID", "folder d= is no partition"},
		"characters of patterns": {"clickhouse", "a[1]/$CATEGORY/$UUID", `"a[1]"`},
		"folders of an event":    {"duckdb", "$CATEGORY/$EVENT[%Y/%m]/$UUID", "folders of different depth"},
		"an unreadable format":   {"duckdb", "$CATEGORY", "$UUID is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.KeyFormat = test.format
			var b strings.Builder
			err := dialect(t, test.dialect).Write(&b, o)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want …%s…", err, test.want)
			}
			if b.Len() > 0 {
				t.Errorf("printed %q", b.String())
			}
		})
	}
}

func TestSyslogIsNotForDatabases(t *testing.T) {
	o := options()
	o.Syslog = true
	for _, d := range Dialects() {
		var b strings.Builder
		if err := d.Write(&b, o); (err != nil) != d.reads {
			t.Errorf("%s: %v", d.Name, err)
		}
	}
	o.Categories = []event.Category{event.Rejected}
	if err := dialect(t, "grok").Write(io.Discard, o); err == nil {
		t.Error("there are grok patterns of rejected records")
	}
	if got := written(t, "athena", o); !strings.Contains(got, "siem_rejected") {
		t.Errorf("got %s", got)
	}
}

func TestGlobs(t *testing.T) {
	for format, want := range map[string]string{
		options().KeyFormat:                     "siem/category=device/dt=*-*-*/hour=*/*T*Z-*.json*",
		"$CATEGORY-$UUID":                       "device-*.json*",
		"100%%/$TAG[0]/$CATEGORY/$UUID-x":       "100%/*/device/*-x*.json*",
		"$CATEGORY/$site['a/b']$HOSTNAME/$UUID": "device/*/*.json*",
	} {
		l, err := newLayout(format)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.glob(event.Device); got != want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", format, got, err, want)
		}
	}
}

func TestProjections(t *testing.T) {
	for folder, want := range map[string]projection{
		"category=$CATEGORY":         {kind: "enum", values: []string{"device"}},
		"kind=100%%-$CATEGORY":       {kind: "enum", values: []string{"100%-device"}},
		"dt=%Y-%m-%d":                {kind: "date", values: []string{"2026-01-01", "NOW"}, format: "yyyy-MM-dd", unit: "DAYS"},
		"at=%Y%m%d%H":                {kind: "date", values: []string{"2026010100", "NOW"}, format: "yyyyMMddHH", unit: "HOURS"},
		"y=%Y":                       {kind: "date", values: []string{"2026", "NOW"}, format: "yyyy", unit: "YEARS"},
		"m=%m":                       {kind: "integer", values: []string{"1", "12"}},
		"hour=%H":                    {kind: "integer", values: []string{"0", "23"}},
		"t=%H%M":                     {kind: "injected"},
		"w=%Y-%d":                    {kind: "injected"},
		"d=day%d":                    {kind: "injected"},
		"device_group=$device_group": {kind: "injected"},
		"day=$EVENT[%Y-%m-%d]":       {kind: "injected"},
	} {
		p, ok := partitionOf(tokens.FindAllString(folder, -1))
		if got := p.project(event.Device, options().From); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", folder, got, want)
		}
	}
	if _, ok := partitionOf([]string{"site=berlin"}); ok {
		t.Error("site=berlin never varies")
	}
}

// A partition takes the place of the column that it is named after.
func TestColumnsThatArePartitions(t *testing.T) {
	o := options()
	o.KeyFormat = "$CATEGORY/device_group=$device_group/$UUID"
	o.Categories = []event.Category{event.Device}
	for _, name := range []string{"athena", "trino", "duckdb", "clickhouse"} {
		golden(t, "testdata/"+name+"-by-group", written(t, name, o))
	}
}
