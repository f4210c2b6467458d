package logs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// WhenHelp says how a moment is written.
const WhenHelp = `a duration back from now (2h, 7d), a date (2026-11-22), a time (2026-11-22T08:00:00Z) or now, today, yesterday`

var ago = regexp.MustCompile(`^([0-9]{1,6})(s|m|h|d|w)$`)

var agoUnits = map[string]time.Duration{
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
}

// momentLayouts are how a date and time is written. Without an offset it is UTC,
// as everything that is stored.
var momentLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
}

// ParseWhen reads a moment, in UTC.
func ParseWhen(text string, now time.Time) (time.Time, error) {
	now = now.UTC()
	text = strings.TrimSpace(text)
	today := now.Truncate(24 * time.Hour)
	switch strings.ToLower(text) {
	case "now":
		return now, nil
	case "today":
		return today, nil
	case "yesterday":
		return today.AddDate(0, 0, -1), nil
	}
	if m := ago.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1]) // six digits
		return now.Add(-time.Duration(n) * agoUnits[m[2]]), nil
	}
	for _, layout := range momentLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: want %s", text, WhenHelp)
}
