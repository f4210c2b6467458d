package notify

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// maxExcerpt bounds what an error quotes of a server's answer, in bytes.
const maxExcerpt = 300

// A scrubber takes secrets out of text that servers and libraries produced:
// a server may answer with what it was sent.
type scrubber struct{ secrets *strings.Replacer }

// newScrubber knows each secret as it is and in the encodings in which it goes
// over the wire. Empty secrets are no secrets.
func newScrubber(secrets ...string) scrubber {
	var forms []string
	for _, s := range secrets {
		if s != "" {
			forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)))
		}
	}
	// The replacer prefers what stands first: of two secrets of which one
	// begins with the other, the longer must go.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, f := range slices.Compact(forms) {
		pairs = append(pairs, f, "[redacted]")
	}
	return scrubber{strings.NewReplacer(pairs...)}
}

// line makes one printable line of text, without the secrets. They go before
// the text is cut: a part of a secret would not be found any more.
func (s scrubber) line(text string) string {
	return clip(oneLine(s.secrets.Replace(text)), maxExcerpt)
}

// oneLine puts one space in the place of every run of white space and control
// characters, and drops the characters that turn the direction of text, with
// which a value could make its line read as another.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case turnsText(r):
			return -1
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// turnsText reports whether r embeds, overrides or isolates a direction of
// writing (Unicode Standard Annex #9, sections 2.1 to 2.4).
func turnsText(r rune) bool {
	return '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}
