package notify

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// WebhookFormat is how the body of a webhook request is written.
type WebhookFormat string

// The formats that there are.
const (
	WebhookJSON WebhookFormat = "json"        // see payload
	CloudEvents WebhookFormat = "cloudevents" // CloudEvents 1.0, structured
	Slack       WebhookFormat = "slack"       // a Slack incoming webhook
	Teams       WebhookFormat = "teams"       // a Microsoft Teams workflow
)

// formats has what each format is made by and its media type.
var formats = map[WebhookFormat]struct {
	body        func(*Notice) ([]byte, error)
	contentType string
}{
	WebhookJSON: {jsonBody, "application/json"},
	CloudEvents: {cloudEventsBody, "application/cloudevents+json"},
	Slack:       {slackBody, "application/json"},
	Teams:       {teamsBody, "application/json"},
}

// WebhookOptions say where requests go and what they carry.
type WebhookOptions struct {
	// URL is http or https. All but its host is taken for secret: many
	// services put their token in the path or the query.
	URL    string `json:"-"`
	Format WebhookFormat
	// APIKey is the value of the Authorization header, empty for none.
	APIKey string `json:"-"`
	// Secrets sign the requests as Standard Webhooks says: each of them
	// "whsec_" and 24 to 64 bytes in base64. A request carries one signature
	// of each, so that receivers can change to a new secret at any time.
	// None, and the requests are not signed.
	Secrets []string `json:"-"`
	// CAFile holds the only certificates to trust, in PEM; empty for the system's.
	CAFile string
	// CertFile and KeyFile are the client's certificate, in PEM, or empty.
	CertFile, KeyFile string
	// Timeout is for the whole request. Standard Webhooks advises 15 to 30 s.
	Timeout time.Duration
}

// String hides the secrets.
func (o WebhookOptions) String() string { return "webhook" }

// GoString hides the secrets.
func (o WebhookOptions) GoString() string { return o.String() }

// A Webhook is the channel to one URL.
type Webhook struct {
	opts    WebhookOptions
	name    string
	signers []*standardwebhooks.Webhook
	client  *http.Client
	scrub   scrubber
	now     func() time.Time
}

var _ Channel = (*Webhook)(nil)

// NewWebhook checks the options, all of them, and makes a channel of them. It
// does not connect. The error joins an [*OptionError] for each problem.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	var problems []error
	target, err := parseWebhookURL(o.URL)
	if err != nil {
		problems = append(problems, &OptionError{"URL", err})
	}
	if _, ok := formats[o.Format]; !ok {
		problems = append(problems, &OptionError{"Format", fmt.Errorf("format %q is not one of json, cloudevents, slack and teams", o.Format)})
	}
	if strings.ContainsFunc(o.APIKey, unicode.IsControl) {
		problems = append(problems, &OptionError{"APIKey", errors.New("the API key has a control character")})
	}
	signers, err := newSigners(o.Secrets)
	if err != nil {
		problems = append(problems, &OptionError{"Secrets", err})
	}
	config, err := tlsConfig(o.CAFile, o.CertFile, o.KeyFile)
	if err != nil {
		problems = append(problems, err)
	}
	if o.Timeout <= 0 {
		problems = append(problems, &OptionError{"Timeout", fmt.Errorf("timeout %s is not positive", o.Timeout)})
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return &Webhook{
		opts:    o,
		name:    webhookName(target),
		signers: signers,
		client:  newHTTPClient(config),
		scrub:   newScrubber(o.secrets(target)...),
		now:     time.Now,
	}, nil
}

// parseWebhookURL checks a URL. Its errors do not repeat it.
func parseWebhookURL(text string) (*url.URL, error) {
	target, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("the URL is malformed")
	case target.Scheme != "http" && target.Scheme != "https":
		return nil, errors.New("the URL does not begin with http:// or https://")
	case target.Hostname() == "":
		return nil, errors.New("the URL has no host")
	}
	return target, nil
}

// webhookName is made of what may be known of a URL, its host, and of a short
// digest that tells it apart from the others there.
func webhookName(target *url.URL) string {
	digest := sha256.Sum256([]byte(target.String()))
	return fmt.Sprintf("webhook %s://%s #%s", target.Scheme, target.Host, hex.EncodeToString(digest[:3]))
}

// newSigners parses the secrets (Standard Webhooks, section "Signature scheme").
// Its errors do not repeat them.
func newSigners(secrets []string) (signers []*standardwebhooks.Webhook, err error) {
	if len(secrets) > 2 {
		return nil, fmt.Errorf("%d secrets are given: there is one, or during a change a new and an old one", len(secrets))
	}
	for i, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) < 24 || len(key) > 64 {
			return nil, fmt.Errorf("secret %d is not whsec_ and 24 to 64 bytes in base64", i+1)
		}
		signer, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, fmt.Errorf("secret %d cannot sign", i+1)
		}
		signers = append(signers, signer)
	}
	return signers, nil
}

// secrets lists all that no text may show. Short parts of the URL are left
// out: they are words of an API rather than tokens.
func (o *WebhookOptions) secrets(target *url.URL) []string {
	_, token, _ := strings.Cut(o.APIKey, " ") // what follows "Bearer"
	password, _ := target.User.Password()
	secrets := []string{o.APIKey, token, password}
	if strings.Trim(target.Path, "/") != "" || target.RawQuery != "" {
		secrets = append(secrets, o.URL)
	}
	parts := append(strings.Split(target.Path, "/"), target.EscapedPath(), target.RawQuery)
	for _, values := range target.Query() {
		parts = append(parts, values...)
	}
	for _, part := range parts {
		if len(part) >= 12 {
			secrets = append(secrets, part)
		}
	}
	for _, secret := range o.Secrets {
		secrets = append(secrets, secret, strings.TrimPrefix(secret, "whsec_"))
	}
	return secrets
}

// Name returns the URL's scheme and host, and a short digest of the whole URL.
func (w *Webhook) Name() string { return w.name }

// String hides the secrets.
func (w *Webhook) String() string { return w.name }

// GoString hides the secrets.
func (w *Webhook) GoString() string { return w.name }

// Send makes one attempt. Only an answer of 2xx is success. All others but 410
// are worth another attempt, 4xx too: they mostly come of a setting, here or
// there, that someone can correct while the notice waits, and the few requests
// of a day harm nobody. There is one receiver, so settled is not looked at.
func (w *Webhook) Send(ctx context.Context, n *Notice, _ []string) error {
	body, err := w.body(n)
	if err != nil {
		return &SendError{text: w.name + ": " + err.Error(), Permanent: true}
	}
	ctx, cancel := context.WithTimeout(ctx, w.opts.Timeout)
	defer cancel()
	request, err := w.request(ctx, n.ID, body)
	if err != nil {
		return w.fail(err)
	}
	response, err := w.client.Do(request)
	if err != nil {
		return w.fail(w.explain(ctx, err))
	}
	defer response.Body.Close()
	trace(ctx, "HTTP status "+w.scrub.line(response.Status))
	return w.judge(response)
}

// body writes n in the webhook's format.
func (w *Webhook) body(n *Notice) ([]byte, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	return formats[w.opts.Format].body(n)
}
