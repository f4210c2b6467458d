package test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"siem-s3/test/fluentbit"
	"siem-s3/test/host"
	"siem-s3/test/s3server"
)

// What the log says of receivers.
const (
	cannotDeliver = "can't deliver alerts"
	deliversAgain = "recovered, alerts are delivered again"
)

func TestAlertsArriveByMailAndWebhook(t *testing.T) {
	t.Parallel()
	a := newAlertSite(t)
	h := a.start(a.alerting("a"))
	a.waitLog(h, `alerts="email, webhook http://127.0.0.1:`)
	start := time.Now()
	a.flush(h, "a", "x", a.criticals(3))
	mails, posts := a.mails(3), a.posts(a.web, 3)
	t.Logf("accepted %v after the flush by the mail server and %v after it by the web server, with a notify_group_wait of 1s",
		mails[0].At.Sub(start).Round(time.Millisecond), posts[0].At.Sub(start).Round(time.Millisecond))
	a.exit(h)
	a.wantTold(3)
	if all := a.mail.All(); len(all) != 1 || all[0].Subject != "[SIEM] 3 × Device reported critical issues" ||
		!slices.Equal(all[0].To, []string{"alice@company.example", "bob@company.example"}) {
		t.Errorf("e-mails: %+v", all)
	}
	for _, text := range []string{mails[0].Text, mails[0].HTML, string(posts[0].Body)} {
		if !strings.Contains(text, "issue 2") || !strings.Contains(text, "LT-2") || strings.Contains(text, "nothing") {
			t.Errorf("an alert reads\n%s", text)
		}
	}
	if want := "s3://" + a.bucket + "/siem/category=device/"; !strings.Contains(string(posts[0].Body), want) {
		t.Errorf("no word of %s in %s", want, posts[0].Body)
	}
	a.awaitLines(6)
}

func TestFluentBitAlerts(t *testing.T) {
	t.Parallel()
	fluentbit.Need(t)
	a := newAlertSite(t)
	j := a.job(false)
	more := a.alertSettings()
	for i := 0; i < len(more); i += 2 {
		j.output[more[i]] = more[i+1]
	}
	j.append(sampleEvents(t))
	p := j.start()
	a.mails(3)
	a.posts(a.web, 3)
	a.must(p.Stop(a.ctx))
	a.wantTold(3)
	a.wantSampleOfFluentBit("json", ".gz")
}

// The process dies while the alert waits for others.
func TestCrashBeforeTheDelivery(t *testing.T) {
	t.Parallel()
	a := newAlertSite(t)
	long := a.alerting("a", "notify_group_wait", "10m")
	for range 3 {
		h := a.start(long)
		a.flush(h, "a", "x", a.criticals(2))
		h.Kill()
	}
	h := a.start(with(long, "notify_group_wait", "1s"))
	a.mails(6)
	a.posts(a.web, 6)
	a.exit(h)
	a.exit(a.start(long)) // which finds nothing to tell any more
	a.wantTold(6)
	if len(a.mail.All()) != 1 || len(a.web.All()) != 1 {
		t.Errorf("%d e-mails and %d webhooks, want one each", len(a.mail.All()), len(a.web.All()))
	}
}

// The receivers have the alert, and the process dies before it hears of it: they
// get it again, under the same id.
func TestCrashBeforeTheReceiversAnswer(t *testing.T) {
	t.Parallel()
	a := newAlertSite(t)
	killed := make(chan struct{})
	a.web.Answer(func(http.ResponseWriter, *http.Request) { <-killed })
	a.mail.Answer(func() error { <-killed; return nil })
	o := a.alerting("a")
	h := a.start(o)
	a.flush(h, "a", "x", a.criticals(2))
	a.mails(2)
	a.posts(a.web, 2)
	h.Kill()
	close(killed)
	a.flush(a.start(o), "a", "x", a.criticals(5)) // they are news, and come by themselves
	a.mails(7)
	a.posts(a.web, 7)
	mails, posts := a.mail.All(), a.web.All()
	if len(mails) != 3 || mails[0].ID != mails[1].ID || mails[0].Text != mails[1].Text {
		t.Errorf("%d e-mails, the first two with the ids %s and %s", len(mails), mails[0].ID, mails[1].ID)
	}
	if len(posts) != 3 || posts[0].ID != posts[1].ID || string(posts[0].Body) != string(posts[1].Body) {
		t.Errorf("%d webhooks, the first two with the ids %s and %s", len(posts), posts[0].ID, posts[1].ID)
	}
	a.wantTold(7)
}

// The process dies again and again, at any time around a delivery.
func TestCrashesNeitherLoseNorAddAlerts(t *testing.T) {
	t.Parallel()
	a := newAlertSite(t)
	o := a.alerting("a")
	const rounds = 6
	for i := range rounds {
		h := a.start(o)
		before := len(a.web.All())
		a.flush(h, "a", "x", a.criticals(1))
		if i%2 == 1 {
			a.arrivals(before + 1)
		}
		h.Kill()
	}
	h := a.start(o)
	a.mails(rounds)
	a.posts(a.web, rounds)
	a.exit(h)
	a.wantTold(rounds)
}

func TestMailServerThatIsDownAtTheStart(t *testing.T) {
	t.Parallel()
	a := newAlertSite(t)
	addr := a.mail.Host + ":" + a.mail.Port
	a.mail.Close()
	h := a.start(a.alerting("a"))
	a.flush(h, "a", "x", a.criticals(2))
	a.waitLog(h, cannotDeliver)
	a.awaitLines(4) // the objects do not wait for the mail server
	a.mail = a.serveMail(addr)
	a.mails(2)
	a.waitLog(h, deliversAgain)
	a.exit(h)
	a.wantTold(2)
	wantLines(t, h, 1, cannotDeliver)
	wantLines(t, h, 1, deliversAgain)
}

