package packaging

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A block is fenced text of a document.
type block struct{ language, text string }

var fence = regexp.MustCompile("(?ms)^( *)```(\\w*)\n(.*?)^ *```$")

// blocks returns those of a document; one in a list is indented with it.
func blocks(text string) (all []block) {
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		all = append(all, block{m[2], strings.ReplaceAll("\n"+m[3], "\n"+m[1], "\n")[1:]})
	}
	return all
}

// fluentBit says whether the block is a configuration that has an output of the
// plugin and so can be checked. Parts of one, such as an [OUTPUT] alone, are: they
// get an input and the plugin from here.
func (b block) fluentBit() (c config, ok bool) {
	const service = "[SERVICE]\n    plugins_file plugins.conf\n[INPUT]\n    name dummy\n"
	switch {
	case !strings.Contains(b.text, "siem_s3"):
		return c, false
	case b.language == "yaml" && strings.Contains(b.text, "pipeline:"):
		return config{text: b.text, yaml: true}, true
	case strings.Contains(b.text, "[SERVICE]"):
		return config{text: b.text}, true
	case strings.Contains(b.text, "[OUTPUT]"):
		return config{text: service + b.text}, true
	}
	return c, false
}

// What the documents show of Fluent Bit's configuration starts.
func TestConfigurationsOfTheDocumentsStand(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range append(files, filepath.Join(root, "README.md")) {
		name, _ := filepath.Rel(root, file)
		for i, b := range blocks(read(t, name)) {
			c, ok := b.fluentBit()
			if !ok {
				continue
			}
			seen++
			t.Run(fmt.Sprint(filepath.Base(name), "/", i+1), func(t *testing.T) {
				t.Parallel()
				c.check(t)
			})
		}
	}
	if seen < 4 {
		t.Errorf("only %d configurations found", seen)
	}
}

// A link to a file of this repository leads to one.
func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	top, _ := filepath.Glob(filepath.Join(root, "*.md"))
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, file := range append(files, top...) {
		name, _ := filepath.Rel(root, file)
		for _, m := range link.FindAllStringSubmatch(read(t, name), -1) {
			exists(t, filepath.Join(filepath.Dir(name), m[1]))
		}
	}
}
