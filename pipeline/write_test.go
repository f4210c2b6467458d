package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"siem-s3/event"
	"siem-s3/formatter"
	"siem-s3/record"
	"siem-s3/spool"
	"siem-s3/test/chunk"
)

func logon(admin string) chunk.Record {
	return chunk.Record{Time: sampleTime, Body: map[string]any{"admin_name": admin, "log_type": "logon", "details": "from 192.0.2.1"}}
}

// marker is what Fluent Bit puts before (-1) and behind (-2) a group of
// OpenTelemetry logs.
func marker(sec int64) chunk.Record { return chunk.Record{Time: time.Unix(sec, 0)} }

func TestEveryRecordIsInOneObjectOfItsCategory(t *testing.T) {
	t.Parallel()
	c := chunk.Build(chunk.V2, device(1), marker(-1), logon("Alice"),
		chunk.Record{Time: sampleTime, Body: map[string]any{"log_type": "reboot", "x": 1}}, marker(-2), device(2))
	syslog, err := formatter.NewSyslog(formatter.SyslogOptions{Hostname: "gw-1", AppName: "siem_s3", Facility: 13, EnterpriseID: "32473"})
	if err != nil {
		t.Fatal(err)
	}
	jsonLines := map[string]string{
		"device":  deviceLine(1) + "\n" + deviceLine(2),
		"account": `{"timestamp":"2026-11-22T08:00:00.123Z","event":"Admin logged on","details":"from 192.0.2.1","admin_name":"Alice","admin_email":"","log_type":"logon"}`,
	}
	const before = `<109>1 2026-11-22T08:00:00.123Z gw-1 siem_s3 - added [device@32473 device_id="`
	const behind = `" device_username="" device_group="Sales"] enrolled`
	syslogLines := map[string]string{
		"device": before + `d-1" device_name="LT-1` + behind + "\n" + before + `d-2" device_name="LT-2` + behind,
		"account": `<110>1 2026-11-22T08:00:00.123Z gw-1 siem_s3 - logon [account@32473 event="Admin logged on" ` +
			`admin_name="Alice" admin_email=""] from 192.0.2.1`,
	}
	for _, test := range []struct {
		codec, ext string
		format     Format
		want       map[string]string
	}{
		{"gzip", ".json.gz", formatter.JSON{}, jsonLines},
		{"zstd", ".json.zst", formatter.JSON{}, jsonLines},
		{"none", ".json", formatter.JSON{}, jsonLines},
		{"gzip", ".log.gz", syslog, syslogLines},
		{"none", ".log", syslog, syslogLines},
	} {
		t.Run(test.ext, func(t *testing.T) {
			t.Parallel()
			b := &memory{}
			p := start(t, options(t, b, func(o *Options) { o.Format, o.Codec = test.format, codec(t, test.codec) }))
			write(t, p, "app.prod", c)
			finish(t, p)
			if keys := b.keys(); len(keys) != 3 {
				t.Fatalf("objects %q", keys)
			}
			for _, key := range b.keys() {
				category, _, _ := strings.Cut(key, "/")
				o, ext, contentType := b.objects[key], test.ext, test.format.ContentType()
				if category == "rejected" {
					ext, contentType = strings.Replace(ext, "log", "json", 1), "application/x-ndjson"
				} else if got := strings.Join(b.linesOf(t, key), "\n"); got != test.want[category] {
					t.Errorf("%s:\n got %s\nwant %s", key, got, test.want[category])
				}
				if !strings.HasSuffix(key, ext) || o.contentType != contentType {
					t.Errorf("%s has the content type %s", key, o.contentType)
				}
				lines := b.linesOf(t, key)
				if o.meta["siem-records"] != fmt.Sprint(len(lines)) || o.meta["siem-bytes"] != fmt.Sprint(len(strings.Join(lines, "\n"))+1) {
					t.Errorf("%s has the metadata %v", key, o.meta)
				}
			}
		})
	}
}

