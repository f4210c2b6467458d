package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"siem-s3/event"
	"siem-s3/record"
)

// A KeyFormat makes object keys. It is a template:
//
//	%Y %m %d %H %M %S %%  the start of the window, in UTC (strftime)
//	$CATEGORY             device, account or rejected
//	$TAG  $TAG[n]         Fluent Bit's tag, or its n-th part between dots, from 0
//	$EVENT[…]             the event's own time: %Y, %m, %d and %H within the brackets
//	$<field>              a field of the event, such as $device_group
//	$key['sub']           any part of the record, as a record accessor
//	$HOSTNAME             the host
//	$UUID                 16 random hexadecimal digits; required
//
// Values go into the key with every byte but letters, digits, "-", "_" and "."
// percent-encoded, as Hive does it, and cut at 96 bytes; "none" stands for an
// empty one. No value can leave its place in the key.
type KeyFormat struct {
	parts []keyPart
	host  string
	// perRecord is set if records of one chunk and category can have different
	// values.
	perRecord bool
}

// maxKey is the longest key that S3 takes, in bytes.
const maxKey = 1024

// maxKeyValue bounds a value in a key, in bytes.
const maxKeyValue = 96

// keyPart is a piece of a template. Exactly one of the kinds applies.
type keyPart struct {
	kind     keyKind
	text     string // literal, or the codes of a time
	index    int    // of a part of the tag, -1: all of it
	field    event.Field
	accessor record.Accessor
}

type keyKind uint8

const (
	keyLiteral keyKind = iota
	keyWindow
	keyUUID
	keyHost
	// The kinds from here on tell streams apart.
	keyCategory
	keyTag
	keyEventTime
	keyField
	keyAccessor
)

// ParseKeyFormat reads a template. host is the value of $HOSTNAME.
func ParseKeyFormat(template, host string) (*KeyFormat, error) {
	k := &KeyFormat{host: host}
	longest, hasUUID := 0, false
	for rest := template; rest != ""; {
		part, tail, err := parseKeyPart(rest)
		if err != nil {
			return nil, fmt.Errorf("at %q: %w", rest, err)
		}
		rest = tail
		longest += part.longest()
		hasUUID = hasUUID || part.kind == keyUUID
		k.perRecord = k.perRecord || part.kind >= keyEventTime
		k.parts = append(k.parts, part)
	}
	if !hasUUID {
		return nil, errors.New("$UUID is missing, without which two objects could have the same key")
	}
	if longest > maxKey {
		return nil, fmt.Errorf("keys could be %d bytes long and S3 allows %d", longest, maxKey)
	}
	return k, nil
}

func parseKeyPart(s string) (part keyPart, rest string, err error) {
	switch s[0] {
	case '%':
		if len(s) < 2 || !strings.ContainsRune("YmdHMS%", rune(s[1])) {
			return keyPart{}, "", errors.New("unknown time code; %Y, %m, %d, %H, %M, %S and %% are known")
		}
		return keyPart{kind: keyWindow, text: s[:2]}, s[2:], nil
	case '$':
		return parseKeyVariable(s)
	}
	end := strings.IndexAny(s, "%$")
	if end < 0 {
		end = len(s)
	}
	for i := range end {
		if s[i] < ' ' || s[i] == 0x7f {
			return keyPart{}, "", errors.New("control characters can't be part of a key")
		}
	}
	return keyPart{kind: keyLiteral, text: s[:end]}, s[end:], nil
}

