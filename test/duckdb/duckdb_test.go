// Package duckdb runs what "siemctl schema --duckdb" prints in DuckDB, on objects
// as the plugin stores them. It is a module of its own: DuckDB is larger than all
// else that the tests need.
package duckdb

import (
	"database/sql"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"siem-s3/cmd/siemctl/schema"
	"siem-s3/conf"
	"siem-s3/event"
	"siem-s3/formatter"
)

var (
	start      = time.Date(2026, 11, 22, 8, 0, 0, 123e6, time.UTC)
	categories = []event.Category{event.Device, event.Account, event.Rejected}
)

const (
	hours = 3
	// text has what JSON escapes.
	text = "CORP\\alice \"Al\"\n山田"
)

// lines returns an hour of a category: an event of each log type, or a rejected
// record of each shape.
func lines(c event.Category, at time.Time) (all []byte, n int) {
	if c == event.Rejected {
		for _, record := range []string{"\xc0", "\x07", "\xa1x", "\x81\xa1a\x07"} {
			all = formatter.AppendRejected(all, &formatter.Rejected{ReceivedAt: at, Reason: "no log_type", Record: []byte(record)})
			n++
		}
		return all, n
	}
	for _, t := range event.Types() {
		if t.Category() != c {
			continue
		}
		e := &event.Event{Type: t, Time: at}
		for _, f := range c.Fields() {
			e.Set(f, []byte(text))
		}
		e.Set(event.Timestamp, event.AppendTimestamp(nil, at))
		all = formatter.JSON{}.Append(all, e)
		n++
	}
	return all, n
}

// store writes an object under dir.
func store(t *testing.T, dir, key, compression string, raw []byte) {
	t.Helper()
	codec, err := formatter.NewCodec(compression, 0)
	if err != nil {
		t.Fatal(err)
	}
	body, err := codec.NewCompressor().Append(append([]byte(nil), codec.Header()...), raw)
	if err != nil {
		t.Fatal(err)
	}
	body = append(body, codec.Trailer(crc32.ChecksumIEEE(raw), int64(len(raw)))...)
	path := filepath.Join(dir, filepath.FromSlash(key)) + ".json"
	if ext := codec.Ext(); ext != "" {
		path += "." + ext
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		t.Fatal(err)
	}
}

// open returns a database with the views of what is in dir.
func open(t *testing.T, dir, keyFormat string) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	var statements strings.Builder
	for _, d := range schema.Dialects() {
		if d.Name == "duckdb" {
			err = d.Write(&statements, &schema.Options{Dir: dir, KeyFormat: keyFormat, Categories: categories})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statements.String()); err != nil {
		t.Fatalf("%v\n%s", err, &statements)
	}
	return db
}

// expect compares the one value that a query returns, as text.
func expect(t *testing.T, db *sql.DB, query string, want any) {
	t.Helper()
	var got any
	if err := db.QueryRow(query).Scan(&got); err != nil {
		t.Errorf("%s: %v", query, err)
	} else if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", query, got, want)
	}
}

func TestViewsOfTheDefaultLayout(t *testing.T) {
	key, _ := conf.Lookup("s3_key_format")
	for _, compression := range []string{"gzip", "zstd", "none"} {
		t.Run(compression, func(t *testing.T) {
			dir := t.TempDir()
			count := map[event.Category]int{}
			for _, c := range categories {
				for h := range hours {
					at := start.Add(time.Duration(h) * time.Hour)
					raw, n := lines(c, at)
					count[c] += n
					store(t, dir, fmt.Sprintf("siem/category=%s/dt=2026-11-22/hour=%02d/20261122T%02d0000Z-0123456789abcdef", c, at.Hour(), at.Hour()), compression, raw)
				}
			}
			db := open(t, dir, key.Default)
			for _, c := range categories {
				view := "siem_" + c.String()
				expect(t, db, "SELECT count(*) FROM "+view, count[c])
				expect(t, db, "SELECT count(*) FROM "+view+" WHERE dt = '2026-11-22' AND hour = '09'", count[c]/hours)
				expect(t, db, "SELECT count(*) FROM "+view+" WHERE category <> '"+c.String()+"'", 0)
				expect(t, db, "SELECT count(*) FROM "+view+" WHERE time < TIMESTAMPTZ '2026-11-22 10:00:00Z'", count[c]/hours*2)
				expect(t, db, "SELECT count(DISTINCT object) FROM "+view+" WHERE object LIKE '%/category="+c.String()+"/%'", hours)
				expect(t, db, "SELECT epoch_ms(min(time)) FROM "+view, start.UnixMilli())
			}
			checkEvents(t, db)
			expect(t, db, "SELECT count(*) FROM siem_rejected WHERE record->>'a' = '7'", hours)
		})
	}
}

func checkEvents(t *testing.T, db *sql.DB) {
	for _, lt := range event.Types() {
		view := "siem_" + lt.Category().String()
		expect(t, db, fmt.Sprintf("SELECT count(*) FROM %s WHERE log_type = '%s' AND severity = %d", view, lt, lt.Severity()), hours)
	}
	for _, c := range categories[:2] {
		for _, f := range c.Fields() {
			if f != event.Timestamp && f != event.LogTypeName {
				expect(t, db, fmt.Sprintf(`SELECT DISTINCT "%s" FROM siem_%s`, f, c), text)
			}
		}
	}
}

func TestViewsOfOtherLayouts(t *testing.T) {
	for keyFormat, key := range map[string]string{
		"$CATEGORY/%Y/%m/%d/$UUID":                               "%s/2026/11/22/0123456789abcdef-2",
		"100%%/$CATEGORY-$UUID":                                  "100%%/%s-0123456789abcdef",
		"$CATEGORY/device_group=$device_group/day=%Y%m%d/$UUID-": "%s/device_group=Sales%%20EMEA/day=20261122/0123456789abcdef-",
	} {
		t.Run(keyFormat, func(t *testing.T) {
			dir := t.TempDir()
			count := map[event.Category]int{}
			for _, c := range categories {
				raw, n := lines(c, start)
				count[c] = n
				store(t, dir, fmt.Sprintf(key, c), "gzip", raw)
			}
			db := open(t, dir, keyFormat)
			for _, c := range categories {
				expect(t, db, "SELECT count(*) FROM siem_"+c.String(), count[c])
			}
			if strings.Contains(keyFormat, "device_group") {
				expect(t, db, "SELECT DISTINCT device_group FROM siem_device", "Sales EMEA")
			}
		})
	}
}
