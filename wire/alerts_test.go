package wire

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"siem-s3/conf"
	"siem-s3/event"
	"siem-s3/notify"
)

const (
	signing = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
)

// parse reads settings, lines of "key value", over a bucket.
func parse(lines ...string) (*conf.Config, conf.Problems) {
	settings := map[string]string{"bucket": "acme-siem-logs"}
	for _, line := range lines {
		key, value, _ := strings.Cut(line, " ")
		settings[key] = value
	}
	cfg, err := conf.Parse(func(key string) string { return settings[key] })
	var problems conf.Problems
	errors.As(err, &problems)
	return cfg, problems
}

// byMail are settings that alert by e-mail.
func byMail(lines ...string) []string {
	return append([]string{
		"notify_events critical_found", "smtp_host mail.example.com", "smtp_from siem@example.com", "smtp_to security@example.com",
	}, lines...)
}

// byWebhook are settings that alert by a webhook.
func byWebhook(lines ...string) []string {
	return append([]string{"notify_events critical_found", "webhook_url https://hooks.example.com/" + leak}, lines...)
}

func TestAlertsAreWired(t *testing.T) {
	cfg, problems := parse(byMail("notify_events account,!logon", "notify_group_by admin_email",
		"webhook_url https://a.example.com/x https://b.example.com/y", "webhook_secret "+signing)...)
	g, all := alerts(cfg, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	config, _ := event.Lookup([]byte("config"))
	logon, _ := event.Lookup([]byte("logon"))
	if !g.Selected.Has(config) || g.Selected.Has(logon) || !g.ByField || g.By != event.AdminEmail {
		t.Errorf("grouping is %+v", g)
	}
	want := []string{"email", "webhook https://a.example.com #", "webhook https://b.example.com #"}
	if !slices.EqualFunc(all, want, func(c notify.Channel, want string) bool { return strings.HasPrefix(c.Name(), want) }) {
		t.Errorf("channels are %v", all)
	}
	again, err := Channels(cfg)
	if err != nil || len(again) != len(all) {
		t.Errorf("Channels returns %v, %v", again, err)
	}
}

func TestAlertsThatAreOffAreNotWired(t *testing.T) {
	cfg, problems := parse(byMail("notify off", "notify_events nonsense", "smtp_ca_file /nowhere/ca.pem")...)
	g, all := alerts(cfg, &problems)
	if g != (notify.Grouping{}) || all != nil || problems != nil {
		t.Errorf("got %+v, %v, %v", g, all, problems)
	}
	if all, err := Channels(cfg); all != nil || err != nil {
		t.Errorf("Channels returns %v, %v", all, err)
	}
}

func TestProblemsOfAlertsNameTheirKeys(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "not.pem")
	if err := os.WriteFile(notPEM, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		settings []string
		want     []string
	}{
		{"unknown log types", byMail("notify_events critical_foun,logn"), []string{
			`notify_events "critical_foun,logn": want log types such as critical_found, or device, account or all ` +
				`(unknown log type or group "critical_foun": did you mean "critical_found"?; ` +
				`unknown log type or group "logn": did you mean "logon"?)`,
		}},
		{"exclusions alone", byMail("notify_events !compliant"), []string{
			`notify_events "!compliant": want log types such as critical_found, or device, account or all ` +
				`(only exclusions are given: select what they leave out from, as in "all,!compliant")`,
		}},
		{"sender that SMTP cannot carry", byMail("smtp_from a\u0085b@example.com"), []string{
			`smtp_from "<a\u0085b@example.com>": want an e-mail address such as siem@example.com (sender: address "<a\u0085b@example.com>" has a control character)`,
		}},
		{"CA file that is not there", byMail("smtp_ca_file /nowhere/ca.pem"), []string{
			`smtp_ca_file "/nowhere/ca.pem": want the absolute path of a PEM file (read CA file: open /nowhere/ca.pem: no such file or directory)`,
		}},
		{"one CA file for two URLs", byWebhook("webhook_url https://a/ https://b/", "webhook_ca_file "+notPEM), []string{
			`webhook_ca_file "` + notPEM + `": want the absolute path of a PEM file (CA file ` + notPEM + ` holds no PEM certificate)`,
		}},
		{"certificate that is none", byWebhook("webhook_cert_file "+notPEM, "webhook_key_file "+notPEM), []string{
			`webhook_cert_file "` + notPEM + `": want the absolute path of a PEM file (load client certificate: tls: failed to find any PEM data in certificate input)`,
		}},
		{"API key with a control character", byWebhook("webhook_api_key " + leak + "\u0085x"), []string{
			`webhook_api_key [redacted]: want a value without control characters (the API key has a control character)`,
		}},
		{"what conf refused is not refused again", byMail("smtp_username siem", "smtp_password_file /nowhere/password", "notify_events "), []string{
			`notify_events is not set: want the log types that alert, such as critical_found,process_scan_infection_found, or notify off`,
			`smtp_password_file "/nowhere/password": want a file that can be read: no such file or directory`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg, problems := parse(test.settings...)
			alerts(cfg, &problems)
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			slices.Sort(got)
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			if strings.Contains(strings.Join(got, "\n"), leak) {
				t.Error("a secret shows")
			}
		})
	}
}

