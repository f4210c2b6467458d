package schema

import (
	"encoding/json"

	"siem-s3/event"
)

// object is a JSON object whose keys need no order.
type object = map[string]any

// json writes v indented.
func (w *writer) json(v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// jsonSchema writes a schema of the lines of objects in JSON (JSON Schema draft
// 2020-12).
func jsonSchema(w *writer, o *Options) error {
	defs := object{}
	var refs []object
	for _, c := range o.Categories {
		properties := object{}
		for _, name := range columns(c) {
			properties[name] = property(c, name)
		}
		defs[c.String()] = object{
			"type": "object", "properties": properties,
			"required": columns(c), "additionalProperties": false,
		}
		refs = append(refs, object{"$ref": "#/$defs/" + c.String()})
	}
	return w.json(object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "A line of an object that siem-s3 stores as JSON",
		"oneOf":   refs, "$defs": defs,
	})
}

// timePattern is how every time is written.
const timePattern = `\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z`

func property(c event.Category, name string) object {
	p := object{"description": descriptions[name]}
	if name == recordColumn {
		return p
	}
	p["type"] = "string"
	switch name {
	case timeColumn(c):
		p["format"], p["pattern"] = "date-time", "^"+timePattern+"$"
	case event.LogTypeName.String():
		p["enum"] = logTypes(c)
	}
	return p
}

// descriptions say what is in each column.
var descriptions = map[string]string{
	"timestamp":       "When it happened, in UTC, to the millisecond.",
	"log_type":        "What happened: one of the log types.",
	"event":           "What happened, for people.",
	"details":         "What the source says about it.",
	"device_id":       "The device's identifier.",
	"device_name":     "The device's name.",
	"device_username": "Who uses the device.",
	"device_group":    "The group that the device belongs to.",
	"admin_name":      "The admin's name.",
	"admin_email":     "The admin's e-mail address.",
	"received_at":     "When the record arrived, in UTC, to the millisecond.",
	"reason":          "Why the record is no event, as one of a few fixed phrases.",
	"detail":          "What it was in this record, or empty.",
	"tag":             "The tag that Fluent Bit gave the record.",
	recordColumn:      "The record as it came, in JSON of any shape.",
}
