package notify

// teamsBytes bounds a Teams message. Teams takes 28 KB
// (learn.microsoft.com, "Limits and specifications for Microsoft Teams").
const teamsBytes = 27 << 10

// A teamsMessage is what the "post to a channel when a webhook request is
// received" workflow of Teams takes: an Adaptive Card in a message. Values of
// events are in text runs only, which Teams shows as they are: a TextBlock
// would read them as Markdown.
type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	ContentURL  *string   `json:"contentUrl"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema   string         `json:"$schema"`
	Type     string         `json:"type"`
	Version  string         `json:"version"`
	Fallback string         `json:"fallbackText"`
	MSTeams  teamsWidth     `json:"msteams"`
	Body     []teamsElement `json:"body"`
}

type teamsWidth struct {
	Width string `json:"width"`
}

// A teamsElement is a RichTextBlock, or a Container of some.
type teamsElement struct {
	Type      string         `json:"type"`
	Style     string         `json:"style,omitempty"`
	Bleed     bool           `json:"bleed,omitempty"`
	Separator bool           `json:"separator,omitempty"`
	Spacing   string         `json:"spacing,omitempty"`
	Items     []teamsElement `json:"items,omitempty"`
	Inlines   []teamsRun     `json:"inlines,omitempty"`
}

type teamsRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Size   string `json:"size,omitempty"`
	Weight string `json:"weight,omitempty"`
	Subtle bool   `json:"isSubtle,omitempty"`
}

// teamsStyles colours the head of the card by severity.
var teamsStyles = map[string]string{
	"alert":    "attention",
	"critical": "attention",
	"warning":  "warning",
	"notice":   "accent",
	"info":     "emphasis",
}

func teamsBody(n *Notice) ([]byte, error) {
	v := newView(n, chatEvents)
	// Events are left out from the end until the message is small enough.
	for {
		body, err := marshal(v.teamsMessage())
		if err != nil || len(body) <= teamsBytes || len(v.Items) == 0 {
			return body, err
		}
		v.Items = v.Items[:len(v.Items)-1]
		v.More++
	}
}

func (v *view) teamsMessage() teamsMessage {
	card := teamsCard{
		Schema:   "http://adaptivecards.io/schemas/adaptive-card.json",
		Type:     "AdaptiveCard",
		Version:  "1.4", // what the Teams clients on phones show too
		Fallback: subjectPrefix + v.Title,
		MSTeams:  teamsWidth{"Full"},
		Body: []teamsElement{{Type: "Container", Style: teamsStyles[v.Severity], Bleed: true, Items: []teamsElement{
			teamsText(teamsRun{Text: v.Title, Size: "Large", Weight: "Bolder"}),
			teamsText(teamsRun{Text: v.status(), Subtle: true}),
		}}},
	}
	for _, it := range v.Items {
		card.Body = append(card.Body, it.teamsElement())
	}
	if v.More > 0 {
		card.Body = append(card.Body, teamsText(teamsRun{Text: moreEvents(v.More)}))
	}
	card.Body = append(card.Body, teamsText(teamsRun{Text: v.chatFooter(), Size: "Small", Subtle: true}))
	return teamsMessage{Type: "message", Attachments: []teamsAttachment{
		{ContentType: "application/vnd.microsoft.card.adaptive", Content: card},
	}}
}

// teamsElement shows an event with a line for each of its rows.
func (it item) teamsElement() teamsElement {
	rows := teamsElement{Type: "Container", Separator: true}
	for _, r := range it.Rows {
		line := teamsText(teamsRun{Text: r.Label + ": ", Weight: "Bolder"}, teamsRun{Text: r.Value})
		line.Spacing = "Small"
		rows.Items = append(rows.Items, line)
	}
	return rows
}

func teamsText(runs ...teamsRun) teamsElement {
	for i := range runs {
		runs[i].Type = "TextRun"
	}
	return teamsElement{Type: "RichTextBlock", Inlines: runs}
}
