package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"siem-s3/test/fluentbit"
)

// A job is a configuration of a real Fluent Bit: a file is tailed, and an output
// is ours.
type job struct {
	site   *site
	dir    string
	file   string // to be tailed, or a pattern
	tag    string
	flush  string // seconds between flushes
	yaml   bool
	port   string // of Fluent Bit's own metrics
	plugin string // of plugins_file or plugins:, "" if -e names it
	output map[string]string
}

func (s *site) job(yaml bool) *job {
	s.Helper()
	dir := s.TempDir()
	return &job{
		site: s, dir: dir, file: filepath.Join(dir, "events.ndjson"), tag: "siem.file", flush: "0.5",
		yaml: yaml, port: freePort(s.T), output: s.settings("workers", "1"),
	}
}

// freePort returns a port that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// A section is a name and its settings, in pairs.
type section struct {
	name string
	keys []string
}

func (j *job) sections() []section {
	output := []string{"name", "siem_s3", "match", "*", "retry_limit", "no_limits"}
	for _, key := range slices.Sorted(maps.Keys(j.output)) {
		output = append(output, key, j.output[key])
	}
	return []section{
		{"service", []string{
			"flush", j.flush, "grace", "30", "log_level", "info", "parsers_file", "parsers.conf",
			"storage.path", filepath.Join(j.dir, "storage"), "storage.sync", "full",
			"http_server", "on", "http_listen", "127.0.0.1", "http_port", j.port,
		}},
		{"input", []string{
			"name", "tail", "tag", j.tag, "path", j.file, "parser", "json", "db", filepath.Join(j.dir, "tail.db"),
			"read_from_head", "on", "refresh_interval", "1", "storage.type", "filesystem",
		}},
		{"output", output},
	}
}

// text is the configuration in its format.
func (j *job) text() string {
	if j.yaml {
		return j.yamlText()
	}
	var b strings.Builder
	for _, s := range j.sections() {
		fmt.Fprintf(&b, "[%s]\n", strings.ToUpper(s.name))
		if s.name == "service" && j.plugin != "" {
			b.WriteString("    plugins_file plugins.conf\n")
		}
		writeKeys(&b, s.keys, "    ", "    ", "%s %s\n")
	}
	return b.String()
}

func (j *job) yamlText() string {
	var b strings.Builder
	sections := j.sections()
	b.WriteString("service:\n")
	writeKeys(&b, sections[0].keys, "  ", "  ", "%s: %q\n")
	b.WriteString("pipeline:\n")
	for _, s := range sections[1:] {
		fmt.Fprintf(&b, "  %ss:\n", s.name)
		writeKeys(&b, s.keys, "    - ", "      ", "%s: %q\n")
	}
	if j.plugin != "" {
		fmt.Fprintf(&b, "plugins:\n  - %s\n", j.plugin)
	}
	return b.String()
}

// writeKeys writes settings, one a line, the first after another indent.
func writeKeys(b *strings.Builder, keys []string, first, indent, format string) {
	for i := 0; i < len(keys); i += 2 {
		if i > 0 {
			first = indent
		}
		fmt.Fprintf(b, first+format, keys[i], keys[i+1])
	}
}

// write makes the files that the configuration refers to.
func (j *job) write() {
	j.site.Helper()
	for name, text := range map[string]string{
		"parsers.conf": "[PARSER]\n    name json\n    format json\n",
		"plugins.conf": "[PLUGINS]\n    path " + j.plugin + "\n",
	} {
		j.site.must(os.WriteFile(filepath.Join(j.dir, name), []byte(text), 0o600))
	}
}

// start starts Fluent Bit, which is killed when the test is over.
func (j *job) start(args ...string) *fluentbit.Process {
	j.site.Helper()
	j.write()
	c := fluentbit.Config{Dir: j.dir, Text: j.text(), YAML: j.yaml, Args: args, Env: noAccounts}
	if j.plugin == "" {
		c.Plugins = []string{pluginPath(j.site.T)}
	}
	return j.site.startFluentBit(c)
}

func (s *site) startFluentBit(c fluentbit.Config) *fluentbit.Process {
	s.Helper()
	p, err := fluentbit.Start(s.ctx, fluentbit.Need(s.T), c)
	s.must(err)
	s.Cleanup(func() {
		p.Kill()
		if s.Failed() {
			s.Logf("log of Fluent Bit:\n%s", p.Log)
		}
	})
	return p
}

// append appends records to the file that is tailed.
func (j *job) append(records []byte) {
	j.site.Helper()
	j.appendTo(j.file, records)
}

func (j *job) appendTo(file string, records []byte) {
	j.site.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	j.site.must(err)
	_, err = f.Write(records)
	j.site.must(errors.Join(err, f.Close()))
}

// metrics are what Fluent Bit says of itself (/api/v1/metrics).
type metrics struct {
	Input map[string]struct {
		Records int `json:"records"`
	} `json:"input"`
	Output map[string]struct {
		Records int `json:"proc_records"`
		Dropped int `json:"dropped_records"`
	} `json:"output"`
}

var plainClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func (s *site) metrics(port string) (m metrics, err error) {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, "http://127.0.0.1:"+port+"/api/v1/metrics", http.NoBody)
	if err != nil {
		return m, err
	}
	resp, err := plainClient.Do(req)
	if err != nil {
		return m, err
	}
	defer resp.Body.Close()
	return m, json.NewDecoder(resp.Body).Decode(&m)
}

// awaitRead waits until that many records were read from files since the start.
func (s *site) awaitRead(port string, n int) {
	s.Helper()
	s.until(func() error {
		m, err := s.metrics(port)
		if err == nil && m.Input["tail.0"].Records < n {
			err = fmt.Errorf("%d records of %d are read", m.Input["tail.0"].Records, n)
		}
		return err
	})
}

// awaitTaken waits until the plugin has taken that many records since the start.
func (s *site) awaitTaken(port string, n int) {
	s.Helper()
	s.until(func() error {
		m, err := s.metrics(port)
		if err == nil && m.Output["siem_s3.0"].Records < n {
			err = fmt.Errorf("%d records of %d are taken", m.Output["siem_s3.0"].Records, n)
		}
		return err
	})
}
