package event

import (
	"bytes"
	"math"
	"time"

	"siem-s3/record"
)

// The seconds that a timestamp can say, from the year 0000 to the year 9999:
// RFC 3339 has four digits for it.
const (
	minUnix = -62167219200
	maxUnix = 253402300799
)

// AppendTimestamp appends t in UTC as the schema writes it, cut to milliseconds:
// 2026-11-22T08:00:00.123Z. The year must be between 0000 and 9999.
func AppendTimestamp(dst []byte, t time.Time) []byte {
	return new(clock).append(dst, t)
}

// A clock writes timestamps and remembers the text of the last second: those of
// a chunk are close together.
type clock struct {
	unix int64
	text [len("2026-11-22T08:00:00")]byte // of unix, zeros at first
}

func (c *clock) append(dst []byte, t time.Time) []byte {
	if unix := t.Unix(); unix != c.unix || c.text[0] == 0 {
		c.set(t.UTC())
	}
	dst = append(dst, c.text[:]...)
	ms := t.Nanosecond() / 1e6
	return append(dst, '.', '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10), 'Z')
}

func (c *clock) set(t time.Time) {
	c.unix = t.Unix()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	c.text = [...]byte{
		'0' + byte(year/1000%10), '0' + byte(year/100%10), '0' + byte(year/10%10), '0' + byte(year%10), '-',
		'0' + byte(month/10), '0' + byte(month%10), '-',
		'0' + byte(day/10), '0' + byte(day%10), 'T',
		'0' + byte(hour/10), '0' + byte(hour%10), ':',
		'0' + byte(minute/10), '0' + byte(minute%10), ':',
		'0' + byte(second/10), '0' + byte(second%10),
	}
}

// readTime returns the time in UTC that a value with that text means, and whether
// it means one: a text of RFC 3339, the time since 1970 as a number or its decimal
// digits, or Fluent Bit's EventTime.
func readTime(v record.Value, text []byte) (time.Time, bool) {
	switch v.Kind {
	case record.String, record.Binary:
		if t, ok := parseRFC3339(text); ok {
			return t, true
		}
		return parseEpoch(text)
	case record.Int:
		n := v.Int()
		if n < 0 {
			return fromEpoch(-uint64(n), true, 0)
		}
		return fromEpoch(uint64(n), false, 0)
	case record.Uint:
		return fromEpoch(v.Bits, false, 0)
	case record.Float32, record.Float64:
		return fromFloat(v.Float())
	}
	return v.EventTime()
}

// unit returns how many of the unit that a time since 1970 of this magnitude is
// in make a second: seconds up to the year 5138, and so milliseconds and
// microseconds, which therefore cannot say a time before March 1973.
func unit(magnitude uint64) uint64 {
	switch {
	case magnitude < 1e11:
		return 1
	case magnitude < 1e14:
		return 1e3
	case magnitude < 1e17:
		return 1e6
	}
	return 1e9
}

// fromEpoch returns the time that is n units and nanos billionths of a unit
// after 1970, or before it.
func fromEpoch(n uint64, before bool, nanos uint64) (time.Time, bool) {
	perSecond := unit(n)
	sec := int64(n / perSecond)
	nsec := int64(n%perSecond*(1e9/perSecond) + nanos/perSecond)
	if before {
		sec, nsec = -sec, -nsec
	}
	return inRange(time.Unix(sec, nsec).UTC())
}

// fromFloat rounds to microseconds, which is what a float64 holds of seconds.
func fromFloat(f float64) (time.Time, bool) {
	magnitude := math.Abs(f)
	if !(magnitude < 1<<64) { // NaN too
		return time.Time{}, false
	}
	perSecond := float64(unit(uint64(magnitude)))
	return inRange(time.UnixMicro(int64(math.Round(f * (1e6 / perSecond)))).UTC())
}

// parseEpoch reads digits with an optional sign and fraction.
func parseEpoch(s []byte) (time.Time, bool) {
	before := len(s) > 0 && s[0] == '-'
	if before {
		s = s[1:]
	}
	whole, fraction, dotted := bytes.Cut(s, []byte{'.'})
	if len(whole) == 0 || len(whole) > 19 || dotted && len(fraction) == 0 {
		return time.Time{}, false // 19 digits fit an uint64
	}
	n, ok := digits(whole)
	nanos, okFraction := billionths(fraction)
	if !ok || !okFraction {
		return time.Time{}, false
	}
	return fromEpoch(n, before, nanos)
}

// parseRFC3339 reads a date and time of RFC 3339 section 5.6. Beyond it, a space
// can stand for the T (a note there allows it), a comma for the point (ISO 8601
// prefers it), and the offset can lack its colon, as strftime's %z writes it. A
// leap second is the second after it.
func parseRFC3339(s []byte) (time.Time, bool) {
	const date = len("2026-11-22T08:00:00")
	if len(s) <= date || s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' ||
		s[10] != 'T' && s[10] != 't' && s[10] != ' ' {
		return time.Time{}, false
	}
	century, year, month, day := two(s, 0), two(s, 2), two(s, 5), two(s, 8)
	hour, minute, second := two(s, 11), two(s, 14), two(s, 17)
	if century|year|month|day|hour|minute|second < 0 ||
		hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	year += 100 * century
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return time.Time{}, false
	}
	rest := s[date:]
	nanos := uint64(0)
	if rest[0] == '.' || rest[0] == ',' {
		n := 1
		for n < len(rest) && isDigit(rest[n]) {
			n++
		}
		if n == 1 {
			return time.Time{}, false
		}
		nanos, _ = billionths(rest[1:n])
		rest = rest[n:]
	}
	offset, ok := parseOffset(rest)
	unix := 86400*daysSince1970(year, month, day) + int64(3600*hour+60*minute+second-offset)
	if !ok || second == 60 && unix%86400 != 0 {
		return time.Time{}, false
	}
	return inRange(time.Unix(unix, int64(nanos)).UTC())
}

