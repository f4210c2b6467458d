package record

import (
	"encoding/binary"
	"math"
	"time"
)

// A Kind is a type of MessagePack values.
type Kind uint8

// The kinds. The containers come after the scalars.
const (
	Nil Kind = iota
	Bool
	Int  // fits an int64
	Uint // does not fit an int64
	Float32
	Float64
	String // said to be UTF-8, which need not be true
	Binary
	Ext
	Array
	Map
	Invalid // no MessagePack, or not the whole of it
)

// A Value is what a raw MessagePack value says.
type Value struct {
	Kind Kind
	// Bits is, by Kind: 0 or 1; the int64; the uint64; the float's IEEE 754 bits
	// in its own width; the extension's type as an int64; the number of elements
	// of an Array, of pairs of a Map.
	Bits uint64
	// Data is the payload of a String, Binary or Ext, aliasing the raw value.
	Data []byte
}

// Int returns the number of an Int, and the type of an Ext.
func (v Value) Int() int64 { return int64(v.Bits) }

// Float returns the number of a Float32 or Float64.
func (v Value) Float() float64 {
	if v.Kind == Float32 {
		return float64(math.Float32frombits(uint32(v.Bits)))
	}
	return math.Float64frombits(v.Bits)
}

// EventTime returns the time of an extension value of Fluent Bit's EventTime
// (type 0, seconds and nanoseconds in four bytes each) and whether v is one.
// See "EventTime Ext Format" in the Fluentd Forward Protocol Specification v1.
func (v Value) EventTime() (time.Time, bool) {
	if v.Kind != Ext || v.Bits != 0 || len(v.Data) != 8 {
		return time.Time{}, false
	}
	sec := binary.BigEndian.Uint32(v.Data)
	nsec := binary.BigEndian.Uint32(v.Data[4:])
	return time.Unix(int64(sec), int64(nsec)).UTC(), nsec < 1e9
}

// Read returns the value that raw starts with, looking at its first bytes only:
// the values in an Array or Map are not looked at. The Kind is Invalid when raw
// does not hold a whole scalar or the head of a container.
func Read(raw []byte) Value {
	if len(raw) == 0 {
		return Value{Kind: Invalid}
	}
	s := shapes[raw[0]]
	head, size := int(s.head), uint64(s.fixed)
	if head > len(raw) {
		return Value{Kind: Invalid}
	}
	if s.width != 0 {
		size = length(raw[1:], s.width)
	}
	switch {
	case s.kind == Array:
		return Value{Kind: Array, Bits: size}
	case s.kind == Map && s.width == 0:
		return Value{Kind: Map, Bits: size / 2}
	case s.kind == Map:
		return Value{Kind: Map, Bits: size}
	case s.kind == Invalid || size > uint64(len(raw)-head):
		return Value{Kind: Invalid}
	}
	data := raw[head : head+int(size) : head+int(size)]
	switch s.kind {
	case String, Binary:
		return Value{Kind: s.kind, Data: data}
	case Ext:
		return Value{Kind: Ext, Bits: uint64(int8(raw[head-1])), Data: data}
	}
	return number(s.kind, raw[0], data)
}

// number returns the Nil, Bool or number whose first byte is c and whose other
// bytes are data.
func number(kind Kind, c byte, data []byte) Value {
	switch kind {
	case Bool:
		return Value{Kind: Bool, Bits: uint64(c & 1)}
	case Int:
		if len(data) == 0 {
			return Value{Kind: Int, Bits: uint64(int8(c))}
		}
		unused := 64 - 8*len(data)
		return Value{Kind: Int, Bits: uint64(int64(bigEndian(data)<<unused) >> unused)}
	case Uint:
		n := bigEndian(data)
		if n <= math.MaxInt64 {
			kind = Int
		}
		return Value{Kind: kind, Bits: n}
	case Float32, Float64:
		return Value{Kind: kind, Bits: bigEndian(data)}
	}
	return Value{Kind: Nil}
}

func bigEndian(data []byte) (n uint64) {
	for _, c := range data {
		n = n<<8 | uint64(c)
	}
	return n
}

// Text returns the bytes of a raw String, aliasing it, and whether raw is one.
func Text(raw []byte) ([]byte, bool) {
	if n := shortText(raw); n >= 0 {
		return raw[1 : 1+n : 1+n], true
	}
	v := Read(raw)
	return v.Data, v.Kind == String
}

// Pairs returns the pairs of a raw map, one behind the other, and how many there
// are. They are nil if raw is no map, and only then. [CutPair] takes them apart:
//
//	for rest, n := record.Pairs(body); n > 0; n-- {
//		var key, value []byte
//		if key, value, rest = record.CutPair(rest); value == nil {
//			break // the map is damaged
//		}
//	}
func Pairs(raw []byte) (pairs []byte, n uint64) {
	if len(raw) > 0 && raw[0]&0xf0 == 0x80 { // at most 15, as most have
		return raw[1:], uint64(raw[0] & 0x0f)
	}
	v := Read(raw)
	if v.Kind != Map {
		return nil, 0
	}
	return raw[shapes[raw[0]].head:], v.Bits
}

// CutPair cuts the first pair of a map off pairs. The key is the text of a
// String and nil for all other keys; the value is raw, and nil if there is no
// whole pair. All three alias pairs.
func CutPair(pairs []byte) (key, value, rest []byte) {
	if n := shortText(pairs); n >= 0 {
		key, rest = pairs[1:1+n:1+n], pairs[1+n:]
	} else {
		end, ok := first(pairs)
		if !ok {
			return nil, nil, nil
		}
		key, _ = Text(pairs[:end])
		rest = pairs[end:]
	}
	if n := shortText(rest); n >= 0 {
		return key, rest[: 1+n : 1+n], rest[1+n:]
	}
	end, ok := first(rest)
	if !ok {
		return nil, nil, nil
	}
	return key, rest[:end:end], rest[end:]
}

// shortText returns the length of the text if b starts with a whole String of up
// to 31 bytes, as keys and most values are; less than 0 if not.
func shortText(b []byte) int {
	if len(b) > 0 && b[0]&0xe0 == 0xa0 && int(b[0]&0x1f) < len(b) {
		return int(b[0] & 0x1f)
	}
	return -1
}

// first returns the length of the first value in b and whether it is whole.
func first(b []byte) (end int, ok bool) {
	if len(b) > 1 && b[0] == 0xd9 { // a string of up to 255 bytes
		end = 2 + int(b[1])
		return end, end <= len(b)
	}
	end, st := skip(b, 0, 1, 1)
	return end, st <= deep
}
