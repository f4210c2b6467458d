package conf

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What docs/alerts.md shows can be copied, and the settings it speaks of are there.
func TestGuideToAlertsStands(t *testing.T) {
	text, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "\n```conf\n")[1:]
	if len(blocks) < 5 {
		t.Errorf("only %d configurations", len(blocks))
	}
	for _, part := range blocks {
		block, _, _ := strings.Cut(part, "```")
		settings := classicLines(block)
		for key := range settings {
			if _, ok := Lookup(key); !ok {
				t.Errorf("there is no setting %s", key)
			}
		}
		settings["bucket"] = "acme-siem-logs"
		withSecretFiles(t, settings)
		if _, err := Parse(func(key string) string { return settings[key] }); err != nil {
			t.Errorf("%s%v", block, err)
		}
	}
	for _, name := range regexp.MustCompile("`((?:smtp|webhook|notify|log|store)_\\w+)\\b").FindAllStringSubmatch(string(text), -1) {
		if _, ok := Lookup(name[1]); !ok && name[1] != "log_type" {
			t.Errorf("there is no setting %s", name[1])
		}
	}
}
