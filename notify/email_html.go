package notify

import (
	_ "embed"
	"fmt"
	"html"
	"strings"
)

// The bodies of e-mails are written by code and not by html/template: a template
// calls methods by name, so the linker has to keep every method of every package,
// which makes the plugin 8 MB larger.

//go:embed email.css
var stylesheet string

// severityColors have enough contrast (4.5 to 1, WCAG 2.2 section 1.4.3) under
// white text, and stand out from white and from black.
var severityColors = map[string]string{
	"alert":    "#b42318",
	"critical": "#c4320a",
	"warning":  "#b54708",
	"notice":   "#175cd3",
	"info":     "#475467",
}

// markup writes HTML. What comes from outside goes through its methods, never
// into a format: they put %s for values that are escaped here.
type markup struct{ b strings.Builder }

// put writes a line of HTML in which each %s stands for the text of a value.
func (m *markup) put(format string, values ...string) {
	escaped := make([]any, len(values))
	for i, v := range values {
		escaped[i] = html.EscapeString(v)
	}
	fmt.Fprintf(&m.b, format+"\n", escaped...)
}

// mailHTML is v as the HTML of an e-mail. Tables and a style attribute where the
// width matters are what mail programs agree on; nothing is loaded from outside.
func mailHTML(v *view) string {
	var m markup
	m.put("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")
	m.put(`<meta name="viewport" content="width=device-width, initial-scale=1">`)
	m.put(`<meta name="color-scheme" content="light dark">`)
	m.put(`<meta name="supported-color-schemes" content="light dark">`)
	m.put("<title>%s</title>", v.Title)
	m.b.WriteString("<style>\n" + stylesheet + "</style>\n</head>\n<body>\n")
	m.put(`<table role="presentation" width="100%%" cellpadding="0" cellspacing="0"><tr><td class="page" align="center">`)
	m.put(`<table class="card" role="presentation" width="600" cellpadding="0" cellspacing="0" style="width:100%%;max-width:600px;text-align:left">`)
	m.head(v)
	for i := range v.Items {
		m.item(v, i)
	}
	if v.More > 0 {
		m.put(`<tr><td class="more"><p>%s</p></td></tr>`, moreEvents(v.More))
	}
	m.foot(v)
	m.put("</table>\n</td></tr></table>\n</body>\n</html>")
	return m.b.String()
}

func (m *markup) head(v *view) {
	color := severityColors[v.Severity]
	m.put(`<tr><td class="band" bgcolor="%s" style="background:%s">&nbsp;</td></tr>`, color, color)
	m.put("<tr><td class=\"head\">\n<span class=\"pill\" style=\"background:%s\">%s</span>", color, sentence(v.Severity))
	m.put(`<h1 dir="auto">%s</h1>`, v.Title)
	if v.Group.Value != "" {
		m.put(`<p>Received %s &middot; %s: <bdi>%s</bdi></p>`, v.Window, v.Group.Label, v.Group.Value)
	} else {
		m.put(`<p>Received %s</p>`, v.Window)
	}
	if v.Test {
		m.put(`<p class="test">%s</p>`, testNotice)
	}
	m.put("</td></tr>")
}

func (m *markup) item(v *view, i int) {
	m.put(`<tr><td class="event">`)
	if v.Repeated() {
		m.put(`<h2><span class="n">%s.</span> <bdi>%s</bdi></h2>`, fmt.Sprint(i+1), v.itemName(i))
	}
	m.put(`<table width="100%%" cellpadding="0" cellspacing="0">`)
	for _, r := range v.Items[i].Rows {
		value := strings.ReplaceAll(html.EscapeString(r.Value), "\n", "<br>")
		m.b.WriteString(`<tr><th class="l" scope="row">` + html.EscapeString(r.Label) + `</th><td class="v" dir="auto">` + value + "</td></tr>\n")
	}
	m.put("</table>\n</td></tr>")
}

func (m *markup) foot(v *view) {
	m.put(`<tr><td class="foot">`)
	for _, o := range v.Objects {
		m.put(`<p>Stored in <bdi>%s</bdi></p>`, o)
	}
	m.put("<p>%s</p>\n</td></tr>", v.Footer())
}
