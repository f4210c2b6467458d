package notify

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"unicode/utf8"

	"github.com/wneessen/go-mail"
)

//go:embed email.html.tmpl
var htmlSource string

//go:embed email.txt.tmpl
var textSource string

var (
	htmlTemplate = htmltemplate.Must(htmltemplate.New("html").Funcs(htmltemplate.FuncMap{
		"sentence": sentence,
		"more":     moreEvents,
		"color":    func(severity string) string { return severityColors[severity] },
		"number":   func(i int) int { return i + 1 },
	}).Parse(htmlSource))

	textTemplate = texttemplate.Must(texttemplate.New("text").Funcs(texttemplate.FuncMap{
		"sentence": sentence,
		"more":     moreEvents,
		"cell":     textCell,
		"rule":     func(s string) string { return strings.Repeat("=", min(utf8.RuneCountInString(s), textWidth)) },
		"number":   func(i int) int { return i + 1 },
	}).Parse(textSource))
)

// severityColors have enough contrast (4.5 to 1, WCAG 2.2 section 1.4.3) under
// white text, and stand out from white and from black.
var severityColors = map[string]string{
	"alert":    "#b42318",
	"critical": "#c4320a",
	"warning":  "#b54708",
	"notice":   "#175cd3",
	"info":     "#475467",
}

// textWidth is where lines of the plain text are wrapped, in characters, and
// labelWidth the width of its first column.
const (
	textWidth  = 76
	labelWidth = 14
)

// compose writes n as a whole message, headers first.
func (m *Email) compose(n *Notice) ([]byte, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	message := mail.NewMsg(mail.WithEncoding(mail.EncodingQP), mail.WithNoDefaultUserAgent())
	message.FromMailAddress(m.from)
	message.ToMailAddress(m.to...)
	message.Subject(n.subject())
	domain := m.from.Address[strings.LastIndexByte(m.from.Address, '@')+1:]
	message.SetMessageIDWithValue(n.ID + "@" + domain)
	message.SetDateWithValue(n.Last)
	// RFC 3834 section 5: no vacation notes in answer. Exchange has its own.
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeader("X-Auto-Response-Suppress", "All")
	message.SetGenHeader("X-Siem-Log-Type", n.Type.String())
	message.SetGenHeader("X-Siem-Count", fmt.Sprint(n.Count))
	if n.Test {
		message.SetGenHeader("X-Siem-Test", "true")
	}
	if err := m.setBody(message, n); err != nil {
		return nil, fmt.Errorf("write message: %w", err)
	}
	var b bytes.Buffer
	if _, err := message.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write message: %w", err)
	}
	return b.Bytes(), nil
}

func (m *Email) setBody(message *mail.Msg, n *Notice) error {
	if m.opts.Format == MailJSON {
		body, err := indentedJSON(n)
		message.SetBodyString(mail.TypeTextPlain, body)
		return err
	}
	v := newView(n, MaxEvents)
	var text, html strings.Builder
	if err := textTemplate.Execute(&text, &v); err != nil {
		return err
	}
	if err := htmlTemplate.Execute(&html, &v); err != nil {
		return err
	}
	message.SetBodyString(mail.TypeTextPlain, text.String())
	message.AddAlternativeString(mail.TypeTextHTML, html.String())
	return nil
}

func indentedJSON(n *Notice) (string, error) {
	body, err := jsonBody(n)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return "", err
	}
	return b.String() + "\n", nil
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
