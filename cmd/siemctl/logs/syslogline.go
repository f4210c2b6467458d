package logs

import (
	"bytes"
	"errors"
	"fmt"

	"siem-s3/event"
)

// A syslogReader reads RFC 5424 messages of the one shape that siem_s3 writes:
//
//	<105>1 2026-11-22T08:00:00.123Z gw-1 siem_s3 - log_type [device@32473 device_id="…" …] details
//
// What stands there as #ooo, three octal digits of a control character, is read
// as that character. A text that had such four characters itself can't be told
// from it.
type syslogReader struct {
	scratch []byte // the texts that had escapes
}

var errNotSyslog = errors.New("not a syslog message as siem_s3 writes it")

// time implements lineReader.
func (r *syslogReader) time(line []byte) (int64, bool) {
	i := bytes.IndexByte(line[:min(len(line), 5)], '>')
	if i < 2 || len(bytes.Trim(line[1:i], "0123456789")) > 0 || len(line) < i+3 || line[0] != '<' || line[i+1] != '1' || line[i+2] != ' ' {
		return 0, false
	}
	return parseStamp(line[i+3:])
}

// read implements lineReader.
func (r *syslogReader) read(line []byte, e *Entry) error {
	*e = Entry{Line: line}
	r.scratch = r.scratch[:0]
	ms, ok := r.time(line)
	if !ok {
		return errNotSyslog
	}
	_, rest, _ := bytes.Cut(line, []byte(" ")) // PRI and version
	var header [5][]byte                       // timestamp, host, program, process, message ID
	for i := range header {
		if header[i], rest, ok = bytes.Cut(rest, []byte(" ")); !ok || len(header[i]) == 0 {
			return errNotSyslog
		}
	}
	t, ok := event.Lookup(header[4])
	if !ok {
		return fmt.Errorf("%w %q", errNoLogType, header[4])
	}
	if len(header[0]) != stampSize {
		return errNotSyslog
	}
	e.Event.Set(event.Timestamp, header[0])
	e.Event.Set(event.LogTypeName, header[4])
	if rest, ok = r.params(rest, t.Category(), e); !ok {
		return errNotSyslog
	}
	e.setEvent(t, ms)
	switch {
	case len(rest) == 0:
		e.Event.Set(event.Details, nil)
	case rest[0] == ' ':
		e.Event.Set(event.Details, r.unescape(rest[1:], false))
	default:
		return errNotSyslog
	}
	return nil
}

// params reads the structured data of a category, with every parameter in its
// order, and returns what is behind it.
func (r *syslogReader) params(s []byte, c event.Category, e *Entry) (rest []byte, ok bool) {
	s, ok = bytes.CutPrefix(s, []byte("["+c.String()+"@"))
	id := bytes.IndexByte(s, ' ')
	if !ok || id < 1 {
		return nil, false
	}
	s = s[id:]
	for _, f := range c.Fields() {
		if f == event.Timestamp || f == event.LogTypeName || f == event.Details {
			continue
		}
		n := len(f.String()) + 3 // space, name, ="
		if len(s) < n || s[0] != ' ' || string(s[1:n-2]) != f.String() || s[n-2] != '=' || s[n-1] != '"' {
			return nil, false
		}
		s = s[n:]
		end := 0
		for end < len(s) && s[end] != '"' {
			if s[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(s) {
			return nil, false
		}
		e.Event.Set(f, r.unescape(s[:end], true))
		s = s[end+1:]
	}
	if len(s) == 0 || s[0] != ']' {
		return nil, false
	}
	return s[1:], true
}

// unescape returns what a text or, with its backslashes, a parameter says.
func (r *syslogReader) unescape(s []byte, param bool) []byte {
	special := "#"
	if param {
		special = `#\`
	}
	if !bytes.ContainsAny(s, special) {
		return s
	}
	start := len(r.scratch)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case param && c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\' || s[i+1] == ']'):
			i++
			r.scratch = append(r.scratch, s[i])
		case c == '#' && control(s[i+1:]) >= 0:
			v := control(s[i+1:])
			if v > 0x7f {
				r.scratch = append(r.scratch, 0xc2) // UTF-8 of U+0080 to U+009F
			}
			r.scratch = append(r.scratch, byte(v))
			i += 3
		default:
			r.scratch = append(r.scratch, c)
		}
	}
	return r.scratch[start:len(r.scratch):len(r.scratch)]
}

// control returns the control character whose three octal digits s starts with,
// less than 0 if it does not.
func control(s []byte) int {
	if len(s) < 3 {
		return -1
	}
	v := 0
	for _, c := range s[:3] {
		if c < '0' || c > '7' {
			return -1
		}
		v = 8*v + int(c-'0')
	}
	if v < 0x20 || v >= 0x7f && v < 0xa0 {
		return v
	}
	return -1
}
