package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// maxAnswer is how much of an answer's body is read, in bytes.
const maxAnswer = 64 << 10

// newHTTPClient returns a client that follows no redirect: Standard Webhooks
// counts 3xx as a failure, and a notice must not reach a host that the
// administrator did not name. It keeps no connection between two notices,
// which are minutes apart, and speaks HTTP/1.1: HTTP/2 has nothing to give to a
// single request, and hides a server's TLS alert behind an error of its own.
func newHTTPClient(config *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        config,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxAnswer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// request makes the request that carries body, signed as of now.
func (w *Webhook) request(ctx context.Context, id string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(w.traced(ctx), http.MethodPost, w.opts.URL, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the URL is malformed")
	}
	request.Header.Set("Content-Type", formats[w.opts.Format].contentType)
	request.Header.Set("User-Agent", "siem_s3")
	if w.opts.APIKey != "" {
		request.Header.Set("Authorization", w.opts.APIKey)
	}
	return request, w.sign(request.Header, id, body)
}

// sign adds the headers of Standard Webhooks. The id is there unsigned too.
func (w *Webhook) sign(header http.Header, id string, body []byte) error {
	header.Set(standardwebhooks.HeaderWebhookID, id)
	if len(w.signers) == 0 {
		return nil
	}
	now := w.now()
	var signatures []string
	for _, signer := range w.signers {
		signature, err := signer.Sign(id, now, body)
		if err != nil {
			return fmt.Errorf("sign: %w", err)
		}
		signatures = append(signatures, signature)
	}
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

// traced passes on to the trace of ctx what the connection comes to.
func (w *Webhook) traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			trace(ctx, "connected to "+info.Conn.RemoteAddr().String())
			if secure, ok := info.Conn.(*tls.Conn); ok {
				trace(ctx, describeTLS(secure.ConnectionState()))
			}
		},
	})
}

// judge makes of an answer what Send returns.
func (w *Webhook) judge(response *http.Response) error {
	if response.StatusCode/100 == 2 {
		return nil
	}
	text := "HTTP status " + response.Status
	if to, err := response.Location(); err == nil && response.StatusCode/100 == 3 {
		text += ": redirect to " + to.Scheme + "://" + to.Host + " not followed"
	} else if body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)); len(body) > 0 {
		text += ": " + w.scrub.line(strings.ToValidUTF8(string(body), "\uFFFD"))
	}
	failure := w.fail(errors.New(text))
	failure.Disable = response.StatusCode == http.StatusGone
	failure.Permanent = failure.Disable
	if response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable {
		failure.RetryAfter = retryAfter(response.Header.Get("Retry-After"), w.now())
	}
	return failure
}

// retryAfter reads the header of that name, seconds or a date (RFC 9110
// section 10.2.3), up to MaxRetryAfter. What cannot be read is 0.
func retryAfter(value string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		wait = time.Duration(min(seconds, int64(MaxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), MaxRetryAfter)
}

// explain takes the URL out of an error of the HTTP client, and the sockets.
func (w *Webhook) explain(ctx context.Context, err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		err = withURL.Err
	}
	var timeout net.Error
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("no answer within %s", w.opts.Timeout)
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection without an answer")
	}
	return withoutSockets(err)
}

func (w *Webhook) fail(err error) *SendError {
	return &SendError{text: w.name + ": " + w.scrub.line(err.Error())}
}
