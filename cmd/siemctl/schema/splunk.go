package schema

import (
	"strconv"
	"strings"

	"siem-s3/event"
)

// splunk writes props.conf and transforms.conf, each behind a line with its name
// (Splunk Enterprise Admin Manual, "props.conf" and "transforms.conf").
func splunk(w *writer, o *Options) error {
	w.line("# props.conf")
	var transforms []string
	for _, c := range o.eventCategories() {
		transforms = append(transforms, "siem_s3_"+c.String())
	}
	if len(transforms) > 0 {
		w.stanza("siem_s3:json", `^\{"timestamp":"`)
		w.line("KV_MODE = json")
		w.evals(o.eventCategories())
		w.stanza("siem_s3:syslog", `^<\d{1,3}>1\s`)
		w.line("KV_MODE = none")
		w.line("REPORT-siem_s3 = %s", strings.Join(transforms, ", "))
		w.evals(o.eventCategories())
	}
	if len(transforms) < len(o.Categories) {
		w.stanza("siem_s3:rejected", `^\{"received_at":"`)
		w.line("KV_MODE = json")
	}
	if len(transforms) > 0 {
		w.line("")
		w.line("# transforms.conf")
		w.line(`# The values of parameters keep the backslash before ", \ and ] (RFC 5424).`)
	}
	for _, c := range o.eventCategories() {
		w.line("")
		w.line("[siem_s3_%s]", c)
		w.line("REGEX = ^%s$", syslogLine(c, func(name, pattern string) string { return "(?<" + name + ">" + pattern + ")" }))
	}
	return nil
}

// stanza begins that of a source type, whose times stand behind prefix.
func (w *writer) stanza(name, prefix string) {
	w.line("")
	w.line("[%s]", name)
	w.line("SHOULD_LINEMERGE = false")
	w.line(`LINE_BREAKER = ([\r\n]+)`)
	w.line("TRUNCATE = 0")
	w.line("CHARSET = UTF-8")
	w.line("TIME_PREFIX = %s", prefix)
	w.line("TIME_FORMAT = %%Y-%%m-%%dT%%H:%%M:%%S.%%3NZ")
	w.line("MAX_TIMESTAMP_LOOKAHEAD = 24")
	w.line("TZ = UTC")
}

// evals adds the fields of Splunk's Common Information Model, and the severity.
func (w *writer) evals(categories []event.Category) {
	var cases []string
	for _, t := range event.Types() {
		for _, c := range categories {
			if t.Category() == c {
				cases = append(cases, `log_type=="`+t.String()+`", `+strconv.Itoa(int(t.Severity())))
			}
		}
	}
	w.line("EVAL-severity_id = case(%s)", strings.Join(cases, ", "))
	w.line("EVAL-user = coalesce(device_username, admin_name)")
	w.line("EVAL-dest = device_name")
	w.line(`EVAL-vendor_product = "siem-s3"`)
}
