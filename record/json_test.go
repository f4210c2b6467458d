package record

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"
)

func TestAppendJSON(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  []byte
		want string
	}{
		"nil":                        {[]byte{0xc0}, `null`},
		"true":                       {[]byte{0xc3}, `true`},
		"false":                      {[]byte{0xc2}, `false`},
		"fixint":                     {[]byte{0x7f}, `127`},
		"negative fixint":            {[]byte{0xe0}, `-32`},
		"int8":                       {[]byte{0xd0, 0x80}, `-128`},
		"int16":                      {[]byte{0xd1, 0xff, 0x00}, `-256`},
		"int32":                      {[]byte{0xd2, 0x80, 0, 0, 0}, `-2147483648`},
		"smallest int64":             {msgp.AppendInt64(nil, math.MinInt64), `-9223372036854775808`},
		"uint8":                      {[]byte{0xcc, 0xff}, `255`},
		"uint16":                     {[]byte{0xcd, 0xff, 0xff}, `65535`},
		"largest uint64":             {msgp.AppendUint64(nil, math.MaxUint64), `18446744073709551615`},
		"float64":                    {msgp.AppendFloat64(nil, 0.1), `0.1`},
		"float32, as short as it is": {msgp.AppendFloat32(nil, 0.1), `0.1`},
		"whole float":                {msgp.AppendFloat64(nil, 3), `3`},
		"large float":                {msgp.AppendFloat64(nil, 1e21), `1e+21`},
		"small float":                {msgp.AppendFloat64(nil, 1e-7), `1e-07`},
		"NaN":                        {msgp.AppendFloat64(nil, math.NaN()), `"NaN"`},
		"infinity":                   {msgp.AppendFloat64(nil, math.Inf(1)), `"+Inf"`},
		"negative infinity":          {msgp.AppendFloat32(nil, float32(math.Inf(-1))), `"-Inf"`},
		"string":                     {msgp.AppendString(nil, "a\"b\\c\nd"), `"a\"b\\c\nd"`},
		"string of more than 255":    {msgp.AppendString(nil, strings.Repeat("x", 300)), `"` + strings.Repeat("x", 300) + `"`},
		"string of more than 65535":  {msgp.AppendString(nil, strings.Repeat("x", 70000)), `"` + strings.Repeat("x", 70000) + `"`},
		"string that is not UTF-8":   {msgp.AppendString(nil, "a\xffb\xc3"), `"a` + "\ufffd" + `b` + "\ufffd" + `"`},
		"binary":                     {msgp.AppendBytes(nil, []byte("b\x00in")), `"b\u0000in"`},
		"EventTime":                  {eventTime8(1795334400, 123000000), `"2026-11-22T08:00:00.123Z"`},
		"EventTime that is none":     {eventTime8(1, 1e9), `{"ext":0,"data":"AAAAATuaygA="}`},
		"extension":                  {[]byte{0xd5, 0xff, 1, 2}, `{"ext":-1,"data":"AQI="}`},
		"empty extension":            {[]byte{0xc7, 0, 5}, `{"ext":5,"data":""}`},
		"empty list":                 {[]byte{0x90}, `[]`},
		"list":                       {[]byte("\x93\x01\xa1x\x91\xc0"), `[1,"x",[null]]`},
		"list in its longest form":   {[]byte("\xdd\x00\x00\x00\x02\x01\x02"), `[1,2]`},
		"empty map":                  {[]byte{0x80}, `{}`},
		"map":                        {[]byte("\x82\xa1a\x01\xa1b\x81\xa1c\x90"), `{"a":1,"b":{"c":[]}}`},
		"map16":                      {[]byte("\xde\x00\x01\xa1a\x01"), `{"a":1}`},
		"duplicate keys":             {[]byte("\x82\xa1a\x01\xa1a\x02"), `{"a":1,"a":2}`},
		"keys of all kinds": {
			[]byte("\x88\x01\xc0\xc0\xc0\xc3\xc0\xca\x3f\xc0\x00\x00\xc0\xc4\x01b\xc0\x91\xa1x\xc0\xd4\x05\x00\xc0\xa1\xff\xc0"),
			`{"1":null,"null":null,"true":null,"1.5":null,"b":null,"[\"x\"]":null,"{\"ext\":5,\"data\":\"AA==\"}":null,"` + "\ufffd" + `":null}`,
		},
		"EventTime as key":           {append([]byte{0x81}, append(eventTime8(0, 0), 0xc0)...), `{"1970-01-01T00:00:00Z":null}`},
		"NaN as key":                 {append([]byte{0x81}, append(msgp.AppendFloat64(nil, math.NaN()), 0xc0)...), `{"NaN":null}`},
		"nothing":                    {nil, `{"msgpack":""}`},
		"truncated":                  {[]byte("\x92\x01"), `{"msgpack":"kgE="}`},
		"more than a value":          {[]byte("\x01\x02"), `{"msgpack":"AQI="}`},
		"reserved":                   {[]byte("\xc1"), `{"msgpack":"wQ=="}`},
		"what is nested beyond that": {append(bytes.Repeat([]byte{0x91}, MaxDepth), 0x91, 1), strings.Repeat("[", MaxDepth) + `{"msgpack":"kQE="}` + strings.Repeat("]", MaxDepth)},
	} {
		t.Run(name, func(t *testing.T) {
			got := AppendJSON([]byte("before"), tc.raw)
			if string(got) != "before"+tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if !json.Valid([]byte(tc.want)) {
				t.Errorf("%s is no JSON", tc.want)
			}
		})
	}
}