func TestReloadKeepsAlertsThatWereNotDelivered(t *testing.T) {
	t.Parallel()
	a := newAlertSite(t)
	a.web.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	o := a.webOnly("a")
	h := a.start(o)
	a.flush(h, "a", "x", a.criticals(2))
	a.waitLog(h, cannotDeliver)
	a.web.Answer(nil)
	a.must(h.Reload(a.ctx, with(o, "format", "syslog")))
	posts := a.arrivals(2)
	a.exit(h)
	if posts[0].ID != posts[1].ID || string(posts[0].Body) != string(posts[1].Body) {
		t.Errorf("the second attempt brings\n%s\nafter\n%s", posts[1].Body, posts[0].Body)
	}
	if all := a.web.All(); len(all) != 2 {
		t.Errorf("%d requests, want 2", len(all))
	}
}

// What only waits for others goes out when the output stops.
func TestExitTellsWhatWaits(t *testing.T) {
	t.Parallel()
	a := newAlertSite(t)
	h := a.start(a.alerting("a", "notify_group_wait", "10m"))
	a.flush(h, "a", "x", a.criticals(2))
	a.exit(h)
	a.wantTold(2)
}

func TestAlertsGoOutWhileS3IsDown(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t)
	s := siteOn(t, server)
	s.createBucket()
	a := alertsOf(s)
	server.Stop()
	h := a.start(a.alerting("a"))
	a.flush(h, "a", "x", a.criticals(2))
	a.mails(2)
	a.posts(a.web, 2)
	a.waitLog(h, cannotUpload)
	a.must(server.Restart(a.ctx))
	a.awaitLines(4)
	a.exit(h)
	a.wantTold(2)
}

// A receiver that takes the connection and says nothing delays no other receiver,
// no object, and the exit only as long as shutdown_timeout allows.
func TestReceiverThatHangsDelaysNothingElse(t *testing.T) {
	t.Parallel()
	a := newAlertSite(t)
	other := a.serveWeb()
	hangs := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	a.web.Answer(hangs)
	o := a.alerting("a", "webhook_url", a.web.URL+" "+other.URL, "webhook_timeout", "5m", "shutdown_timeout", "1s")
	h := a.start(o)
	for round := 1; round <= 2; round++ {
		a.flush(h, "a", "x", a.criticals(2))
		a.mails(2 * round)
		a.posts(other, 2*round)
		a.awaitLines(4 * round)
	}
	a.exit(h)
	if all := a.web.All(); len(all) != 1 {
		t.Errorf("%d requests to the receiver that hangs, want 1", len(all))
	}
	a.web.Answer(nil)
	h = a.start(o)
	if all := a.posts(a.web, 4); all[1].ID != all[0].ID {
		t.Errorf("the attempt after the restart has the id %s, want %s", all[1].ID, all[0].ID)
	}
	a.exit(h)
	a.wantTold(4)
}

func TestAlertsWithoutStorage(t *testing.T) {
	t.Parallel()
	a := newAlertSite(t)
	o := a.alerting("a", "log_storage", "off")
	for _, key := range []string{"bucket", "endpoint", "aws_access_key_id", "aws_secret_access_key"} {
		delete(o.Settings, key)
	}
	h := a.start(o)
	a.waitLog(h, " to=nowhere ")
	a.flush(h, "a", "x", a.criticals(2))
	a.mails(2)
	a.posts(a.web, 2)
	a.exit(h)
	a.wantTold(2)
	if all := a.objects(); len(all) > 0 {
		t.Errorf("objects: %s", texts(all))
	}
	if strings.Contains(string(a.web.All()[0].Body), "s3://") {
		t.Errorf("an alert points to objects: %s", a.web.All()[0].Body)
	}
}

// Everything fails that can, every failure is logged, and servers repeat what they
// were told.
func TestNoSecretIsLogged(t *testing.T) {
	t.Parallel()
	a := newAlertSite(t)
	a.web.Answer(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "can't take "+r.URL.String()+" with "+r.Header.Get("Authorization"))
	})
	secrets := map[string]string{
		"smtp_password": "not-the-mail-password", "webhook_url": a.web.URL + "/token-of-the-url",
		"webhook_api_key": "Bearer the-api-key", "webhook_secret": signingKey,
		"aws_secret_access_key": "not-the-secret-of-this-key", "aws_session_token": "the-session-token",
	}
	o := a.alerting("a", "verbosity", "debug", "shutdown_timeout", "1s")
	for key, value := range secrets {
		o.Settings[key] = value
	}
	h := a.start(o)
	a.flush(h, "a", "x", a.criticals(2))
	a.waitLog(h, "authenticate by PLAIN: 535")
	a.waitLog(h, "HTTP status 500")
	a.waitLog(h, cannotUpload)
	a.exit(h)
	secrets["path of the URL"], secrets["key"], secrets["signing key"] = "token-of-the-url", "the-api-key", strings.TrimPrefix(signingKey, "whsec_")
	wantNoSecret(t, h, secrets)
}

func wantNoSecret(t *testing.T, h *host.Host, secrets map[string]string) {
	t.Helper()
	for what, secret := range secrets {
		for line := range strings.Lines(h.Log.String()) {
			if strings.Contains(line, secret) {
				t.Errorf("%s shows in: %s", what, line)
			}
		}
	}
}
