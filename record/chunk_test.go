package record

import (
	"encoding/binary"

	"github.com/tinylib/msgp/msgp"
)

// eventTime8 returns an EventTime in its fixext8 encoding.
func eventTime8(sec, nsec uint32) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0xd7, 0x00}, sec)
	return binary.BigEndian.AppendUint32(b, nsec)
}

// v2Head returns [time, {}].
func v2Head(sec, nsec uint32) []byte {
	b := append([]byte{0x92}, eventTime8(sec, nsec)...)
	return append(b, 0x80)
}

// appendEntry appends [head, {fields}], the fields being keys and values.
func appendEntry(b, head []byte, fields ...string) []byte {
	b = append(append(b, 0x92), head...)
	b = msgp.AppendMapHeader(b, uint32(len(fields)/2))
	for _, s := range fields {
		b = msgp.AppendString(b, s)
	}
	return b
}