func TestRecordsThatAreNoEventsAreKeptWithTheReason(t *testing.T) {
	t.Parallel()
	b, log := &memory{}, &logged{}
	p := start(t, options(t, b, func(o *Options) { o.Log = log.logger() }))
	before := time.Now()
	c := chunk.Build(chunk.V2,
		chunk.Record{Time: sampleTime, Body: map[string]any{"log_type": "reboot", "n": 1}},
		chunk.Record{Time: sampleTime, Body: map[string]any{"n": 2}},
		chunk.Record{Time: sampleTime, Body: map[string]any{"log_type": "added", "timestamp": "yesterday", "n": 3}},
		chunk.Record{Time: sampleTime, Body: map[string]any{"log_type": "reinstall", "n": 4}},
	)
	c = append(c, 0x92, 0x92, 0xd7, 0, 0x6a, 0, 0, 0, 0, 0, 0, 0, 0x80, 0xa4, 't', 'e', 'x', 't') // [[time, {}], "text"]
	c = append(c, 0x93, 1, 2, 3)                                                                  // [1, 2, 3]
	write(t, p, "app.\xff", c)
	write(t, p, "app.\xff", c)
	finish(t, p)
	lines := b.lines(t, "rejected/")
	for i, want := range []rejected{
		{Reason: "unknown log_type", Detail: "reboot", Record: []byte(`{"log_type":"reboot","n":1}`)},
		{Reason: "no log_type", Record: []byte(`{"n":2}`)},
		{Reason: "unreadable timestamp", Detail: "yesterday", Record: []byte(`{"log_type":"added","n":3,"timestamp":"yesterday"}`)},
		{Reason: "unknown log_type", Detail: "reinstall", Record: []byte(`{"log_type":"reinstall","n":4}`)},
		{Reason: "body is not a map", Record: []byte(`[["2026-05-10T03:48:16Z",{}],"text"]`)},
		{Reason: "entry is not a list of two", Record: []byte(`[1,2,3]`)},
	} {
		got := parseRejected(t, lines[i])
		at, err := time.Parse(time.RFC3339Nano, got.ReceivedAt)
		if err != nil || at.Before(before.Truncate(time.Millisecond)) || at.After(time.Now()) {
			t.Errorf("received at %s", got.ReceivedAt)
		}
		want.ReceivedAt, want.Tag = got.ReceivedAt, "app.\ufffd"
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %s\nwant %+v with the record %s", lines[i], want, want.Record)
		}
	}
	if len(lines) != 12 {
		t.Errorf("%d lines", len(lines))
	}
	const news = "warn: a record is no event of the schema and is stored as it is, in category rejected; others with the same reason are counted, not logged"
	var told int
	for _, line := range log.take() {
		if strings.HasPrefix(line, news) {
			told++
		}
	}
	if told != 5 {
		t.Errorf("%d warnings, want one for each of 5 reasons", told)
	}
}

func TestUnreadableRestOfChunkGoesToQuarantine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		good, rest []byte
		reason     string
	}{
		{"truncated", devices(0, 3), devices(3, 4)[:40], "truncated"},
		{"text", devices(0, 3), []byte("2026-11-22 not MessagePack\n"), "not MessagePack"},
		{"nothing good", nil, []byte{0xc1}, "not MessagePack"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b, log := &memory{}, &logged{}
			o := options(t, b, func(o *Options) { o.Log = log.logger() })
			p := open(t, o)
			c := append(bytes.Clone(test.good), test.rest...)
			write(t, p, "app.prod", c)
			log.want(t, "error: a part of a chunk can't be read and is kept in quarantine, in store_dir ("+test.reason+")")

			digest := p.spool.Digest("app.prod", c)
			name := filepath.Join(o.StoreDir, "quarantine", fmt.Sprintf("%x", digest[:]))
			if kept, err := os.ReadFile(name + ".chunk"); err != nil || !bytes.Equal(kept, test.rest) {
				t.Errorf("quarantine holds %q, %v", kept, err)
			}
			about, err := os.ReadFile(name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Tag, Reason string
				Offset      int
				ReceivedAt  time.Time `json:"received_at"`
			}
			if err := json.Unmarshal(about, &got); err != nil || got.Tag != "app.prod" || got.Reason != test.reason ||
				got.Offset != len(test.good) || time.Since(got.ReceivedAt) > time.Hour {
				t.Errorf("%s, %v", about, err)
			}
			if s := p.Stats(); s.Quarantined != 1 || s.Chunks != 1 || s.Bytes != int64(len(c)) {
				t.Errorf("stats %+v", s)
			}
			p.Start()
			finish(t, p)
			if len(test.good) == 0 {
				if len(b.keys()) != 0 {
					t.Errorf("objects %q", b.keys())
				}
				return
			}
			sameLines(t, b.lines(t, ""), deviceLines(0, 3))
		})
	}
}

