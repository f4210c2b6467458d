package notify

import "net/url"

// A cloudEvent is a CloudEvents 1.0 event in the structured mode of its HTTP
// binding. Its data is that of the json format.
type cloudEvent struct {
	SpecVersion     string      `json:"specversion"`
	ID              string      `json:"id"`
	Source          string      `json:"source"`
	Type            string      `json:"type"`
	Time            string      `json:"time"`
	Subject         string      `json:"subject,omitempty"`
	DataContentType string      `json:"datacontenttype"`
	Data            payloadData `json:"data"`
}

func cloudEventsBody(n *Notice) ([]byte, error) {
	p, err := newPayload(n)
	if err != nil {
		return nil, err
	}
	return marshal(cloudEvent{
		SpecVersion: "1.0",
		ID:          n.ID,
		// source must be a URI reference; with the id it names the event.
		Source:          "/siem_s3/" + url.PathEscape(p.Data.Source),
		Type:            p.Type,
		Time:            p.Timestamp,
		Subject:         n.cloudEventSubject(),
		DataContentType: "application/json",
		Data:            p.Data,
	})
}

// cloudEventSubject is what all the events of the notice are about, if there
// is such a thing.
func (n *Notice) cloudEventSubject() string {
	if n.Count == 1 && len(n.Events) == 1 {
		return oneLine(n.whom(n.Events[0])) // bounded by Take
	}
	return clip(oneLine(n.GroupKey), maxValue)
}
