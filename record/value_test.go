package record

import (
	"bytes"
	"math"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  string
		want Value
	}{
		"nothing":                 {"", Value{Kind: Invalid}},
		"reserved":                {"\xc1", Value{Kind: Invalid}},
		"nil":                     {"\xc0", Value{Kind: Nil}},
		"true":                    {"\xc3", Value{Kind: Bool, Bits: 1}},
		"fixint":                  {"\x05", Value{Kind: Int, Bits: 5}},
		"negative":                {"\xd1\xff\xfe", Value{Kind: Int, Bits: math.MaxUint64 - 1}},
		"unsigned that fits":      {"\xcf\x00\x00\x00\x00\x00\x00\x00\x07", Value{Kind: Int, Bits: 7}},
		"unsigned that does not":  {"\xcf\x80\x00\x00\x00\x00\x00\x00\x00", Value{Kind: Uint, Bits: 1 << 63}},
		"float":                   {"\xca\x3f\x80\x00\x00", Value{Kind: Float32, Bits: 0x3f800000}},
		"string":                  {"\xa2ab", Value{Kind: String, Data: []byte("ab")}},
		"string and more":         {"\xa1ab", Value{Kind: String, Data: []byte("a")}},
		"string cut short":        {"\xa3ab", Value{Kind: Invalid}},
		"length cut short":        {"\xda\x00", Value{Kind: Invalid}},
		"number cut short":        {"\xcd\x00", Value{Kind: Invalid}},
		"binary":                  {"\xc5\x00\x01x", Value{Kind: Binary, Data: []byte("x")}},
		"extension":               {"\xd4\xfex", Value{Kind: Ext, Bits: math.MaxUint64 - 1, Data: []byte("x")}},
		"extension with a length": {"\xc7\x01\x05x", Value{Kind: Ext, Bits: 5, Data: []byte("x")}},
		"list, its head alone":    {"\x9f", Value{Kind: Array, Bits: 15}},
		"long list":               {"\xdd\xff\xff\xff\xff", Value{Kind: Array, Bits: math.MaxUint32}},
		"map, its head alone":     {"\x8f", Value{Kind: Map, Bits: 15}},
		"long map":                {"\xdf\xff\xff\xff\xff", Value{Kind: Map, Bits: math.MaxUint32}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Read([]byte(tc.raw))
			if got.Kind != tc.want.Kind || got.Bits != tc.want.Bits || !bytes.Equal(got.Data, tc.want.Data) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestText(t *testing.T) {
	for raw, want := range map[string]string{
		"\xa2ab": "ab", "\xd9\x01a": "a", "\xda\x00\x01a": "a", "\xa0": "",
	} {
		if got, ok := Text([]byte(raw)); !ok || string(got) != want {
			t.Errorf("% x is %q, %t", raw, got, ok)
		}
	}
	for _, raw := range []string{"", "\xa2a", "\xd9", "\xc4\x01a", "\x01", "\x80"} {
		if got, ok := Text([]byte(raw)); ok {
			t.Errorf("% x is %q", raw, got)
		}
	}
}

func TestPairsOfWhatIsNoMap(t *testing.T) {
	for _, raw := range []string{"", "\xc0", "\x90", "\xde\x00", "\xa1a"} {
		if pairs, n := Pairs([]byte(raw)); pairs != nil || n != 0 {
			t.Errorf("% x has %d pairs", raw, n)
		}
	}
	for _, raw := range []string{"\x80", "\xde\x00\x00", "\xdf\x00\x00\x00\x00"} {
		if pairs, n := Pairs([]byte(raw)); pairs == nil || n != 0 {
			t.Errorf("the empty map % x has %d pairs, nil: %t", raw, n, pairs == nil)
		}
	}
}

// Wherever a map is cut, its whole pairs are there and no others.
func TestPairsOfAMapCutAnywhere(t *testing.T) {
	body := []byte{0x85}
	var ends []int
	for _, pair := range []string{
		"\xa1a\xa1b", "\xd9\x01c\xd9\x01d", "\x07\x92\x01\xc0", "\xc4\x01e\xcd\x01\x02", "\xa1f\x81\xa1g\xa1h",
	} {
		body = append(body, pair...)
		ends = append(ends, len(body))
	}
	for cut := range len(body) + 1 {
		want := 0
		for want < len(ends) && ends[want] <= cut {
			want++
		}
		got := 0
		for rest, n := Pairs(body[:cut]); n > 0; n-- {
			var value []byte
			if _, value, rest = CutPair(rest); value == nil {
				break
			}
			got++
		}
		if got != want {
			t.Errorf("cut at %d: %d pairs, want %d", cut, got, want)
		}
	}
}

// An element is found in a damaged list if it is whole.
func TestElementsOfAListCutAnywhere(t *testing.T) {
	list := msgp.AppendString(msgp.AppendString([]byte{0x92}, "abc"), "def")
	for cut := range len(list) + 1 {
		for index, end := range []int{5, 9} {
			if _, ok := element(list[:cut], index); ok != (cut >= end) {
				t.Errorf("element %d of the list cut at %d: %t", index, cut, ok)
			}
		}
	}
}

func TestCorruptErrorSaysWhere(t *testing.T) {
	err := &CorruptError{Offset: 42, Reason: "truncated"}
	if want := "chunk unreadable from byte 42 on: truncated"; err.Error() != want {
		t.Errorf("got %s, want %s", err, want)
	}
}