// parseKeyVariable reads the variable that s starts with.
func parseKeyVariable(s string) (part keyPart, rest string, err error) {
	end := 1
	for end < len(s) && isNameByte(s[end]) {
		end++
	}
	name := s[1:end]
	rest = s[end:]
	switch name {
	case "CATEGORY":
		return keyPart{kind: keyCategory}, rest, nil
	case "UUID":
		return keyPart{kind: keyUUID}, rest, nil
	case "HOSTNAME":
		return keyPart{kind: keyHost}, rest, nil
	case "TAG":
		return parseKeyTag(rest)
	case "EVENT":
		return parseKeyEventTime(rest)
	}
	for strings.HasPrefix(rest, "[") {
		n := strings.IndexByte(rest, ']')
		if n < 0 {
			return keyPart{}, "", errors.New("] is missing")
		}
		rest = rest[n+1:]
	}
	variable := s[:len(s)-len(rest)]
	if f, ok := event.FieldByName(variable[1:]); ok {
		return keyPart{kind: keyField, field: f}, rest, nil
	}
	if name == "" || name == strings.ToUpper(name) {
		return keyPart{}, "", errors.New("unknown variable; $CATEGORY, $TAG, $TAG[n], $EVENT[…], $HOSTNAME, $UUID, fields and record accessors are known")
	}
	a, err := record.ParseAccessor(variable)
	return keyPart{kind: keyAccessor, accessor: a}, rest, err
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func parseKeyTag(s string) (keyPart, string, error) {
	if !strings.HasPrefix(s, "[") {
		return keyPart{kind: keyTag, index: -1}, s, nil
	}
	if len(s) < 3 || s[1] < '0' || s[1] > '9' || s[2] != ']' {
		return keyPart{}, "", errors.New("$TAG[n] takes a digit from 0 to 9")
	}
	return keyPart{kind: keyTag, index: int(s[1] - '0')}, s[3:], nil
}

// parseKeyEventTime allows nothing finer than the hour: every value of it is an
// object of its own in each window.
func parseKeyEventTime(s string) (keyPart, string, error) {
	codes, rest, ok := strings.Cut(strings.TrimPrefix(s, "["), "]")
	if !ok || !strings.HasPrefix(s, "[") || codes == "" {
		return keyPart{}, "", errors.New("$EVENT takes time codes in brackets, such as $EVENT[%Y-%m-%d]")
	}
	for i := 0; i < len(codes); i++ {
		if codes[i] == '%' {
			if i++; i == len(codes) || !strings.ContainsRune("YmdH", rune(codes[i])) {
				return keyPart{}, "", errors.New("$EVENT takes only %Y, %m, %d and %H")
			}
		} else if codes[i] < ' ' || codes[i] == 0x7f {
			return keyPart{}, "", errors.New("control characters can't be part of a key")
		}
	}
	return keyPart{kind: keyEventTime, text: codes}, rest, nil
}

// longest returns the most bytes that the part adds to a key.
func (p keyPart) longest() int {
	switch p.kind {
	case keyLiteral:
		return len(p.text)
	case keyWindow:
		return 4
	case keyUUID:
		return 16
	case keyCategory:
		return len("rejected")
	case keyEventTime:
		return 2 * len(p.text)
	}
	return maxKeyValue
}

// appendStream appends the name of the stream that a record belongs to: its
// category, and the values that tell streams apart, each ended by NUL. ev is nil
// for a rejected record.
func (k *KeyFormat) appendStream(dst []byte, c event.Category, tag string, ev *event.Event, r *record.Record) []byte {
	dst = append(dst, '0'+byte(c))
	for i := range k.parts {
		p := &k.parts[i]
		if p.kind <= keyCategory {
			continue
		}
		switch p.kind {
		case keyTag:
			dst = appendKeyValue(dst, tagPart(tag, p.index))
		case keyEventTime:
			if ev == nil {
				dst = appendTime(dst, p.text, r.Time)
			} else {
				dst = appendTime(dst, p.text, ev.Time)
			}
		case keyField:
			if ev == nil {
				dst = appendKeyValue(dst, "")
			} else {
				dst = appendKeyValue(dst, string(ev.Get(p.field)))
			}
		case keyAccessor:
			value, _ := p.accessor.Find(r.Body)
			dst = appendKeyValue(dst, string(record.AppendText(nil, value)))
		}
		dst = append(dst, 0)
	}
	return dst
}

// streamCategory returns the category in a stream's name.
func streamCategory(stream string) event.Category { return event.Category(stream[0] - '0') }

// key returns the object key of a stream, without an extension.
func (k *KeyFormat) key(stream string, window time.Time, uuid string) string {
	values := strings.Split(stream[1:], "\x00")
	var dst []byte
	for i := range k.parts {
		switch p := &k.parts[i]; p.kind {
		case keyLiteral:
			dst = append(dst, p.text...)
		case keyWindow:
			dst = appendTime(dst, p.text, window)
		case keyUUID:
			dst = append(dst, uuid...)
		case keyHost:
			dst = appendKeyValue(dst, k.host)
		case keyCategory:
			dst = append(dst, streamCategory(stream).String()...)
		default:
			dst = append(dst, values[0]...)
			values = values[1:]
		}
	}
	return string(dst)
}

// tagPart returns the n-th part of tag between dots, or all of it if n < 0.
func tagPart(tag string, n int) string {
	if n < 0 {
		return tag
	}
	for ; n > 0; n-- {
		_, tail, ok := strings.Cut(tag, ".")
		if !ok {
			return ""
		}
		tag = tail
	}
	head, _, _ := strings.Cut(tag, ".")
	return head
}

// appendTime writes t, in UTC, by strftime codes. Years have four digits.
func appendTime(dst []byte, codes string, t time.Time) []byte {
	t = t.UTC()
	for i := 0; i < len(codes); i++ {
		if codes[i] != '%' {
			dst = append(dst, codes[i])
			continue
		}
		i++
		switch codes[i] {
		case 'Y':
			dst = appendDigits(dst, t.Year(), 4)
		case 'm':
			dst = appendDigits(dst, int(t.Month()), 2)
		case 'd':
			dst = appendDigits(dst, t.Day(), 2)
		case 'H':
			dst = appendDigits(dst, t.Hour(), 2)
		case 'M':
			dst = appendDigits(dst, t.Minute(), 2)
		case 'S':
			dst = appendDigits(dst, t.Second(), 2)
		case '%':
			dst = append(dst, '%')
		}
	}
	return dst
}

func appendDigits(dst []byte, n, width int) []byte {
	start := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; i >= start; i-- {
		dst[i] = '0' + byte(n%10)
		n /= 10
	}
	return dst
}

// appendKeyValue appends v in the form in which it may stand in a key. Values
// that differ stay different, but for a CRC-32 collision of two very long ones.
func appendKeyValue(dst []byte, v string) []byte {
	if v == "" {
		return append(dst, "none"...)
	}
	start := len(dst)
	dots := strings.Trim(v, ".") == ""
	for i := 0; i < len(v); i++ {
		if c := v[i]; isNameByte(c) || c == '-' || c == '.' && !dots {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
		if len(dst)-start > maxKeyValue {
			cut := dst[:start+maxKeyValue-len("~00000000")]
			if i := bytes.IndexByte(cut[len(cut)-2:], '%'); i >= 0 {
				cut = cut[:len(cut)-2+i] // no half an escape
			}
			return fmt.Appendf(cut, "~%08x", crc32.ChecksumIEEE([]byte(v)))
		}
	}
	return dst
}

const upperHex = "0123456789ABCDEF"
