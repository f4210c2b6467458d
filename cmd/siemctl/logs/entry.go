package logs

import (
	"time"

	"siem-s3/event"
)

// An Entry is a line of an object, read: an event, or a rejected record if the
// event's Type is none. Its texts alias the line or its reader, and are valid
// until the next line.
type Entry struct {
	// Time is the event's timestamp, or when the record was received.
	Time time.Time
	// Line is the line itself, without its end.
	Line []byte

	Event event.Event

	// Of a rejected record: why, and the record itself as JSON.
	Reason, Detail, Tag, Record []byte
}

// Rejected reports whether e is a rejected record.
func (e *Entry) Rejected() bool { return !e.Event.Type.Valid() }

// A lineReader reads the lines of one format. It is for one goroutine.
type lineReader interface {
	// time returns the time of a line without reading the rest of it, and
	// whether the line is one of the format as far as that.
	time(line []byte) (unixMilli int64, ok bool)
	// read makes *e the entry of a line. An error says what is wrong with it.
	read(line []byte, e *Entry) error
}

// newLineReader returns a reader for objects with the extension json or log.
func newLineReader(format string) lineReader {
	if format == "log" {
		return new(syslogReader)
	}
	return new(jsonReader)
}

// stampSize is the length of a timestamp: 2026-11-22T08:00:00.123Z.
const stampSize = len("2026-11-22T08:00:00.123Z")

// parseStamp reads a timestamp as the schema writes it at the start of s. It is
// the part of reading that every line costs.
func parseStamp(s []byte) (unixMilli int64, ok bool) {
	if len(s) < stampSize || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' ||
		s[16] != ':' || s[19] != '.' || s[23] != 'Z' {
		return 0, false
	}
	var bad bool
	digits := func(from, n int) (v int) {
		for _, c := range s[from : from+n] {
			bad = bad || c < '0' || c > '9'
			v = 10*v + int(c-'0')
		}
		return v
	}
	year, month, day := digits(0, 4), digits(5, 2), digits(8, 2)
	hour, minute, second, milli := digits(11, 2), digits(14, 2), digits(17, 2), digits(20, 3)
	if bad || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return t.Unix()*1000 + int64(milli), t.Day() == day
}

// setEvent puts the time and the type into e, whose texts of them are set.
func (e *Entry) setEvent(t event.LogType, unixMilli int64) {
	e.Event.Type = t
	e.Time = time.UnixMilli(unixMilli).UTC()
	e.Event.Time = e.Time
}
