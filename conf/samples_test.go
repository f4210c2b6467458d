package conf

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"siem-s3/event"
)

func sample(t *testing.T, name string) []byte {
	t.Helper()
	content, err := Samples.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// classicLines reads the "key value" lines of Fluent Bit's classic format.
func classicLines(text string) map[string]string {
	settings := make(map[string]string)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if key, value, ok := strings.Cut(line, " "); ok && line[0] != '#' {
			settings[key] = strings.TrimSpace(value)
		}
	}
	return settings
}

// classicSections returns the settings of each section of that name.
func classicSections(text, name string) (all []map[string]string) {
	for _, section := range regexp.MustCompile(`(?m)^\[`).Split(text, -1) {
		if body, ok := strings.CutPrefix(section, name+"]"); ok {
			all = append(all, classicLines(body))
		}
	}
	return all
}

type configuration struct {
	Plugins  []string            `yaml:"plugins"`
	Service  map[string]string   `yaml:"service"`
	Parsers  []map[string]string `yaml:"parsers"`
	Pipeline struct {
		Inputs  []map[string]string `yaml:"inputs"`
		Outputs []map[string]string `yaml:"outputs"`
	} `yaml:"pipeline"`
}

func yamlSample(t *testing.T) (c configuration) {
	t.Helper()
	if err := yaml.Unmarshal(sample(t, "fluent-bit.yaml"), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func classicSample(t *testing.T) (c configuration) {
	t.Helper()
	text := string(sample(t, "fluent-bit.conf"))
	c.Service = classicSections(text, "SERVICE")[0]
	c.Pipeline.Inputs = classicSections(text, "INPUT")
	c.Pipeline.Outputs = classicSections(text, "OUTPUT")
	c.Parsers = classicSections(string(sample(t, "parsers.conf")), "PARSER")
	for _, plugin := range classicSections(string(sample(t, "plugins.conf")), "PLUGINS") {
		c.Plugins = append(c.Plugins, plugin["path"])
	}
	return c
}

func TestSamplesSayTheSameInBothFormats(t *testing.T) {
	classic, yaml := classicSample(t), yamlSample(t)
	for _, file := range []string{"parsers_file", "plugins_file"} {
		if _, err := Samples.Open(classic.Service[file]); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		delete(classic.Service, file)
	}
	if !maps.Equal(classic.Service, yaml.Service) {
		t.Errorf("service:\n%v\n%v", classic.Service, yaml.Service)
	}
	if !slices.Equal(classic.Plugins, yaml.Plugins) {
		t.Errorf("plugins:\n%v\n%v", classic.Plugins, yaml.Plugins)
	}
	for name, pair := range map[string][2][]map[string]string{
		"inputs":  {classic.Pipeline.Inputs, yaml.Pipeline.Inputs},
		"outputs": {classic.Pipeline.Outputs, yaml.Pipeline.Outputs},
		"parsers": {classic.Parsers, yaml.Parsers},
	} {
		if !slices.EqualFunc(pair[0], pair[1], maps.Equal) {
			t.Errorf("%s:\n%v\n%v", name, pair[0], pair[1])
		}
	}
}

func TestSampleOutputsStand(t *testing.T) {
	main := yamlSample(t).Pipeline.Outputs[0]
	alerts := classicSections(string(sample(t, "alerts.conf")), "OUTPUT")[0]
	withSecretFiles(t, alerts)
	tests := []struct {
		name   string
		output map[string]string
		env    map[string]string
	}{
		{"Amazon S3", main, map[string]string{"SIEM_S3_BUCKET": "acme-siem-logs", "SIEM_S3_REGION": "eu-central-1"}},
		{"another server", main, map[string]string{"SIEM_S3_BUCKET": "acme-siem-logs", "SIEM_S3_ENDPOINT": "http://127.0.0.1:9000"}},
		{"alerts", alerts, map[string]string{
			"SIEM_S3_BUCKET": "acme-siem-logs", "SIEM_SMTP_HOST": "mail.example.com", "SIEM_SMTP_USER": "siem",
			"SIEM_ALERTS_FROM": "SIEM <siem@example.com>", "SIEM_ALERTS_TO": "security@example.com, oncall@example.com",
		}},
	}
	for _, test := range tests {
		for key := range test.output {
			if _, ok := Lookup(key); !ok && !HostKey(key) {
				t.Errorf("%s: there is no setting %s", test.name, key)
			}
		}
		// As Fluent Bit does it: a variable that is not set is empty.
		expand := regexp.MustCompile(`\$\{(\w+)\}`)
		_, err := Parse(func(key string) string {
			return expand.ReplaceAllStringFunc(test.output[key], func(s string) string { return test.env[s[2:len(s)-1]] })
		})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// What the main samples say how to alert stands in the place of notify off.
func TestAlertsOfTheCommentsStand(t *testing.T) {
	for _, name := range []string{"fluent-bit.conf", "fluent-bit.yaml"} {
		settings := map[string]string{"bucket": "acme-siem-logs"}
		for _, line := range regexp.MustCompile(`(?m)^ *#   (\w+):? +(.*)$`).FindAllStringSubmatch(string(sample(t, name)), -1) {
			if _, ok := Lookup(line[1]); ok {
				settings[line[1]] = line[2]
			}
		}
		c, err := Parse(func(key string) string { return settings[key] })
		if err != nil || c.Notify.SMTP.Host == "" {
			t.Errorf("%s: %v, %v", name, settings, err)
		}
	}
}

func TestSamplesFollowTheAdvice(t *testing.T) {
	in := make(map[string][]map[string]string)
	for _, name := range []string{"fluent-bit.conf", "alerts.conf"} { // the YAML says the same
		for _, section := range []string{"SERVICE", "INPUT", "OUTPUT"} {
			in["["+section+"]"] = append(in["["+section+"]"], classicSections(string(sample(t, name)), section)...)
		}
	}
	for _, a := range hostAdvice {
		key, want, _ := strings.Cut(a.setting, " ")
		for _, settings := range in[a.section] {
			if got := settings[key]; got != want {
				t.Errorf("%s %s is %q, the reference says %q", a.section, key, got, want)
			}
		}
	}
}

// The sample events show everything that the schema knows, and what becomes of
// records that it does not.
func TestSampleEventsCoverTheSchema(t *testing.T) {
	lines := bytes.Split(bytes.TrimSpace(sample(t, "sample-events.ndjson")), []byte("\n"))
	if len(lines) < 40 {
		t.Errorf("only %d events", len(lines))
	}
	seen := make(map[event.LogType]bool)
	unknown := 0
	for i, line := range lines {
		var record map[string]any
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		name, _ := record["log_type"].(string)
		logType, ok := event.Lookup([]byte(name))
		if !ok {
			unknown++
		}
		seen[logType] = true
		for _, address := range regexp.MustCompile(`[\w.]+@[\w.]+\w`).FindAllString(string(line), -1) {
			if !strings.HasSuffix(address, "@example.com") {
				t.Errorf("line %d: %s may be somebody's", i+1, address)
			}
		}
	}
	for _, logType := range event.Types() {
		if !seen[logType] {
			t.Errorf("no event is %s", logType)
		}
	}
	if unknown < 3 {
		t.Errorf("only %d records without a known log type", unknown)
	}
}
