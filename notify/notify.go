// Package notify tells people and programs about selected events. It selects
// the log types that alert ([Selection]), words a [Notice] as an e-mail or as
// one of several webhook bodies, and makes one attempt at a time to deliver it
// ([Channel]). When the next attempt is due is what [Next] says; keeping
// notices until then is the caller's.
//
// Delivery is at least once. A notice's ID is the same in every attempt, so
// that receivers can drop repeats.
package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"siem-s3/event"
)

// MaxEvents is how many events a notice carries at most; its Count goes on.
const MaxEvents = 100

// The bounds of a value in bytes, and of the objects named. They keep a whole notice near 200 kB, far
// under what receivers take, and an ordinary value is never cut.
const (
	maxDetails = 1500
	maxValue   = 256
	maxObjects = 5
)

// An Event is one event as notices carry it: the texts of its category's
// fields, in the order of [event.Category.Fields].
type Event []string

// Take copies the fields of e, which may then be reused. A value that is too
// long ends in an ellipsis.
func Take(e *event.Event) Event {
	fields := e.Category().Fields()
	taken := make(Event, len(fields))
	for i, f := range fields {
		limit := maxValue
		if f == event.Details {
			limit = maxDetails
		}
		taken[i] = clip(string(e.Get(f)), limit)
	}
	return taken
}

// A Notice is one message about events of one log type. Channels only read it,
// so several may send the same notice at once.
type Notice struct {
	// ID is the notice's name in every attempt, over restarts too: the
	// webhook-id and the left part of the Message-ID. It is made of ASCII
	// letters, digits, '-', '_' and '.', and at most 128 of them.
	ID   string
	Type event.LogType
	// Count is the number of events, of which Events has the first MaxEvents.
	Count  int
	Events []Event
	// First and Last say when, by this host's clock, the first and the last
	// of the events arrived.
	First, Last time.Time
	// GroupBy names the field whose value GroupKey all the events share.
	// Both are empty for notices that are grouped by log type alone.
	GroupBy, GroupKey string
	// Objects says where the events are stored, as s3://bucket/prefix.
	Objects []string
	// Source tells the receivers who sent the notice: a host's name.
	Source string
	// Test marks a message that only tries out a channel.
	Test bool
}

// NewTest returns a notice of one made-up event that says of itself, wherever
// it is shown, that it is only a test.
func NewTest(id, source string, t event.LogType, now time.Time) *Notice {
	values := map[event.Field]string{
		event.Timestamp:      now.UTC().Format("2006-01-02T15:04:05.000Z"),
		event.LogTypeName:    t.String(),
		event.Name:           t.Meaning(),
		event.Details:        "This is a test message. Nothing happened to any device or account.",
		event.DeviceID:       "test-device-id",
		event.DeviceName:     "TEST-DEVICE",
		event.DeviceUsername: "test.user",
		event.DeviceGroup:    "Test group",
		event.AdminName:      "Test Admin",
		event.AdminEmail:     "test.admin@example.com",
	}
	var e Event
	for _, f := range t.Category().Fields() {
		e = append(e, values[f])
	}
	return &Notice{
		ID: id, Type: t, Count: 1, Events: []Event{e},
		First: now, Last: now, Source: source, Test: true,
	}
}

// check finds what would make a message that no receiver could take.
func (n *Notice) check() error {
	if !n.Type.Valid() {
		return fmt.Errorf("notice %q has no log type", n.ID)
	}
	if n.ID == "" || len(n.ID) > 128 || strings.ContainsFunc(n.ID, notInID) {
		return fmt.Errorf("notice id %q is malformed", n.ID)
	}
	if n.Count < 1 || n.Count < len(n.Events) {
		return fmt.Errorf("notice %s has %d events of %d", n.ID, len(n.Events), n.Count)
	}
	for _, e := range n.Events {
		if len(e) != len(n.Type.Category().Fields()) {
			return fmt.Errorf("notice %s has an event of another schema", n.ID)
		}
	}
	return nil
}

func notInID(r rune) bool {
	letter := 'a' <= r|0x20 && r|0x20 <= 'z'
	return r >= utf8.RuneSelf || !letter && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
}

// get returns the value of f in e, an event of n.
func (n *Notice) get(e Event, f event.Field) string {
	for i, field := range n.Type.Category().Fields() {
		if field == f {
			return e[i]
		}
	}
	return ""
}

// objects returns the Objects that messages name.
func (n *Notice) objects() []string {
	named := []string{}
	for _, o := range n.Objects[:min(len(n.Objects), maxObjects)] {
		named = append(named, clip(o, 2*maxValue))
	}
	return named
}

// A Channel delivers notices to receivers that share one set of options. Its
// methods may be called at the same time by several goroutines.
type Channel interface {
	// Name tells the channel apart from the others of the same kind. It is
	// the same after a restart and holds no secret.
	Name() string
	// Send makes one attempt to deliver n to every receiver that is not in
	// settled, which is what the last attempt's SendError.Settled said. It
	// returns nil once all of them have it, and else a *SendError.
	Send(ctx context.Context, n *Notice, settled []string) error
}

// A SendError says why an attempt did not deliver a notice to every receiver,
// and what to do about it. Its text is fit for logs. No error that caused it
// can be unwrapped from it: a server's answer may repeat a secret, which only
// the text is cleaned of.
type SendError struct {
	text string
	// Permanent says that another attempt cannot end otherwise.
	Permanent bool
	// Disable says that the receiver asked for no more notices, this one
	// or another (HTTP 410).
	Disable bool
	// RetryAfter is how long the receiver asked to be left alone, at most
	// MaxRetryAfter; 0 if it did not ask.
	RetryAfter time.Duration
	// Settled names the receivers that need no further attempt, for the next
	// call of Send. A channel with a single receiver leaves it empty.
	Settled []string
	// Refused names those of Settled that this attempt gave up, because they
	// were refused for good.
	Refused []string
}

func (e *SendError) Error() string { return e.text }

// withoutSockets takes the two ends of a connection out of an error. This side's
// port is another one in each attempt, and the same failure would seem news.
func withoutSockets(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Source != nil {
		return op.Err
	}
	return err
}

// An OptionError is an option of a channel that cannot be used. Its text holds
// no secret.
type OptionError struct {
	Option string // the name of the field, such as "CAFile"
	Err    error
}

func (e *OptionError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *OptionError) Unwrap() error { return e.Err }

// clip cuts s to at most limit bytes, the ellipsis included, between two
// characters.
func clip(s string, limit int) string {
	const ellipsis = "…"
	if len(s) <= limit {
		return s
	}
	end := max(limit-len(ellipsis), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
