package conf

import (
	"math"
	"net"
	"strconv"
	"strings"
	"time"
)

// Sizes are decimal, as in Fluent Bit (flb_utils_size_to_bytes in
// src/flb_utils.c): K is 1000 bytes.
const (
	kilobyte int64 = 1000
	megabyte       = 1000 * kilobyte
	gigabyte       = 1000 * megabyte
)

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"g", gigabyte}, {"m", megabyte}, {"k", kilobyte}}

// parseSize reads a size such as 50M, 1.5GB or 1000000, in bytes.
func parseSize(text string) (int64, bool) {
	text = strings.ToLower(text)
	for _, unit := range sizeUnits {
		number, found := strings.CutSuffix(text, unit.suffix)
		if !found {
			number, found = strings.CutSuffix(text, unit.suffix+"b")
		}
		if found {
			return scale(number, unit.bytes)
		}
	}
	return scale(text, 1)
}

// scale returns number × unit. The number may have a fraction if the unit, a
// power of ten, is more than 1; what is less than 1 of the product is cut off.
func scale(number string, unit int64) (int64, bool) {
	whole, fraction, fractional := strings.Cut(number, ".")
	if fractional && (unit == 1 || !isDigits(fraction)) {
		return 0, false
	}
	n, ok := parseDigits(whole)
	if !ok || n > math.MaxInt64/unit-1 {
		return 0, false
	}
	n *= unit
	for _, digit := range fraction {
		unit /= 10
		n += int64(digit-'0') * unit
	}
	return n, true
}

// formatSize writes a size of at least 0 in the largest unit that divides it.
func formatSize(size int64) string {
	for _, unit := range sizeUnits {
		if size%unit.bytes == 0 && size > 0 {
			return strconv.FormatInt(size/unit.bytes, 10) + strings.ToUpper(unit.suffix)
		}
	}
	return strconv.FormatInt(size, 10)
}

var durationUnits = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour,
}

// parseDuration reads a duration such as 30s, 5m, 1h or 1d; a plain number is
// in seconds (flb_utils_time_to_seconds in src/flb_utils.c of Fluent Bit, which
// however takes "5 minutes" for 5 seconds and 1h30m for 1 minute).
func parseDuration(text string) (time.Duration, bool) {
	text = strings.ToLower(text)
	unit := time.Second
	if n := len(text); n > 0 && durationUnits[text[n-1]] != 0 {
		text, unit = text[:n-1], durationUnits[text[n-1]]
	}
	n, ok := parseDigits(text)
	if !ok || n > int64(math.MaxInt64/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// formatDuration writes a duration of whole seconds in the largest of h, m and
// s that divides it.
func formatDuration(d time.Duration) string {
	for _, suffix := range []byte{'h', 'm'} {
		if unit := durationUnits[suffix]; d%unit == 0 && d > 0 {
			return strconv.FormatInt(int64(d/unit), 10) + string(suffix)
		}
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}

// parseDigits reads a whole number that has no sign.
func parseDigits(text string) (int64, bool) {
	if !isDigits(text) {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// parseBool reads the words of flb_utils_bool.
func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "on", "true", "yes":
		return true, true
	case "off", "false", "no":
		return false, true
	}
	return false, false
}

// parseListen reads a port, which is one of the loopback interface, or a host and
// a port.
func parseListen(text string) (string, bool) {
	if isDigits(text) {
		text = "127.0.0.1:" + text
	}
	host, port, err := net.SplitHostPort(text)
	n, ok := parseDigits(port)
	return text, err == nil && host != "" && isWord(host, 253) && ok && n > 0 && n <= 65535
}
