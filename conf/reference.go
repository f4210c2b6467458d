package conf

import (
	"fmt"
	"io"
	"strings"
)

//go:generate go test -run UpToDate|Explained -update .

const referenceIntro = `<!-- Generated from the table of settings in conf/. Run "go generate ./conf" after changing it. -->

# Configuration

These are the settings of an ` + "`[OUTPUT]`" + ` with ` + "`name siem_s3`" + `. Two things must be said: the ` + "`bucket`" + `, and
which events alert whom, or ` + "`notify off`" + `. The smallest output to start with is:

` + "```" + `
[OUTPUT]
    name         siem_s3
    match        *
    workers      1
    retry_limit  no_limits
    bucket       acme-siem-logs
    region       eu-central-1
    notify       off
` + "```" + `

In YAML the same settings are keys of an item of ` + "`pipeline.outputs`" + `. Complete samples are
[fluent-bit.conf](../conf/fluent-bit.conf) and [fluent-bit.yaml](../conf/fluent-bit.yaml), and
[alerts.conf](../conf/alerts.conf) with alerts by e-mail and webhook.

A setting that cannot stand stops the start, with one message that names every such setting, its value and
what is allowed. A setting whose name is misspelt is different: Fluent Bit accepts any name, and the plugin
cannot see it.

How values are written:

- A **duration** is a whole number with ` + "`s`, `m`, `h` or `d`" + `, such as ` + "`5m`" + `; a plain number is in seconds.
- A **size** is a number with ` + "`K`, `M` or `G`" + `, such as ` + "`50M` or `1.5G`" + `; a plain number is in bytes. As everywhere in
  Fluent Bit, K is 1000 bytes, and ` + "`KB`" + ` is the same as ` + "`K`" + `.
- **On or off** is also ` + "`true` or `false`, `yes` or `no`" + `.
- Where a list of values is given, case does not matter.
- ` + "`${NAME}`" + ` stands for an environment variable. A setting that comes out empty counts as not set.
- A setting marked *secret* is never shown in a log or a message.
`

// WriteReference writes the reference of all settings, in Markdown.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString(referenceIntro)
	for _, section := range table {
		section.write(&b)
	}
	writeHost(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Section) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n", s.Title)
	if s.Intro != "" {
		fmt.Fprintf(b, "%s\n\n", s.Intro)
	}
	b.WriteString("| setting | default | allowed | what it does |\n|---|---|---|---|\n")
	for _, key := range s.Keys {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", key.Name, key.defaultCell(), cell(key.allowedCell()), cell(key.Doc))
	}
	fmt.Fprintf(b, "\nExample:\n\n```%s\n```\n", s.Example)
}

func (k Key) defaultCell() string {
	switch {
	case k.Required:
		return "**required**"
	case k.Default != "":
		return "`" + cell(k.Default) + "`"
	}
	return cell(k.Unset)
}

func (k Key) allowedCell() string {
	text := k.Want()
	if allowed := k.Allowed(); allowed != nil {
		for i, value := range allowed {
			allowed[i] = "`" + value + "`"
		}
		text = either(allowed)
	}
	if k.Secret {
		text += " (*secret*)"
	}
	return text
}

func writeHost(b *strings.Builder) {
	b.WriteString("\n## Settings of Fluent Bit that matter\n\n" +
		"Whether events can be lost before the plugin has them is up to these. The samples follow them all.\n\n" +
		"| where | setting | why |\n|---|---|---|\n")
	for _, a := range hostAdvice {
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", a.section, a.setting, cell(a.why))
	}
	kept := make([]string, len(hostKeys))
	for i, key := range hostKeys {
		kept[i] = "`" + key + "`"
		if strings.HasSuffix(key, ".") {
			kept[i] = "`" + key + "*`"
		}
	}
	fmt.Fprintf(b, "\nFluent Bit keeps these settings of an output for itself, and the plugin neither sees nor uses them beyond "+
		"that: %s. TLS to S3 is on with every `https://` endpoint.\n", strings.Join(kept, ", "))
}

// cell escapes what would end a cell of a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
