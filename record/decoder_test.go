package record

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// decodeAll returns copies of the chunk's records and what ended them.
func decodeAll(chunk []byte) (records []Record, err error) {
	d := NewDecoder(chunk)
	for {
		var r Record
		if err := d.Next(&r); err != nil {
			return records, err
		}
		records = append(records, r)
	}
}

// decodeOne returns the only record of the chunk.
func decodeOne(t *testing.T, chunk []byte) Record {
	t.Helper()
	records, err := decodeAll(chunk)
	if err != io.EOF || len(records) != 1 {
		t.Fatalf("decoded %d records, %v; want 1, EOF", len(records), err)
	}
	return records[0]
}

// The chunks in testdata were written by Fluent Bit 5.1.1: three records of its
// dummy input, and one group of its opentelemetry input with its two markers.
func TestChunksOfFluentBit(t *testing.T) {
	for _, name := range []string{"dummy", "opentelemetry"} {
		t.Run(name, func(t *testing.T) {
			chunk, err := os.ReadFile(filepath.Join("testdata", name+".msgpack"))
			if err != nil {
				t.Fatal(err)
			}
			records, err := decodeAll(chunk)
			if err != io.EOF {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, r := range records {
				fmt.Fprintf(&got, "%s %s %s %q\n", r.Time.Format(time.RFC3339Nano), AppendJSON(nil, r.Meta), AppendJSON(nil, r.Body), r.Problem)
			}
			compareGolden(t, filepath.Join("testdata", name+".golden"), got.Bytes())
		})
	}
}

func compareGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs, got:\n%s\nwant:\n%s", file, got, want)
	}
}

func TestEventTimes(t *testing.T) {
	second := time.Unix(1795334400, 0).UTC()
	for name, tc := range map[string]struct {
		stamp []byte
		want  time.Time
	}{
		"EventTime in fixext8":        {eventTime8(1795334400, 123456789), second.Add(123456789)},
		"EventTime in ext8":           {append([]byte{0xc7, 8, 0}, eventTime8(1795334400, 5)[2:]...), second.Add(5)},
		"EventTime before the groups": {eventTime8(0xfffffffd, 0), time.Unix(0xfffffffd, 0).UTC()},
		"unsigned":                    {msgp.AppendUint64(nil, 1795334400), second},
		"unsigned, in eight bytes":    {[]byte{0xcf, 0, 0, 0, 0, 0x6b, 0x02, 0xa1, 0x00}, second},
		"signed":                      {[]byte{0xd2, 0x6b, 0x02, 0xa1, 0x00}, second},
		"zero":                        {[]byte{0}, time.Unix(0, 0).UTC()},
		"float64":                     {msgp.AppendFloat64(nil, 1795334400.123), second.Add(123 * time.Millisecond)},
		"float32":                     {msgp.AppendFloat32(nil, 0.5), time.Unix(0, 5e8).UTC()},
		"last second of RFC 3339":     {msgp.AppendInt64(nil, maxUnix), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			for shape, head := range map[string][]byte{
				"[time, body]":             tc.stamp,
				"[[time, metadata], body]": append(append([]byte{0x92}, tc.stamp...), 0x80),
			} {
				r := decodeOne(t, appendEntry(nil, head, "k", "v"))
				if r.Problem != "" || !r.Time.Equal(tc.want) || r.Time.Location() != time.UTC {
					t.Errorf("%s: got %v, problem %q, want %v", shape, r.Time, r.Problem, tc.want)
				}
				if hasMeta := len(shape) > 12; (r.Meta != nil) != hasMeta {
					t.Errorf("%s: metadata % x", shape, r.Meta)
				}
				if want := []byte("\x81\xa1k\xa1v"); !bytes.Equal(r.Body, want) {
					t.Errorf("%s: body % x, want % x", shape, r.Body, want)
				}
			}
		})
	}
}

