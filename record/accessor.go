package record

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An Accessor says where in a record a value is, in Fluent Bit's record accessor
// syntax: $key, $key['sub']['x'], $list[0]. The zero Accessor finds the key "".
type Accessor struct {
	root string
	path []step
}

// A step goes from a map to the value of key, or from a list to an element.
type step struct {
	key   string
	index int // of the element, -1 for a key
}

// Key returns the Accessor of a key of the record, whatever bytes it has.
func Key(name string) Accessor { return Accessor{root: name} }

// Root returns the key of the record that the path starts from.
func (a Accessor) Root() string { return a.root }

// Nested reports whether the path goes below the value of the Root.
func (a Accessor) Nested() bool { return len(a.path) > 0 }

// String returns a in the syntax that ParseAccessor reads.
func (a Accessor) String() string {
	var b strings.Builder
	b.WriteByte('$')
	if n := identifier(a.root); n > 0 && n == len(a.root) && !isTag(a.root) {
		b.WriteString(a.root)
	} else {
		writeKey(&b, a.root)
	}
	for _, s := range a.path {
		if s.index < 0 {
			writeKey(&b, s.key)
		} else {
			fmt.Fprintf(&b, "[%d]", s.index)
		}
	}
	return b.String()
}

func writeKey(b *strings.Builder, key string) {
	b.WriteString("['" + strings.ReplaceAll(key, "'", "''") + "']")
}

// Find returns the raw value at a in the raw map body, aliasing it, and whether
// there is one. Of duplicate keys the last counts, as in Fluent Bit. A step into
// what has no such step, a scalar for one, finds nothing.
func (a Accessor) Find(body []byte) (value []byte, ok bool) {
	if value, ok = lookup(body, a.root); !ok {
		return nil, false
	}
	return a.FindBelow(value)
}

// FindBelow is Find from the value of the Root on.
func (a Accessor) FindBelow(root []byte) (value []byte, ok bool) {
	value = root
	for _, s := range a.path {
		if s.index < 0 {
			value, ok = lookup(value, s.key)
		} else {
			value, ok = element(value, s.index)
		}
		if !ok {
			return nil, false
		}
	}
	return value, true
}

// lookup returns the last value of key in a raw map.
func lookup(raw []byte, key string) (value []byte, ok bool) {
	for rest, n := Pairs(raw); n > 0; n-- {
		var k, v []byte
		if k, v, rest = CutPair(rest); v == nil {
			break
		}
		if k != nil && string(k) == key {
			value, ok = v, true
		}
	}
	return value, ok
}

// element returns an element of a raw list.
func element(raw []byte, index int) (value []byte, ok bool) {
	v := Read(raw)
	if v.Kind != Array || uint64(index) >= v.Bits {
		return nil, false
	}
	start, st := skip(raw, int(shapes[raw[0]].head), index, 1)
	if st > deep {
		return nil, false
	}
	end, st := skip(raw, start, 1, 1)
	if st > deep {
		return nil, false
	}
	return raw[start:end:end], true
}

// ParseAccessor reads an Accessor. The syntax is Fluent Bit's (src/record_accessor/ra.l
// and ra.y), where a quote in a quoted key is written twice; beyond it, the first
// key can be quoted too, $['any key'], for keys that are no identifiers. Errors
// say at which character what was expected.
func ParseAccessor(s string) (Accessor, error) {
	p := accessorParser{text: s}
	a, err := p.accessor()
	if err != nil {
		at := utf8.RuneCountInString(s[:p.at]) + 1
		return Accessor{}, fmt.Errorf("accessor %q, character %d: %w", s, at, err)
	}
	return a, nil
}

// An accessorParser stands before text[at].
type accessorParser struct {
	text string
	at   int
}

func (p *accessorParser) accessor() (a Accessor, err error) {
	if !p.accept('$') {
		return a, p.expected("$ before the key")
	}
	if a.root, err = p.root(); err != nil {
		return a, err
	}
	for p.at < len(p.text) {
		s, err := p.step()
		if err != nil {
			return a, err
		}
		a.path = append(a.path, s)
	}
	return a, nil
}

func (p *accessorParser) root() (string, error) {
	rest := p.text[p.at:]
	switch {
	case strings.HasPrefix(rest, "['"):
		p.at++
		key, err := p.quoted()
		if err == nil && !p.accept(']') {
			err = p.expected("]")
		}
		return key, err
	case isTag(rest):
		return "", fmt.Errorf("$TAG is the tag of the record, for a key of that name write $['%s']", rest[:identifier(rest)])
	}
	n := identifier(rest)
	if n == 0 {
		return "", p.expected("a key that starts with a letter or _, or ['key']")
	}
	p.at += n
	if p.at < len(p.text) && p.text[p.at] == '.' {
		return "", p.expected("the end or [, a key inside a key is written $key['sub'] and a key with a dot $['a.b']")
	}
	return rest[:n], nil
}

func (p *accessorParser) step() (step, error) {
	if !p.accept('[') {
		return step{}, p.expected("the end or [")
	}
	s := step{index: -1}
	var err error
	if p.at < len(p.text) && p.text[p.at] == '\'' {
		s.key, err = p.quoted()
	} else {
		s.index, err = p.index()
	}
	if err == nil && !p.accept(']') {
		err = p.expected("]")
	}
	return s, err
}

// quoted reads a key in single quotes, of which the first is there.
func (p *accessorParser) quoted() (string, error) {
	p.at++
	var key strings.Builder
	for {
		n := strings.IndexByte(p.text[p.at:], '\'')
		if n < 0 {
			p.at = len(p.text)
			return "", p.expected("' after the key")
		}
		key.WriteString(p.text[p.at : p.at+n])
		p.at += n + 1
		if !p.accept('\'') {
			return key.String(), nil
		}
		key.WriteByte('\'')
	}
}

// index reads the index of an element, which has no leading zeros and fits the
// int of Fluent Bit's lexer.
func (p *accessorParser) index() (int, error) {
	n := 0
	for p.at+n < len(p.text) && isDigit(p.text[p.at+n]) {
		n++
	}
	digits := p.text[p.at : p.at+n]
	index, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n > 1 && digits[0] == '0' {
		return 0, p.expected("'key' in single quotes, or the number of an element from 0 on")
	}
	p.at += n
	return int(index), nil
}

func (p *accessorParser) accept(c byte) bool {
	if p.at == len(p.text) || p.text[p.at] != c {
		return false
	}
	p.at++
	return true
}

func (p *accessorParser) expected(what string) error {
	if p.at == len(p.text) {
		return fmt.Errorf("expected %s, found the end", what)
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return fmt.Errorf("expected %s, found %q", what, r)
}

// identifier returns how many bytes of s are a key that needs no quotes. The
// lexer takes a dot too, but Fluent Bit ends an accessor there before it lexes.
func identifier(s string) int {
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '_', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z':
		case i > 0 && (isDigit(c) || c == '-' || c == '/'):
		default:
			return i
		}
	}
	return len(s)
}

// isTag says whether Fluent Bit takes the text behind a $ for the tag.
func isTag(s string) bool { return strings.HasPrefix(s, "TAG") }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
