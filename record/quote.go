package record

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// AppendQuoted appends s as a JSON string literal (RFC 8259 section 7). It
// escapes what must be escaped: `"`, `\` and the control characters below U+0020.
// Each byte of s that is not part of UTF-8 becomes U+FFFD.
func AppendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	if i := special(s, 0, highBits); i < len(s) {
		dst = appendEscaped(dst, s, i)
	} else {
		dst = append(dst, s...)
	}
	return append(dst, '"')
}

// appendEscaped appends s, of which s[i] is the first special byte.
func appendEscaped(dst, s []byte, i int) []byte {
	start := 0 // of what is not yet appended
	stop, checked := uint64(highBits), false
	for ; i < len(s); i = special(s, i, stop) {
		if s[i] >= utf8.RuneSelf {
			if !checked && utf8.Valid(s[i:]) {
				stop = 0 // nothing of it needs another look
				continue
			}
			checked = true
			if _, n := utf8.DecodeRune(s[i:]); n > 1 {
				i += n
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, s[i])
		i++
		start = i
	}
	return append(dst, s[start:]...)
}

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\t':
		return append(dst, '\\', 't')
	case '\n':
		return append(dst, '\\', 'n')
	case '\f':
		return append(dst, '\\', 'f')
	case '\r':
		return append(dst, '\\', 'r')
	}
	if c >= utf8.RuneSelf {
		return utf8.AppendRune(dst, utf8.RuneError)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// special returns the index of the first byte from s[i] on that a JSON string
// cannot hold as it is, len(s) if there is none. Bytes above 0x7f are such bytes
// if stop is highBits, and not if it is 0.
//
// It looks at eight bytes at a time. The ends of a text that has at least eight
// are read again, shifted so that only the new bytes are left: the zeros that
// the shift brings in are special and stand exactly at len(s).
func special(s []byte, i int, stop uint64) int {
	for ; i+8 <= len(s); i += 8 {
		if m := specials(binary.LittleEndian.Uint64(s[i:]), stop); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	if i == len(s) {
		return i
	}
	if len(s) < 8 {
		var tail uint64
		for k := len(s) - 1; k >= i; k-- {
			tail = tail<<8 | uint64(s[k])
		}
		return i + bits.TrailingZeros64(specials(tail, stop))/8
	}
	tail := binary.LittleEndian.Uint64(s[len(s)-8:]) >> (8 * (8 - (len(s) - i)))
	return i + bits.TrailingZeros64(specials(tail, stop))/8
}

// specials marks the special bytes of x in their highest bits. Bits above the
// lowest marked byte can be wrong: a subtraction borrows from the byte above,
// but only in a byte that is marked.
func specials(x, stop uint64) uint64 {
	control := x - ' '*lowBits
	quote := (x ^ '"'*lowBits) - lowBits
	slash := (x ^ '\\'*lowBits) - lowBits
	return ((control|quote|slash)&^x | x&stop) & highBits
}