func TestGroupMarkersAreSkipped(t *testing.T) {
	for name, stamp := range map[string][]byte{
		"start as EventTime": eventTime8(0xffffffff, 0),
		"end as EventTime":   eventTime8(0xfffffffe, 0),
		"start as integer":   {0xff},
		"end as integer":     {0xfe},
		"start wrapped":      {0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"end wrapped":        {0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe},
		"start as float":     msgp.AppendFloat64(nil, -1),
		"end as float":       msgp.AppendFloat64(nil, -2),
	} {
		t.Run(name, func(t *testing.T) {
			head := append(append([]byte{0x92}, stamp...), 0x80)
			chunk := appendEntry(nil, head)
			chunk = appendEntry(chunk, v2Head(1, 0), "k", "v")
			chunk = appendEntry(chunk, stamp, "resource", "x")
			if r := decodeOne(t, chunk); r.Time.Unix() != 1 {
				t.Errorf("got %+v, want the record between the markers", r)
			}
		})
	}
}

func TestOddEntriesDoNotCostTheOthers(t *testing.T) {
	nested := func(depth int) []byte { return append(bytes.Repeat([]byte{0x91}, depth), 0xc0) }
	for name, tc := range map[string]struct{ entry, problem string }{
		"nil":                         {"\xc0", problemEntry},
		"long string":                 {"\xd9\x02hi", problemEntry},
		"map":                         {"\x81\xa1k\xa1v", problemEntry},
		"empty list":                  {"\x90", problemEntry},
		"list of three":               {"\x93\x01\x80\x80", problemEntry},
		"header of one":               {"\x92\x91\x01\x80", problemHead},
		"header of three":             {"\x92\x93\x01\x80\x80\x80", problemHead},
		"empty header":                {"\x92\x90\x80", problemHead},
		"string as time":              {"\x92\xa1x\x80", problemTime},
		"nil as time":                 {"\x92\xc0\x80", problemTime},
		"negative time":               {"\x92\xfd\x80", problemTime},
		"time behind the year 9999":   {"\x92\xcf\x00\x00\x00\x3a\xff\xf4\x41\x80\x80", problemTime},
		"NaN as time":                 {"\x92\xca\x7f\xc0\x00\x00\x80", problemTime},
		"infinite time":               {"\x92\xca\x7f\x80\x00\x00\x80", problemTime},
		"extension of another type":   {"\x92\xd7\x01\x00\x00\x00\x01\x00\x00\x00\x00\x80", problemTime},
		"EventTime of four bytes":     {"\x92\xd6\x00\x00\x00\x00\x01\x80", problemTime},
		"EventTime of 1e9 ns":         {"\x92\xd7\x00\x00\x00\x00\x01\x3b\x9a\xca\x00\x80", problemTime},
		"marker with nanoseconds":     {"\x92\xd7\x00\xff\xff\xff\xff\x00\x00\x00\x01\x80", problemTime},
		"metadata that is nil":        {"\x92\x92\x01\xc0\x80", problemMeta},
		"body that is a string":       {"\x92\x01\xa1x", problemBody},
		"marker with a body of nil":   {"\x92\xff\xc0", problemBody},
		"nesting beyond MaxDepth":     {"\x92\x01" + string(nested(MaxDepth)), problemDepth},
		"nesting a million deep":      {"\x92\x01\x81\xa1k" + string(nested(1e6)), problemDepth},
		"deep nesting that is no map": {string(nested(MaxDepth + 1)), problemDepth},
	} {
		t.Run(name, func(t *testing.T) {
			chunk := appendEntry(nil, v2Head(1, 0), "k", "v")
			chunk = append(chunk, tc.entry...)
			chunk = appendEntry(chunk, v2Head(2, 0), "k", "v")
			records, err := decodeAll(chunk)
			if err != io.EOF || len(records) != 3 {
				t.Fatalf("%d records, %v; want 3, EOF", len(records), err)
			}
			if r := records[1]; r.Problem != tc.problem || string(r.Raw) != tc.entry {
				t.Errorf("problem %q, want %q; raw % .20x", r.Problem, tc.problem, r.Raw)
			}
			for i, sec := range map[int]int64{0: 1, 2: 2} {
				if r := records[i]; r.Problem != "" || r.Time.Unix() != sec {
					t.Errorf("record %d is %+v", i, r)
				}
			}
		})
	}
}

func TestNestingUpToMaxDepthIsRead(t *testing.T) {
	// The entry and its body are two of the containers.
	body := append([]byte{0x81, 0xa1, 'k'}, bytes.Repeat([]byte{0x91}, MaxDepth-2)...)
	chunk := append([]byte{0x92, 0x01}, append(body, 0xc0)...)
	if r := decodeOne(t, chunk); r.Problem != "" {
		t.Errorf("problem %q", r.Problem)
	}
}

func TestUnreadableRest(t *testing.T) {
	good := appendEntry(nil, v2Head(1, 0), "k", "v")
	for name, tc := range map[string]struct{ rest, reason string }{
		"text":                          {"{\"log\":\"x\"}\n", "not MessagePack"},
		"negative fixint":               {"\xff", "not MessagePack"},
		"reserved byte":                 {"\xc1", "not MessagePack"},
		"reserved byte in a body":       {"\x92\x01\x81\xa1k\xc1", "not MessagePack"},
		"reserved byte, very deep":      {"\x92\x01" + string(bytes.Repeat([]byte{0x91}, 1000)) + "\xc1", "not MessagePack"},
		"list without elements":         {"\x92", "truncated"},
		"string cut short":              {"\x92\x01\xa5abc", "truncated"},
		"length cut short":              {"\x92\x01\xda\x01", "truncated"},
		"string of 4 GiB":               {"\x92\x01\xdb\xff\xff\xff\xff", "truncated"},
		"map of 4 Gi pairs":             {"\x92\x01\xdf\xff\xff\xff\xff\x01\x02", "truncated"},
		"list of 4 Gi lists of 4 Gi":    {"\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff\x01", "truncated"},
		"extension cut short":           {"\x92\xd7\x00\x01", "truncated"},
		"extension without its type":    {"\x92\xd4", "truncated"},
		"nesting without an end":        {string(bytes.Repeat([]byte{0x91}, 1e6)), "truncated"},
		"wide nesting without an end":   {string(bytes.Repeat([]byte{0x9f}, 1e6)), "truncated"},
		"number cut short":              {"\x92\xcf\x00\x00", "truncated"},
		"map whose last value is short": {"\x92\x01\x81\xa1k\xa9v", "truncated"},
	} {
		t.Run(name, func(t *testing.T) {
			d := NewDecoder(append(bytes.Clone(good), tc.rest...))
			var r Record
			if err := d.Next(&r); err != nil || !bytes.Equal(r.Raw, good) {
				t.Fatalf("the record before it: %v, % x", err, r.Raw)
			}
			for range 2 { // it stays so
				var corrupt *CorruptError
				if err := d.Next(&r); !errors.As(err, &corrupt) {
					t.Fatalf("got %v", err)
				}
				if want := (CorruptError{int64(len(good)), tc.reason}); *corrupt != want {
					t.Errorf("got %v, want %v", corrupt, &want)
				}
			}
		})
	}
}

// Wherever a chunk is cut, the whole records are returned and the cut one is named.
func TestChunkCutAnywhere(t *testing.T) {
	var chunk []byte
	var starts []int
	for i := range 3 {
		starts = append(starts, len(chunk))
		chunk = appendEntry(chunk, v2Head(uint32(i), 0), "log_type", "logon", "details", "a text that is longer than 31 bytes")
	}
	for cut := range len(chunk) {
		whole := 0
		for whole+1 < len(starts) && starts[whole+1] <= cut {
			whole++
		}
		records, err := decodeAll(chunk[:cut])
		if len(records) != whole {
			t.Errorf("cut at %d: %d records, want %d", cut, len(records), whole)
		}
		var corrupt *CorruptError
		switch {
		case cut == starts[whole]:
			if err != io.EOF {
				t.Errorf("cut at %d between records: %v", cut, err)
			}
		case !errors.As(err, &corrupt) || corrupt.Offset != int64(starts[whole]):
			t.Errorf("cut at %d: %v, want offset %d", cut, err, starts[whole])
		}
	}
}

func TestResetStartsAnotherChunk(t *testing.T) {
	d := NewDecoder([]byte{0xc1})
	d.Reset(appendEntry(nil, v2Head(7, 0)))
	var r Record
	r.Problem = "left over"
	if err := d.Next(&r); err != nil || r.Time.Unix() != 7 || r.Problem != "" {
		t.Errorf("got %v, %+v", err, r)
	}
	if err := d.Next(&r); err != io.EOF {
		t.Errorf("got %v, want EOF", err)
	}
}

func TestDecodingDoesNotAllocate(t *testing.T) {
	chunk := appendEntry(nil, v2Head(1, 0), "k", "v")
	chunk = append(chunk, 0xc0)
	chunk = appendEntry(chunk, eventTime8(2, 0), "k", "v")
	d := NewDecoder(nil)
	var r Record
	if n := testing.AllocsPerRun(100, func() {
		d.Reset(chunk)
		for d.Next(&r) == nil {
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDeclaredLengthsAllocateNothing(t *testing.T) {
	for _, head := range []string{"\xdb", "\xc6", "\xc9", "\xdd", "\xdf"} {
		chunk := []byte("\x92\x01" + head + "\xff\xff\xff\xff\x00")
		var r Record
		if n := testing.AllocsPerRun(10, func() {
			if err := NewDecoder(chunk).Next(&r); err == nil {
				t.Error("no error")
			}
		}); n > 1 { // the error itself
			t.Errorf("% x: %v allocations", head, n)
		}
	}
}

// What an independent encoder writes is what the Decoder returns.
func TestDecodeReturnsWhatWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type entry struct {
			sec, nsec uint32
			v2        bool
			body      []byte
		}
		var entries []entry
		var chunk []byte
		for range rapid.IntRange(0, 5).Draw(t, "records") {
			e := entry{
				sec:  rapid.Uint32Max(0xfffffffd).Draw(t, "sec"),
				nsec: rapid.Uint32Max(999999999).Draw(t, "nsec"),
				v2:   rapid.Bool().Draw(t, "v2"),
				body: drawMap(t, 3),
			}
			head := eventTime8(e.sec, e.nsec)
			if e.v2 {
				head = v2Head(e.sec, e.nsec)
			}
			entries = append(entries, e)
			chunk = append(append(append(chunk, 0x92), head...), e.body...)
		}
		records, err := decodeAll(chunk)
		if err != io.EOF || len(records) != len(entries) {
			t.Fatalf("%d of %d records, %v", len(records), len(entries), err)
		}
		var raw []byte
		for i, r := range records {
			raw = append(raw, r.Raw...)
			e := entries[i]
			if r.Problem != "" || !r.Time.Equal(time.Unix(int64(e.sec), int64(e.nsec))) ||
				!bytes.Equal(r.Body, e.body) || (r.Meta != nil) != e.v2 {
				t.Errorf("record %d: %+v of %+v", i, r, e)
			}
		}
		if !bytes.Equal(raw, chunk) {
			t.Errorf("the records are not the chunk")
		}
	})
}

// drawMap draws a raw map of all kinds of keys and values.
func drawMap(t *rapid.T, depth int) []byte {
	n := rapid.IntRange(0, 20).Draw(t, "pairs")
	b := msgp.AppendMapHeader(nil, uint32(n))
	for range n {
		b = append(b, drawValue(t, 0)...)
		b = append(b, drawValue(t, depth)...)
	}
	return b
}

func drawValue(t *rapid.T, depth int) []byte {
	kinds := 8
	if depth > 0 {
		kinds = 10
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return msgp.AppendNil(nil)
	case 1:
		return msgp.AppendBool(nil, rapid.Bool().Draw(t, "bool"))
	case 2:
		return msgp.AppendInt64(nil, rapid.Int64().Draw(t, "int"))
	case 3:
		return msgp.AppendUint64(nil, rapid.Uint64().Draw(t, "uint"))
	case 4:
		return msgp.AppendFloat64(nil, rapid.Float64().Draw(t, "float"))
	case 5:
		return msgp.AppendFloat32(nil, rapid.Float32().Draw(t, "float"))
	case 6:
		return msgp.AppendBytes(nil, rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bin"))
	case 7:
		return msgp.AppendString(nil, rapid.StringN(0, 100, 300).Draw(t, "string"))
	case 8:
		n := rapid.IntRange(0, 20).Draw(t, "elements")
		b := msgp.AppendArrayHeader(nil, uint32(n))
		for range n {
			b = append(b, drawValue(t, depth-1)...)
		}
		return b
	}
	return drawMap(t, depth-1)
}

func FuzzDecoder(f *testing.F) {
	for _, name := range []string{"dummy", "opentelemetry"} {
		chunk, err := os.ReadFile(filepath.Join("testdata", name+".msgpack"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(chunk)
	}
	f.Add([]byte("\x92\x01\xdf\xff\xff\xff\xff"))
	f.Add(bytes.Repeat([]byte{0x92}, 200))
	f.Fuzz(func(t *testing.T, chunk []byte) {
		d := NewDecoder(chunk)
		var r Record
		read := 0 // bytes in the records and markers so far
		for {
			err := d.Next(&r)
			var corrupt *CorruptError
			if errors.As(err, &corrupt) {
				if corrupt.Offset < int64(read) || corrupt.Offset >= int64(len(chunk)) {
					t.Fatalf("offset %d, read %d of %d", corrupt.Offset, read, len(chunk))
				}
				return
			}
			if err == io.EOF {
				return
			}
			read += len(r.Raw)
			if len(r.Raw) == 0 || read > len(chunk) {
				t.Fatalf("record of %d bytes, read %d of %d", len(r.Raw), read, len(chunk))
			}
			checkRecord(t, &r)
		}
	})
}

// checkRecord compares r with what msgp, which has another implementation, reads.
func checkRecord(t *testing.T, r *Record) {
	if rest, err := msgp.Skip(r.Raw); err != nil || len(rest) != 0 {
		t.Fatalf("msgp does not read % .40x: %v, %d bytes left", r.Raw, err, len(rest))
	}
	if r.Problem != "" {
		return
	}
	n, rest, err := msgp.ReadMapHeaderBytes(r.Body)
	pairs := 0
	for left, count := Pairs(r.Body); count > 0; count-- {
		var value []byte
		if _, value, left = CutPair(left); value == nil {
			t.Fatalf("pair %d of % .40x cannot be cut", pairs, r.Body)
		}
		pairs++
	}
	if err != nil || int(n) != pairs || len(rest) > len(r.Body) {
		t.Fatalf("%d pairs, msgp reads %d, %v", pairs, n, err)
	}
}
