package wire

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"siem-s3/conf"
	"siem-s3/event"
	"siem-s3/notify"
	"siem-s3/pipeline"
)

// Channels returns the channels that alerts go out by, the e-mail before the
// webhooks, and none if notify is off. It reads the files that settings name and
// connects to nothing. The error is a conf.Problems with all that is wrong with
// the alerts, their selection too.
func Channels(cfg *conf.Config) ([]notify.Channel, error) {
	var problems conf.Problems
	_, all := alerts(cfg, &problems)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// alertOptions returns what the pipeline needs to know of alerts.
func alertOptions(cfg *conf.Config, problems *conf.Problems) *pipeline.Alerts {
	grouping, channels := alerts(cfg, problems)
	return &pipeline.Alerts{
		Grouping: grouping, Channels: channels,
		GroupWait: cfg.Notify.GroupWait, Interval: cfg.Notify.Interval, Source: cfg.Format.Syslog.Hostname,
	}
}

// alerts returns which events alert, grouped how, and the channels that they go
// out by: nothing if notify is off.
func alerts(cfg *conf.Config, problems *conf.Problems) (notify.Grouping, []notify.Channel) {
	if !cfg.Notify.On {
		return notify.Grouping{}, nil
	}
	return grouping(cfg, problems), channels(cfg, problems)
}

func grouping(cfg *conf.Config, problems *conf.Problems) notify.Grouping {
	selected, err := notify.ParseSelection(cfg.Notify.Events)
	if err != nil {
		addTo(problems, "notify_events", cfg.Notify.Events, err)
	}
	by, ok := event.FieldByName(cfg.Notify.GroupBy)
	return notify.Grouping{Selected: selected, ByField: ok, By: by}
}

// addTo notes what unjoined errors say about the value of a key that conf
// allowed. A secret that was given in a file may have its problem under that key
// already.
func addTo(problems *conf.Problems, key, value string, err error) {
	if problems.Has(key + "_file") {
		return
	}
	var reasons []string
	for _, reason := range unjoin(err) {
		reasons = append(reasons, reason.Error())
	}
	known, _ := conf.Lookup(key)
	problems.Add(conf.Problem{Key: key, Value: value, Want: known.Want() + " (" + strings.Join(reasons, "; ") + ")"})
}

func channels(cfg *conf.Config, problems *conf.Problems) (all []notify.Channel) {
	if cfg.Notify.SMTP.Host != "" {
		m, err := notify.NewEmail(emailOptions(cfg.Notify.SMTP))
		if err == nil {
			all = append(all, m)
		}
		addOptions(problems, emailKeys(cfg.Notify.SMTP), err)
	}
	for _, url := range cfg.Notify.Webhook.URLs {
		w, err := notify.NewWebhook(webhookOptions(cfg.Notify.Webhook, url))
		if err == nil {
			all = append(all, w)
		}
		addOptions(problems, webhookKeys(cfg.Notify.Webhook, url), err)
	}
	return all
}

// A setting is a key with the value that it has in a Config.
type setting struct{ key, value string }

// addOptions notes the options that a channel refused, under the keys that they
// come from.
func addOptions(problems *conf.Problems, settings map[string]setting, err error) {
	for _, err := range unjoin(err) {
		var option *notify.OptionError
		if errors.As(err, &option) {
			s := settings[option.Option]
			addTo(problems, s.key, s.value, option.Err)
		}
	}
}

func emailOptions(s conf.SMTP) notify.EmailOptions {
	auth := notify.AutoAuth
	if s.Auth != "auto" {
		auth = notify.Mechanism(strings.ToUpper(s.Auth))
	}
	return notify.EmailOptions{
		Host: s.Host, Port: s.Port, Security: notify.Security(s.Security),
		Username: s.Username, Password: s.Password.Reveal(), Auth: auth,
		From: s.From, To: s.To, CAFile: s.CAFile, Helo: heloName(), Timeout: s.Timeout, Format: notify.MailFormat(s.Format),
	}
}

// heloName returns the host's name, as far as EHLO can carry it (RFC 5321
// section 4.1.1.1).
func heloName() string {
	name, err := os.Hostname()
	notInName := func(r rune) bool {
		letter := 'a' <= r|0x20 && r|0x20 <= 'z'
		return !letter && (r < '0' || r > '9') && r != '-' && r != '.'
	}
	if err != nil || name == "" || strings.ContainsFunc(name, notInName) {
		return "localhost"
	}
	return name
}

func emailKeys(s conf.SMTP) map[string]setting {
	return map[string]setting{
		"Host":     {"smtp_host", s.Host},
		"Port":     {"smtp_port", fmt.Sprint(s.Port)},
		"Security": {"smtp_security", s.Security},
		"Username": {"smtp_username", s.Username},
		"Password": {"smtp_password", s.Password.Reveal()},
		"Auth":     {"smtp_auth", s.Auth},
		"From":     {"smtp_from", s.From},
		"To":       {"smtp_to", strings.Join(s.To, ", ")},
		"CAFile":   {"smtp_ca_file", s.CAFile},
		"Timeout":  {"smtp_timeout", s.Timeout.String()},
		"Format":   {"smtp_format", s.Format},
	}
}

func webhookOptions(w conf.Webhook, url conf.Secret) notify.WebhookOptions {
	o := notify.WebhookOptions{
		URL: url.Reveal(), Format: notify.WebhookFormat(w.Format), APIKey: w.APIKey.Reveal(),
		CAFile: w.CAFile, CertFile: w.CertFile, KeyFile: w.KeyFile, Timeout: w.Timeout,
	}
	for _, secret := range w.Secrets {
		o.Secrets = append(o.Secrets, secret.Reveal())
	}
	return o
}

func webhookKeys(w conf.Webhook, url conf.Secret) map[string]setting {
	return map[string]setting{
		"URL":      {"webhook_url", url.Reveal()},
		"Format":   {"webhook_format", w.Format},
		"APIKey":   {"webhook_api_key", w.APIKey.Reveal()},
		"Secrets":  {"webhook_secret", fmt.Sprint(w.Secrets)},
		"CAFile":   {"webhook_ca_file", w.CAFile},
		"CertFile": {"webhook_cert_file", w.CertFile},
		"KeyFile":  {"webhook_key_file", w.KeyFile},
		"Timeout":  {"webhook_timeout", w.Timeout.String()},
	}
}
