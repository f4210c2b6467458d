package conf

import "time"

var alertSection = Section{
	Title: "Alerts",
	Intro: "An alert tells people or programs of events of the log types that you select. It goes out by e-mail, by webhook, " +
		"or both, and is kept on disk until then: a crash, a restart or a mail server that is down loses none. Alerts " +
		"must be set up or, with `notify off`, turned off: nobody would notice the lack of alerts that were forgotten. " +
		"More about them is in [alerts.md](alerts.md).",
	Example: `
    notify_events    device,!compliant,license_left
    notify_interval  10m
    smtp_host        mail.example.com
    smtp_from        siem@example.com
    smtp_to          security@example.com`,
	Keys: []Key{
		{
			Name: "notify", Default: "on",
			Doc:  "`off` turns alerts off. Their other settings are then checked, one by one, and not used.",
			rule: boolean(func(c *Config) *bool { return &c.Notify.On }),
		},
		{
			Name: "notify_events",
			Doc: "The log types that alert, separated by commas. `device`, `account` and `all` stand for groups, and `!` leaves " +
				"out what follows it: `device,!compliant`.",
			Unset: "**required** unless `notify` is `off`",
			rule:  line("log types such as critical_found, or device, account or all", func(c *Config) *string { return &c.Notify.Events }),
		},
		{
			Name: "notify_group_wait", Default: "10s",
			Doc:  "How long the first event of a quiet period waits for others of its log type before the alert goes out.",
			rule: duration(time.Second, 10*time.Minute, func(c *Config) *time.Duration { return &c.Notify.GroupWait }),
		},
		{
			Name: "notify_interval", Default: "5m",
			Doc: "The least time between two alerts of one log type. What happens in between is told in one message: the " +
				"number of events, and the first 100 of them.",
			rule: duration(time.Second, 24*time.Hour, func(c *Config) *time.Duration { return &c.Notify.Interval }),
		},
		{
			Name: "notify_group_by", Unset: "by log type alone",
			Doc: "Makes separate alerts for each device, group of devices or admin: for up to 64 of them at a time, and one " +
				"more for the rest.",
			rule: oneOf(func(c *Config) *string { return &c.Notify.GroupBy }, "device_id", "device_group", "admin_email"),
		},
	},
}

var smtpSection = Section{
	Title: "Alerts by e-mail",
	Intro: "E-mail needs `smtp_host`, `smtp_from` and `smtp_to`.",
	Example: `
    notify_events       critical_found,process_scan_infection_found
    smtp_host           mail.example.com
    smtp_username       siem@example.com
    smtp_password_file  /etc/fluent-bit/smtp-password
    smtp_from           SIEM <siem@example.com>
    smtp_to             security@example.com, oncall@example.com`,
	Keys: withFiles(
		Key{
			Name: "smtp_host", Unset: "no e-mail",
			Doc:  "The mail server.",
			rule: checked(kindHost, wantMailHost, func(c *Config) *string { return &c.Notify.SMTP.Host }, checkMailHost),
		},
		Key{
			Name: "smtp_port", Unset: "587 with `starttls`, 465 with `tls`, 25 with `none`",
			Doc:  "The port of the mail server.",
			rule: number(1, 65535, func(c *Config) *int { return &c.Notify.SMTP.Port }),
		},
		Key{
			Name: "smtp_security", Default: "starttls",
			Doc: "`starttls` changes to TLS before anything of note is said, and gives up where the server cannot; `tls` is " +
				"TLS from the first byte; `none` sends everything in the clear, which is fit only for a server on this host.",
			rule: oneOf(func(c *Config) *string { return &c.Notify.SMTP.Security }, "starttls", "tls", "none"),
		},
		Key{
			Name: "smtp_username", Unset: "none: no authentication",
			Doc:  "The user name at the mail server.",
			rule: line("a user name", func(c *Config) *string { return &c.Notify.SMTP.Username }),
		},
		Key{
			Name: "smtp_password", Secret: true, Unset: "none",
			Doc: "The password of that user.",
			rule: reads("text", "a password without control characters",
				func(c *Config) *Secret { return &c.Notify.SMTP.Password }, readSecretLine),
		},
		Key{
			Name: "smtp_auth", Default: "auto",
			Doc: "How the user is authenticated. `auto` takes the first of `plain`, `login` and `cram-md5` that the server " +
				"offers; with `smtp_security` `none` only `cram-md5`, which does not show the password.",
			rule: oneOf(func(c *Config) *string { return &c.Notify.SMTP.Auth }, "auto", "plain", "login", "cram-md5"),
		},
		Key{
			Name: "smtp_from", Unset: "**required** with `smtp_host`",
			Doc: "The sender: an address, with a name if you like, as in `SIEM <siem@example.com>`.",
			rule: reads("address", "an e-mail address such as siem@example.com",
				func(c *Config) *string { return &c.Notify.SMTP.From }, parseAddress),
		},
		Key{
			Name: "smtp_to", Unset: "**required** with `smtp_host`",
			Doc: "The recipients, separated by commas. One that the server refuses does not keep the others from getting the " +
				"alert.",
			rule: reads("addresses", "e-mail addresses, separated by commas",
				func(c *Config) *[]string { return &c.Notify.SMTP.To }, parseAddresses),
		},
		Key{
			Name: "smtp_format", Default: "html",
			Doc:  "`html` sends tables, with plain text beside them; `json` sends the body of the webhook format `json`.",
			rule: oneOf(func(c *Config) *string { return &c.Notify.SMTP.Format }, "html", "json"),
		},
		Key{
			Name: "smtp_ca_file", Unset: "the certificates that the system trusts",
			Doc:  "A PEM file with the certificates of the only authorities to trust.",
			rule: pemFile(kindPath, func(c *Config) *string { return &c.Notify.SMTP.CAFile }),
		},
		Key{
			Name: "smtp_timeout", Default: "30s",
			Doc: "How long each step may take: to connect, TLS, every command, the message. Only the server's answer to the " +
				"message may take ten times as long, because it checks the message then.",
			rule: duration(time.Second, 5*time.Minute, func(c *Config) *time.Duration { return &c.Notify.SMTP.Timeout }),
		},
	),
}

