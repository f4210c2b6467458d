package spool

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSegmentHeaderRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := segmentHeader{
			seq:     rapid.Uint64().Draw(t, "seq"),
			created: time.Unix(0, rapid.Int64().Draw(t, "created")).UTC(),
			prevLen: rapid.Int64Min(0).Draw(t, "prevLen"),
		}
		copy(h.id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		copy(h.prev[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "prev"))
		b := h.append([]byte("before"))
		if len(b) != len("before")+segmentHeaderLen {
			t.Fatalf("%d bytes", len(b))
		}
		got, err := parseSegmentHeader(b[len("before"):])
		if err != nil || got != h {
			t.Fatalf("%+v, %v, want %+v", got, err, h)
		}
	})
}

func TestNewerSegmentHeaderIsNotTakenForDamage(t *testing.T) {
	b := (&segmentHeader{}).append(nil)
	b[7]++
	if _, err := parseSegmentHeader(b); !errors.Is(err, errHeader) {
		t.Errorf("a flipped version: %v, want %v", err, errHeader)
	}
	le.PutUint32(b[68:], crc32.Checksum(b[:68], castagnoli))
	if _, err := parseSegmentHeader(b); !errors.Is(err, errVersion) {
		t.Errorf("a newer version: %v, want %v", err, errVersion)
	}
}

func TestSegmentNameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want ID
		copy(want[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		wantSeq := rapid.Uint64().Draw(t, "seq")
		name := segmentName(wantSeq, want)
		if seq, id, ok := parseSegmentName(name); !ok || seq != wantSeq || id != want {
			t.Fatalf("%s is %d, %v, %v", name, seq, id, ok)
		}
		for _, bad := range []string{name + "0", "0" + name, name[1:], strings.ToUpper(name) + "A", "+" + name[1:], name[:16]} {
			if _, _, ok := parseSegmentName(bad); ok {
				t.Fatalf("%s is taken for a segment", bad)
			}
		}
	})
}

func drawHead(t *rapid.T) batchHead {
	h := batchHead{synced: rapid.Int64Min(0).Draw(t, "synced")}
	copy(h.digest[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "digest"))
	for range rapid.IntRange(0, 5).Draw(t, "frames") {
		h.frames = append(h.frames, frame{
			kind: rapid.Uint8().Draw(t, "kind"), note: rapid.Uint8().Draw(t, "note"),
			name: rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "name"), meta: rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "meta"),
			payload: int64(rapid.Uint32().Draw(t, "payload")), payloadCRC: rapid.Uint32().Draw(t, "payloadCRC"),
			rawCRC: rapid.Uint32().Draw(t, "rawCRC"), records: rapid.Uint32().Draw(t, "records"),
			raw: rapid.Int64Min(0).Draw(t, "raw"),
		})
	}
	return h
}

func TestHeadRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawHead(t)
		id := ID{rapid.Byte().Draw(t, "id")}
		b := want.append(nil, &id)
		var got batchHead
		if n := got.parseHeader(b, &id); n != len(b) || n != want.size() {
			t.Fatalf("the head has %d bytes, and says %d", len(b), n)
		}
		if !got.parse(b) {
			t.Fatal("the head is not readable")
		}
		if len(want.frames) == 0 {
			got.frames = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, want %+v", got, want)
		}
		if got.parseHeader(b, &ID{id[0] + 1}) != 0 {
			t.Fatal("the head is taken for one of another segment")
		}
		flipped := bytes.Clone(b)
		flipped[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if got.parseHeader(flipped, &id) != 0 && got.parse(flipped) {
			t.Fatal("a flipped bit goes unnoticed")
		}
	})
}

// goldenSegment is one of format version 1, as its makers wrote it.
func goldenSegment() (name string, b []byte) {
	id := ID([]byte("golden segment 1"))
	h := segmentHeader{
		seq: 7, id: id, created: time.Date(2026, 11, 22, 8, 0, 0, 123, time.UTC),
		prev: ID{1, 2, 3}, prevLen: 4096,
	}
	b = h.append(nil)
	for n, batch := range []*Batch{batch(0, "device", "account"), {Digest: digest(1), Notes: []Note{{Kind: 2, Data: []byte("note")}}}, batch(2, "device")} {
		p, err := newPending(batch)
		if err != nil {
			panic(err)
		}
		seg := &openSegment{streams: map[string][]byte{"device": []byte("meta of device"), "account": []byte("meta of account")}}
		if n > 0 {
			seg.size = int64(len(b))
		}
		head := p.head(seg)
		b = head.append(b, &id)
		for _, o := range batch.Objects {
			b = append(b, o.Payload...)
		}
		for _, n := range batch.Notes {
			b = append(b, n.Data...)
		}
	}
	return segmentName(h.seq, id), b
}

// Directories that version 1 left must be readable forever. Never update the
// files: a new format gets a new directory, beside this one.
func TestDirectoryOfFormatVersion1(t *testing.T) {
	const dir = "testdata/v1"
	name, segment := goldenSegment()
	doneName := segmentName(6, ID{6})
	golden := map[string][]byte{
		name + segExt:      segment,
		doneName + doneExt: appendDone(nil, doneName, []Digest{digest(3), digest(4)}),
		"digest.key":       []byte(hex.EncodeToString([]byte("8 bytes."))),
	}
	if *update {
		for name, b := range golden {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	d := newDisk()
	if err := d.mkdirAll(filepath.Join(testDir, quarantineDir)); err != nil {
		t.Fatal(err)
	}
	for name, want := range golden {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, want) {
			t.Errorf("%s is written in another way today", name)
		}
		d.put(filepath.Join(testDir, name), b)
	}
	o := testOptions(d)
	var notes []Note
	o.Replay = func(_ Position, n Note) { notes = append(notes, n) }
	s := mustOpen(t, testDir, o)
	if rep := s.Recovered(); rep.Batches != 3 || len(rep.Foreign)+len(rep.Torn) > 0 {
		t.Errorf("report %+v", rep)
	}
	wantStored(t, s, map[string]string{"device": lines("device", 0, 2), "account": lines("account", 0)})
	wantKnown(t, s, 9, 0, 1, 2, 3, 4)
	if want := []Note{{Kind: 2, Data: []byte("note")}}; !reflect.DeepEqual(notes, want) {
		t.Errorf("notes %q, want %q", notes, want)
	}
	if seg := s.Sealed()[0]; seg.Seq != 7 || !seg.Created.Equal(time.Date(2026, 11, 22, 8, 0, 0, 123, time.UTC)) {
		t.Errorf("segment %d of %v", seg.Seq, seg.Created)
	}
	if got := fmt.Sprintf("%x", s.Digest("tag", []byte("chunk"))); got != goldenDigest {
		t.Errorf("digest %s, want %s", got, goldenDigest)
	}
}

const goldenDigest = "3f5df9458adeb008655066eacccf9bc3"
