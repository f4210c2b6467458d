package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"siem-s3/test/receiver"
)

// demoEvents are the log types that alert in the demo.
var demoEvents = []string{"critical_found", "process_scan_infection_found"}

// startReceivers starts a mail server and a web server in this process.
func (d *demo) startReceivers(context.Context) error {
	d.secret = newSigningSecret()
	var err error
	if d.mail, err = receiver.ServeMail(receiver.MailOptions{}); err != nil {
		return err
	}
	d.defers(d.mail.Close)
	if d.web, err = receiver.ServeWeb(d.secret); err != nil {
		return err
	}
	d.defers(d.web.Close)
	d.out.line("A mail server at smtp://%s:%s", d.mail.Host, d.mail.Port)
	d.out.line("A web server at %s, which knows the secret of this run's signatures", d.web.URL)
	return nil
}

// newSigningSecret returns a secret as Standard Webhooks 1.0 writes them.
func newSigningSecret() string {
	var key [24]byte
	rand.Read(key[:]) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(key[:])
}

// alertSettings are those of an output whose events alert.
func (d *demo) alertSettings() []setting {
	return []setting{
		{"notify_events", strings.Join(demoEvents, ",")},
		{"notify_group_wait", "1s"},
		{"notify_interval", "1s"},
		{"smtp_host", d.mail.Host},
		{"smtp_port", d.mail.Port},
		{"smtp_security", "none"},
		{"smtp_from", "SIEM <siem@example.com>"},
		{"smtp_to", "security@example.com"},
		{"webhook_url", d.web.URL},
		{"webhook_secret", d.secret},
	}
}

// expected is how many of the sample events alert.
func (d *demo) expected() (n int) {
	for line := range bytes.Lines(d.events) {
		var e struct {
			LogType string `json:"log_type"`
		}
		// What is no event does not alert.
		if json.Unmarshal(line, &e) == nil && slices.Contains(demoEvents, e.LogType) {
			n++
		}
	}
	return n
}

// told is how many events messages tell of, whatever their number. A message that
// came twice has one id, and counts once.
func told[T any](all []T, of func(T) (id string, count int)) (n int) {
	seen := map[string]bool{}
	for _, m := range all {
		id, count := of(m)
		if !seen[id] {
			n += count
		}
		seen[id] = true
	}
	return n
}

func toldByMail(all []receiver.Message) int {
	return told(all, func(m receiver.Message) (string, int) { return m.ID, m.Count })
}

func toldByWebhook(all []receiver.Post) int {
	return told(all, func(p receiver.Post) (string, int) { return p.ID, p.Count })
}

// showAlerts shows what the two servers got, and fails unless both were told of
// every event that alerts.
func (d *demo) showAlerts(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	want := d.expected()
	// Whatever is missing when the time is up is told by checkAlerts.
	mails, _ := d.mail.Wait(ctx, func(all []receiver.Message) bool { return toldByMail(all) >= want })
	posts, _ := d.web.Wait(ctx, func(all []receiver.Post) bool { return toldByWebhook(all) >= want })
	d.out.line("[OUTPUT] format=%s alerts of %s", demoOutputs[0].format, strings.Join(demoEvents, " and "))
	d.out.blank()
	d.out.label("The subjects of the e-mails:")
	for _, m := range mails {
		d.out.line("%s", m.Subject)
	}
	if len(mails) > 0 {
		d.showMail(oneEvent(mails))
	}
	if len(posts) > 0 {
		if err := d.showPost(posts[0]); err != nil {
			return err
		}
	}
	d.out.blank()
	return d.checkAlerts(want, mails, posts)
}

// oneEvent returns an e-mail of as few events as there is.
func oneEvent(mails []receiver.Message) receiver.Message {
	return slices.MinFunc(mails, func(a, b receiver.Message) int { return cmp.Compare(a.Count, b.Count) })
}

func (d *demo) showMail(m receiver.Message) {
	d.out.blank()
	d.out.label("One of them as plain text, from %s to %s:", m.Header.Get("From"), strings.Join(m.To, ", "))
	for line := range strings.Lines(strings.TrimSpace(m.Text)) {
		if line = strings.TrimRight(line, " \n"); line == "" {
			d.out.blank()
		} else {
			d.out.line("%s", line)
		}
	}
}

// showPost shows the body of a webhook with the first of its events.
func (d *demo) showPost(p receiver.Post) error {
	d.out.blank()
	d.out.label("The body of a webhook, POST %s:", d.web.URL)
	var indented bytes.Buffer
	if err := json.Indent(&indented, p.Body, indent, "  "); err != nil {
		return fmt.Errorf("read the body of a webhook: %w", err)
	}
	d.out.line("%s", withoutFurtherEvents(indented.String()))
	return nil
}

// furtherEvents are those of an indented body behind the first one.
var furtherEvents = regexp.MustCompile(`(?s)("events": \[\s+\{[^{}]*\}),\s+\{.*?\n( +)\],\n`)

func withoutFurtherEvents(body string) string {
	return furtherEvents.ReplaceAllString(body, "$1,\n$2  …\n$2],\n")
}

// checkAlerts says whether both receivers were told of all that alerts.
func (d *demo) checkAlerts(want int, mails []receiver.Message, posts []receiver.Post) error {
	var wrong []error
	if got := toldByMail(mails); got != want {
		wrong = append(wrong, fmt.Errorf("%d events alert, the e-mails tell of %d", want, got))
	}
	if got := toldByWebhook(posts); got != want {
		wrong = append(wrong, fmt.Errorf("%d events alert, the webhooks tell of %d", want, got))
	}
	if slices.ContainsFunc(posts, func(p receiver.Post) bool { return !p.Signed }) {
		wrong = append(wrong, errors.New("a webhook is not signed by the secret"))
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	d.out.line("%s", d.out.paint(green, fmt.Sprintf("All %d events were told, in %d e-mails and %d webhooks.", want, len(mails), len(posts))))
	d.out.line("%s", d.out.paint(green, "The webhooks' signatures are verified by the Standard Webhooks library."))
	return nil
}
