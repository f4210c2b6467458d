package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"siem-s3/event"
)

// A jsonReader reads lines of JSON. Those that look as siem_s3 writes them, to
// the byte, are read in place; others, that some tool has written anew, with
// encoding/json.
type jsonReader struct {
	scratch []byte // the texts that had escapes
}

var (
	stampStart    = []byte(`{"timestamp":"`)
	receivedStart = []byte(`{"received_at":"`)
)

// time implements lineReader.
func (r *jsonReader) time(line []byte) (int64, bool) {
	for _, start := range [][]byte{stampStart, receivedStart} {
		if bytes.HasPrefix(line, start) {
			if ms, ok := parseStamp(line[len(start):]); ok {
				return ms, true
			}
		}
	}
	var e Entry
	if r.readAny(line, &e) != nil {
		return 0, false
	}
	return e.Time.UnixMilli(), true
}

// read implements lineReader.
func (r *jsonReader) read(line []byte, e *Entry) error {
	*e = Entry{Line: line}
	r.scratch = r.scratch[:0]
	if bytes.HasPrefix(line, receivedStart) {
		if r.readRejected(line, e) {
			return nil
		}
	} else if r.readEvent(line, e) {
		return nil
	}
	return r.readAny(line, e)
}

// readEvent reads an event as the formatter writes it.
func (r *jsonReader) readEvent(line []byte, e *Entry) bool {
	fields := event.Device.Fields()
	if len(line) > len(stampStart)+stampSize+8 && line[len(stampStart)+stampSize+3] == 'e' {
		fields = event.Account.Fields() // ","event": comes next
	}
	rest, ok := line, false
	for i, f := range fields {
		lead := byte(',')
		if i == 0 {
			lead = '{'
		}
		var text []byte
		if text, rest, ok = r.member(rest, lead, f.String()); !ok {
			return false
		}
		e.Event.Set(f, text)
	}
	t, known := event.Lookup(e.Event.Get(event.LogTypeName))
	ms, stamped := parseStamp(e.Event.Get(event.Timestamp))
	if string(rest) != "}" || !known || !stamped {
		return false
	}
	e.setEvent(t, ms)
	return len(t.Category().Fields()) == len(fields)
}

// readRejected reads a rejected record as the formatter writes it.
func (r *jsonReader) readRejected(line []byte, e *Entry) bool {
	received, rest, ok := r.member(line, '{', "received_at")
	for _, member := range []struct {
		name string
		text *[]byte
	}{{"reason", &e.Reason}, {"detail", &e.Detail}, {"tag", &e.Tag}} {
		if ok {
			*member.text, rest, ok = r.member(rest, ',', member.name)
		}
	}
	const last = `,"record":`
	ms, stamped := parseStamp(received)
	if !ok || !stamped || !bytes.HasPrefix(rest, []byte(last)) || rest[len(rest)-1] != '}' {
		return false
	}
	e.Record = rest[len(last) : len(rest)-1]
	e.Time = time.UnixMilli(ms).UTC()
	return true
}

// member reads lead, the name of a member and its text, and returns the text and
// what is behind it.
func (r *jsonReader) member(s []byte, lead byte, name string) (text, rest []byte, ok bool) {
	n := len(name) + 5 // ,"name":"
	if len(s) < n || s[0] != lead || s[1] != '"' || string(s[2:n-3]) != name || string(s[n-3:n]) != `":"` {
		return nil, nil, false
	}
	s = s[n:]
	end := bytes.IndexByte(s, '"')
	if end < 0 {
		return nil, nil, false
	}
	if bytes.IndexByte(s[:end], '\\') < 0 {
		return s[:end], s[end+1:], true
	}
	for end = 0; end < len(s) && s[end] != '"'; end++ {
		if s[end] == '\\' {
			end++
		}
	}
	if end >= len(s) {
		return nil, nil, false
	}
	start := len(r.scratch)
	if r.scratch, ok = appendUnquoted(r.scratch, s[:end]); !ok {
		return nil, nil, false
	}
	return r.scratch[start:len(r.scratch):len(r.scratch)], s[end+1:], true
}

// appendUnquoted appends what a JSON string says whose quotes were taken off, and
// reports whether it is one that siem_s3 writes: \u stands for control characters
// only, nothing else needs it.
func appendUnquoted(dst, s []byte) ([]byte, bool) {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...), true
		}
		if i+1 == len(s) {
			return dst, false
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case '"', '\\', '/':
			dst = append(dst, c)
		case 'b':
			dst = append(dst, '\b')
		case 't':
			dst = append(dst, '\t')
		case 'n':
			dst = append(dst, '\n')
		case 'f':
			dst = append(dst, '\f')
		case 'r':
			dst = append(dst, '\r')
		case 'u':
			if len(s) < 4 || s[0] != '0' || s[1] != '0' || s[2] > '1' || s[2] < '0' || hexDigit(s[3]) < 0 {
				return dst, false
			}
			dst = append(dst, s[2]<<4&0x10|byte(hexDigit(s[3])))
			s = s[4:]
		default:
			return dst, false
		}
	}
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

var (
	errNoTime    = errors.New("neither timestamp nor received_at")
	errNoLogType = errors.New("unknown log_type")
)

// readAny reads a line that some other tool may have written: members in any
// order, white space, times as RFC 3339 allows them.
func (r *jsonReader) readAny(line []byte, e *Entry) error {
	*e = Entry{Line: line}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		return err
	}
	text := func(name string) []byte {
		var s string
		if raw, ok := members[name]; !ok || json.Unmarshal(raw, &s) != nil {
			return nil
		}
		return []byte(s)
	}
	stamp, rejected := text("timestamp"), false
	if stamp == nil {
		stamp, rejected = text("received_at"), true
	}
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if stamp == nil {
		return errNoTime
	} else if err != nil {
		return err
	}
	if rejected {
		e.Time = at.UTC()
		e.Reason, e.Detail, e.Tag, e.Record = text("reason"), text("detail"), text("tag"), members["record"]
		return nil
	}
	t, ok := event.Lookup(text("log_type"))
	if !ok {
		return fmt.Errorf("%w %q", errNoLogType, text("log_type"))
	}
	for _, f := range t.Category().Fields() {
		e.Event.Set(f, text(f.String()))
	}
	e.Event.Set(event.Timestamp, event.AppendTimestamp(nil, at))
	e.setEvent(t, at.UnixMilli())
	return nil
}
