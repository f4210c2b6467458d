package conf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of values that code or the reference tells apart.
const (
	kindURL  = "URL"
	kindPath = "path"
	kindEnum = "one of"
	kindHost = "host"
	kindKey  = "path of a private key"
)

// A rule reads the values of a key into their place in a Config.
type rule struct {
	kind    string
	want    string
	allowed []string
	// set returns "" or, if the text is not allowed, what is wanted instead. It
	// then leaves c as it is.
	set func(c *Config, text string) (want string)
}

// reads is the rule of a key whose texts parse reads into the place at.
func reads[T any](kind, want string, at func(*Config) *T, parse func(string) (T, bool)) rule {
	return rule{kind: kind, want: want, set: func(c *Config, text string) string {
		value, ok := parse(text)
		if !ok {
			return want
		}
		*at(c) = value
		return ""
	}}
}

// duration allows whole seconds within bounds.
func duration(least, most time.Duration, at func(*Config) *time.Duration) rule {
	want := fmt.Sprintf("a duration from %s to %s, such as 30s, 5m or 1h", formatDuration(least), formatDuration(most))
	return reads("duration", want, at, func(text string) (time.Duration, bool) {
		d, ok := parseDuration(text)
		return d, ok && least <= d && d <= most
	})
}

// size allows sizes in bytes within bounds; a most of 0 is no bound.
func size(least, most int64, at func(*Config) *int64) rule {
	want := fmt.Sprintf("a size from %s to %s, such as 50M or 1G", formatSize(least), formatSize(most))
	if most == 0 {
		want = fmt.Sprintf("a size of at least %s, such as 500M or 10G", formatSize(least))
	}
	return reads("size", want, at, func(text string) (int64, bool) {
		n, ok := parseSize(text)
		return n, ok && least <= n && (n <= most || most == 0)
	})
}

// number allows whole numbers within bounds.
func number(least, most int, at func(*Config) *int) rule {
	want := fmt.Sprintf("a whole number from %d to %d", least, most)
	return reads("number", want, at, func(text string) (int, bool) {
		n, ok := parseDigits(text)
		return int(n), ok && int64(least) <= n && n <= int64(most)
	})
}

func boolean(at func(*Config) *bool) rule {
	return reads("on or off", "on or off", at, parseBool)
}

// oneOf allows the values of a closed list, in letters of either case. The
// Config holds the value as the list writes it.
func oneOf(at func(*Config) *string, allowed ...string) rule {
	want := either(allowed)
	set := func(c *Config, text string) string {
		i := slices.IndexFunc(allowed, func(value string) bool { return strings.EqualFold(value, text) })
		if i < 0 {
			return want + didYouMean(text, allowed)
		}
		*at(c) = allowed[i]
		return ""
	}
	return rule{kind: kindEnum, want: want, allowed: allowed, set: set}
}

// facility allows the facilities of RFC 5424 by number or name.
func facility(at func(*Config) *int) rule {
	const want = "a number from 0 to 23 or a name such as auth, audit or local0"
	set := func(c *Config, text string) string {
		if n, err := strconv.Atoi(text); err == nil && isDigits(text) && n < len(facilities) {
			*at(c) = n
			return ""
		}
		n := slices.Index(facilities[:], strings.ToLower(text))
		if n < 0 {
			return want + didYouMean(text, facilities[:])
		}
		*at(c) = n
		return ""
	}
	return rule{kind: "facility", want: want, set: set}
}

// facilities are the names of RFC 5424 section 6.2.1's table as syslog daemons
// write them; a facility's number is its index.
var facilities = [...]string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
	"uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// checked is the rule of a text that check approves, in the form in which it is
// to be kept, or for which it says what is wanted instead.
func checked[T ~string](kind, want string, at func(*Config) *T, check func(string) (kept, want string)) rule {
	return rule{kind: kind, want: want, set: func(c *Config, text string) string {
		kept, want := check(text)
		if want == "" {
			*at(c) = T(kept)
		}
		return want
	}}
}

// word allows up to longest printable ASCII characters without space between them.
func word[T ~string](longest int, want string, at func(*Config) *T) rule {
	return reads("text", want, at, func(text string) (T, bool) {
		return T(text), isWord(text, longest)
	})
}

func isWord(text string, longest int) bool {
	return text != "" && len(text) <= longest &&
		!strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// line allows any text without control characters.
func line(want string, at func(*Config) *string) rule {
	return reads("text", want, at, func(text string) (string, bool) { return text, isLine(text) })
}

func isLine(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
}

func didYouMean(text string, allowed []string) string {
	if best, ok := nearest(text, allowed); ok {
		return "; did you mean " + best + "?"
	}
	return ""
}

// either joins words as "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
