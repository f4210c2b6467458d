package test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"siem-s3/test/events"
	"siem-s3/test/fluentbit"
)

func TestFluentBitStoresEveryRecordOnce(t *testing.T) {
	t.Parallel()
	fluentbit.Need(t)
	for name, tt := range map[string]struct {
		yaml, listed             bool
		format, compression, ext string
		workers                  string
	}{
		"classic with -e":           {false, false, "json", "gzip", ".gz", "1"},
		"classic with plugins_file": {false, true, "syslog", "zstd", ".zst", "4"},
		"YAML with -e":              {true, false, "syslog", "gzip", ".gz", "0"},
		"YAML with plugins":         {true, true, "json", "none", "", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			j := s.job(tt.yaml)
			j.output["format"], j.output["compression"] = tt.format, tt.compression
			j.output["syslog_hostname"], j.output["workers"] = "gw-1", tt.workers
			if tt.listed {
				j.plugin = pluginPath(t)
			}
			j.append(sampleEvents(t))
			p := j.start()
			s.awaitTaken(j.port, strings.Count(string(sampleEvents(t)), "\n"))
			s.must(p.Stop(s.ctx)) // SIGTERM: all of it is in the bucket then
			s.wantSampleOfFluentBit(tt.format, tt.ext)
		})
	}
}

// wantSampleOfFluentBit is wantSample for records that went through Fluent Bit,
// which keeps the order of nested keys and sets the time of those without one.
func (s *site) wantSampleOfFluentBit(format, ext string) {
	s.Helper()
	got := map[string][]string{}
	for _, o := range s.objects() {
		key := defaultKey.FindStringSubmatch(o.Key)
		if key == nil || !strings.HasSuffix("."+key[2], ext) {
			s.Fatalf("key %s", o.Key)
		}
		lines, err := readBack(key[1], o)
		s.must(err)
		got[key[1]] = append(got[key[1]], lines...)
	}
	for category, lines := range got {
		for i := range lines {
			lines[i] = sortedKeys(s.T, fluentBitTime.ReplaceAllString(lines[i], `{"timestamp":"2026-11-20T10:12:49.250Z"$1`))
		}
		got[category] = lines
	}
	s.compareGolden(got, format)
}

// fluentBitTime is the start of the event that has no time of its own.
var fluentBitTime = regexp.MustCompile(`^\{"timestamp":"[^"]*"(,"log_type":"noncompliant","details":"No timestamp: )`)

// nested is a value that is JSON in a string, or a rejected record.
var nested = regexp.MustCompile(`("details":"|"record":)(\{.*\})(",|\}$)`)

// sortedKeys sorts the keys of what is nested in a line, as chunk does.
func sortedKeys(t *testing.T, line string) string {
	t.Helper()
	m := nested.FindStringSubmatchIndex(line)
	if m == nil {
		return line
	}
	text := line[m[4]:m[5]]
	quoted := line[m[2]:m[3]] == `"details":"`
	if quoted {
		text = strings.ReplaceAll(text, `\"`, `"`)
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	sorted, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	text = string(sorted)
	if quoted {
		text = strings.ReplaceAll(text, `"`, `\"`)
	}
	return line[:m[4]] + text + line[m[5]:]
}

func TestFluentBitDryRunTouchesNothing(t *testing.T) {
	t.Parallel()
	program := fluentbit.Need(t)
	for _, yaml := range []bool{false, true} {
		s := newSite(t)
		j := s.job(yaml)
		j.write()
		config := filepath.Join(j.dir, map[bool]string{false: "c.conf", true: "c.yaml"}[yaml])
		s.must(os.WriteFile(config, []byte(j.text()), 0o600))
		cmd := exec.CommandContext(s.ctx, program, "-e", pluginPath(t), "-c", config, "--dry-run")
		cmd.Dir, cmd.Env = j.dir, append(cmd.Environ(), noAccounts...)
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "configuration test is successful") {
			t.Errorf("%v\n%s", err, out)
		}
		if _, err := os.Stat(j.output["store_dir"]); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("store_dir: %v", err)
		}
	}
}

func TestFluentBitHotReloadLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	fluentbit.Need(t)
	s := newSite(t)
	j := s.job(false)
	j.output["s3_key_format"] = "old/$CATEGORY-$UUID"
	p := j.start("-Y")
	const part = 5000
	j.append(events.Set(1).Records(0, part))
	s.awaitTaken(j.port, 1) // in mid-stream
	j.append(events.Set(1).Records(part, 2*part))
	j.output["s3_key_format"], j.output["format"] = "new/$CATEGORY-$UUID", "syslog"
	s.must(p.Reload(s.ctx, j.text()))
	j.append(events.Set(1).Records(2*part, 3*part))
	s.awaitLines(3 * part)
	s.must(p.Stop(s.ctx))
	s.wantEvents(1, 3*part)
	s.wantExts(map[string]string{"old": "json.gz", "new": "log.gz"})
}

// Fluent Bit is killed while it flushes many chunks: some are only read, some are
// on their way, some were stored and Fluent Bit has not taken note of it.
func TestFluentBitCrashLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	fluentbit.Need(t)
	s := newSite(t)
	j := s.job(true)
	const files, each = 50, 100
	j.file, j.tag, j.flush = filepath.Join(j.dir, "*.ndjson"), "siem.*", "2" // a chunk for each file
	n := 0
	for range 3 {
		for i := range files {
			j.appendTo(filepath.Join(j.dir, strconv.Itoa(i)+".ndjson"), events.Set(1).Records(n, n+each))
			n += each
		}
		p := j.start()
		// What is in a chunk of Fluent Bit's but not yet in the database of tail
		// would be read again: that gap is not ours.
		s.awaitRead(j.port, files*each)
		s.awaitSegment(j.output["store_dir"])
		p.Kill()
	}
	p := j.start()
	s.awaitLines(n)
	s.must(p.Stop(s.ctx))
	s.wantEvents(1, n)
}

// awaitSegment waits until the plugin has stored something.
func (s *site) awaitSegment(storeDir string) {
	s.Helper()
	for range time.Tick(time.Millisecond) {
		segments, err := filepath.Glob(filepath.Join(storeDir, "*.seg"))
		s.must(err)
		if len(segments) > 0 {
			return
		}
		s.must(s.ctx.Err())
	}
}

// A bad setting stops Fluent Bit's start, and what it says of it is enough.
func TestFluentBitDoesNotStartWithABadSetting(t *testing.T) {
	t.Parallel()
	program := fluentbit.Need(t)
	s := newSite(t)
	j := s.job(false)
	j.output["compression"] = "lz4"
	j.write()
	_, err := fluentbit.Start(s.ctx, program, fluentbit.Config{Dir: j.dir, Text: j.text(), Plugins: []string{pluginPath(t)}, Env: noAccounts})
	if err == nil || !strings.Contains(err.Error(), `compression "lz4": want gzip, zstd or none`) {
		t.Errorf("got %v", err)
	}
}
