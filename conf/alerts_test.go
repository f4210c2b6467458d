package conf

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// signing is a secret of Standard Webhooks: 24 bytes.
const signing = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"

// leakedSigning and the leak in it are no such secret.
const leakedSigning = "whsec_" + leak

// alerting returns the get function of these settings over a configuration that
// alerts by e-mail.
func alerting(lines ...string) func(string) string {
	return over([]string{
		"bucket acme-siem-logs", "notify_events critical_found", "smtp_host mail.example.com",
		"smtp_from siem@example.com", "smtp_to security@example.com",
	}, lines)
}

// noMail takes e-mail out of what alerting has.
func noMail(lines ...string) []string {
	return append([]string{"smtp_host ", "smtp_from ", "smtp_to "}, lines...)
}

// secretFiles is what a file may hold, by the setting that names it.
var secretFiles = map[string]string{
	"smtp_password_file":   "correct horse\n",
	"webhook_url_file":     "https://hooks.example.com/siem/" + leak + "\nhttps://second.example.com\n",
	"webhook_api_key_file": "Bearer " + leak,
	"webhook_secret_file":  signing + "\n",
}

// withSecretFiles puts files that are there in the place of those that the
// settings name.
func withSecretFiles(t *testing.T, settings map[string]string) {
	t.Helper()
	for name, content := range secretFiles {
		if settings[name] == "" {
			continue
		}
		settings[name] = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(settings[name], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

var alertMistakes = []mistake{
	{name: "nothing selected", settings: []string{"notify_events "}},
	{name: "nobody to alert", settings: noMail()},
	{name: "neither", problems: 2, settings: noMail("notify_events ")},
	{name: "notify misspelt", settings: []string{"notify onn"}},
	{name: "selection with a control character", settings: []string{"notify_events critical_found\x00"}},
	{name: "wait in words", settings: []string{"notify_group_wait a while"}},
	{name: "wait too long", settings: []string{"notify_group_wait 1h"}},
	{name: "interval of zero", settings: []string{"notify_interval 0"}},
	{name: "grouping by a field that is not offered", settings: []string{"notify_group_by device_name"}},
	{name: "recipient without a server", settings: []string{"smtp_host "}},
	{name: "port without a server", problems: 3, settings: noMail("smtp_port 25")},
	{name: "server with its port", settings: []string{"smtp_host mail.example.com:2525"}},
	{name: "IPv6 server with its port", settings: []string{"smtp_host [2001:db8::1]:2525"}},
	{name: "server as a URL", settings: []string{"smtp_host smtps://mail.example.com"}},
	{name: "server with a password", settings: []string{"smtp_host smtp://siem:" + leak + "@mail.example.com"}},
	{name: "server with a password and no scheme", settings: []string{"smtp_host siem:" + leak + "@mail.example.com"}},
	{name: "server with a space", settings: []string{"smtp_host mail example com"}},
	{name: "port out of range", settings: []string{"smtp_port 65536"}},
	{name: "security by another name", settings: []string{"smtp_security ssl"}},
	{name: "user without a password", settings: []string{"smtp_username siem"}},
	{name: "password without a user", settings: []string{"smtp_password " + leak}},
	{name: "password and its file", settings: []string{"smtp_username siem", "smtp_password " + leak, "smtp_password_file /dev/null"}},
	{name: "password in place of its file", settings: []string{"smtp_username siem", "smtp_password_file " + leak}},
	{name: "password with a line break", settings: []string{"smtp_username siem", "smtp_password " + leak + "\r\nQUIT"}},
	{name: "mechanism that is not offered", settings: []string{"smtp_username siem", "smtp_password " + leak, "smtp_auth ntlm"}},
	{name: "mechanism without a user", settings: []string{"smtp_auth plain"}},
	{name: "no sender", settings: []string{"smtp_from "}},
	{name: "no recipient", settings: []string{"smtp_to "}},
	{name: "sender without an @", settings: []string{"smtp_from siem"}},
	{name: "two senders", settings: []string{"smtp_from siem@example.com, siem2@example.com"}},
	{name: "sender with a line break", settings: []string{"smtp_from siem@example.com\r\nBcc: eve@example.com"}},
	{name: "recipient with a line break", settings: []string{"smtp_to security@example.com,\r\n eve@example.com"}},
	{name: "recipients with semicolons", settings: []string{"smtp_to security@example.com; oncall@example.com"}},
	{name: "format of a webhook", settings: []string{"smtp_format slack"}},
	{name: "relative CA file", settings: []string{"smtp_ca_file ca.pem"}},
	{name: "timeout too long", settings: []string{"smtp_timeout 1h"}},
	{name: "URL without a scheme", settings: noMail("webhook_url hooks.example.com/" + leak)},
	{name: "URL of another protocol", settings: noMail("webhook_url ftp://hooks.example.com/" + leak)},
	{name: "URL without a host", settings: noMail("webhook_url https:///" + leak)},
	{name: "URL twice", settings: noMail("webhook_url https://example.com/" + leak + " https://example.com/" + leak)},
	{name: "URLs with a comma", settings: noMail("webhook_url https://example.com/" + leak + " , https://example.org")},
	{name: "API key without a URL", settings: []string{"webhook_api_key " + leak}},
	{name: "API key with a line break", settings: noMail("webhook_url https://example.com", "webhook_api_key "+leak+"\nHost: x")},
	{name: "secret without a URL", settings: noMail("webhook_secret " + signing)},
	{name: "secret without its prefix", settings: noMail("webhook_url https://example.com", "webhook_secret AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")},
	{name: "secret that is not base64", settings: noMail("webhook_url https://example.com", "webhook_secret "+leakedSigning+"!")},
	{name: "secret too short", settings: noMail("webhook_url https://example.com", "webhook_secret whsec_AAECAwQF")},
	{name: "three secrets", settings: noMail("webhook_url https://example.com", "webhook_secret "+signing+" "+signing+" "+signing)},
	{name: "webhook format misspelt", settings: noMail("webhook_url https://example.com", "webhook_format cloudevent")},
	{name: "certificate without its key", settings: noMail("webhook_url https://example.com", "webhook_cert_file /etc/c.pem")},
	{name: "key without its certificate", settings: noMail("webhook_url https://example.com", "webhook_key_file /etc/k.pem")},
	{name: "key in place of its file", settings: noMail("webhook_url https://example.com", "webhook_cert_file /etc/c.pem", "webhook_key_file "+leak)},
	{name: "half of the settings of both", problems: 3, settings: []string{"smtp_from ", "smtp_username siem", "webhook_ca_file /etc/ca.pem"}},
}

func TestMistakesOfAlertsAreExplained(t *testing.T) {
	explained(t, "testdata/mistakes_alerts.golden", alertMistakes, alerting)
}

func TestAlertsAreRead(t *testing.T) {
	mail := func(c *Config) {
		c.Notify.On, c.Notify.Events = true, "critical_found"
		c.Notify.SMTP.Host, c.Notify.SMTP.From = "mail.example.com", "<siem@example.com>"
		c.Notify.SMTP.To = []string{"<security@example.com>"}
	}
	tests := []struct {
		name   string
		get    func(string) string
		change func(*Config) // of the defaults
	}{
		{"the least", alerting(), mail},
		{
			"e-mail",
			alerting("notify_events account, !logon", "notify_group_wait 1", "notify_interval 1h", "notify_group_by ADMIN_EMAIL",
				"smtp_host [2001:db8::1]", "smtp_port 2525", "smtp_security TLS", "smtp_username siem", "smtp_password p w",
				"smtp_auth Cram-MD5", `smtp_from "The SIEM" <siem@example.com>`, "smtp_to a@example.com,Bob <b@example.com>",
				"smtp_format json", "smtp_ca_file /etc//ca.pem", "smtp_timeout 5"),
			func(c *Config) {
				c.Notify = Notify{
					On: true, Events: "account, !logon", GroupWait: time.Second, Interval: time.Hour, GroupBy: "admin_email",
					SMTP: SMTP{
						Host: "2001:db8::1", Port: 2525, Security: "tls", Username: "siem", Password: "p w", Auth: "cram-md5",
						From: `"The SIEM" <siem@example.com>`, To: []string{"<a@example.com>", `"Bob" <b@example.com>`},
						Format: "json", CAFile: "/etc/ca.pem", Timeout: 5 * time.Second,
					},
					Webhook: c.Notify.Webhook,
				}
			},
		},
		{
			"webhooks",
			alerting(noMail("webhook_url https://a.example.com/x?y=z  http://127.0.0.1:8080", "webhook_format Teams",
				"webhook_api_key Bearer x", "webhook_secret "+signing+" "+signing, "webhook_ca_file /a", "webhook_cert_file /b",
				"webhook_key_file /c", "webhook_timeout 30s")...),
			func(c *Config) {
				c.Notify.On, c.Notify.Events = true, "critical_found"
				c.Notify.Webhook = Webhook{
					URLs: []Secret{"https://a.example.com/x?y=z", "http://127.0.0.1:8080"}, Format: "teams", APIKey: "Bearer x",
					Secrets: []Secret{signing, signing}, CAFile: "/a", CertFile: "/b", KeyFile: "/c", Timeout: 30 * time.Second,
				}
			},
		},
		{"alerts alone", alerting("log_storage off", "bucket "), func(c *Config) {
			mail(c)
			c.S3.On, c.S3.Bucket = false, ""
		}},
		{"alerts turned off need not be whole", alerting("notify off", "notify_events ", "smtp_from ", "smtp_username siem", "webhook_api_key x"), func(c *Config) {
			mail(c)
			c.Notify.On, c.Notify.Events, c.Notify.SMTP.From = false, "", ""
			c.Notify.SMTP.Username, c.Notify.Webhook.APIKey = "siem", "x"
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(test.get)
			if err != nil {
				t.Fatal(err)
			}
			want := defaults()
			test.change(want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestSecretsOfAlertsAreReadFromFiles(t *testing.T) {
	settings := maps.Clone(secretFiles)
	withSecretFiles(t, settings)
	settings["smtp_username"] = "siem"
	var lines []string
	for key, path := range settings {
		lines = append(lines, key+" "+path)
	}
	c, err := Parse(alerting(lines...))
	if err != nil {
		t.Fatal(err)
	}
	web := c.Notify.Webhook
	if c.Notify.SMTP.Password != "correct horse" || web.APIKey != "Bearer "+leak || !slices.Equal(web.Secrets, []Secret{signing}) ||
		!slices.Equal(web.URLs, []Secret{"https://hooks.example.com/siem/" + leak, "https://second.example.com"}) {
		t.Errorf("got %q, %q, %q, %q", c.Notify.SMTP.Password.Reveal(), web.APIKey.Reveal(), web.Secrets, web.URLs)
	}
}

// A file whose content is refused is named, and not shown.
func TestFilesOfBadSecretsAreNamed(t *testing.T) {
	for _, key := range []string{"webhook_url_file", "webhook_secret_file"} {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(leak), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Parse(alerting("webhook_url_file /dev/null", key+" "+path, "smtp_ca_file relative"))
		if err == nil || !strings.Contains(err.Error(), key+` "`+path+`": want a file that holds nothing but `) || strings.Contains(err.Error(), leak) {
			t.Errorf("got %v", err)
		}
	}
}
