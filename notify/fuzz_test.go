package notify

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"siem-s3/event"
)

// fuzzed makes a notice with the same text in every place that events, hosts
// and settings can put text in. Events are valid UTF-8, see package event.
func fuzzed(t *testing.T, text string, count uint8, account bool) *Notice {
	t.Helper()
	text = strings.ToValidUTF8(text, "\uFFFD")
	name := "critical_found"
	if account {
		name = "config"
	}
	values := make(map[event.Field]string)
	for _, f := range logType(t, name).Category().Fields() {
		values[f] = text
	}
	n := newNotice(t, name, 1+int(count), values)
	n.Source, n.Objects, n.GroupBy, n.GroupKey = text, []string{text}, "device_group", text
	return n
}

func addHostile(f *testing.F) {
	f.Add("", uint8(0), false)
	f.Add("x\r\nBcc: victim@example.com\r\n\r\n.\r\nQUIT\r\n", uint8(0), true)
	f.Add("=?UTF-8?Q?=0D=0ABcc:_x?= --boundary--\r\n--", uint8(1), false)
	f.Add("</td></table><script>alert(1)</script>{{.}} &amp; \x00\x7f\u202e\u2028", uint8(150), false)
	f.Add(strings.Repeat("W", 5000), uint8(3), true)
	f.Add("a\rb\nc\vd\fe\u0085f", uint8(0), false)
}

// Whatever events say, an e-mail parses, and has the header fields that it
// should have and no others.
func FuzzEmail(f *testing.F) {
	addHostile(f)
	m := newEmail(f, nil)
	want := []string{
		"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To",
		"X-Auto-Response-Suppress", "X-Siem-Count", "X-Siem-Log-Type",
	}
	f.Fuzz(func(t *testing.T, text string, count uint8, account bool) {
		raw, err := m.compose(fuzzed(t, text, count, account))
		if err != nil {
			t.Fatal(err)
		}
		header, parts := readEmail(t, raw)
		var fields []string
		for key, values := range header {
			fields = append(fields, key)
			if len(values) != 1 || strings.ContainsAny(values[0], "\r\n") {
				t.Errorf("%s is %q", key, values)
			}
		}
		slices.Sort(fields)
		if !slices.Equal(fields, want) {
			t.Errorf("header has %v", fields)
		}
		if len(parts) != 2 || strings.Contains(parts["text/html"], "<script") {
			t.Errorf("parts are %v", parts)
		}
		for i, line := range strings.Split(string(raw), "\r\n") {
			if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") {
				t.Errorf("line %d is %q", i, line)
			}
		}
	})
}

// Whatever events say, every webhook body is JSON under the receiver's limit,
// and the events in it say the same.
func FuzzWebhook(f *testing.F) {
	addHostile(f)
	f.Fuzz(func(t *testing.T, text string, count uint8, account bool) {
		n := fuzzed(t, text, count, account)
		for format, how := range formats {
			body, err := how.body(n)
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(body) || format == Teams && len(body) > 28<<10 || len(body) > 128<<10 {
				t.Errorf("%s body of %d bytes is %s", format, len(body), body)
			}
		}
		checkSlackLimits(t, "fuzzed", n)
		checkEvents(t, n)
	})
}

// checkEvents reads the events back from the JSON body.
func checkEvents(t *testing.T, n *Notice) {
	t.Helper()
	body, err := jsonBody(n)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Data struct{ Events []map[string]string }
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	for i, e := range got.Data.Events {
		for j, f := range n.Type.Category().Fields() {
			if e[f.String()] != n.Events[i][j] {
				t.Errorf("event %d has %s %q, not %q", i, f, e[f.String()], n.Events[i][j])
			}
		}
	}
}

func FuzzOneLine(f *testing.F) {
	f.Add("a\r\n\u2028b\u202e c\x00")
	f.Fuzz(func(t *testing.T, text string) {
		got := oneLine(text)
		if strings.ContainsFunc(got, unicode.IsControl) || strings.ContainsFunc(got, turnsText) || strings.TrimSpace(got) != got {
			t.Errorf("%q becomes %q", text, got)
		}
		if again := oneLine(got); again != got {
			t.Errorf("%q becomes %q, then %q", text, got, again)
		}
	})
}
