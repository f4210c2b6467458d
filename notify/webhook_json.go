package notify

import (
	"bytes"
	"encoding/json"
	"time"
)

// maxEventBytes bounds the events of a JSON body together, so that the body
// stays under 128 KiB: half of what queues and gateways commonly take. The
// notice of a single event has about 700 bytes, and one of a hundred ordinary
// events about 30 kB.
const maxEventBytes = 120 << 10

// payload is the body of the json format. It has the three top-level keys that
// Standard Webhooks recommends (specification, section "Payload structure"):
//
//	{
//	  "type": "siem.device.noncompliant",
//	  "timestamp": "2026-11-22T08:00:00Z",
//	  "data": {
//	    "id": "01JD9T6E…",
//	    "log_type": "noncompliant",
//	    "category": "device",
//	    "severity": "warning",
//	    "meaning": "Device considered non-compliant",
//	    "count": 312,
//	    "first": "2026-11-22T08:00:00Z",
//	    "last": "2026-11-22T08:04:59Z",
//	    "group_by": "device_group",
//	    "group": "Sales",
//	    "events": [{"timestamp": "…", "log_type": "…", …}, …],
//	    "truncated": true,
//	    "objects": ["s3://bucket/siem/"],
//	    "source": "gw-1",
//	    "test": false
//	  }
//	}
//
// The type is "siem.", the category and the log type. The timestamp is that of
// the first event's arrival. The id is the same in every attempt. Of the
// events, which have the schema's fields in its order, there can be fewer than
// the count says; then truncated is true, and objects says where all are.
// group_by and group are left out where there is no grouping by a field.
type payload struct {
	Type      string      `json:"type"`
	Timestamp string      `json:"timestamp"`
	Data      payloadData `json:"data"`
}

type payloadData struct {
	ID        string            `json:"id"`
	LogType   string            `json:"log_type"`
	Category  string            `json:"category"`
	Severity  string            `json:"severity"`
	Meaning   string            `json:"meaning"`
	Count     int               `json:"count"`
	First     string            `json:"first"`
	Last      string            `json:"last"`
	GroupBy   string            `json:"group_by,omitempty"`
	Group     string            `json:"group,omitempty"`
	Events    []json.RawMessage `json:"events"`
	Truncated bool              `json:"truncated"`
	Objects   []string          `json:"objects"`
	Source    string            `json:"source"`
	Test      bool              `json:"test"`
}

func newPayload(n *Notice) (payload, error) {
	events, err := jsonEvents(n)
	if err != nil {
		return payload{}, err
	}
	return payload{
		Type:      payloadType(n),
		Timestamp: rfc3339(n.First),
		Data: payloadData{
			ID:        n.ID,
			LogType:   n.Type.String(),
			Category:  n.Type.Category().String(),
			Severity:  severityNames[n.Type.Severity()],
			Meaning:   n.Type.Meaning(),
			Count:     n.Count,
			First:     rfc3339(n.First),
			Last:      rfc3339(n.Last),
			GroupBy:   n.GroupBy,
			Group:     clip(n.GroupKey, maxValue),
			Events:    events,
			Truncated: len(events) < n.Count,
			Objects:   n.objects(),
			Source:    clip(n.Source, maxValue),
			Test:      n.Test,
		},
	}, nil
}

func payloadType(n *Notice) string {
	return "siem." + n.Type.Category().String() + "." + n.Type.String()
}

func rfc3339(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999Z07:00") }

// jsonEvents encodes the events of n that maxEventBytes leaves room for.
func jsonEvents(n *Notice) ([]json.RawMessage, error) {
	events := []json.RawMessage{}
	room := maxEventBytes
	for _, e := range n.Events {
		raw, err := jsonEvent(n, e)
		if err != nil {
			return nil, err
		}
		if room -= len(raw) + len(","); room < 0 {
			break
		}
		events = append(events, raw)
	}
	return events, nil
}

// jsonEvent encodes e, whose keys keep the schema's order.
func jsonEvent(n *Notice, e Event) (json.RawMessage, error) {
	object := []byte{'{'}
	for i, f := range n.Type.Category().Fields() {
		if i > 0 {
			object = append(object, ',')
		}
		object = append(object, '"')
		object = append(object, f.String()...)
		object = append(object, '"', ':')
		value, err := marshal(e[i])
		if err != nil {
			return nil, err
		}
		object = append(object, value...)
	}
	return append(object, '}'), nil
}

// marshal is json.Marshal without the escaping for HTML, which only makes the
// bodies longer and harder to read.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

func jsonBody(n *Notice) ([]byte, error) {
	p, err := newPayload(n)
	if err != nil {
		return nil, err
	}
	return marshal(p)
}
