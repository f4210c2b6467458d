// Package record reads Fluent Bit's chunks: MessagePack bytes in, records out,
// without copying and without allocating per record.
//
// A [Decoder] cuts a chunk into Records. What a record holds is read in place:
// an [Accessor] finds one value, [Pairs] steps through a map, [Read] tells what
// a value is, and [AppendText] and [AppendJSON] write it for people and programs.
package record

import "time"

// A Record is one log record of a chunk. Its slices alias the chunk and are
// valid for as long as the chunk is.
type Record struct {
	// Time is the event time that Fluent Bit gave the record, in UTC. It is the
	// zero time when the record carries none that can be read.
	Time time.Time
	// Meta is the record's metadata, a raw MessagePack map, or nil.
	Meta []byte
	// Body is the record itself, one raw MessagePack value, normally a map.
	Body []byte
	// Raw is the whole entry of the chunk, time and metadata included.
	Raw []byte
	// Problem says why the entry is not a record of Fluent Bit's shape ("" if it
	// is one). It is one of a few fixed phrases. Such a record can only be kept
	// as it is; what was understood of it before the problem is filled in.
	Problem string
}