func TestChunksWithoutRecordsMakeNoObject(t *testing.T) {
	t.Parallel()
	b := &memory{}
	p := start(t, options(t, b))
	write(t, p, "empty", nil)
	write(t, p, "markers", chunk.Build(chunk.V2, marker(-1), marker(-2)))
	finish(t, p)
	if len(b.keys()) != 0 || p.Stats().Chunks != 2 || p.Stats().Waiting.Segments != 0 {
		t.Errorf("objects %q, %+v", b.keys(), p.Stats())
	}
}

func TestFullSpoolRefusesWholeChunksUntilThereIsRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, log := &memory{}, &logged{}
		p := open(t, options(t, b, func(o *Options) {
			o.Codec, o.StoreDirLimit, o.SegmentBytes, o.Log = codec(t, "none"), 64<<10, 16<<10, log.logger()
		}))
		stored := 0
		for {
			err := p.Write("app", devices(stored, stored+10))
			if errors.Is(err, spool.ErrFull) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			stored += 10
		}
		refused := append(devices(stored, stored+10), 0xc1)
		for range 3 {
			if err := p.Write("app", refused); !errors.Is(err, spool.ErrFull) {
				t.Fatalf("got %v", err)
			}
		}
		if s := p.Stats(); s.Device != int64(stored) || s.Quarantined != 0 || s.Chunks != int64(stored/10) {
			t.Errorf("after %d records: %+v", stored, s)
		}
		p.Start()
		synctest.Wait() // the uploader has made room
		write(t, p, "app", refused)
		finish(t, p)
		sameLines(t, b.lines(t, ""), deviceLines(0, stored+10))

		var told []string
		for _, line := range log.take() {
			if strings.Contains(line, "chunk") {
				told = append(told, line)
			}
		}
		want := []string{
			"error: can't store a chunk; Fluent Bit is asked to send it again (no room in store_dir until objects are uploaded: spool is full",
			"error: a part of a chunk can't be read and is kept in quarantine, in store_dir (not MessagePack)",
			"info: storing chunks again",
		}
		for i := range want {
			if len(told) != len(want) || !strings.HasPrefix(told[i], want[i]) {
				t.Fatalf("logged\n%s", strings.Join(told, "\n"))
			}
		}
	})
}

func TestChunkThatComesAgainAfterRestartIsStoredOnce(t *testing.T) {
	t.Parallel()
	b := &memory{}
	o := options(t, b)
	first := open(t, o)
	write(t, first, "app", devices(0, 5))
	if err := first.spool.Close(); err != nil { // as a crash would
		t.Fatal(err)
	}
	second := start(t, o)
	write(t, second, "app", devices(0, 5))
	write(t, second, "app", devices(5, 9))
	write(t, second, "other", devices(9, 10))
	finish(t, second)
	sameLines(t, b.lines(t, ""), deviceLines(0, 10))
	if s := second.Stats(); s.Redelivered != 1 || s.Chunks != 2 {
		t.Errorf("stats %+v", s)
	}
}

