package test

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"siem-s3/test/host"
	"siem-s3/test/receiver"
)

// What the receivers of the tests ask for.
const (
	mailUser     = "siem@company.example"
	mailPassword = "correct-horse-battery"
	signingKey   = "whsec_c2lnbmluZyBrZXkgb2YgdGhlIHRlc3RzIG9ubHk="
)

// An alertSite is a site with receivers of alerts: a mail server that insists on
// STARTTLS and a password, and a web server.
type alertSite struct {
	*site
	mail   *receiver.Mail
	web    *receiver.Web
	caFile string
	cert   *tls.Certificate // of the mail server, by the authority of caFile
	made   int              // events by criticals
}

func newAlertSite(t *testing.T) *alertSite {
	t.Helper()
	return alertsOf(newSite(t))
}

// alertsOf adds the receivers to a site.
func alertsOf(s *site) *alertSite {
	s.Helper()
	a := &alertSite{site: s, caFile: filepath.Join(s.TempDir(), "ca.pem")}
	var err error
	a.cert, err = receiver.Certificate(a.caFile)
	a.must(err)
	a.mail = a.serveMail("")
	a.web = a.serveWeb()
	return a
}

// serveMail starts a mail server at an address, at any if that is empty.
func (a *alertSite) serveMail(addr string) *receiver.Mail {
	a.Helper()
	m, err := receiver.ServeMail(receiver.MailOptions{Addr: addr, Certificate: a.cert, User: mailUser, Password: mailPassword})
	a.must(err)
	a.Cleanup(m.Close)
	return m
}

func (a *alertSite) serveWeb() *receiver.Web {
	a.Helper()
	w, err := receiver.ServeWeb(signingKey)
	a.must(err)
	a.Cleanup(w.Close)
	return w
}

// alertSettings are those of alerts to both receivers.
func (a *alertSite) alertSettings() []string {
	return []string{
		"notify", "on", "notify_events", "critical_found,process_scan_infection_found",
		"notify_group_wait", "1s", "notify_interval", "1s",
		"smtp_host", a.mail.Host, "smtp_port", a.mail.Port, "smtp_ca_file", a.caFile,
		"smtp_username", mailUser, "smtp_password", mailPassword,
		"smtp_from", "SIEM <siem@company.example>", "smtp_to", "alice@company.example, bob@company.example",
		"webhook_url", a.web.URL, "webhook_secret", signingKey,
	}
}

// alerting is an output whose alerts go to both receivers; more settings come in
// pairs.
func (a *alertSite) alerting(name string, more ...string) host.Output {
	a.Helper()
	return with(a.output(name, a.alertSettings()...), more...)
}

// webOnly is alerting without e-mail.
func (a *alertSite) webOnly(name string, more ...string) host.Output {
	o := a.alerting(name, more...)
	for _, key := range []string{"smtp_host", "smtp_port", "smtp_ca_file", "smtp_username", "smtp_password", "smtp_from", "smtp_to"} {
		delete(o.Settings, key)
	}
	return o
}

// criticals is a chunk of n events that alert and as many that do not. No other
// chunk is like it, or else it would be taken for a repeat after a crash.
func (a *alertSite) criticals(n int) []byte {
	var lines []string
	for range n {
		i := a.made
		a.made++
		lines = append(lines,
			fmt.Sprintf(`{"log_type": "critical_found", "details": "issue %d", "device_name": "LT-%d"}`, i, i),
			fmt.Sprintf(`{"log_type": "compliant", "details": "nothing %d", "device_name": "LT-%d"}`, i, i))
	}
	return recordChunk(a.T, lines...)
}

// mails waits until the e-mails tell of n events or more, and returns them.
func (a *alertSite) mails(n int) []receiver.Message {
	a.Helper()
	all, err := a.mail.Wait(a.ctx, func(all []receiver.Message) bool { return mailed(all) >= n })
	a.must(err)
	return all
}

// posts is mails for a web server.
func (a *alertSite) posts(w *receiver.Web, n int) []receiver.Post {
	a.Helper()
	all, err := w.Wait(a.ctx, func(all []receiver.Post) bool { return posted(all) >= n })
	a.must(err)
	return all
}

// arrivals waits for that many requests to the web server.
func (a *alertSite) arrivals(n int) []receiver.Post {
	a.Helper()
	all, err := a.web.Wait(a.ctx, func(all []receiver.Post) bool { return len(all) >= n })
	a.must(err)
	return all
}

// mailed is how many events e-mails tell of; those with the same id are one.
func mailed(all []receiver.Message) int {
	counts := map[string]int{}
	for _, m := range all {
		counts[m.ID] = m.Count
	}
	return sum(counts)
}

func posted(all []receiver.Post) int {
	counts := map[string]int{}
	for _, p := range all {
		counts[p.ID] = p.Count
	}
	return sum(counts)
}

func sum(counts map[string]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}

// wantTold checks, when nothing can come any more, that the receivers were told of
// n events, and each of them in one message.
func (a *alertSite) wantTold(n int) {
	a.Helper()
	mails, posts := a.mail.All(), a.web.All()
	if mailed(mails) != n || posted(posts) != n {
		a.Errorf("%d events were told by e-mail and %d by webhook, want %d", mailed(mails), posted(posts), n)
	}
	if slices.ContainsFunc(posts, func(p receiver.Post) bool { return !p.Signed }) {
		a.Error("a request is not signed")
	}
}
