package event

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"siem-s3/record"
)

// A Reject says why a record cannot be mapped.
type Reject struct {
	// Reason is one of a few fixed phrases: those below, or a record's Problem.
	Reason string
	// Detail is the value in question, at most maxDetail bytes of it, or "".
	Detail string
}

func (e *Reject) Error() string {
	if e.Detail == "" {
		return e.Reason
	}
	return e.Reason + " " + strconv.Quote(e.Detail)
}

// The reasons of this package.
const (
	reasonBody           = "body is not a map"
	reasonNoLogType      = "no log_type"
	reasonUnknownLogType = "unknown log_type"
	reasonNoTimestamp    = "no timestamp"
	reasonTimestamp      = "unreadable timestamp"
)

const maxDetail = 64

// The texts of log types, as event values. Nobody may change them.
var typeNames, typeMeanings = func() (names, meanings [len(logTypes)][]byte) {
	for i, t := range logTypes {
		names[i], meanings[i] = []byte(t.name), []byte(t.meaning)
	}
	return names, meanings
}()

// A Mapper makes events of records. It is for one goroutine.
type Mapper struct {
	mapping *Mapping
	scratch []byte // the text of values that cannot alias the record
	clock   clock
}

// NewMapper returns a Mapper by m.
func (m *Mapping) NewMapper() *Mapper { return &Mapper{mapping: m} }

// Map makes *e the event of r. Only the fields of the event's category are set,
// all others are empty. The error is nil or a *Reject; then e means nothing.
//
// The values alias r and m, and are valid until the next Map of m.
func (m *Mapper) Map(r *record.Record, e *Event) error {
	if r.Problem != "" {
		return &Reject{Reason: r.Problem}
	}
	m.scratch = m.scratch[:0]
	var raw rawFields
	if !raw.find(r.Body, m.mapping) {
		return &Reject{Reason: reasonBody}
	}
	logType, err := m.logType(raw[LogTypeName])
	if err != nil {
		return err
	}
	t, err := m.time(raw[Timestamp], r.Time)
	if err != nil {
		return err
	}
	e.Type, e.Time, e.values = logType, t, [numFields][]byte{}
	for _, f := range logType.Category().Fields() {
		switch f {
		case Timestamp:
			e.values[f] = m.stamp(t)
		case LogTypeName:
			e.values[f] = typeNames[logType]
		default:
			e.values[f] = m.text(raw[f])
		}
	}
	if logType.Category() == Account && len(e.values[Name]) == 0 {
		e.values[Name] = typeMeanings[logType]
	}
	return nil
}

// rawFields are the raw values of a record's fields.
type rawFields [numFields][]byte

// find fills in raw from the record's body and reports whether that is a map. Of
// duplicate keys the last counts, even if it lacks what an accessor looks for.
func (raw *rawFields) find(body []byte, m *Mapping) bool {
	rest, n := record.Pairs(body)
	if rest == nil {
		return false
	}
	for ; n > 0; n-- {
		var key, value []byte
		if key, value, rest = record.CutPair(rest); value == nil {
			break
		}
		targets := m.targets.get(key)
		if targets == nil || key == nil {
			continue
		}
		for i := range *targets {
			t := &(*targets)[i]
			found := value
			if t.below {
				found, _ = t.accessor.FindBelow(value)
			}
			raw[t.field] = found
		}
	}
	return true
}

// logType returns the log type that the record's value means.
func (m *Mapper) logType(raw []byte) (LogType, error) {
	text, _ := record.Text(raw)
	if t := m.mapping.logTypes.get(text); t != nil {
		return *t, nil
	}
	text = m.text(raw)
	start := len(m.scratch)
	m.scratch = appendNormal(m.scratch, text)
	normal := m.scratch[start:]
	if len(normal) == 0 {
		return 0, &Reject{Reason: reasonNoLogType}
	}
	if t := m.mapping.logTypes.get(normal); t != nil {
		return *t, nil
	}
	return 0, &Reject{Reason: reasonUnknownLogType, Detail: detail(text)}
}

// time returns the time that the record's value means, or that of Fluent Bit
// when the record has none.
func (m *Mapper) time(raw []byte, fallback time.Time) (time.Time, error) {
	if text, _ := record.Text(raw); len(text) > 0 {
		if t, ok := parseRFC3339(text); ok {
			return t, nil
		}
	}
	text := bytes.TrimSpace(m.text(raw))
	switch t, ok := readTime(record.Read(raw), text); {
	case ok:
		return t, nil
	case len(text) > 0:
		return time.Time{}, &Reject{Reason: reasonTimestamp, Detail: detail(text)}
	case fallback.IsZero():
		return time.Time{}, &Reject{Reason: reasonNoTimestamp}
	}
	return fallback, nil
}

// stamp returns the text of t.
func (m *Mapper) stamp(t time.Time) []byte {
	start := len(m.scratch)
	m.scratch = m.clock.append(m.scratch, t)
	return m.scratch[start:len(m.scratch):len(m.scratch)]
}

// text returns the text of a raw value. When the scratch grows, the values in
// its old array stay as they are.
func (m *Mapper) text(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	if text, ok := record.Text(raw); ok && valid(text) {
		return text
	}
	if record.Read(raw).Kind == record.Nil {
		return nil
	}
	start := len(m.scratch)
	m.scratch = record.AppendText(m.scratch, raw)
	return m.scratch[start:len(m.scratch):len(m.scratch)]
}

// appendNormal appends name without the white space around it, in lower case.
func appendNormal(dst, name []byte) []byte {
	name = bytes.TrimSpace(name)
	for len(name) > 0 {
		r, n := utf8.DecodeRune(name)
		dst = utf8.AppendRune(dst, unicode.ToLower(r))
		name = name[n:]
	}
	return dst
}

// detail returns the start of text, which is valid UTF-8, cut at a rune.
func detail(text []byte) string {
	if len(text) <= maxDetail {
		return string(text)
	}
	const ellipsis = "…"
	end := maxDetail - len(ellipsis)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return string(text[:end]) + ellipsis
}

// valid is utf8.Valid, faster for ASCII: the last bytes, too few for a word, are
// looked at together with those before them.
func valid(s []byte) bool {
	const high = 0x8080808080808080
	if len(s) < 8 {
		return utf8.Valid(s)
	}
	bits := binary.LittleEndian.Uint64(s[len(s)-8:])
	for i := 0; i+8 < len(s); i += 8 {
		bits |= binary.LittleEndian.Uint64(s[i:])
	}
	return bits&high == 0 || utf8.Valid(s)
}
