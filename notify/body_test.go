package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"siem-s3/event"
)

func newEmail(t testing.TB, change func(*EmailOptions)) *Email {
	t.Helper()
	o := EmailOptions{
		Host: "localhost", Security: STARTTLS, Auth: AutoAuth,
		From: "SIEM <siem@company.com>", To: []string{"Alice <alice@company.com>", "bob@company.com"},
		Helo: "gw-1", Timeout: 10 * time.Second, Format: MailHTML,
	}
	if change != nil {
		change(&o)
	}
	m, err := NewEmail(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// readEmail returns the header and the decoded parts by their media type.
func readEmail(t testing.TB, raw []byte) (mail.Header, map[string]string) {
	t.Helper()
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	mediaType, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := make(map[string]string)
	if mediaType != "multipart/alternative" {
		parts[mediaType] = decoded(t, quotedprintable.NewReader(message.Body))
		return message.Header, parts
	}
	reader := multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := reader.NextPart() // which decodes quoted-printable
		if err == io.EOF {
			return message.Header, parts
		}
		if err != nil {
			t.Fatal(err)
		}
		mediaType, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		parts[mediaType] = decoded(t, part)
	}
}

func decoded(t testing.TB, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

func TestEmailBodies(t *testing.T) {
	m := newEmail(t, nil)
	for name, n := range notices(t) {
		t.Run(name, func(t *testing.T) {
			raw, err := m.compose(n)
			if err != nil {
				t.Fatal(err)
			}
			header, parts := readEmail(t, raw)
			var head strings.Builder
			for _, key := range []string{
				"From", "To", "Subject", "Message-Id", "Date", "Auto-Submitted",
				"X-Siem-Log-Type", "X-Siem-Count", "X-Siem-Test",
			} {
				fmt.Fprintf(&head, "%s: %s\n", key, header.Get(key))
			}
			golden(t, goldenName(name, ".mail.txt"), head.String()+"\n"+parts["text/plain"])
			golden(t, goldenName(name, ".mail.html"), parts["text/html"])
			if want := 11 + len(header["X-Siem-Test"]); len(header) != want {
				t.Errorf("%d header fields, not %d: %v", len(header), want, header)
			}
		})
	}
}

func TestSubjectSurvivesTheEncoding(t *testing.T) {
	for name, n := range notices(t) {
		raw, err := newEmail(t, nil).compose(n)
		if err != nil {
			t.Fatal(err)
		}
		header, _ := readEmail(t, raw)
		subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
		if err != nil || subject != n.subject() {
			t.Errorf("%s: subject is read as %q (%v)", name, subject, err)
		}
	}
}

// Gmail cuts an HTML part off at 102 kB.
func TestHundredEventsFitGmail(t *testing.T) {
	raw, err := newEmail(t, nil).compose(newNotice(t, "process_scan_infection_found", 5000, deviceValues))
	if err != nil {
		t.Fatal(err)
	}
	_, parts := readEmail(t, raw)
	if size := len(parts["text/html"]); size > 102_000 {
		t.Errorf("HTML has %d bytes", size)
	}
	for _, part := range parts {
		if !strings.Contains(part, "LTES00141") || !strings.Contains(part, "4900 more events") {
			t.Error("the hundredth event or the count of the others is missing")
		}
	}
}

func TestJSONEmailIsTheWebhookBody(t *testing.T) {
	m := newEmail(t, func(o *EmailOptions) { o.Format = MailJSON })
	for name, n := range notices(t) {
		raw, err := m.compose(n)
		if err != nil {
			t.Fatal(err)
		}
		_, parts := readEmail(t, raw)
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(parts["text/plain"])); err != nil {
			t.Fatal(err)
		}
		body, err := jsonBody(n)
		if err != nil {
			t.Fatal(err)
		}
		if compact.String() != string(body) {
			t.Errorf("%s: body is %s", name, compact.String())
		}
	}
}

func TestWebhookBodies(t *testing.T) {
	for name, n := range notices(t) {
		for format, how := range formats {
			t.Run(string(format)+"/"+name, func(t *testing.T) {
				body, err := how.body(n)
				if err != nil {
					t.Fatal(err)
				}
				var indented bytes.Buffer
				if err := json.Indent(&indented, body, "", "  "); err != nil {
					t.Fatal(err)
				}
				golden(t, goldenName(name, "."+string(format)+".json"), indented.String()+"\n")
			})
		}
	}
}

// widest is a notice as large as can be made: every byte of every value takes
// six in JSON.
func widest(t testing.TB) *Notice {
	values := make(map[event.Field]string)
	for _, f := range event.Device.Fields() {
		values[f] = strings.Repeat("\x01", 10_000)
	}
	n := newNotice(t, "noncompliant", 1_000_000, values)
	n.GroupBy, n.GroupKey = "device_group", strings.Repeat("\x01", 10_000)
	n.Source = strings.Repeat("<", 10_000)
	n.Objects = make([]string, 1000)
	for i := range n.Objects {
		n.Objects[i] = strings.Repeat("&", 10_000)
	}
	return n
}

func TestBodiesStayUnderTheReceiversLimits(t *testing.T) {
	long := make(map[event.Field]string)
	for _, f := range event.Device.Fields() {
		long[f] = strings.Repeat("日\n\"", 3000)
	}
	inputs := notices(t)
	inputs["widest"] = widest(t)
	inputs["long"] = newNotice(t, "noncompliant", 100, long)
	limits := map[WebhookFormat]int{WebhookJSON: 128 << 10, CloudEvents: 128 << 10, Slack: 64 << 10, Teams: 28 << 10}
	for name, n := range inputs {
		for format, limit := range limits {
			body, err := formats[format].body(n)
			if err != nil {
				t.Fatal(err)
			}
			if len(body) > limit {
				t.Errorf("%s of %q has %d bytes, over %d", format, name, len(body), limit)
			}
		}
		checkSlackLimits(t, name, n)
	}
}

// checkSlackLimits checks those of docs.slack.dev/reference/block-kit.
func checkSlackLimits(t *testing.T, name string, n *Notice) {
	t.Helper()
	body, err := slackBody(n)
	if err != nil {
		t.Fatal(err)
	}
	var message slackMessage
	if err := json.Unmarshal(body, &message); err != nil {
		t.Fatal(err)
	}
	if len(message.Blocks) > 50 {
		t.Errorf("%s: %d blocks", name, len(message.Blocks))
	}
	for _, b := range message.Blocks {
		if b.Text != nil && utf8.RuneCountInString(b.Text.Text) > 150 {
			t.Errorf("%s: header %q", name, b.Text.Text)
		}
		for _, e := range b.Elements {
			if utf8.RuneCountInString(e.Text) > 3000 {
				t.Errorf("%s: text %q", name, e.Text)
			}
		}
	}
}

func TestTruncatedSaysSo(t *testing.T) {
	for _, c := range []struct {
		name string
		n    *Notice
		want bool
	}{
		{"all events are there", newNotice(t, "added", 100, deviceValues), false},
		{"more events than a notice carries", newNotice(t, "added", 101, deviceValues), true},
		{"events too long for the body", widest(t), true},
	} {
		p, err := newPayload(c.n)
		if err != nil {
			t.Fatal(err)
		}
		if p.Data.Truncated != c.want || p.Data.Count != c.n.Count {
			t.Errorf("%s: truncated is %v with %d of %d events", c.name, p.Data.Truncated, len(p.Data.Events), p.Data.Count)
		}
	}
}

func TestCloudEventsAreValid(t *testing.T) {
	inputs := notices(t)
	odd := newNotice(t, "added", 1, deviceValues)
	odd.Source = "host with blanks/and:ünïcode%zz"
	inputs["odd source"] = odd
	for name, n := range inputs {
		body, err := cloudEventsBody(n)
		if err != nil {
			t.Fatal(err)
		}
		var e cloudevents.Event
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := e.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var data payloadData
		if err := e.DataAs(&data); err != nil || data.LogType != n.Type.String() {
			t.Errorf("%s: data is of %q (%v)", name, data.LogType, err)
		}
		if e.ID() != n.ID || !e.Time().Equal(n.First) {
			t.Errorf("%s: id %q, time %s", name, e.ID(), e.Time())
		}
	}
}
