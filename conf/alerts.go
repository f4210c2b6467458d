package conf

import (
	"encoding/base64"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const wantMailHost = "the name or address of a mail server, such as mail.example.com"

var hostName = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9])?\.?$`)

// checkMailHost wants a host alone: its port has a setting of its own.
func checkMailHost(text string) (kept, want string) {
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]") // an IPv6 address as URLs write it
	if isMailHost(bare) {
		return bare, ""
	}
	_, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		rest = text
	}
	u, err := url.Parse("//" + rest)
	switch {
	case err != nil || u.User != nil || !isMailHost(u.Hostname()):
		return "", wantMailHost
	case u.Port() != "":
		return "", "the host alone, " + u.Hostname() + ", with smtp_port " + u.Port()
	}
	return "", "the host alone: " + u.Hostname()
}

func isMailHost(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil || hostName.MatchString(text) && !strings.Contains(text, "..")
}

// parseAddress reads an e-mail address as RFC 5322 writes it, with or without a name.
func parseAddress(text string) (string, bool) {
	a, err := mail.ParseAddress(text)
	if err != nil || !isLine(text) {
		return "", false
	}
	return a.String(), true
}

// parseAddresses reads addresses with commas between.
func parseAddresses(text string) ([]string, bool) {
	list, err := mail.ParseAddressList(text)
	if err != nil || !isLine(text) {
		return nil, false
	}
	var all []string
	for _, a := range list {
		all = append(all, a.String())
	}
	return all, true
}

// parseWebhookURLs reads URLs with white space between. One that is there twice
// would get every alert twice.
func parseWebhookURLs(text string) (all []Secret, ok bool) {
	for field := range strings.FieldsSeq(text) {
		u, err := url.Parse(field)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || slices.Contains(all, Secret(field)) {
			return nil, false
		}
		all = append(all, Secret(field))
	}
	return all, len(all) > 0
}

// parseSigningSecrets reads one or two secrets as Standard Webhooks 1.0 writes
// them (section "Signature scheme").
func parseSigningSecrets(text string) (all []Secret, ok bool) {
	for field := range strings.FieldsSeq(text) {
		key, found := strings.CutPrefix(field, "whsec_")
		b, err := base64.StdEncoding.DecodeString(key)
		if !found || err != nil || len(b) < 24 || len(b) > 64 {
			return nil, false
		}
		all = append(all, Secret(field))
	}
	return all, len(all) == 1 || len(all) == 2
}

func readSecretLine(text string) (Secret, bool) { return Secret(text), isLine(text) }

const wantPEM = "the absolute path of a PEM file"

// pemFile allows absolute paths. Whether there is such a file is for those to
// find out who read it.
func pemFile(kind string, at func(*Config) *string) rule {
	return reads(kind, wantPEM, at, func(text string) (string, bool) {
		return filepath.Clean(text), filepath.IsAbs(text) && isLine(text)
	})
}

// checkSomethingToDo finds an output that neither stores nor alerts.
func checkSomethingToDo(r *reader) {
	if !r.config.S3.On && !r.config.Notify.On {
		r.refuse("log_storage", "on, because notify is off too and nothing would be left to do")
	}
}

// checkAlerts finds alerts that could never go out. An administrator who selects
// nothing, or tells nobody, has to say that it is meant.
func checkAlerts(r *reader) {
	if !r.config.Notify.On {
		return
	}
	if r.missing("notify_events") {
		r.refuse("notify_events", "the log types that alert, such as critical_found,process_scan_infection_found, or notify off")
	}
	mail := r.checkChannel(smtpSection, "smtp_host", "the mail server")
	web := r.checkChannel(webhookSection, "webhook_url", "the URL")
	if !mail && !web {
		r.refuse("smtp_host", "a mail server, or a webhook_url, for the alerts to go to, or notify off")
	}
	if mail {
		checkMail(r)
	}
	if web {
		r.checkPair("webhook_cert_file", "the certificate", "webhook_key_file", "the private key")
	}
}

// checkChannel reports whether a channel is configured, be it badly: by its first
// key, without which the others have no meaning.
func (r *reader) checkChannel(section Section, first, meaning string) bool {
	if !r.missing(first, first+"_file") {
		return true
	}
	for _, key := range section.Keys {
		if !r.missing(key.Name) {
			r.refuse(first, meaning+" that "+key.Name+" is for")
			return true
		}
	}
	return false
}

func checkMail(r *reader) {
	if r.missing("smtp_from") {
		r.refuse("smtp_from", "the address that e-mails come from, such as siem@example.com")
	}
	if r.missing("smtp_to") {
		r.refuse("smtp_to", "the addresses that e-mails go to, such as security@example.com")
	}
	r.checkPair("smtp_username", "the user name", "smtp_password", "the password")
	if !r.missing("smtp_auth") && r.missing("smtp_username", "smtp_password", "smtp_password_file") {
		r.refuse("smtp_auth", "it only together with smtp_username and smtp_password")
	}
}

// checkPair finds the half of what is of use only together.
func (r *reader) checkPair(a, meaningA, b, meaningB string) {
	hasA, hasB := !r.missing(a), !r.missing(b, b+"_file")
	switch {
	case hasA && !hasB:
		r.refuse(b, meaningB+" that belongs to "+a)
	case hasB && !hasA:
		r.refuse(a, meaningA+" that belongs to "+r.name(b))
	}
}
