package record

import (
	"fmt"
	"io"
	"math"
	"time"
)

// What Record.Problem can say.
const (
	problemEntry = "entry is not a list of two"
	problemHead  = "header is not a list of time and metadata"
	problemTime  = "unreadable event time"
	problemMeta  = "metadata is not a map"
	problemBody  = "body is not a map"
	problemDepth = "nested too deep"
)

// maxUnix is the last second of the year 9999.
const maxUnix = 253402300799

// A CorruptError says that a chunk cannot be read from Offset on. Everything
// before it has been returned.
type CorruptError struct {
	// Offset is where the unreadable entry starts, in bytes from the chunk's start.
	Offset int64
	// Reason is one of a few fixed phrases.
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("chunk unreadable from byte %d on: %s", e.Offset, e.Reason)
}

// A Decoder returns the records of a chunk, in their order. It knows both of
// Fluent Bit's shapes, [time, body] and [[time, metadata], body].
type Decoder struct {
	chunk []byte
	next  int
}

// NewDecoder returns a Decoder of the chunk, which must not change while its
// records are in use.
func NewDecoder(chunk []byte) *Decoder { return &Decoder{chunk: chunk} }

// Reset makes d start with another chunk.
func (d *Decoder) Reset(chunk []byte) { *d = Decoder{chunk: chunk} }

// Next makes *r the next record of the chunk. It returns io.EOF behind the last
// one, and a *CorruptError, again and again, where the rest is not MessagePack.
//
// A well-formed value that is no record is returned with its Problem. The markers
// by which Fluent Bit groups OpenTelemetry logs are no records and are passed over.
func (d *Decoder) Next(r *Record) error {
	for d.next < len(d.chunk) {
		end, st := skip(d.chunk, d.next, 1, 0)
		if reason := unreadable(d.chunk[d.next], st); reason != "" {
			return &CorruptError{Offset: int64(d.next), Reason: reason}
		}
		*r = Record{Raw: d.chunk[d.next:end:end]}
		d.next = end
		if st == deep {
			r.Problem = problemDepth
			return nil
		}
		if marker := r.parse(); !marker {
			return nil
		}
	}
	return io.EOF
}

// unreadable says why the chunk cannot be read from an entry on that starts with
// the byte first, "" if it can. An integer of one byte is no entry, but it is
// what each byte of a text looks like: it means that this is no MessagePack.
func unreadable(first byte, st state) string {
	s := shapes[first]
	switch {
	case st == reserved, s.kind == Int && s.fixed == 0:
		return "not MessagePack"
	case st == truncated:
		return "truncated"
	}
	return ""
}

// parse fills in r from r.Raw, a whole value that is not too deep, and reports
// whether it is a group marker.
func (r *Record) parse() (marker bool) {
	head, ok := openTwo(r.Raw)
	if !ok {
		r.Problem = problemEntry
		return false
	}
	stamp := head
	if shapes[head[0]].kind == Array {
		if stamp, ok = openTwo(head); !ok {
			r.Problem = problemHead
			return false
		}
	}
	end, _ := skip(stamp, 0, 1, 0)
	r.Body = stamp[end:]
	if shapes[head[0]].kind == Array {
		end, _ = skip(r.Body, 0, 1, 0)
		r.Meta, r.Body = r.Body[:end:end], r.Body[end:]
	}
	r.Time, marker, ok = eventTime(Read(stamp))
	switch {
	case !ok && !marker:
		r.Problem = problemTime
	case r.Meta != nil && shapes[r.Meta[0]].kind != Map:
		r.Problem = problemMeta
	case shapes[r.Body[0]].kind != Map:
		r.Problem = problemBody
	}
	return marker && r.Problem == ""
}

// openTwo returns what is in the well-formed value raw, if it is a list of two.
func openTwo(raw []byte) (inside []byte, ok bool) {
	if raw[0] == 0x92 {
		return raw[1:], true
	}
	v := Read(raw)
	return raw[shapes[raw[0]].head:], v.Kind == Array && v.Bits == 2
}

// eventTime returns the time that v says and whether it says one, or whether v
// is that of a group marker: the second -1 at the start of a group and -2 at its
// end, which wraps around in the unsigned formats. Fluent Bit means no time by
// any other negative number (src/flb_log_event_decoder.c).
func eventTime(v Value) (t time.Time, marker, readable bool) {
	switch v.Kind {
	case Ext:
		t, readable = v.EventTime()
		if sec := t.Unix(); readable && sec >= math.MaxUint32-1 {
			marker = t.Nanosecond() == 0
			readable = false
		}
	case Int:
		if sec := v.Int(); sec >= 0 && sec <= maxUnix {
			t, readable = time.Unix(sec, 0).UTC(), true
		} else {
			marker = sec == -1 || sec == -2
		}
	case Uint:
		marker = v.Bits >= math.MaxUint64-1
	case Float32, Float64:
		sec := v.Float()
		if sec >= 0 && sec < maxUnix+1 {
			t, readable = fromSeconds(sec), true
		} else {
			marker = sec == -1 || sec == -2
		}
	}
	if !readable {
		t = time.Time{}
	}
	return t, marker, readable
}

// fromSeconds rounds to microseconds, the most that a float64 holds of today's
// times: 1795334400.123 is not to become .122.
func fromSeconds(sec float64) time.Time {
	return time.UnixMicro(int64(math.Round(sec * 1e6))).UTC()
}