var webhookSection = Section{
	Title: "Alerts by webhook",
	Intro: "A webhook needs `webhook_url`. The other settings are the same for all URLs.",
	Example: `
    notify_events        all,!logon,!logout
    webhook_url          https://hooks.example.com/siem
    webhook_secret_file  /etc/fluent-bit/webhook-secret`,
	Keys: withFiles(
		Key{
			Name: "webhook_url", Secret: true, Unset: "no webhook",
			Doc: "Where alerts are posted. Several URLs are separated by spaces. It is a secret, because many services put a " +
				"token into it.",
			rule: reads("URLs", "URLs that begin with https:// or http://, separated by spaces, each one once",
				func(c *Config) *[]Secret { return &c.Notify.Webhook.URLs }, parseWebhookURLs),
		},
		Key{
			Name: "webhook_format", Default: "json",
			Doc: "What is posted: `json`; `cloudevents`, which is CloudEvents 1.0 in structured mode; or what an incoming " +
				"webhook of `slack` or a workflow of `teams` shows.",
			rule: oneOf(func(c *Config) *string { return &c.Notify.Webhook.Format }, "json", "cloudevents", "slack", "teams"),
		},
		Key{
			Name: "webhook_api_key", Secret: true, Unset: "none",
			Doc: "The whole value of the `Authorization` header, such as `Bearer` and a token.",
			rule: reads("text", "a value without control characters",
				func(c *Config) *Secret { return &c.Notify.Webhook.APIKey }, readSecretLine),
		},
		Key{
			Name: "webhook_secret", Secret: true, Unset: "none: requests are not signed",
			Doc: "Signs each request as [Standard Webhooks](https://www.standardwebhooks.com) says. While the receiver changes " +
				"to a new secret give both, separated by a space.",
			rule: reads("secrets", "one or two secrets, each whsec_ and 24 to 64 bytes in base64",
				func(c *Config) *[]Secret { return &c.Notify.Webhook.Secrets }, parseSigningSecrets),
		},
		Key{
			Name: "webhook_ca_file", Unset: "the certificates that the system trusts",
			Doc:  "A PEM file with the certificates of the only authorities to trust.",
			rule: pemFile(kindPath, func(c *Config) *string { return &c.Notify.Webhook.CAFile }),
		},
		Key{
			Name: "webhook_cert_file", Unset: "none",
			Doc:  "A PEM file with the client's certificate, for a server that asks for one.",
			rule: pemFile(kindPath, func(c *Config) *string { return &c.Notify.Webhook.CertFile }),
		},
		Key{
			Name: "webhook_key_file", Unset: "none",
			Doc:  "A PEM file with the private key of that certificate.",
			rule: pemFile(kindKey, func(c *Config) *string { return &c.Notify.Webhook.KeyFile }),
		},
		Key{
			Name: "webhook_timeout", Default: "20s",
			Doc:  "How long a request may take, to the end of its answer.",
			rule: duration(time.Second, 5*time.Minute, func(c *Config) *time.Duration { return &c.Notify.Webhook.Timeout }),
		},
	),
}