// parseOffset reads Z, ±hh:mm or ±hhmm as seconds east of UTC.
func parseOffset(s []byte) (seconds int, ok bool) {
	if len(s) == 1 {
		return 0, s[0] == 'Z' || s[0] == 'z'
	}
	colon := len(s) == 6 && s[3] == ':'
	if !colon && len(s) != 5 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hour, minute := two(s, 1), two(s, len(s)-2)
	seconds = 3600*hour + 60*minute
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59
}

// two returns the number of two digits at s[i], less than 0 if they are none.
func two(s []byte, i int) int {
	tens, ones := int(s[i])-'0', int(s[i+1])-'0'
	if uint(tens) > 9 || uint(ones) > 9 {
		return -1
	}
	return 10*tens + ones
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// digits returns the number that s is, which must not overflow.
func digits(s []byte) (n uint64, ok bool) {
	for _, c := range s {
		if !isDigit(c) {
			return 0, false
		}
		n = 10*n + uint64(c-'0')
	}
	return n, true
}

// billionths returns the fraction whose digits s are, cut to nine.
func billionths(s []byte) (n uint64, ok bool) {
	for _, c := range s {
		if !isDigit(c) {
			return 0, false
		}
	}
	kept := s[:min(len(s), 9)]
	n, _ = digits(kept)
	for range 9 - len(kept) {
		n *= 10
	}
	return n, true
}

func inRange(t time.Time) (time.Time, bool) {
	return t, t.Unix() >= minUnix && t.Unix() <= maxUnix
}

func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
}

// daysSince1970 counts in years that start in March, so that a leap day is the
// last day of its year and the months before it are 153 days in five.
func daysSince1970(year, month, day int) int64 {
	if month < 3 {
		year--
		month += 12
	}
	leaps := year/4 - year/100 + year/400
	if year < 0 { // January and February of the year 0
		leaps = -1
	}
	return int64(365*year + leaps + (153*(month-3)+2)/5 + day - 719469)
}
