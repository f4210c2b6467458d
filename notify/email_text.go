package notify

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// textWidth is where lines of the plain text are wrapped, in characters, and
// labelWidth the width of its first column.
const (
	textWidth  = 76
	labelWidth = 14
)

// testNotice stands in every message that only tries a channel out.
const testNotice = "This is a test message. Nothing happened."

// mailText is v as the plain text of an e-mail.
func mailText(v *view) string {
	var b strings.Builder
	line := func(texts ...string) { b.WriteString(strings.Join(texts, "") + "\n") }
	line(v.Title)
	line(strings.Repeat("=", min(utf8.RuneCountInString(v.Title), textWidth)))
	line()
	if v.Test {
		line(testNotice)
		line()
	}
	line(sentence(v.Severity), ", received ", v.Window)
	if v.Group.Value != "" {
		line(v.Group.Label, ": ", v.Group.Value)
	}
	line()
	for i := range v.Items {
		if v.Repeated() {
			line(fmt.Sprint(i+1), ". ", v.itemName(i))
		}
		for _, r := range v.Items[i].Rows {
			line(textCell(r))
		}
		line()
	}
	if v.More > 0 {
		line(moreEvents(v.More))
		line()
	}
	line("-- ")
	for _, o := range v.Objects {
		line("Stored in ", o)
	}
	line(v.Footer())
	return b.String()
}

// textCell lays out a row of the plain text: the label, and beside it the
// value, wrapped at blanks.
func textCell(r row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s", labelWidth, r.Label)
	column := labelWidth
	newLine := func() {
		b.WriteString("\n" + strings.Repeat(" ", labelWidth))
		column = labelWidth
	}
	for i, line := range r.Lines() {
		if i > 0 {
			newLine()
		}
		for word := range strings.FieldsSeq(line) {
			width := utf8.RuneCountInString(word)
			if column > labelWidth && column+1+width > textWidth {
				newLine()
			}
			if column > labelWidth {
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += width
		}
	}
	return b.String()
}
