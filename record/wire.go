package record

import "encoding/binary"

// MaxDepth is how many lists and maps may stand inside each other, the entry
// itself included. It bounds the recursion of everything that reads values.
const MaxDepth = 64

// A shape is the layout of a value, which its first byte decides.
// See https://github.com/msgpack/msgpack/blob/master/spec.md, "Formats".
type shape struct {
	kind Kind
	// head counts the bytes before the payload: first byte, length, extension type.
	head uint8
	// width counts the bytes of the big-endian length behind the first byte.
	width uint8
	// fixed is the length where width is 0: payload bytes, or contained values.
	fixed uint8
}

var shapes = shapeTable()

func shapeTable() (t [256]shape) {
	for c := range 0x80 {
		t[c] = shape{kind: Int, head: 1}
	}
	for n := range 16 {
		t[0x80+n] = shape{kind: Map, head: 1, fixed: uint8(2 * n)}
		t[0x90+n] = shape{kind: Array, head: 1, fixed: uint8(n)}
	}
	for n := range 32 {
		t[0xa0+n] = shape{kind: String, head: 1, fixed: uint8(n)}
		t[0xe0+n] = shape{kind: Int, head: 1}
	}
	t[0xc0] = shape{kind: Nil, head: 1}
	t[0xc1] = shape{kind: Invalid, head: 1}
	t[0xc2] = shape{kind: Bool, head: 1}
	t[0xc3] = shape{kind: Bool, head: 1}
	t[0xca] = shape{kind: Float32, head: 1, fixed: 4}
	t[0xcb] = shape{kind: Float64, head: 1, fixed: 8}
	for n := range 3 { // lengths of 1, 2 and 4 bytes
		width := uint8(1 << n)
		t[0xc4+n] = shape{kind: Binary, head: 1 + width, width: width}
		t[0xc7+n] = shape{kind: Ext, head: 2 + width, width: width}
		t[0xd9+n] = shape{kind: String, head: 1 + width, width: width}
	}
	for n := range 2 { // lengths of 2 and 4 bytes
		width := uint8(2 << n)
		t[0xdc+n] = shape{kind: Array, head: 1 + width, width: width}
		t[0xde+n] = shape{kind: Map, head: 1 + width, width: width}
	}
	for n := range 4 { // integers of 1, 2, 4 and 8 bytes
		t[0xcc+n] = shape{kind: Uint, head: 1, fixed: 1 << n}
		t[0xd0+n] = shape{kind: Int, head: 1, fixed: 1 << n}
	}
	for n := range 5 { // extensions of 1, 2, 4, 8 and 16 bytes
		t[0xd4+n] = shape{kind: Ext, head: 2, fixed: 1 << n}
	}
	return t
}

// length reads the big-endian length of width bytes that b starts with.
func length(b []byte, width uint8) uint64 {
	switch width {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	}
	return uint64(binary.BigEndian.Uint32(b))
}

// A state is how the skipping of values went.
type state uint8

const (
	whole     state = iota
	deep            // well-formed, but nested deeper than MaxDepth
	truncated       // ends, or declares a length that ends, behind the bytes
	reserved        // contains 0xc1, which MessagePack never uses
)

// skip returns the index behind the n values that start at b[i], which stand in
// depth lists and maps. The index means nothing if they are truncated or reserved.
//
// A value takes at least a byte, so that a container which declares more values
// than there are bytes left is truncated: no declared length costs time. Below
// MaxDepth the values of a container are counted with those around it, without
// recursion: no depth costs stack.
func skip(b []byte, i, n, depth int) (int, state) {
	result := whole
	for ; n > 0; n-- {
		if i >= len(b) {
			return i, truncated
		}
		c := b[i]
		if c&0xe0 == 0xa0 { // a short string, what keys and most values are
			i += 1 + int(c&0x1f)
			continue
		}
		if c == 0xd9 && i+1 < len(b) { // a string of up to 255 bytes
			i += 2 + int(b[i+1])
			continue
		}
		s := shapes[c]
		size := uint64(s.fixed)
		start := i
		i += int(s.head)
		if i > len(b) {
			return i, truncated
		}
		if s.width != 0 {
			size = length(b[start+1:], s.width)
			if s.kind == Map {
				size *= 2
			}
		}
		if size > uint64(len(b)-i) {
			return i, truncated
		}
		if s.kind < Array {
			i += int(size)
			continue
		}
		if s.kind == Invalid {
			return i, reserved
		}
		if depth >= MaxDepth {
			result = deep
			n += int(size)
			if n > len(b) {
				return i, truncated
			}
			continue
		}
		var inner state
		if i, inner = skip(b, i, int(size), depth+1); inner > result {
			result = inner
		}
		if result > deep {
			return i, result
		}
	}
	if i > len(b) {
		return i, truncated
	}
	return i, result
}
