package pipeline

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
//
// Records with different values belong to different objects. Where that makes
// too many objects of one chunk, "other" stands for further values.
type KeyFormat struct {
	parts []keyPart
	host  []byte
	// perRecord is set if records of one chunk and category can have different
	// values.
	perRecord bool
}

// maxKey is the longest key that a template may make, in bytes: S3's limit of
// 1024 without the extensions and what tells an object from one of the same key.
const maxKey = 1024 - 32

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
	if !utf8.ValidString(template) || strings.ContainsFunc(template, unicode.IsControl) {
		return nil, errors.New("control characters and what is not UTF-8 can't be part of a key")
	}
	k := &KeyFormat{host: []byte(host)}
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
		return nil, fmt.Errorf("keys could be %d bytes long and %d are allowed", longest, maxKey)
	}
	if err := k.checkFolders(); err != nil {
		return nil, err
	}
	return k, nil
}

// checkFolders looks at a sample key for what some servers and readers don't
// take. No value changes what it finds.
func (k *KeyFormat) checkFolders() error {
	stream := k.appendStream(nil, event.Device, nil, nil, &record.Record{})
	folders := strings.Split(k.key(string(stream), time.Time{}, "0"), "/")
	if folders[len(folders)-1] == "" {
		return errors.New("the name of the object is missing after the last /")
	}
	for _, folder := range folders {
		if folder == "" || folder == "." || folder == ".." {
			return fmt.Errorf("%q can't be the name of a folder", folder)
		}
	}
	return nil
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
	return keyPart{kind: keyLiteral, text: s[:end]}, s[end:], nil
}

// parseKeyVariable reads the variable that s starts with.
func parseKeyVariable(s string) (part keyPart, rest string, err error) {
	end := 1
	for end < len(s) && isNameByte(s[end]) {
		end++
	}
	name, rest := s[1:end], s[end:]
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
	return parseKeyValue(s[:len(s)-len(rest)], rest)
}

// parseKeyValue reads a variable that is a field or an accessor. A key in
// capitals is more likely a mistake; as an accessor it is $['KEY'].
func parseKeyValue(variable, rest string) (keyPart, string, error) {
	if f, ok := event.FieldByName(variable[1:]); ok {
		return keyPart{kind: keyField, field: f}, rest, nil
	}
	if name, _, _ := strings.Cut(variable[1:], "["); variable == "$" || name != "" && name == strings.ToUpper(name) {
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
		if codes[i] != '%' {
			continue
		}
		if i++; i == len(codes) || !strings.ContainsRune("YmdH", rune(codes[i])) {
			return keyPart{}, "", errors.New("$EVENT takes only %Y, %m, %d and %H")
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
func (k *KeyFormat) appendStream(dst []byte, c event.Category, tag []byte, ev *event.Event, r *record.Record) []byte {
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
				dst = appendKeyValue(dst, nil)
			} else {
				dst = appendKeyValue(dst, ev.Get(p.field))
			}
		case keyAccessor:
			dst = appendRecordValue(dst, p.accessor, r)
		}
		dst = append(dst, 0)
	}
	return dst
}

// appendRecordValue appends the text of a value of the record, in the form of
// appendKeyValue.
func appendRecordValue(dst []byte, a record.Accessor, r *record.Record) []byte {
	raw, ok := a.Find(r.Body)
	if !ok || record.Read(raw).Kind == record.Nil {
		return appendKeyValue(dst, nil)
	}
	if text, ok := record.Text(raw); ok {
		return appendKeyValue(dst, text)
	}
	start := len(dst)
	dst = record.AppendText(dst, raw) // to be replaced
	end := len(dst)
	dst = appendKeyValue(dst, dst[start:])
	n := copy(dst[start:], dst[end:])
	return dst[:start+n]
}

// appendRest appends the name of the stream of that category for the records
// whose own streams would be too many.
func (k *KeyFormat) appendRest(dst []byte, c event.Category) []byte {
	dst = append(dst, '0'+byte(c))
	for i := range k.parts {
		if k.parts[i].kind > keyCategory {
			dst = append(dst, "other\x00"...)
		}
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
func tagPart(tag []byte, n int) []byte {
	if n < 0 {
		return tag
	}
	for ; n > 0; n-- {
		_, tag, _ = bytes.Cut(tag, dot)
	}
	head, _, _ := bytes.Cut(tag, dot)
	return head
}

var dot = []byte{'.'}

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
func appendKeyValue(dst, v []byte) []byte {
	if len(v) == 0 {
		return append(dst, "none"...)
	}
	start := len(dst)
	dots := len(bytes.Trim(v, ".")) == 0
	for i := range len(v) {
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
			var sum [4]byte
			binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE(v))
			return hex.AppendEncode(append(cut, '~'), sum[:])
		}
	}
	return dst
}

const upperHex = "0123456789ABCDEF"
