package record

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"
)

// accessed is {"a": {"b": [1, {"c d": "x", "it's": 2}], "b2": nil}, "a.b": true,
// "x": 1, "x": "last", "h-1/2": 5, 7: "seven"}.
var accessed = []byte("\x87" +
	"\xa1a\x82\xa1b\x92\x01\x82\xa3c d\xa1x\xa4it's\x02\xa2b2\xc0" +
	"\xa3a.b\xc3" +
	"\xa1x\x01\xa1x\xa4last" +
	"\xa5h-1/2\x05" +
	"\x07\xa5seven" +
	"\xa3TAG\x06")

func TestAccessorFinds(t *testing.T) {
	for text, want := range map[string]string{
		"$a":                    `{"b":[1,{"c d":"x","it's":2}],"b2":null}`,
		"$a['b']":               `[1,{"c d":"x","it's":2}]`,
		"$a['b'][0]":            `1`,
		"$a['b'][1]['c d']":     `"x"`,
		"$a['b'][1]['it''s']":   `2`,
		"$a['b2']":              `null`,
		"$x":                    `"last"`,
		"$h-1/2":                `5`,
		"$['a.b']":              `true`,
		"$['a']['b'][0]":        `1`,
		"$['TAG']":              `6`,
		"$b":                    ``,
		"$A":                    ``,
		"$a['x']":               ``,
		"$a[0]":                 ``,
		"$a['b'][2]":            ``,
		"$a['b'][2147483647]":   ``,
		"$a['b']['0']":          ``,
		"$a['b'][0]['c']":       ``,
		"$a['b2']['c']":         ``,
		"$x['y']":               ``,
		"$['7']":                ``,
		"$a['b'][1]['c d']['']": ``,
	} {
		t.Run(text, func(t *testing.T) {
			a, err := ParseAccessor(text)
			if err != nil {
				t.Fatal(err)
			}
			value, ok := a.Find(accessed)
			if ok != (want != "") || ok && string(AppendJSON(nil, value)) != want {
				t.Errorf("found %s (%t), want %s", AppendJSON(nil, value), ok, want)
			}
			if !ok && value != nil {
				t.Errorf("not found but % x", value)
			}
		})
	}
}

func TestAccessorErrorsSayWhereAndWhat(t *testing.T) {
	for text, want := range map[string]string{
		"":               `accessor "", character 1: expected $ before the key, found the end`,
		"key":            `accessor "key", character 1: expected $ before the key, found 'k'`,
		"$":              `accessor "$", character 2: expected a key that starts with a letter or _, or ['key'], found the end`,
		"$0":             `accessor "$0", character 2: expected a key that starts with a letter or _, or ['key'], found '0'`,
		"$é":             `accessor "$é", character 2: expected a key that starts with a letter or _, or ['key'], found 'é'`,
		"$TAG":           `accessor "$TAG", character 2: $TAG is the tag of the record, for a key of that name write $['TAG']`,
		"$a.b":           `accessor "$a.b", character 3: expected the end or [, a key inside a key is written $key['sub'] and a key with a dot $['a.b'], found '.'`,
		"$a b":           `accessor "$a b", character 3: expected the end or [, found ' '`,
		"$a[":            `accessor "$a[", character 4: expected 'key' in single quotes, or the number of an element from 0 on, found the end`,
		"$a[b]":          `accessor "$a[b]", character 4: expected 'key' in single quotes, or the number of an element from 0 on, found 'b'`,
		`$a["b"]`:        `accessor "$a[\"b\"]", character 4: expected 'key' in single quotes, or the number of an element from 0 on, found '"'`,
		"$a[-1]":         `accessor "$a[-1]", character 4: expected 'key' in single quotes, or the number of an element from 0 on, found '-'`,
		"$a[01]":         `accessor "$a[01]", character 4: expected 'key' in single quotes, or the number of an element from 0 on, found '0'`,
		"$a[2147483648]": `accessor "$a[2147483648]", character 4: expected 'key' in single quotes, or the number of an element from 0 on, found '2'`,
		"$a['b]":         `accessor "$a['b]", character 7: expected ' after the key, found the end`,
		"$a['b'":         `accessor "$a['b'", character 7: expected ], found the end`,
		"$a[1":           `accessor "$a[1", character 5: expected ], found the end`,
		"$a['b']c":       `accessor "$a['b']c", character 8: expected the end or [, found 'c'`,
		"$['a":           `accessor "$['a", character 5: expected ' after the key, found the end`,
		"$['é']x":        `accessor "$['é']x", character 7: expected the end or [, found 'x'`,
		"$['a'":          `accessor "$['a'", character 6: expected ], found the end`,
	} {
		t.Run(text, func(t *testing.T) {
			if a, err := ParseAccessor(text); err == nil || err.Error() != want {
				t.Errorf("got %v, %v\nwant %s", a, err, want)
			}
		})
	}
}

func TestAccessorRoot(t *testing.T) {
	for text, root := range map[string]string{"$a['b']": "a", "$['x y'][0]": "x y", "$a": "a"} {
		a, err := ParseAccessor(text)
		if err != nil || a.Root() != root || a.Nested() != strings.HasSuffix(text[2:], "]") {
			t.Errorf("%s: %q, %t, %v", text, a.Root(), a.Nested(), err)
		}
	}
	if a := Key("any $['key']"); a.Root() != "any $['key']" || a.Nested() {
		t.Errorf("Key: %+v", a)
	}
}

func TestFindingDoesNotAllocate(t *testing.T) {
	a, err := ParseAccessor("$a['b'][1]['it''s']")
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { a.Find(accessed) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A path into nested values finds the value that was put there.
func TestAccessorFindsWhatIsAtThePath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawValue(t, 1)
		raw, path := want, ""
		for range rapid.IntRange(0, 5).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "map") {
				key := rapid.String().Draw(t, "key")
				b := msgp.AppendMapHeader(nil, 2)
				b = append(msgp.AppendString(b, key), drawValue(t, 0)...) // not the last
				raw = append(msgp.AppendString(b, key), raw...)
				path = "['" + strings.ReplaceAll(key, "'", "''") + "']" + path
				continue
			}
			n := rapid.IntRange(0, 3).Draw(t, "index")
			b := msgp.AppendArrayHeader(nil, uint32(n+1))
			for range n {
				b = append(b, drawValue(t, 0)...)
			}
			raw, path = append(b, raw...), fmt.Sprintf("[%d]%s", n, path)
		}
		body := append([]byte("\x81\xa4root"), raw...)
		a, err := ParseAccessor("$root" + path)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := a.Find(body); !ok || string(got) != string(want) {
			t.Errorf("%v finds % x, want % x", a, got, want)
		}
	})
}

func FuzzParseAccessor(f *testing.F) {
	for _, s := range []string{"$key", "$a['b'][1]['c']", "$['it''s']", "$TAG", "$a.b", "$a[007]", "$a['\xff']"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAccessor(s)
		if err != nil {
			if !strings.Contains(err.Error(), "character ") {
				t.Fatalf("%q: no place in %v", s, err)
			}
			return
		}
		again, err := ParseAccessor(a.String())
		if err != nil || again.String() != a.String() || again.Root() != a.Root() {
			t.Fatalf("%q: %v reads as %v, %v", s, a, again, err)
		}
		a.Find(accessed)
	})
}
