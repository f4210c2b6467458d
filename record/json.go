package record

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends a raw MessagePack value as compact JSON that is always
// valid, whatever raw is:
//
//   - integers exactly, beyond 2^53 too; floats as short as they read back;
//     NaN and infinities as the strings "NaN", "+Inf" and "-Inf";
//   - String and Binary as strings, each invalid byte of UTF-8 as U+FFFD;
//   - keys that are not strings as the string of their text, see [AppendText];
//     duplicate keys as they are;
//   - Fluent Bit's EventTime as a string of RFC 3339, other extensions as
//     {"ext":type,"data":"base64"};
//   - what is nested deeper than MaxDepth, and a raw that is not exactly one
//     value, as {"msgpack":"base64"}.
func AppendJSON(dst, raw []byte) []byte {
	end, st := skip(raw, 0, 1, 0)
	if st > deep || end != len(raw) {
		return appendOpaque(dst, raw)
	}
	dst, _ = appendValue(dst, raw, 0, 0)
	return dst
}

// AppendText appends the value as text: strings as they are but valid UTF-8, and
// all else as AppendJSON writes it, without quotes around the whole.
func AppendText(dst, raw []byte) []byte {
	switch v := Read(raw); v.Kind {
	case String, Binary:
		return appendValid(dst, v.Data)
	case Array, Map, Invalid:
		return AppendJSON(dst, raw)
	default:
		dst, _ = appendScalar(dst, v)
		return dst
	}
}

// appendValue appends the well-formed value at raw[i], which stands in depth
// containers, and returns the index behind it.
func appendValue(dst, raw []byte, i, depth int) ([]byte, int) {
	v := Read(raw[i:])
	if v.Kind < Array {
		end, _ := skip(raw, i, 1, depth)
		return appendScalarJSON(dst, v), end
	}
	if depth >= MaxDepth {
		end, _ := skip(raw, i, 1, depth)
		return appendOpaque(dst, raw[i:end]), end
	}
	i += int(shapes[raw[i]].head)
	if v.Kind == Array {
		return appendArray(dst, raw, i, v.Bits, depth)
	}
	return appendMap(dst, raw, i, v.Bits, depth)
}

func appendArray(dst, raw []byte, i int, n uint64, depth int) ([]byte, int) {
	dst = append(dst, '[')
	for k := range n {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst, i = appendValue(dst, raw, i, depth+1)
	}
	return append(dst, ']'), i
}

func appendMap(dst, raw []byte, i int, n uint64, depth int) ([]byte, int) {
	dst = append(dst, '{')
	for k := range n {
		if k > 0 {
			dst = append(dst, ',')
		}
		end, _ := skip(raw, i, 1, depth+1)
		dst = appendKey(dst, raw[i:end])
		dst = append(dst, ':')
		dst, i = appendValue(dst, raw, end, depth+1)
	}
	return append(dst, '}'), i
}

func appendKey(dst, raw []byte) []byte {
	if v := Read(raw); v.Kind == String || v.Kind == Binary {
		return AppendQuoted(dst, v.Data)
	}
	return AppendQuoted(dst, AppendText(nil, raw))
}

func appendScalarJSON(dst []byte, v Value) []byte {
	if v.Kind == String || v.Kind == Binary {
		return AppendQuoted(dst, v.Data)
	}
	start := len(dst)
	dst, quote := appendScalar(dst, v)
	if quote { // its text is ASCII without anything to escape
		dst = append(dst, '"', '"')
		copy(dst[start+1:], dst[start:len(dst)-2])
		dst[start] = '"'
	}
	return dst
}

// appendScalar appends the text of anything but strings and containers, and
// reports whether JSON needs quotes around it.
func appendScalar(dst []byte, v Value) (text []byte, quote bool) {
	switch v.Kind {
	case Bool:
		return strconv.AppendBool(dst, v.Bits != 0), false
	case Int:
		return strconv.AppendInt(dst, v.Int(), 10), false
	case Uint:
		return strconv.AppendUint(dst, v.Bits, 10), false
	case Float32:
		return appendFloat(dst, v.Float(), 32)
	case Float64:
		return appendFloat(dst, v.Float(), 64)
	case Ext:
		return appendExt(dst, v)
	}
	return append(dst, "null"...), false
}

// appendFloat writes numbers as ECMAScript and encoding/json do: with an
// exponent when they are very small or very large only.
func appendFloat(dst []byte, f float64, bits int) (text []byte, quote bool) {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits), math.IsNaN(f) || math.IsInf(f, 0)
}

func appendExt(dst []byte, v Value) (text []byte, quote bool) {
	if t, ok := v.EventTime(); ok {
		return t.AppendFormat(dst, time.RFC3339Nano), true
	}
	dst = append(dst, `{"ext":`...)
	dst = strconv.AppendInt(dst, v.Int(), 10)
	dst = append(dst, `,"data":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, v.Data)
	return append(dst, `"}`...), false
}

// appendOpaque keeps bytes that have no better JSON.
func appendOpaque(dst, raw []byte) []byte {
	dst = append(dst, `{"msgpack":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, raw)
	return append(dst, `"}`...)
}

// appendValid appends s with U+FFFD for each byte that is not part of UTF-8.
func appendValid(dst, s []byte) []byte {
	if utf8.Valid(s) {
		return append(dst, s...)
	}
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		dst = utf8.AppendRune(dst, r)
		s = s[n:]
	}
	return dst
}
