package spooldir

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"siem-s3/test/chunk"
)

func records(t testing.TB, f chunk.Format, lines string) []byte {
	t.Helper()
	c, err := chunk.FromNDJSON(f, strings.NewReader(lines), time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSalvageFindsWholeRecords(t *testing.T) {
	t.Parallel()
	const dated = `{"date":"2026-11-22T08:00:00.000Z",`
	for _, f := range []chunk.Format{chunk.V1, chunk.V2} {
		one, two := records(t, f, `{"n":1}`), records(t, f, `{"n":2}`)
		for _, test := range []struct {
			name  string
			chunk []byte
			want  string
			lost  int
		}{
			{"nothing", nil, "", 0},
			{"text", []byte("no MessagePack"), "", 14},
			{"behind text", append([]byte("text"), one...), dated + "\"n\":1}\n", 4},
			{"between", append(append(bytes.Clone(one), 0xc1, 0x90), two...), dated + "\"n\":1}\n" + dated + "\"n\":2}\n", 2},
			{"cut short", append(bytes.Clone(one), two[:len(two)-1]...), dated + "\"n\":1}\n", len(two) - 1},
			{"with a date", records(t, f, `{"date":"mine"}`), "{\"date\":\"mine\"}\n", 0},
		} {
			lines, n, lost := Salvage(nil, test.chunk)
			if string(lines) != test.want || n != strings.Count(test.want, "\n") || lost != int64(test.lost) {
				t.Errorf("%s: %d records, %d bytes lost, %q; want %d lost, %q", test.name, n, lost, lines, test.lost, test.want)
			}
		}
	}
}

// Whatever is before them, whole records at the end of a chunk are found, and
// what is printed is JSON.
func TestSalvageFindsRecordsBehindAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		junk := rapid.SliceOfN(rapid.ByteRange(0, 0x91), 0, 40).Draw(t, "junk")
		c, err := chunk.FromNDJSON(chunk.V2, strings.NewReader("{\"n\":1}\n{\"n\":2}\n"), time.Unix(1e9, 0), 0)
		if err != nil {
			t.Fatal(err)
		}
		if lines, n, lost := Salvage(nil, append(junk, c...)); n != 2 || lost != int64(len(junk)) {
			t.Fatalf("%d records, %d bytes lost of %d: %q", n, lost, len(junk), lines)
		}
	})
}

func FuzzSalvage(f *testing.F) {
	f.Add(records(f, chunk.V2, "{\"n\":1}\n{}\n"))
	f.Add([]byte("\x92\x92\xd7\x00text"))
	f.Fuzz(func(t *testing.T, c []byte) {
		lines, n, lost := Salvage(nil, c)
		if bytes.Count(lines, []byte("\n")) != n || lost > int64(len(c)) {
			t.Fatalf("%d records, %d bytes lost: %q", n, lost, lines)
		}
		for line := range bytes.Lines(lines) {
			if !json.Valid(line) {
				t.Fatalf("no JSON: %q", line)
			}
		}
	})
}

func TestUnrejectLeavesOutWhatIsNoMap(t *testing.T) {
	t.Parallel()
	const at = `{"received_at":"2026-11-22T08:00:00.000Z","record":`
	var out bytes.Buffer
	n, left, err := Unreject(&out, strings.NewReader(at+"{}}\n"+at+"[1]}\n"+at+"null}\n"+at+"{\"date\":1}}\n"+`{"log_type":"logon"}`))
	if want := "{\"date\":\"2026-11-22T08:00:00.000Z\"}\n{\"date\":1}\n"; n != 2 || left != 3 || err != nil || out.String() != want {
		t.Errorf("%d records, %d left out, %v: %q", n, left, err, &out)
	}
}
