package test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"siem-s3/test/bucket"
	"siem-s3/test/events"
	"siem-s3/test/host"
)

// Each [OUTPUT] of a process has its own bucket, format and directory, and none
// sees what belongs to another.
func TestOutputsAreIndependent(t *testing.T) {
	t.Parallel()
	one, two, three := newSite(t), newSite(t), newSite(t)
	h := one.start(
		one.output("one"),
		two.output("two", "format", "syslog", "compression", "zstd"),
		three.output("three", "compression", "none", "s3_key_format", "logs/$CATEGORY/$UUID"),
	)
	sizes := map[*site]int{one: 100, two: 200, three: 300}
	names := map[*site]string{one: "one", two: "two", three: "three"}
	for s, n := range sizes {
		for from := 0; from < n; from += 10 {
			s.flush(h, names[s], "siem", eventChunk(events.Set(n), from, from+10))
		}
	}
	one.exit(h)
	for s, ext := range map[*site]string{one: "json.gz", two: "log.zst", three: "json"} {
		s.wantEvents(events.Set(sizes[s]), sizes[s])
		for _, o := range s.objects() {
			if o.Ext != ext {
				t.Errorf("%s: %s, want %s", names[s], o.Key, ext)
			}
		}
	}
	for name, s := range map[string]*site{"siem_s3.0": one, "siem_s3.1": two, "siem_s3.2": three} {
		if line := one.waitLog(h, fmt.Sprintf(" to=s3://%s ", s.bucket)); !strings.Contains(line, "[output:siem_s3:"+name+"] started") {
			t.Errorf("%s started as %s", name, line)
		}
	}
}

func TestStoreDirBelongsToOneOutput(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.output("a")

	t.Run("two outputs", func(t *testing.T) {
		b := with(a, "format", "syslog")
		b.Name = "b"
		_, err := s.tryStart(a, b, s.output("c"))
		wantInitError(t, err, "b", "store_dir", a.Settings["store_dir"], "in use")
	})
	t.Run("two processes", func(t *testing.T) {
		h := s.start(a)
		_, err := s.tryStart(a)
		wantInitError(t, err, "a", "store_dir", a.Settings["store_dir"], "in use")
		s.flush(h, "a", "x", eventChunk(1, 0, 10))
		s.exit(h)
		s.wantEvents(1, 10)
	})
}

// wantInitError checks that a start failed for an output, and that its last line of
// log, which is what an administrator sees, has all these texts.
func wantInitError(t *testing.T, err error, output string, texts ...string) {
	t.Helper()
	var failed *host.InitError
	if !errors.As(err, &failed) {
		t.Fatalf("started, or failed otherwise: %v", err)
	}
	if failed.Output != output {
		t.Errorf("output %s does not start, want %s", failed.Output, output)
	}
	said := ""
	for line := range strings.Lines(failed.Log) {
		if strings.Contains(line, "[error]") || strings.HasPrefix(line, "  - ") {
			said += line
		}
	}
	for _, text := range texts {
		if !strings.Contains(said, text) {
			t.Errorf("no word of %q in:\n%s", text, said)
		}
	}
	for _, crash := range []string{"panic", "SIGSEGV", "fatal error"} {
		if strings.Contains(failed.Log, crash) {
			t.Errorf("%s:\n%s", crash, failed.Log)
		}
	}
}

// A setting that cannot stand stops the start, and its message is enough to mend it.
func TestBadSettingsStopTheStart(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	for _, tt := range []struct {
		name     string
		settings []string
		want     []string
	}{
		{"missing", []string{"bucket", ""}, []string{"bucket is not set", "want the name of a bucket"}},
		{"duration", []string{"upload_timeout", "5 minutes"}, []string{`upload_timeout "5 minutes"`, "want a duration", "5m"}},
		{"choice", []string{"format", "jason"}, []string{`format "jason"`, "json or syslog"}},
		{"found by the mapping", []string{"map_device_id", "$device["}, []string{`map_device_id "$device["`, "$device['id']"}},
		{"found by the mapping, log types", []string{"log_type_map", "LOGIN=logged_on"}, []string{"log_type_map", "logged_on"}},
		{"found by the key format", []string{"s3_key_format", "siem/%Y/%m"}, []string{`s3_key_format "siem/%Y/%m"`, "$UUID is missing"}},
		{"found by the disk", []string{"store_dir", "/dev/null/store"}, []string{"store_dir", "/dev/null", "not a directory"}},
		{"secret", []string{"aws_secret_access_key", secret + " " + secret}, []string{"aws_secret_access_key", "want"}},
		{"several at once", []string{"region", "Frankfurt am Main", "checksum", "md5", "aws_secret_access_key", ""}, []string{"region", "checksum", "aws_access_key_id"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			good := newSite(t)
			_, err := good.tryStart(good.output("good"), good.output("bad", tt.settings...), good.output("after"))
			wantInitError(t, err, "bad", tt.want...)
			if strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("a secret shows in %v", err)
			}
		})
	}
}

// A record's fields may have other names and places than the schema's.
func TestMappingFindsTheFields(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	h := s.start(s.output("a", "map_device_id", "$device['id']", "map_device_name", "$device['name']",
		"map_details", "$what", "map_log_type", "$kind", "log_type_map", "ENROLLED=added", "compression", "none"))
	s.flush(h, "a", "x", recordChunk(t,
		`{"kind": "enrolled", "what": "new", "timestamp": 1795161720, "device": {"id": 7, "name": "gw"}}`))
	s.exit(h)
	s.wantText(`{"timestamp":"2026-11-20T08:02:00.000Z","log_type":"added","details":"new","device_id":"7",` +
		`"device_name":"gw","device_username":"","device_group":""}` + "\n")
}

// wantText checks that the site has one object with that text.
func (s *site) wantText(text string) {
	s.Helper()
	all := s.objects()
	if len(all) != 1 || string(all[0].Text) != text {
		s.Errorf("got %s\nwant %s", texts(all), text)
	}
}

func texts(all []bucket.Object) string {
	var b strings.Builder
	for _, o := range all {
		fmt.Fprintf(&b, "%s: %s", filepath.Base(o.Key), o.Text)
	}
	return b.String()
}
