package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// An Error is a failed attempt. Its text and those of the errors it wraps hold
// no secret, session token or signature.
type Error struct {
	// Op is what was tried: "put object", "head object", "head bucket" or
	// "get credentials".
	Op string
	// Bucket as configured, and Key, "" if the operation has none.
	Bucket, Key string
	// Code is the server's, like AccessDenied. Answers to HEAD requests have
	// none; it is then made of the status, like Forbidden.
	Code string
	// Status is that of HTTP, 0 if there was no answer.
	Status int
	// RequestID is the server's name for the request, which its support asks for.
	RequestID string
	// Hint says in a phrase what an administrator can do, "" if nothing is known.
	Hint string
	// Err is the server's message or what else went wrong. A cancelled or
	// expired context is found in it by errors.Is.
	Err error

	kind       kind
	retryAfter time.Duration
}

type kind uint8

const (
	transient     kind = iota // waiting helps
	misconfigured             // an administrator must act
	conflicting               // the key is taken
)

// Error returns one line: operation, object, status, message, hint.
func (e *Error) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s s3://%s", e.Op, e.Bucket)
	if e.Key != "" {
		s.WriteString("/" + printable(e.Key))
	}
	s.WriteString(": ")
	if e.Status != 0 {
		fmt.Fprintf(&s, "%d ", e.Status)
	}
	if e.Code != "" {
		s.WriteString(e.Code + ": ")
	}
	s.WriteString(e.text())
	if e.RequestID != "" {
		fmt.Fprintf(&s, " (request %s)", e.RequestID)
	}
	if e.Hint != "" {
		s.WriteString("; " + e.Hint)
	}
	return s.String()
}

func (e *Error) text() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Config reports whether an administrator must act: permissions, credentials,
// the name of the bucket, its region, the clock. Trying again soon is no use.
func (e *Error) Config() bool { return e.kind == misconfigured }

// Conflict reports whether the key holds another object.
func (e *Error) Conflict() bool { return e.kind == conflicting }

// RetryAfter returns how long the server asks to be left alone, 0 if it does not say.
func (e *Error) RetryAfter() time.Duration { return e.retryAfter }

// Kind is the same for failures that an administrator would call the same,
// whatever the object, the request and the addresses were. It is for logs that
// tell of each once.
func (e *Error) Kind() string {
	switch {
	case e.Code != "":
		return e.Op + ": " + e.Code
	case e.Status != 0:
		return e.Op + ": " + strconv.Itoa(e.Status)
	case broken(e): // which side noticed first is chance
		return e.Op + ": connection broken"
	}
	cause := e.Err
	for inner := cause; inner != nil; inner = errors.Unwrap(inner) {
		cause = inner
	}
	return fmt.Sprintf("%s: %v", e.Op, cause)
}

// explain fills e in from what the SDK returned.
func (b *Bucket) explain(ctx context.Context, e *Error, err error) *Error {
	var answer *smithyhttp.ResponseError
	switch {
	case ctx.Err() != nil:
		e.Err = ctx.Err()
		if stall, ok := context.Cause(ctx).(stallError); ok {
			e.Err = stall
		}
	case errors.As(err, &answer) && answer.HTTPStatusCode() != 0:
		b.explainAnswer(e, err, answer.HTTPResponse().Response)
	case e.Op == "get credentials":
		b.explainNoCredentials(e, err)
	case errors.Is(err, errNotS3):
		e.Err, e.kind, e.Hint = err, misconfigured, "check endpoint: this is no S3 server"
	default:
		e.Err = unwrapTransport(err)
		e.kind, e.Hint = explainTransport(e.Err)
		var unsent *smithy.OperationError
		var sent *smithyhttp.RequestSendError
		if errors.As(err, &unsent) && !errors.As(err, &sent) {
			e.kind = misconfigured // the SDK cannot make a request of the options
		}
	}
	return e
}

func (b *Bucket) explainAnswer(e *Error, err error, resp *http.Response) {
	e.Status = resp.StatusCode
	e.RequestID = oneLine(resp.Header.Get("X-Amz-Request-Id"))
	e.retryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	message := "the answer is not one of S3"
	var api smithy.APIError
	if errors.As(err, &api) {
		e.Code, message = oneLine(api.ErrorCode()), api.ErrorMessage()
	} else if resp.StatusCode >= http.StatusBadRequest {
		message = http.StatusText(resp.StatusCode) + ", in " + message[len("the "):]
	}
	e.Err = errors.New(scrub(message, resp.Request))
	e.kind = classify(e.Status, e.Code)
	e.Hint = b.hint(e, resp.Header)
	if slices.Contains(expiredCodes, e.Code) {
		// What the cache takes for good has been revoked: get new ones next time.
		b.creds.Invalidate()
	}
}

// explainNoCredentials is for failures without an answer. Where credentials come
// from a role they are the network's; otherwise there are none.
func (b *Bucket) explainNoCredentials(e *Error, err error) {
	var process *processcreds.ProviderError
	var network net.Error
	switch {
	case errors.As(err, &process):
		// Its message may quote the command's output.
		e.kind, e.Err = misconfigured, errors.New("credential_process failed or printed no credentials")
	case b.options.RoleARN != "" && errors.As(err, &network):
		e.Err = unwrapTransport(err)
		e.kind, e.Hint = explainTransport(e.Err)
	default:
		e.kind, e.Err = misconfigured, errors.New(oneLine(err.Error()))
		e.Hint = "set aws_access_key_id and aws_secret_access_key or profile, or run with a role"
	}
}

// transientCodes come with a status that otherwise tells of a bad request.
var transientCodes = []string{
	"RequestTimeout", "BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch",
	"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded",
}

var expiredCodes = []string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken"}

// classify follows Amazon S3's list of error codes (Amazon S3 API Reference,
// "Error responses").
func classify(status int, code string) kind {
	switch {
	case slices.Contains(transientCodes, code):
		return transient
	case status == http.StatusNotImplemented, code == "InvalidBucketState":
		return misconfigured
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusConflict,
		status == http.StatusTooEarly, status == http.StatusTooManyRequests, status == http.StatusTemporaryRedirect,
		status < 300, status == http.StatusPreconditionFailed:
		return transient
	}
	return misconfigured
}

// unwrapTransport returns what happened on the network, without the SDK's and
// the HTTP client's account of who was doing what.
func unwrapTransport(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	var op *smithy.OperationError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

func explainTransport(err error) (kind, string) {
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	switch {
	case errors.As(err, &cert):
		return misconfigured, "the server's certificate is not trusted: check endpoint, or name the authority's file in AWS_CA_BUNDLE"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return misconfigured, "the server does not speak TLS on this port: check endpoint"
	case errors.As(err, &dns) && dns.IsNotFound:
		return misconfigured, "check endpoint and region, and the DNS of this host"
	}
	return transient, ""
}

// parseRetryAfter reads seconds or a date (RFC 9110, 10.2.3).
func parseRetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

// scrub takes out of a message what proves our identity, in case the server
// repeats the request's headers in it.
func scrub(message string, req *http.Request) string {
	if req != nil {
		auth := req.Header.Get("Authorization")
		_, signature, _ := strings.Cut(auth, "Signature=")
		for _, secret := range []string{auth, signature, req.Header.Get("X-Amz-Security-Token")} {
			if secret != "" {
				message = strings.ReplaceAll(message, secret, "…")
			}
		}
	}
	return oneLine(message)
}

const maxMessage = 500

// oneLine makes text fit for a line of a log.
func oneLine(text string) string {
	text = printable(strings.Join(strings.Fields(text), " "))
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}
