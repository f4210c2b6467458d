package formatter

import (
	"encoding/binary"
	"math/bits"
)

// appendText appends s as it stands in a syslog message, with every control
// character written as "#" and its three octal digits, as RFC 5424 section 6.4
// suggests and rsyslog does. Control characters are those of Unicode: C0, DEL,
// and C1, as NEL (U+0085) ends a line for some readers and CSI (U+009B) begins
// an escape sequence for some terminals. A "#" itself is left as it is.
func appendText(dst, s []byte) []byte { return appendEscaped(dst, s, false) }

// appendParamValue appends s as a PARAM-VALUE: control characters as in a text,
// and a backslash before each of the three characters of RFC 5424 section 6.3.3.
func appendParamValue(dst, s []byte) []byte { return appendEscaped(dst, s, true) }

func appendEscaped(dst, s []byte, inParam bool) []byte {
	for {
		n := plainPrefix(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return dst
		}
		s = s[n:]
		switch c := s[0]; {
		case c < ' ' || c == 0x7f:
			dst = appendOctal(dst, c)
		case c == c1Lead:
			if len(s) > 1 && s[1] >= 0x80 && s[1] < 0xa0 {
				s = s[1:] // the second byte is the code point
				dst = appendOctal(dst, s[0])
			} else {
				dst = append(dst, c)
			}
		case inParam:
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
		s = s[1:]
	}
}

func appendOctal(dst []byte, c byte) []byte {
	return append(dst, '#', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
}

// c1Lead is the first byte of a C1 control character in UTF-8, and of U+00A0 to
// U+00BF.
const c1Lead = 0xc2

// plainPrefix returns how many bytes of s come before the first that may need
// an escape, in a PARAM-VALUE or a text: a control character, c1Lead, or one of
// `"`, `\` and `]`.
func plainPrefix(s []byte) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if m := special(binary.LittleEndian.Uint64(s[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(s); i++ {
		if isSpecial[s[i]] {
			return i
		}
	}
	return i
}

// special looks at eight bytes at once. In what it returns, the lowest bit set
// is the highest bit of the first special byte; bits above it mean nothing.
//
// Of every byte of x that is zero, x-ones sets the highest bit, and &^x drops
// those that had it before. A borrow can set others, but only above a zero byte.
func special(w uint64) uint64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	control := (w - ' '*ones) &^ w
	del := w ^ 0x7f*ones
	quote := w ^ '"'*ones
	lead := w ^ c1Lead*ones
	backslashOrBracket := (w | ones) ^ ']'*ones // they differ in the lowest bit
	return (control |
		(del-ones)&^del |
		(quote-ones)&^quote |
		(lead-ones)&^lead |
		(backslashOrBracket-ones)&^backslashOrBracket) & highs
}

var isSpecial = func() (table [256]bool) {
	for c := range table {
		table[c] = special(uint64(c))&0x80 != 0
	}
	return table
}()
