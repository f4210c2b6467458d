// Package events makes device and account events as a service would report them:
// numbered, in any quantity, and the same in every run. So a test can tell which of
// a million events are missing or stored twice, and an administrator can try a
// configuration.
package events

import (
	"bytes"
	"math/bits"
	"strconv"
	"time"
)

// Mean is about how many bytes a record of a Set has, its LF included.
const Mean = 273

// A Set is an endless sequence of events of all log types, numbered from 0. Sets
// of different numbers have different events.
type Set uint64

// A Set's events are that much apart, from first on.
const apart = 37 * time.Millisecond

var first = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// AppendRecord appends the event with that number as it is reported: a JSON object
// on a line, its keys in another order than the schema's, and some that the schema
// does not know.
func (s Set) AppendRecord(dst []byte, n int) []byte { return s.stream().AppendRecord(dst, n, s.at(n)) }

// AppendStored appends the event with that number as an object in JSON must hold
// it, with its LF.
func (s Set) AppendStored(dst []byte, n int) []byte { return s.stream().AppendStored(dst, n, s.at(n)) }

// Records returns the records from number from up to, not including, to.
func (s Set) Records(from, to int) []byte {
	var b []byte
	for n := from; n < to; n++ {
		b = s.AppendRecord(b, n)
	}
	return b
}

func (s Set) stream() Stream { return Stream{uint64(s), fullUrn} }

func (Set) at(n int) time.Time { return first.Add(time.Duration(n) * apart) }

// A Stream is an endless sequence of events, numbered from 0, of chosen log types
// and at any times.
type Stream struct {
	seed uint64
	urn  []uint8
}

// NewStream returns a Stream. Streams of different seeds have different events.
// logTypes are some of LogTypes, all if there are none.
func NewStream(seed uint64, logTypes ...string) Stream { return Stream{seed, urn(logTypes)} }

// A draw is the numbers that decide what an event is like.
type draw uint64

// draw returns those of an event: the n-th output of SplitMix64 (Steele, Lea and
// Flood, "Fast splittable pseudorandom number generators", 2014).
func (s Stream) draw(n int) draw {
	x := s.seed*0xd1342543de82ef95 + (uint64(n)+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return draw(x ^ x>>31)
}

// below returns a number below n, and makes the next one another.
func (d *draw) below(n int) int {
	high, low := bits.Mul64(uint64(*d), uint64(n))
	*d = draw(low)
	return int(high)
}

// AppendRecord is that of Set, for an event at t.
func (s Stream) AppendRecord(dst []byte, n int, t time.Time) []byte {
	d := s.draw(n)
	k := s.urn[d.below(len(s.urn))]
	kind := &kinds[k]
	dst = append(dst, '{')
	if kind.name != "" {
		who := &people[d.below(len(people))]
		dst = appendField(dst, `"log_type":"`, kind.logType)
		dst = appendField(dst, `,"admin_email":"`, who.email)
		dst = appendField(dst, `,"admin_name":"`, who.name)
		dst = appendDetails(append(dst, ','), k, d, n)
	} else {
		device := d.below(devices)
		dst = appendDeviceID(append(dst, `"device_id":"`...), device)
		dst = appendDeviceName(append(dst, `","device_name":"`...), device)
		dst = appendField(dst, `","log_type":"`, kind.logType)
		dst = appendDetails(append(dst, `,"os":7,`...), k, d, n)
		dst = appendField(dst, `,"device_group":"`, groups[device%len(groups)])
		dst = appendUser(append(dst, `,"device_username":"`...), device)
		dst = append(dst, '"')
	}
	dst = appendTime(append(dst, `,"timestamp":"`...), t)
	return append(dst, "\"}\n"...)
}

// AppendStored is that of Set, for an event at t.
func (s Stream) AppendStored(dst []byte, n int, t time.Time) []byte {
	d := s.draw(n)
	k := s.urn[d.below(len(s.urn))]
	kind := &kinds[k]
	dst = appendTime(append(dst, `{"timestamp":"`...), t)
	if kind.name != "" {
		who := &people[d.below(len(people))]
		dst = appendField(dst, `","event":"`, kind.name)
		dst = appendDetails(append(dst, ','), k, d, n)
		dst = appendField(dst, `,"admin_name":"`, who.name)
		dst = appendField(dst, `,"admin_email":"`, who.email)
		dst = appendField(dst, `,"log_type":"`, kind.logType)
		return append(dst, "}\n"...)
	}
	device := d.below(devices)
	dst = appendField(dst, `","log_type":"`, kind.logType)
	dst = appendDetails(append(dst, ','), k, d, n)
	dst = appendDeviceID(append(dst, `,"device_id":"`...), device)
	dst = appendDeviceName(append(dst, `","device_name":"`...), device)
	dst = appendUser(append(dst, `","device_username":"`...), device)
	dst = appendField(dst, `","device_group":"`, groups[device%len(groups)])
	return append(dst, "}\n"...)
}

// appendField appends what is before a value, the value, and its last quote.
func appendField(dst []byte, before, value string) []byte {
	dst = append(dst, before...)
	dst = append(dst, value...)
	return append(dst, '"')
}

const mark = "ref="

// appendDetails appends the details and, in them, the number of the event.
func appendDetails(dst []byte, k uint8, d draw, n int) []byte {
	dst = append(dst, `"details":`...)
	dst = append(dst, quoted[k][d.below(len(quoted[k]))]...)
	dst = append(dst, "; "+mark...)
	dst = appendDigits(dst, n, 9)
	return append(dst, '"')
}

func appendDeviceID(dst []byte, device int) []byte {
	dst = append(dst, "7f3a-"...)
	id := uint32(device) * 2654435761
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[id>>shift&15])
	}
	return appendDigits(append(dst, '-'), device, 4)
}

func appendDeviceName(dst []byte, device int) []byte {
	dst = append(dst, "LT-"...)
	dst = append(dst, sites[device%len(sites)]...)
	return appendDigits(append(dst, '-'), device, 4)
}

func appendUser(dst []byte, device int) []byte {
	dst = append(dst, byte('a'+device%26), '.')
	dst = append(dst, families[device%len(families)]...)
	dst = strconv.AppendInt(dst, int64(device/26), 10)
	return append(dst, "@example.com"...)
}

func appendTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

func appendDigits(dst []byte, n, width int) []byte {
	start := len(dst)
	dst = append(dst, "000000000"[:width]...)
	for i := len(dst) - 1; i >= start && n > 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

// Number returns the number of the event in a stored line of any format, or -1.
func Number(line []byte) int {
	_, after, ok := bytes.Cut(line, []byte(mark))
	if !ok || len(after) < 9 {
		return -1
	}
	n, err := strconv.Atoi(string(after[:9]))
	if err != nil {
		return -1
	}
	return n
}
