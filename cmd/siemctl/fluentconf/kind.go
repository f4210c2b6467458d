package fluentconf

import "strings"

// kinds are the names of sections in the order in which Fluent Bit compares
// them, each with its kind. A name may be cut short: [OUT] is an output.
var kinds = []struct{ name, kind string }{
	{"service", Service},
	{"parser", "parser"},
	{"multiline_parser", "multiline_parser"},
	{"stream_processor", "stream_processor"},
	{"plugins", plugins},
	{"upstream_servers", "upstream_servers"},
	{"custom", "custom"},
	{"customs", "custom"},
	{"input", Input},
	{"inputs", Input},
	{"filter", Filter},
	{"filters", Filter},
	{"output", Output},
	{"outputs", Output},
}

// kindOf returns the kind of a section by its name, "other" for one that Fluent
// Bit has no use for.
func kindOf(name string) string {
	for _, k := range kinds {
		if len(name) <= len(k.name) && strings.EqualFold(k.name[:len(name)], name) {
			return k.kind
		}
	}
	return "other"
}

// classicKey returns a key of the classic format as Fluent Bit compares it.
func classicKey(key string) string { return strings.Trim(lowerASCII(key), spaces) }

// yamlKey returns a key of YAML as Fluent Bit compares it: camelCase becomes
// snake_case (flb_cf_key_translate).
func yamlKey(key string) string {
	switch {
	case key == "" || key[0] < 'a' || key[0] > 'z':
		return strings.Trim(key, spaces)
	case strings.Contains(key, "_"):
		return classicKey(key)
	}
	var b strings.Builder
	for i := range len(key) {
		if isUpper(key[i]) {
			b.WriteByte('_')
		}
		b.WriteByte(key[i])
	}
	return classicKey(b.String())
}

// spaces are what C's isspace takes for such.
const spaces = " \t\n\v\f\r"

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// lowerASCII leaves alone what C's tolower does.
func lowerASCII(s string) string {
	lower := []byte(s)
	for i, c := range lower {
		if isUpper(c) {
			lower[i] = c - 'A' + 'a'
		}
	}
	return string(lower)
}
