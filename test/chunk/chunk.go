// Package chunk builds what Fluent Bit hands to an output: a chunk, MessagePack
// records one after the other. The same records always make the same bytes.
package chunk

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// Format is the shape of the records.
type Format int

// The formats of Fluent Bit's events.
const (
	V2 Format = iota // [[time, {metadata}], {body}], from Fluent Bit 2.1 on
	V1               // [time, {body}], before
)

// Record is one record to be built. Its values may be nil, booleans, integers,
// floats, strings, []byte, time.Time (as EventTime), []any and map[string]any,
// and json.Number, which becomes an integer where it is one.
type Record struct {
	Time time.Time
	Meta map[string]any // left out of V1
	Body map[string]any
}

// Build is the chunk with the given records. It panics on a value that is none of
// Record's: a test's own mistake.
func Build(f Format, records ...Record) []byte {
	var b []byte
	for _, r := range records {
		b = Append(b, f, r)
	}
	return b
}

// Append appends one record to a chunk; see Build.
func Append(b []byte, f Format, r Record) []byte {
	b = msgp.AppendArrayHeader(b, 2)
	if f == V2 {
		b = msgp.AppendArrayHeader(b, 2)
	}
	b = AppendEventTime(b, r.Time)
	if f == V2 {
		b = appendMap(b, r.Meta)
	}
	return appendMap(b, r.Body)
}

// AppendEventTime appends a time as the Forward protocol's EventTime: extension
// type 0 of 8 bytes, the seconds and the nanoseconds, both big endian.
func AppendEventTime(b []byte, t time.Time) []byte {
	const fixext8, eventTime = 0xd7, 0x00
	b = append(b, fixext8, eventTime)
	b = binary.BigEndian.AppendUint32(b, uint32(t.Unix()))
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

// FromNDJSON builds a chunk from lines of JSON objects. The first record has the
// time at, each other one that of its predecessor plus step.
func FromNDJSON(f Format, lines io.Reader, at time.Time, step time.Duration) ([]byte, error) {
	var b []byte
	in := bufio.NewReader(lines)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			body, jsonErr := decode(line)
			if jsonErr != nil {
				return nil, fmt.Errorf("line %d: %w", n, jsonErr)
			}
			b = Append(b, f, Record{Time: at, Body: body})
			at = at.Add(step)
		}
		if err == io.EOF {
			return b, nil
		}
	}
}

// decode keeps integers that a float64 has no room for.
func decode(line []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var body map[string]any
	if err := d.Decode(&body); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("text after the object")
	}
	if body == nil {
		return nil, errors.New("null is no object")
	}
	return body, nil
}

// appendMap appends a map, its keys in order.
func appendMap(b []byte, m map[string]any) []byte {
	b = msgp.AppendMapHeader(b, uint32(len(m)))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		b = msgp.AppendString(b, key)
		b = appendValue(b, m[key])
	}
	return b
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case map[string]any:
		return appendMap(b, v)
	case []any:
		b = msgp.AppendArrayHeader(b, uint32(len(v)))
		for _, e := range v {
			b = appendValue(b, e)
		}
		return b
	case time.Time:
		return AppendEventTime(b, v)
	case json.Number:
		return appendNumber(b, string(v))
	case int:
		return appendInt(b, int64(v))
	case int64:
		return appendInt(b, v)
	}
	b, err := msgp.AppendIntf(b, v)
	if err != nil {
		panic(fmt.Sprintf("chunk: value of type %T: %v", v, err))
	}
	return b
}

// appendInt writes a positive integer as an unsigned one, as Fluent Bit does.
func appendInt(b []byte, i int64) []byte {
	if i >= 0 {
		return msgp.AppendUint64(b, uint64(i))
	}
	return msgp.AppendInt64(b, i)
}

func appendNumber(b []byte, text string) []byte {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return appendInt(b, i)
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return msgp.AppendUint64(b, u)
	}
	x, _ := strconv.ParseFloat(text, 64) // out of range: infinite
	return msgp.AppendFloat64(b, x)
}
