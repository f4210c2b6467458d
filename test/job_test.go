package test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"siem-s3/conf"
	"siem-s3/test/chunk"
	"siem-s3/test/host"
)

// sampleTime is that of the first record of the sample chunk.
var sampleTime = time.Date(2026, 11, 20, 10, 12, 13, 250e6, time.UTC)

// sampleEvents are the records that an administrator tries the plugin with.
func sampleEvents(t *testing.T) []byte {
	t.Helper()
	text, err := conf.Samples.ReadFile("sample-events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// defaultKey is the form of the keys when s3_key_format is not set.
var defaultKey = regexp.MustCompile(
	`^siem/category=(device|account|rejected)/dt=\d{4}-\d\d-\d\d/hour=\d\d/\d{8}T\d{6}Z-[0-9a-f]{16}\.([a-z.]+)$`)

func TestEveryRecordIsStoredOnce(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "syslog"} {
		for compression, ext := range map[string]string{"gzip": ".gz", "zstd": ".zst", "none": ""} {
			for _, shape := range []chunk.Format{chunk.V1, chunk.V2} {
				t.Run(fmt.Sprintf("%s, %s, records of version %d", format, compression, 2-shape), func(t *testing.T) {
					t.Parallel()
					s := newSite(t)
					records, err := chunk.FromNDJSON(shape, bytes.NewReader(sampleEvents(t)), sampleTime, time.Second)
					s.must(err)
					h := s.start(s.output("a", "format", format, "compression", compression, "syslog_hostname", "gw-1"))
					s.flush(h, "a", "siem.file", records)
					s.exit(h)
					s.wantSample(h, format, ext)
				})
			}
		}
	}
}

// wantSample checks everything about the objects of the sample events.
func (s *site) wantSample(h *host.Host, format, ext string) {
	s.Helper()
	exts := map[string]string{"device": "json" + ext, "account": "json" + ext, "rejected": "json" + ext}
	if format == "syslog" {
		exts["device"], exts["account"] = "log"+ext, "log"+ext
	}
	got := map[string][]string{}
	for _, o := range s.objects() {
		key := defaultKey.FindStringSubmatch(o.Key)
		if key == nil || key[2] != exts[key[1]] {
			s.Errorf("key %s, want one of %s", o.Key, exts[key[1]])
			continue
		}
		lines, err := readBack(key[1], o)
		s.must(err)
		got[key[1]] = append(got[key[1]], lines...)
		s.waitLog(h, fmt.Sprintf("uploaded object=s3://%s/%s records=%d bytes=%d ", s.bucket, o.Key, o.Number, o.Size))
	}
	s.compareGolden(got, format)
	total := len(got["device"]) + len(got["account"]) + len(got["rejected"])
	if in := bytes.Count(sampleEvents(s.T), []byte("\n")); total != in {
		s.Errorf("%d records came in, %d device events, %d account events and %d rejected are stored", in,
			len(got["device"]), len(got["account"]), len(got["rejected"]))
	}
}

func TestWindowsGoOutOnTheClock(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	h := s.start(s.output("a"))
	for i := range 3 {
		s.flush(h, "a", "x", eventChunk(1, 10*i, 10*i+10))
		s.awaitLines(10*i + 10)
	}
	s.exit(h)
	s.wantEvents(1, 30)
	windows := map[string]bool{}
	for _, o := range s.objects() {
		_, name, _ := strings.Cut(o.Key, "/hour=")
		windows[strings.Split(name, "-")[0]] = true
	}
	if len(windows) != 3 {
		t.Errorf("windows %v, want 3", windows)
	}
}

// A key format with values of the records makes an object for each value, and no
// value leaves its place.
func TestKeysSortTheEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	h := s.start(s.output("a", "s3_key_format", "x/$TAG[1]/$device_group/$EVENT[%Y-%m]/$UUID", "compression", "none", "upload_timeout", "1h"))
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, tag := range []string{"siem.tail", "siem.../../up"} {
		s.flush(h, "a", tag, chunk.Build(chunk.V2,
			chunk.Record{Time: at, Body: map[string]any{"log_type": "added", "device_group": "Sales/EMEA"}},
			chunk.Record{Time: at, Body: map[string]any{"log_type": "added", "device_group": "Sales/EMEA"}},
			chunk.Record{Time: at, Body: map[string]any{"log_type": "added", "device_group": ".."}},
			chunk.Record{Time: at, Body: map[string]any{"log_type": "logon"}},
		))
	}
	s.exit(h)
	var got []string
	for _, o := range s.objects() {
		folder := o.Key[:strings.LastIndexByte(o.Key, '/')]
		got = append(got, fmt.Sprintf("%s: %d", folder, o.Number))
	}
	slices.Sort(got)
	want := []string{
		"x/none/%2E%2E/2026-02: 1", "x/none/Sales%2FEMEA/2026-02: 2", "x/none/none/2026-02: 1",
		"x/tail/%2E%2E/2026-02: 1", "x/tail/Sales%2FEMEA/2026-02: 2", "x/tail/none/2026-02: 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