func TestAppendText(t *testing.T) {
	for name, tc := range map[string]struct{ raw, want string }{
		"string":                   {"\xa3a\"b", `a"b`},
		"long string":              {"\xd9\x02ab", "ab"},
		"string that is not UTF-8": {"\xa3a\xffb", "a\ufffdb"},
		"binary":                   {"\xc4\x02\xffb", "\ufffdb"},
		"number":                   {"\xcd\x01\x00", "256"},
		"boolean":                  {"\xc2", "false"},
		"NaN":                      {"\xca\x7f\xc0\x00\x00", "NaN"},
		"EventTime":                {string(eventTime8(0, 5)), "1970-01-01T00:00:00.000000005Z"},
		"list":                     {"\x92\x01\xa1x", `[1,"x"]`},
		"map":                      {"\x81\x01\xc0", `{"1":null}`},
		"no value":                 {"\xa3a", `{"msgpack":"o2E="}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := AppendText(nil, []byte(tc.raw)); string(got) != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// Numbers and strings come back from JSON as they were.
func TestJSONSaysWhatTheValueSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i, u := rapid.Int64().Draw(t, "int"), rapid.Uint64().Draw(t, "uint")
		f, f32 := rapid.Float64().Draw(t, "float"), rapid.Float32().Draw(t, "float32")
		s := rapid.String().Draw(t, "string")
		raw := msgp.AppendArrayHeader(nil, 5)
		raw = msgp.AppendUint64(msgp.AppendInt64(raw, i), u)
		raw = msgp.AppendString(msgp.AppendFloat32(msgp.AppendFloat64(raw, f), f32), s)
		var gotI int64
		var gotU uint64
		var gotF float64
		var gotF32 float32
		var gotS string
		got := AppendJSON(nil, raw)
		if err := json.Unmarshal(got, &[]any{&gotI, &gotU, &gotF, &gotF32, &gotS}); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		if gotI != i || gotU != u || gotF != f || gotF32 != f32 || gotS != s {
			t.Errorf("%s of %d %d %v %v %q", got, i, u, f, f32, s)
		}
	})
}

func TestAppendQuoted(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"empty":                        {"", `""`},
		"plain":                        {"LTES0042", `"LTES0042"`},
		"quote and backslash":          {`"\`, `"\"\\"`},
		"short escapes":                {"\b\t\n\f\r", `"\b\t\n\f\r"`},
		"other controls":               {"\x00\x1f\x0b", `"\u0000\u001f\u000b"`},
		"delete is no control of JSON": {"\x7f", `"` + "\x7f" + `"`},
		"slash and angles stay":        {"</script>&", `"</script>&"`},
		"line separators stay":         {"\u2028\u2029", `"` + "\u2028\u2029" + `"`},
		"two, three and four bytes":    {"é検😀", `"é検😀"`},
		"invalid bytes":                {"\xffa\xc3", `"` + "\ufffda\ufffd" + `"`},
		"surrogate":                    {"\xed\xa0\x80", `"` + "\ufffd\ufffd\ufffd" + `"`},
		"valid before invalid":         {"é\n検\xe6\xa4", `"é\n検` + "\ufffd\ufffd" + `"`},
		"U+FFFD itself":                {"\ufffd\xff", `"` + "\ufffd\ufffd" + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := AppendQuoted([]byte("x"), []byte(tc.text)); string(got) != "x"+tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// Every byte at every place of texts around the word size of the scan.
func TestEveryByteAtEveryPlace(t *testing.T) {
	for length := range 26 {
		for at := range length {
			for c := range 256 {
				text := bytes.Repeat([]byte{'a'}, length)
				text[at] = byte(c)
				checkQuoted(t, text)
			}
		}
	}
}

// checkQuoted checks that the literal of text is JSON that says text, and that
// it escapes no more than it must.
func checkQuoted(t *testing.T, text []byte) {
	t.Helper()
	literal := AppendQuoted(nil, text)
	var got string
	if err := json.Unmarshal(literal, &got); err != nil {
		t.Fatalf("%q: %s: %v", text, literal, err)
	}
	want := string(appendValid(nil, text))
	if got != want || !utf8.Valid(literal) {
		t.Fatalf("%q: %s says %q, want %q", text, literal, got, want)
	}
	if plain := bytes.IndexFunc(text, func(r rune) bool {
		return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError
	}) < 0; plain && len(literal) != len(text)+2 {
		t.Fatalf("%q has nothing to escape: %s", text, literal)
	}
}

func FuzzAppendQuoted(f *testing.F) {
	for _, s := range []string{"", "plain text of some length", "a\"b\\c\nd\x00e\u2028", "é検😀\xff\xc3(", "12345678\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkQuoted(t, text) })
}

func FuzzAppendJSON(f *testing.F) {
	f.Add([]byte("\x82\xa1a\x01\xa1b\x93\xc0\xcb\x40\x1e\x00\x00\x00\x00\x00\x00\xd9\x02\xff\x00"))
	f.Add([]byte("\x81\x81\x91\xc4\x01\x00\xc7\x01\x05\x00\xca\x7f\xc0\x00\x00"))
	f.Add(append([]byte{0x91}, eventTime8(1795334400, 1)...))
	f.Add(bytes.Repeat([]byte{0x81}, 150))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := AppendJSON(nil, raw)
		if !json.Valid(got) || !utf8.Valid(got) {
			t.Fatalf("% x is no JSON: %s", raw, got)
		}
		if text := AppendText(nil, raw); !utf8.Valid(text) {
			t.Fatalf("% x is no UTF-8: %q", raw, text)
		}
		if v := Read(raw); len(v.Data) > len(raw) {
			t.Fatalf("% x reads as %+v", raw, v)
		}
	})
}
