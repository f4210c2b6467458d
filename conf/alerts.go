package conf

import (
	"encoding/base64"
	"net/mail"
	"net/url"
	"strings"
)

// parseAddress reads an e-mail address as RFC 5322 writes it, with or without a name.
func parseAddress(text string) (string, bool) {
	a, err := mail.ParseAddress(text)
	if err != nil || !isLine(text) {
		return "", false
	}
	return a.String(), true
}

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

func parseWebhookURLs(text string) (all []Secret, ok bool) {
	for _, field := range strings.Fields(text) {
		u, err := url.Parse(field)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			return nil, false
		}
		all = append(all, Secret(field))
	}
	return all, len(all) > 0
}

// parseSigningSecrets reads the secrets of Standard Webhooks 1.0.
func parseSigningSecrets(text string) (all []Secret, ok bool) {
	for _, field := range strings.Fields(text) {
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

// checkSomethingToDo finds an output that neither stores nor alerts.
func checkSomethingToDo(r *reader) {
	if !r.config.S3.On && !r.config.Notify.On {
		r.refuse("log_storage", "on, since notify is off: there would be nothing to do")
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
	mail := r.checkChannel("smtp_host", "smtp_from", "smtp_to", "smtp_username", "smtp_password", "smtp_password_file")
	web := r.checkChannel("webhook_url", "webhook_api_key", "webhook_api_key_file", "webhook_secret", "webhook_secret_file")
	if !mail && !web {
		r.refuse("smtp_host", "a mail server, or a webhook_url, for the alerts to go to, or notify off")
	}
	if !mail {
		return
	}
	for _, key := range []string{"smtp_from", "smtp_to"} {
		if r.missing(key) {
			r.refuse(key, "an e-mail address, since smtp_host is set")
		}
	}
}

// checkChannel reports whether a channel is configured: by its first key. The
// others have no meaning without that.
func (r *reader) checkChannel(first string, others ...string) bool {
	if !r.missing(first, first+"_file") {
		return true
	}
	for _, key := range others {
		if !r.missing(key) {
			r.refuse(first, "it to be set, since "+key+" is")
			return true
		}
	}
	return false
}

// checkPairs finds halves of what is of use only together.
func checkPairs(r *reader) {
	for _, pair := range [][2]string{{"smtp_username", "smtp_password"}, {"webhook_cert_file", "webhook_key_file"}} {
		a, b := pair[0], pair[1]
		hasA, hasB := !r.missing(a), !r.missing(b, b+"_file")
		switch {
		case hasA && !hasB:
			r.refuse(b, "it to be set, since "+a+" is")
		case hasB && !hasA:
			r.refuse(a, "it to be set, since "+b+" is")
		}
	}
}
