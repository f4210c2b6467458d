package schema

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"siem-s3/event"
	"siem-s3/formatter"
)

// expand makes a regular expression of a grok pattern. Dots in names, which Go
// does not allow, become two underscores.
func expand(t *testing.T, pattern string, definitions map[string]string) *regexp.Regexp {
	t.Helper()
	use := regexp.MustCompile(`%\{(\w+)(?::([\w.]+))?\}`)
	for use.MatchString(pattern) {
		pattern = use.ReplaceAllStringFunc(pattern, func(s string) string {
			m := use.FindStringSubmatch(s)
			definition, known := definitions[m[1]]
			if !known {
				t.Fatalf("no pattern %s", m[1])
			}
			if m[2] == "" {
				return "(?:" + definition + ")"
			}
			return "(?P<" + strings.ReplaceAll(m[2], ".", "__") + ">" + definition + ")"
		})
	}
	return regexp.MustCompile(pattern)
}

// syslogLines returns each event of the test by its line.
func syslogLines(t *testing.T) map[string]*event.Event {
	t.Helper()
	s, err := formatter.NewSyslog(formatter.SyslogOptions{Hostname: "gw-1", AppName: "siem_s3", Facility: 13, EnterpriseID: "32473.1"})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*event.Event{}
	for _, lt := range event.Types() {
		for _, e := range []*event.Event{sample(lt), sample(lt, lt.Category().Fields()...)} {
			all[strings.TrimSuffix(string(s.Append(nil, e)), "\n")] = e
		}
	}
	return all
}

var escape = regexp.MustCompile(`\\(["\\\]])`)

// checkCaptures matches every line with the expression of its category, and with
// no other, and compares what is captured.
func checkCaptures(t *testing.T, prefix string, of map[event.Category]*regexp.Regexp) {
	t.Helper()
	for line, e := range syslogLines(t) {
		for c, expression := range of {
			m := expression.FindStringSubmatch(line)
			if (m != nil) != (c == e.Category()) {
				t.Errorf("%s as %s: %q", line, c, m)
			}
			if m == nil {
				continue
			}
			for _, f := range c.Fields() {
				got := m[expression.SubexpIndex(prefix+f.String())]
				if f != event.Details {
					got = escape.ReplaceAllString(got, "$1")
				}
				if got != string(e.Get(f)) {
					t.Errorf("%s: %s is %q", line, f, got)
				}
			}
		}
	}
}

func TestGrokReadsEveryLine(t *testing.T) {
	definitions := map[string]string{}
	for line := range strings.Lines(written(t, "grok", options())) {
		if name, pattern, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok && name != "#" {
			definitions[name] = pattern
		}
	}
	checkCaptures(t, "", map[event.Category]*regexp.Regexp{
		event.Device:  expand(t, "^%{SIEM_DEVICE}$", definitions),
		event.Account: expand(t, "^%{SIEM_ACCOUNT}$", definitions),
	})
}

func TestSplunkTransformsReadEveryLine(t *testing.T) {
	found := regexp.MustCompile(`(?m)^\[siem_s3_(\w+)\]\nREGEX = (.*)$`).FindAllStringSubmatch(written(t, "splunk-props", options()), -1)
	of := map[event.Category]*regexp.Regexp{}
	for i, m := range found {
		of[allCategories[i]] = regexp.MustCompile(m[2])
		if m[1] != allCategories[i].String() {
			t.Errorf("%s is number %d", m[1], i)
		}
	}
	if len(of) != 2 {
		t.Fatalf("%d transforms", len(of))
	}
	checkCaptures(t, "", of)
}

// elasticOutput is the part of it that the tests look at.
type elasticOutput struct {
	IndexTemplate struct {
		Template struct {
			Mappings struct {
				Properties map[string]struct {
					Properties map[string]struct {
						Type string
					}
				}
			}
		}
	} `json:"index_template"`
	Pipeline struct {
		Processors []map[string]struct {
			Field       string
			CopyFrom    string `json:"copy_from"`
			Pattern     string
			Patterns    []string
			Definitions map[string]string `json:"pattern_definitions"`
			Params      struct{ Severity map[string]event.Severity }
		}
	} `json:"ingest_pipeline"`
}

func TestElasticNamesEveryColumnAndLogType(t *testing.T) {
	var out elasticOutput
	if err := json.Unmarshal([]byte(written(t, "elastic", options())), &out); err != nil {
		t.Fatal(err)
	}
	siem := out.IndexTemplate.Template.Mappings.Properties["siem"].Properties
	for _, c := range allCategories {
		for _, name := range columns(c) {
			if siem[name].Type == "" {
				t.Errorf("no mapping of siem.%s", name)
			}
		}
	}
	of := map[event.Category]*regexp.Regexp{}
	for _, p := range out.Pipeline.Processors {
		if g, ok := p["grok"]; ok {
			for i, pattern := range g.Patterns {
				of[allCategories[i]] = expand(t, pattern, g.Definitions)
			}
		}
		if g, ok := p["gsub"]; ok && g.Pattern != escape.String() {
			t.Errorf("%s: the pattern is %s", g.Field, g.Pattern)
		}
		if s, ok := p["set"]; ok && s.CopyFrom != "message" && siem[strings.TrimPrefix(s.CopyFrom, "siem.")].Type == "" {
			t.Errorf("%s is copied from %s, which is nowhere", s.Field, s.CopyFrom)
		}
		if s, ok := p["script"]; ok {
			for _, lt := range event.Types() {
				if s.Params.Severity[lt.String()] != lt.Severity() {
					t.Errorf("%s has severity %d", lt, s.Params.Severity[lt.String()])
				}
			}
		}
	}
	if len(of) != 2 {
		t.Fatalf("%d grok patterns", len(of))
	}
	checkCaptures(t, "siem__", of)
}