// Every option of a channel comes from a setting, and whatever of them is
// refused is reported under it.
func TestEveryOptionOfAChannelIsSet(t *testing.T) {
	mail, _ := parse(byMail("smtp_port 2525", "smtp_username siem", "smtp_password "+leak, "smtp_auth cram-md5", "smtp_ca_file /ca.pem",
		"smtp_timeout 7s", "smtp_format json", "smtp_security tls")...)
	web, _ := parse(byWebhook("webhook_format teams", "webhook_api_key "+leak, "webhook_secret "+signing+" "+signing, "webhook_ca_file /a",
		"webhook_cert_file /b", "webhook_key_file /c", "webhook_timeout 9s")...)
	url := web.Notify.Webhook.URLs[0]
	email, hook := emailOptions(mail.Notify.SMTP), webhookOptions(web.Notify.Webhook, url)
	checkOptions(t, reflect.ValueOf(email), emailKeys(mail.Notify.SMTP))
	checkOptions(t, reflect.ValueOf(hook), webhookKeys(web.Notify.Webhook, url))
	if email.Auth != notify.CRAMMD5 || email.Security != notify.ImplicitTLS || email.Timeout != 7*time.Second || email.Format != notify.MailJSON ||
		email.Port != 2525 || email.Password != leak {
		t.Errorf("got %#v", email)
	}
	if hook.Format != notify.Teams || hook.Timeout != 9*time.Second || hook.APIKey != leak || !slices.Equal(hook.Secrets, []string{signing, signing}) {
		t.Errorf("got %#v", hook)
	}
}

func checkOptions(t *testing.T, options reflect.Value, settings map[string]setting) {
	t.Helper()
	for i := range options.NumField() {
		name := options.Type().Field(i).Name
		if options.Field(i).IsZero() {
			t.Errorf("%s is not set", name)
		}
		if name == "Helo" {
			continue // of this host
		}
		if _, ok := conf.Lookup(settings[name].key); !ok {
			t.Errorf("%s comes from %q, which is no setting", name, settings[name].key)
		}
	}
}

// Each default of the settings stands for the channels too.
func TestDefaultsOfAlertsStand(t *testing.T) {
	for _, settings := range [][]string{byMail(), byMail("smtp_username siem", "smtp_password "+leak), byWebhook()} {
		cfg, problems := parse(settings...)
		if _, all := alerts(cfg, &problems); len(all) != 1 || problems != nil {
			t.Errorf("%v: got %v, %v", settings, all, problems)
		}
	}
}

// With log_storage off nothing of S3 is needed, and what is set of it serves what
// was stored before.
func TestAlertsWithoutStorageAreWired(t *testing.T) {
	for _, bucket := range []string{"", "acme-siem-logs"} {
		settings := map[string]string{
			"log_storage": "off", "bucket": bucket, "notify": "on", "notify_events": "critical_found", "webhook_url": "https://hooks.example.com/x",
			"notify_group_wait": "3s", "notify_interval": "4m", "syslog_hostname": "gw-1",
		}
		_, o, err := Settings(func(key string) string { return settings[key] }, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !o.AlertsOnly || (o.Bucket != nil) != (bucket != "") {
			t.Errorf("bucket %q: alerts only %v, bucket %v", bucket, o.AlertsOnly, o.Bucket)
		}
		if a := o.Alerts; a == nil || len(a.Channels) != 1 || a.GroupWait != 3*time.Second || a.Interval != 4*time.Minute || a.Source != "gw-1" {
			t.Errorf("alerts are wired as %+v", a)
		}
	}
}
