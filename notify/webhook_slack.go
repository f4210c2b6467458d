package notify

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Slack's limits, of which the first two are in its Block Kit reference:
// characters of a header, of a text object, and of all blocks of one message
// (msg_blocks_too_long begins a little above).
const (
	slackHeaderChars = 150
	slackTextChars   = 3000
	slackTotalChars  = 12000
)

// chatEvents is how many events a chat message shows: it is to be read at a
// glance, the rest is where the objects are.
const chatEvents = 10

// A slackMessage is the body of an incoming webhook. The values of events are
// in rich_text and plain_text only, which Slack shows as they are: with mrkdwn
// a device's name could mention a channel or pretend to be a link. Text, the
// notification and the fallback, is mrkdwn always and so escaped.
type slackMessage struct {
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type     string         `json:"type"`
	Text     *slackText     `json:"text,omitempty"`
	Elements []slackElement `json:"elements,omitempty"`
}

// A slackElement is a rich_text_section, a text within one, or a text object
// of a context block.
type slackElement struct {
	Type     string         `json:"type"`
	Text     string         `json:"text,omitempty"`
	Style    *slackStyle    `json:"style,omitempty"`
	Elements []slackElement `json:"elements,omitempty"`
}

type slackText struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji bool   `json:"emoji"` // false: ":id:" stays as it is
}

type slackStyle struct {
	Bold bool `json:"bold"`
}

func slackBody(n *Notice) ([]byte, error) {
	v := newView(n, chatEvents)
	header := slackBlock{Type: "header", Text: &slackText{Type: "plain_text", Text: clipChars(v.Title, slackHeaderChars)}}
	status := slackContext(v.status())
	events := v.slackEvents()
	message := slackMessage{
		Text:   slackEscape(subjectPrefix + v.Title),
		Blocks: append([]slackBlock{header, status}, events...),
	}
	if left := n.Count - len(events); left > 0 {
		message.Blocks = append(message.Blocks, slackContext(moreEvents(left)))
	}
	message.Blocks = append(message.Blocks, slackContext(v.chatFooter()))
	return marshal(message)
}

// slackEvents makes a block of each event that slackTotalChars has room for.
func (v *view) slackEvents() []slackBlock {
	var blocks []slackBlock
	room := slackTotalChars
	for _, it := range v.Items {
		elements, chars := it.slackElements()
		if room -= chars; room < 0 {
			break
		}
		section := slackElement{Type: "rich_text_section", Elements: elements}
		blocks = append(blocks, slackBlock{Type: "rich_text", Elements: []slackElement{section}})
	}
	return blocks
}

// slackElements makes one line of each row, and says how long they are.
func (it item) slackElements() (elements []slackElement, chars int) {
	add := func(text string, style *slackStyle) {
		elements = append(elements, slackElement{Type: "text", Text: text, Style: style})
		chars += utf8.RuneCountInString(text)
	}
	for i, r := range it.Rows {
		if i > 0 {
			r.Label = "\n" + r.Label
		}
		add(r.Label+": ", &slackStyle{Bold: true})
		add(r.Value, nil)
	}
	return elements, chars
}

func slackContext(text string) slackBlock {
	text = clipChars(text, slackTextChars)
	return slackBlock{Type: "context", Elements: []slackElement{{Type: "plain_text", Text: text}}}
}

// chatFooter is the Footer with where the objects are before it.
func (v *view) chatFooter() string {
	if len(v.Objects) == 0 {
		return v.Footer()
	}
	return "Stored in " + strings.Join(v.Objects, ", ") + ". " + v.Footer()
}

func moreEvents(n int) string {
	if n == 1 {
		return "1 more event is not shown."
	}
	return fmt.Sprintf("%d more events are not shown.", n)
}

// slackEscape escapes the three characters that Slack gives a meaning to in
// mrkdwn, beyond the styling of text.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// clipChars cuts s to at most limit characters, the ellipsis included.
func clipChars(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}
