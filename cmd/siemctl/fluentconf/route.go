package fluentconf

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// tagged are the inputs that take tags from what they receive unless one is set.
var tagged = []string{"elasticsearch", "forward", "http", "opentelemetry", "prometheus_remote_write", "splunk"}

// Reaches reports whether records of an input may reach an output. It errs on
// the side of yes: tags can be made of paths, records and requests, which the
// configuration does not tell (src/flb_router.c).
func (c *Config) Reaches(in, out *Section) bool {
	match, hasMatch := out.Last("match")
	pattern, hasRegex := out.Last("match_regex")
	_, routed := in.Last("routes")
	if routed || len(c.Inputs) == 1 && len(c.Outputs) == 1 {
		return true
	}
	if !hasMatch && !hasRegex {
		return false
	}
	tag, fixed := c.tag(in)
	return !fixed || len(match.Unset)+len(pattern.Unset) > 0 ||
		hasMatch && wildcard(tag, match.Value) || hasRegex && regexMatch(tag, pattern.Value)
}

// tag returns the tag of an input's records, and whether they have no other.
func (c *Config) tag(in *Section) (tag string, fixed bool) {
	retags := func(f *Section) bool { return strings.EqualFold(f.Plugin(), "rewrite_tag") }
	if slices.ContainsFunc(c.Filters, retags) {
		return "", false
	}
	for _, key := range []string{"tag_key", "tag_prefix", "tag_regex", "tag_from_uri"} {
		if _, ok := in.Last(key); ok {
			return "", false
		}
	}
	if given, ok := in.Last("tag"); ok && given.Value != "" {
		return given.Value, len(given.Unset) == 0 && !strings.Contains(given.Value, "*")
	}
	name := in.Plugin()
	if slices.ContainsFunc(tagged, func(t string) bool { return strings.EqualFold(t, name) }) {
		return "", false
	}
	n := 0
	for _, other := range c.Inputs {
		if other == in {
			break
		}
		if strings.EqualFold(other.Plugin(), name) {
			n++
		}
	}
	return fmt.Sprintf("%s.%d", name, n), true
}

// wildcard reports whether a pattern, in which * stands for any text, matches.
func wildcard(tag, pattern string) bool {
	parts := strings.Split(pattern, "*")
	head, tail := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return tag == pattern
	}
	if len(tag) < len(head)+len(tail) || !strings.HasPrefix(tag, head) || !strings.HasSuffix(tag, tail) {
		return false
	}
	tag = tag[len(head) : len(tag)-len(tail)]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(tag, part)
		if !found {
			return false
		}
		tag = rest
	}
	return true
}

// regexMatch reports whether a regular expression matches from the tag's start.
// One that Go can't read may match.
func regexMatch(tag, pattern string) bool {
	if n := len(pattern); n > 1 && pattern[0] == '/' && pattern[n-1] == '/' {
		pattern = pattern[1 : n-1]
	}
	re, err := regexp.Compile(`\A(?:` + pattern + `)`)
	if err != nil {
		return true
	}
	found := re.FindString(tag)
	return found != ""
}
