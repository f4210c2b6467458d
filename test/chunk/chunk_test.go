package chunk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"siem-s3/test/chunk"

	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"
)

var at = time.Unix(1_800_000_000, 123_456_789).UTC()

func TestRecordInBothFormats(t *testing.T) {
	t.Parallel()
	const eventTime = "d700 6b49d200 075bcd15"
	for _, tt := range []struct {
		name   string
		format chunk.Format
		record chunk.Record
		want   string
	}{
		{
			"V1", chunk.V1,
			chunk.Record{Time: at, Body: map[string]any{"b": 1, "a": "x"}},
			"92" + eventTime + "82 a161 a178 a162 01",
		},
		{
			"V1 leaves metadata out", chunk.V1,
			chunk.Record{Time: at, Meta: map[string]any{"m": true}},
			"92" + eventTime + "80",
		},
		{
			"V2", chunk.V2,
			chunk.Record{Time: at, Meta: map[string]any{"m": true}, Body: map[string]any{"a": nil}},
			"92 92" + eventTime + "81 a16d c3" + "81 a161 c0",
		},
		{
			"V2 without metadata", chunk.V2,
			chunk.Record{Time: at},
			"92 92" + eventTime + "80" + "80",
		},
		{
			"values", chunk.V1,
			chunk.Record{Time: at, Body: map[string]any{"k": []any{-1, 1.5, false, []byte{7}, at, map[string]any{"z": "", "y": ""}}}},
			"92" + eventTime + "81 a16b 96 ff cb3ff8000000000000 c2 c40107" + eventTime + "82 a179 a0 a17a a0",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := fmt.Sprintf("%x", chunk.Build(tt.format, tt.record))
			if want := strings.ReplaceAll(tt.want, " ", ""); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestNDJSONMakesTheRecordsOfItsLines(t *testing.T) {
	t.Parallel()
	const lines = `{"log_type":"logon","n":9007199254740993}` + "\n\n" +
		`{"u":18446744073709551615,"f":1.5,"e":1e3,"list":[1,"x",null]}` + "\r\n" + `{}`
	got, err := chunk.FromNDJSON(chunk.V2, strings.NewReader(lines), at, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	want := chunk.Build(chunk.V2,
		chunk.Record{Time: at, Body: map[string]any{"log_type": "logon", "n": 9007199254740993}},
		chunk.Record{Time: at.Add(time.Second), Body: map[string]any{
			"u": uint64(math.MaxUint64), "f": 1.5, "e": 1000.0, "list": []any{1, "x", nil},
		}},
		chunk.Record{Time: at.Add(2 * time.Second)},
	)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestNDJSONThatIsNoneNamesItsLine(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"broken":         "{}\n{\"a\":\n",
		"list":           "{}\n[1]\n",
		"null":           "{}\nnull\n",
		"two on a line":  "{}\n{} {}\n",
		"number too odd": "{}\n{\"a\":1e}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := chunk.FromNDJSON(chunk.V1, strings.NewReader(text), at, 0)
			if err == nil || !strings.HasPrefix(err.Error(), "line 2: ") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := chunk.FromNDJSON(chunk.V1, iotest.ErrReader(iotest.ErrTimeout), at, 0); err == nil {
		t.Error("a reader's error is lost")
	}
}

func TestBuildPanicsOnAValueThatIsNone(t *testing.T) {
	t.Parallel()
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "chan int") {
			t.Errorf("recovered %v", r)
		}
	}()
	chunk.Build(chunk.V1, chunk.Record{Body: map[string]any{"k": make(chan int)}})
}

// values draws what a JSON document can hold.
func values() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			return rapid.Int64().Draw(t, "int")
		case 1:
			return rapid.Float64().Draw(t, "float")
		case 2:
			return rapid.Bool().Draw(t, "bool")
		case 3:
			return nil
		case 4:
			list := rapid.SliceOfN(rapid.String(), 0, 20).Draw(t, "list")
			all := make([]any, len(list))
			for i, s := range list {
				all[i] = s
			}
			return all
		case 5:
			inner := map[string]any{}
			for k, v := range rapid.MapOfN(rapid.String(), rapid.String(), 0, 20).Draw(t, "map") {
				inner[k] = v
			}
			return inner
		default:
			return rapid.String().Draw(t, "string")
		}
	})
}

// The decoder of another hand reads back what was built.
func TestWhatIsBuiltReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.MapOfN(rapid.String(), values(), 0, 20).Draw(t, "body")
		r := chunk.Record{Time: at, Body: body}
		b := chunk.Build(chunk.V1, r, r)
		if !bytes.Equal(b, chunk.Build(chunk.V1, chunk.Record{Time: at, Body: maps.Clone(body)}, r)) {
			t.Fatal("the same records made other bytes")
		}
		for range 2 {
			v, rest, err := msgp.ReadIntfBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			b = rest
			got, _ := json.Marshal(v.([]any)[1])
			want, _ := json.Marshal(body)
			if !slices.Equal(got, want) {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
		}
		if len(b) != 0 {
			t.Fatalf("%d bytes left", len(b))
		}
	})
}

func ExampleFromNDJSON() {
	lines := strings.NewReader(`{"log_type":"logon","admin_name":"Alice"}`)
	b, err := chunk.FromNDJSON(chunk.V2, lines, time.Unix(0, 0), time.Second)
	fmt.Printf("%d bytes: %x %v\n", len(b), b[:3], err)
	// Output: 46 bytes: 9292d7 <nil>
}
