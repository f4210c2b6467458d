package schema

import (
	"fmt"
	"io"
	"strings"

	"siem-s3/event"
)

//go:generate go test -run UpToDate -update .

const referenceHead = "<!-- Generated from the schema in event/. Run \"go generate ./cmd/siemctl/schema\" after changing it. -->\n" + `
# The schema

An object holds events of one category, or rejected records: records that could not be made events, kept whole.
Everything is UTF-8, an event or record on a line of its own, and lines end with LF.

- As **JSON**, a line is an object with all columns of its category, in this order. Values are strings, and ` + "`\"\"`" + ` if
  the event does not carry one; only ` + "`record`" + ` is JSON of any shape.
- As **SYSLOG**, a line is an RFC 5424 message: MSGID is the log type, MSG the details, the timestamp that of the header,
  and all other columns are parameters of the one structured data element, ` + "`device@…` or `account@…`" + `. In their
  values a backslash stands before ` + "`\"`, `\\` and `]`" + `. Control characters are written ` + "`#` and three octal digits, a line feed `#012`" + `.
- Rejected records are JSON whatever the format of events is.
- Times are UTC with milliseconds, such as ` + "`2026-11-22T08:00:00.123Z`" + `: as texts they sort as times.
`

const referenceTools = `
## For other tools

` + "`siemctl schema`" + ` prints the schema as a tool wants it, made from the same tables as this page and from the key format
of a configuration (` + "`-c`" + `), of ` + "`--key-format`" + `, or the default one:

| flag | what it prints |
|---|---|
| ` + "`--json-schema`" + ` | JSON Schema 2020-12 of a line |
| ` + "`--athena`, `--trino`" + ` | a table for each category, with partition projection from ` + "`--from`" + ` on, and a view of it |
| ` + "`--clickhouse`, `--duckdb`" + ` | a view for each category; with ` + "`--dir`" + `, DuckDB reads downloaded objects |
| ` + "`--grok`" + ` | patterns of the lines of SYSLOG |
| ` + "`--splunk-props`" + ` | props.conf and transforms.conf, with the source types siem_s3:json, siem_s3:syslog and siem_s3:rejected |
| ` + "`--elastic`" + ` | an index template and an ingest pipeline, in one JSON object |

The views are ` + "`siem_device`, `siem_account` and `siem_rejected`" + `: all columns, ` + "`time`" + ` as a time, ` + "`severity`" + ` as a number,
the partitions of the layout, and ` + "`object`" + `, where a line is from. Say which partitions you want, and nothing else is read:

    SELECT time, device_name, details FROM siem_device
    WHERE dt >= '2026-11-16' AND log_type = 'process_scan_infection_found' ORDER BY time;

The databases read JSON. Athena and Trino need folders that are partitions, ` + "`name=value`" + `, as the default layout has; of
those whose values nobody can foretell, such as ` + "`device_group=$device_group`" + `, each query has to say which. Where a
partition has the name of a column it takes its place: a value in a key is percent-encoded and cut at 96 bytes.

To take lines into Elasticsearch:

    siemctl schema --elastic | jq .ingest_pipeline | curl -X PUT -H 'Content-Type: application/json' --data-binary @- $ES/_ingest/pipeline/siem-s3
    siemctl schema --elastic | jq .index_template | curl -X PUT -H 'Content-Type: application/json' --data-binary @- $ES/_index_template/siem-s3
`

// WriteReference writes the schema for people, in Markdown.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, c := range []event.Category{event.Device, event.Account, event.Rejected} {
		fmt.Fprintf(&b, "\n## %s\n\n| column | what it holds |\n|---|---|\n", referenceTitle(c))
		for _, name := range columns(c) {
			fmt.Fprintf(&b, "| `%s` | %s |\n", name, descriptions[name])
		}
	}
	b.WriteString("\n## Log types\n\nThe severity is that of RFC 5424 section 6.2.1, from 0, the worst, to 7.\n\n| log type | category | what happened | severity |\n|---|---|---|---|\n")
	for _, t := range event.Types() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %d %s |\n", t, t.Category(), t.Meaning(), t.Severity(), severityNames[t.Severity()])
	}
	b.WriteString(referenceTools)
	_, err := io.WriteString(w, b.String())
	return err
}

func referenceTitle(c event.Category) string {
	if c == event.Rejected {
		return "Rejected records"
	}
	name := c.String()
	return strings.ToUpper(name[:1]) + name[1:] + " events"
}

var severityNames = map[event.Severity]string{
	event.Alert: "alert", event.Critical: "critical", event.Warning: "warning", event.Notice: "notice", event.Info: "informational",
}
