package schema

import (
	"siem-s3/event"
)

// elastic writes an object with an index template and an ingest pipeline, each
// to be put under the name siem-s3. The pipeline takes lines in message, JSON or
// SYSLOG; what they say goes to siem.*, and to the fields of the Elastic Common
// Schema where there are some.
func elastic(w *writer, o *Options) error {
	return w.json(object{"index_template": indexTemplate(o), "ingest_pipeline": ingestPipeline(o)})
}

func indexTemplate(o *Options) object {
	siem := object{}
	for _, c := range o.Categories {
		for _, name := range columns(c) {
			siem[name] = elasticType(c, name)
		}
	}
	for _, name := range []string{"priority", "hostname", "app_name"} {
		siem[name] = object{"type": "keyword", "ignore_above": keywordLength}
	}
	return object{
		"index_patterns": []string{"siem-s3*"},
		"priority":       200,
		"template": object{
			"settings": object{"index.default_pipeline": "siem-s3"},
			"mappings": object{
				"properties": object{
					"@timestamp": object{"type": "date"},
					"message":    object{"type": "match_only_text"},
					"event": object{"properties": object{
						"original": object{"type": "keyword", "index": false, "doc_values": false},
						"action":   object{"type": "keyword"}, "severity": object{"type": "long"},
					}},
					"siem": object{"dynamic": false, "properties": siem},
				},
			},
		},
	}
}

// keywordLength keeps long texts below Lucene's limit of 32766 bytes a term.
const keywordLength = 8191

func elasticType(c event.Category, name string) object {
	switch name {
	case timeColumn(c):
		return object{"type": "date"}
	case event.Details.String():
		return object{"type": "match_only_text"}
	case recordColumn:
		return object{"type": "object", "enabled": false}
	}
	return object{"type": "keyword", "ignore_above": keywordLength}
}

// isJSON and isSyslog tell the lines apart.
const (
	isJSON   = "ctx.event?.original != null && ctx.event.original.startsWith('{')"
	isSyslog = "ctx.event?.original != null && ctx.event.original.startsWith('<')"
)

func ingestPipeline(o *Options) object {
	processors := []object{
		{"set": object{"field": "event.original", "copy_from": "message", "override": false, "ignore_empty_value": true}},
		{"json": object{"field": "event.original", "target_field": "siem", "if": isJSON}},
	}
	processors = append(processors, syslogProcessors(o.eventCategories())...)
	for _, name := range []string{"timestamp", "received_at"} {
		processors = append(processors, object{"date": object{
			"field": "siem." + name, "formats": []string{"ISO8601"}, "if": "ctx.siem?." + name + " != null",
		}})
	}
	processors = append(processors, object{"script": object{
		"lang": "painless", "if": "ctx.siem?.log_type != null",
		"params": object{"severity": severities(o.eventCategories())},
		"source": "ctx.event.severity = params.severity[ctx.siem.log_type]",
	}})
	for _, e := range ecs {
		processors = append(processors, object{"set": object{
			"field": e.field, "copy_from": "siem." + e.column.String(), "ignore_empty_value": true,
		}})
	}
	return object{
		"description": "Lines of the objects that siem-s3 stores, JSON or SYSLOG, as documents.",
		"processors":  processors,
		"on_failure":  []object{{"set": object{"field": "error.message", "value": "{{{_ingest.on_failure_message}}}"}}},
	}
}

// syslogProcessors read lines of SYSLOG and take the backslashes out of values.
func syslogProcessors(categories []event.Category) (all []object) {
	if len(categories) == 0 {
		return nil
	}
	definitions := object{}
	for _, p := range grokPatterns(categories, "siem.") {
		definitions[p.name] = p.pattern
	}
	var patterns []string
	for _, c := range categories {
		patterns = append(patterns, "^%{"+grokName(c)+"}$")
	}
	all = append(all, object{"grok": object{
		"field": "event.original", "patterns": patterns, "pattern_definitions": definitions, "if": isSyslog,
	}})
	for _, c := range categories {
		for _, name := range params(c) {
			all = append(all, object{"gsub": object{
				"field": "siem." + name, "pattern": `\\(["\\\]])`, "replacement": "$1", "ignore_missing": true, "if": isSyslog,
			}})
		}
	}
	return all
}

func severities(categories []event.Category) object {
	of := object{}
	for _, t := range event.Types() {
		for _, c := range categories {
			if t.Category() == c {
				of[t.String()] = t.Severity()
			}
		}
	}
	return of
}

// ecs says which columns are fields of the Elastic Common Schema.
var ecs = []struct {
	field  string
	column event.Field
}{
	{"message", event.Details},
	{"event.action", event.LogTypeName},
	{"host.id", event.DeviceID},
	{"host.name", event.DeviceName},
	{"user.name", event.DeviceUsername},
	{"group.name", event.DeviceGroup},
	{"user.name", event.AdminName},
	{"user.email", event.AdminEmail},
}