func TestConcurrentWritesStoreEverythingOnce(t *testing.T) {
	t.Parallel()
	const writers, chunks, records = 16, 6, 20
	b := &memory{}
	p := start(t, options(t, b, func(o *Options) {
		o.Key, o.SegmentBytes = keys(t, "$CATEGORY/$TAG/$device_name/$UUID"), 8<<10
	}))
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for c := range chunks {
				from := (w*chunks + c) * records
				if err := p.Write(fmt.Sprintf("tag.%d", w%3), devices(from, from+records)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	finish(t, p)
	sameLines(t, b.lines(t, "device/"), deviceLines(0, writers*chunks*records))
}

func TestRecordsOfOneChunkGoToTheStreamsOfTheirValues(t *testing.T) {
	t.Parallel()
	b := &memory{}
	p := start(t, options(t, b, func(o *Options) { o.Key = keys(t, "$CATEGORY/$device_name/$site['name']/$UUID") }))
	c := devices(0, 70)
	r := device(70)
	r.Body["site"] = map[string]any{"name": "Köln"}
	write(t, p, "app", chunk.Append(c, chunk.V2, r))
	finish(t, p)
	if n := len(b.keys()); n != 8 {
		t.Errorf("%d objects", n)
	}
	for name := range 7 {
		var want []string
		for n := name; n < 70; n += 7 {
			want = append(want, deviceLine(n))
		}
		sameLines(t, b.lines(t, fmt.Sprintf("device/LT-%d/none/", name)), want)
	}
	sameLines(t, b.lines(t, "device/LT-0/K%C3%B6ln/"), []string{deviceLine(70)})
}

// Without a variable of the record's own, a chunk's tag alone tells streams apart.
func TestWritersKeepTagsApart(t *testing.T) {
	t.Parallel()
	b := &memory{}
	p := start(t, options(t, b, func(o *Options) { o.Key = keys(t, "$TAG[1]/$UUID") }))
	for n := range 30 {
		write(t, p, fmt.Sprintf("app.%d", n%3), devices(n, n+1))
	}
	finish(t, p)
	for tag := range 3 {
		var want []string
		for n := tag; n < 30; n += 3 {
			want = append(want, deviceLine(n))
		}
		sameLines(t, b.lines(t, fmt.Sprintf("%d/", tag)), want)
	}
}

func TestRecordsWithoutTimeAreFiledUnderTheirArrival(t *testing.T) {
	bubble(t, func(t *testing.T) {
		time.Sleep(40 * 24 * time.Hour)
		b := &memory{}
		p := start(t, options(t, b, func(o *Options) { o.Key = keys(t, "$CATEGORY/$EVENT[%Y-%m-%d]/$UUID") }))
		write(t, p, "app", []byte{0x92, 0xa1, '?', 0x80}) // ["?", {}]
		finish(t, p)
		if n := len(b.lines(t, "rejected/2000-02-10/")); n != 1 || len(b.keys()) != 1 {
			t.Errorf("objects %q", b.keys())
		}
	})
}

func TestManyPartitionsInOneChunk(t *testing.T) {
	t.Parallel()
	const partitions = 2000 // all of their objects
	b := &memory{}
	p := start(t, options(t, b, func(o *Options) { o.Key, o.Codec = keys(t, "$device_id/$UUID"), codec(t, "none") }))
	write(t, p, "app", devices(0, partitions))
	write(t, p, "app", devices(0, 1))
	finish(t, p)
	if n := len(b.keys()); n != partitions+1 {
		t.Errorf("%d objects", n)
	}
	sameLines(t, b.lines(t, ""), append(deviceLines(0, partitions), deviceLine(0)))
}

// A chunk that could not be stored, whatever the disk, would stay in Fluent
// Bit's queue for ever.
func TestTooManyPartitionsShareTheRest(t *testing.T) {
	t.Parallel()
	const records = maxParts + 100
	p := open(t, options(t, &memory{}, func(o *Options) { o.Key, o.Codec = keys(t, "$device_id/$UUID"), codec(t, "none") }))
	w := newWriter(p, p.o.Codec.NewCompressor())
	c := devices(0, records)
	if err := w.store("app", c, p.spool.Digest("app", c)); err != nil {
		t.Fatal(err)
	}
	rest := w.streams["0other\x00"]
	if len(w.parts) != maxParts+1 || rest == nil || rest.records != 100 {
		t.Errorf("%d streams, the rest is %+v", len(w.parts), rest)
	}
	if err := p.spool.Seal(); err != nil {
		t.Fatal(err)
	}
	contents, err := p.spool.Load(p.spool.Sealed()[0])
	if err != nil {
		t.Fatal(err)
	}
	stored := 0
	for _, st := range contents.Streams {
		stored += st.Records
	}
	if stored != records || len(contents.Streams) != maxParts+1 || len(contents.Damage) > 0 {
		t.Errorf("%d records of %d streams, damage %v", stored, len(contents.Streams), contents.Damage)
	}
}

// Fluent Bit frees a chunk's memory once Write has returned.
func TestNothingOfAChunkIsUsedAfterWrite(t *testing.T) {
	t.Parallel()
	b := &memory{}
	p := start(t, options(t, b, func(o *Options) { o.Key = keys(t, "$CATEGORY/$device_name/$UUID") }))
	buf := make([]byte, 0, 64<<10)
	var want []string
	for n := range 50 {
		from, to := 100*n, 100*n+1+rand.IntN(90)
		buf = append(buf[:0], devices(from, to)...)
		buf = chunk.Append(buf, chunk.V2, chunk.Record{Time: sampleTime, Body: map[string]any{"log_type": "unknown", "n": n}})
		write(t, p, "app", buf)
		for i := range buf[:cap(buf)] {
			buf[:cap(buf)][i] = 0xDD
		}
		want = append(want, deviceLines(from, to)...)
	}
	finish(t, p)
	sameLines(t, b.lines(t, "device/"), want)
	for i, line := range b.lines(t, "rejected/") {
		if got := parseRejected(t, line); string(got.Record) != fmt.Sprintf(`{"log_type":"unknown","n":%d}`, i) || got.Detail != "unknown" {
			t.Errorf("got %s", line)
		}
	}
}

func TestWriterKeepsNoChunkAndLittleMemory(t *testing.T) {
	t.Parallel()
	p := open(t, options(t, &memory{}, func(o *Options) { o.Codec = codec(t, "none") }))
	w := newWriter(p, p.o.Codec.NewCompressor())
	store := func(c []byte) {
		t.Helper()
		if err := w.store("app", c, p.spool.Digest("app", c)); err != nil {
			t.Fatal(err)
		}
		w.reset()
		if !reflect.DeepEqual([]any{w.rec, w.ev, w.dec}, []any{record.Record{}, event.Event{}, record.Decoder{}}) {
			t.Error("the writer still refers to the chunk")
		}
	}
	kept := func() (sum int) {
		for _, to := range w.parts[:cap(w.parts)] {
			if to != nil {
				sum += cap(to.raw) + cap(to.out)
			}
		}
		return sum
	}
	store(devices(0, 1000))
	if kept() == 0 {
		t.Error("nothing is kept of a small chunk's buffers")
	}
	big := device(0)
	big.Body["details"] = strings.Repeat("x", keptBytes)
	store(chunk.Build(chunk.V2, big))
	if kept() != 0 {
		t.Errorf("%d bytes are kept of a large chunk", kept())
	}
	store(devices(0, 10))
}

func TestPanicInAStageRefusesTheChunkOnly(t *testing.T) {
	t.Parallel()
	b, log := &memory{}, &logged{}
	faulty := &panicking{}
	p := start(t, options(t, b, func(o *Options) { o.Log, o.Format = log.logger(), faulty }))
	faulty.at = 3
	for range 3 {
		faulty.seen = 0
		if err := p.Write("app", devices(0, 5)); err == nil || !strings.HasPrefix(err.Error(), "panic: out of paper") {
			t.Fatalf("got %v", err)
		}
	}
	faulty.at = -1
	write(t, p, "app", devices(0, 5))
	finish(t, p)
	sameLines(t, b.lines(t, ""), deviceLines(0, 5))
	var told []string
	for _, line := range log.take() {
		if line, _, _ = strings.Cut(line, "\n"); line != checked {
			told = append(told, line)
		}
	}
	want := []string{"error: can't store a chunk; Fluent Bit is asked to send it again (panic: out of paper", "info: storing chunks again"}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("logged %q", told)
	}
}

// panicking is a Format that panics at a given event.
type panicking struct {
	formatter.JSON
	at, seen int
}

func (f *panicking) Append(dst []byte, e *event.Event) []byte {
	f.seen++
	if f.seen == f.at {
		panic("out of paper")
	}
	return f.JSON.Append(dst, e)
}

// What a chunk costs in allocations must not depend on its records.
func TestRecordsCostNoAllocation(t *testing.T) {
	for _, template := range []string{
		"$CATEGORY/$UUID", "$CATEGORY/$TAG/$EVENT[%Y-%m-%d-%H]/$device_group/$site['name']/$n/$UUID",
	} {
		t.Run(template, func(t *testing.T) {
			p := open(t, options(t, &memory{}, func(o *Options) { o.Key, o.Log = keys(t, template), hclog.NewNullLogger() }))
			allocs := func(records int) float64 {
				var c []byte
				for n := range records {
					r := device(n)
					r.Body["site"], r.Body["n"] = map[string]any{"name": strings.Repeat("Köln ", 12)}, 1<<40
					c = chunk.Append(c, chunk.V2, r)
				}
				w := newWriter(p, p.o.Codec.NewCompressor())
				return testing.AllocsPerRun(20, func() {
					if err := w.store("app.production.eu-central-1.with.a.long.tag", c, spool.Digest{}); err != nil {
						t.Fatal(err)
					}
					w.reset()
				})
			}
			if few, many := allocs(10), allocs(1000); many > few+10 {
				t.Errorf("%v allocations for 1,000 records, %v for 10", many, few)
			} else {
				t.Logf("%v allocations for 1,000 records, %v for 10", many, few)
			}
		})
	}
}
