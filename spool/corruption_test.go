package spool

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// logOf returns a disk as a process that was killed leaves it: three segments,
// batches 0 to 2, 3 to 4 and 5 to 6, the last segment open.
func logOf(t testing.TB) (d *disk, segs []Segment) {
	t.Helper()
	d = newDisk()
	s := openDisk(t, d)
	mustAppend(t, s, batch(0, "a", "b"), batch(1, "a"), batch(2, "b"))
	segs = append(segs, mustSeal(t, s))
	mustAppend(t, s, batch(3, "a"), batch(4, "a", "b"))
	segs = append(segs, mustSeal(t, s))
	mustAppend(t, s, batch(5, "b"), batch(6, "a"))
	segs = append(segs, s.open.Segment)
	return d.kill(), segs
}

// logBatches says which streams each batch of logOf has.
var logBatches = []string{"ab", "a", "b", "a", "ab", "b", "a"}

// logStreams returns what the streams hold with only these batches of logOf.
func logStreams(batches ...int) map[string]string {
	streams := map[string]string{}
	for _, n := range batches {
		for _, stream := range logBatches[n] {
			streams[string(stream)] += line(n, string(stream))
		}
	}
	return streams
}

// wantQuarantined fails the test unless each damaged extent of original is in quarantine.
func wantQuarantined(t testing.TB, d *disk, original []byte, damage []*CorruptError) {
	t.Helper()
	for _, e := range damage {
		if strings.Contains(e.Reason, "missing") {
			continue
		}
		kept := d.get(t, quarantinePath(fmt.Sprintf("%s@%d.damaged", strings.TrimSuffix(e.File, segExt), e.Offset)))
		if !bytes.Equal(kept, original[e.Offset:e.Offset+e.Length]) {
			t.Errorf("quarantine of %v: %d bytes %.20q, want %.20q", e, len(kept), kept, original[e.Offset:])
		}
	}
}

// wantUsable fails the test unless the spool takes a batch, and recovers to the same.
func wantUsable(t testing.TB, s *Spool, d *disk, want map[string]string) {
	t.Helper()
	mustAppend(t, s, batch(99, "z"))
	mustClose(t, s)
	again := openDisk(t, d)
	got, _ := stored(t, again)
	want = maps.Clone(want)
	want["z"] = line(99, "z")
	if !maps.Equal(got, want) {
		t.Errorf("after a second recovery: %q, want %q", got, want)
	}
	if torn := again.Recovered().Torn; len(torn) > 0 {
		t.Errorf("torn at the second recovery: %v", torn)
	}
	mustClose(t, again)
}

func TestTruncatedAtEveryByte(t *testing.T) {
	intact, segs := logOf(t)
	t.Run("of the last segment costs what was cut and is taken for an unfinished append", func(t *testing.T) {
		path, offs := segmentAt(t, intact, segs[2])
		for n := range len(intact.get(t, path)) {
			d := intact.kill()
			d.put(path, d.get(t, path)[:n])
			s := openDisk(t, d)
			want := logStreams([]int{0, 1, 2, 3, 4, 5, 6}[:5+whole(offs, n)]...)
			wantStored(t, s, want)
			wantTorn(t, s, offs, n)
			wantUsable(t, s, d, want)
		}
	})
	t.Run("of another segment costs what was cut and is reported", func(t *testing.T) {
		path, offs := segmentAt(t, intact, segs[0])
		original := intact.get(t, path)
		for n := range original {
			d := intact.kill()
			d.put(path, original[:n])
			s := openDisk(t, d)
			want := logStreams(append([]int{0, 1, 2}[:whole(offs, n)], 3, 4, 5, 6)...)
			got, damage := stored(t, s)
			if !maps.Equal(got, want) {
				t.Fatalf("%d bytes left: %q, want %q", n, got, want)
			}
			var lost int64
			for _, e := range damage {
				lost += e.Length
			}
			end := offs[whole(offs, n)]
			if n < segmentHeaderLen {
				end = int64(n)
			}
			if want := int64(len(original)) - end; lost != want {
				t.Fatalf("%d bytes left: %d damaged, want %d: %v", n, lost, want, damage)
			}
			if rep := s.Recovered(); len(rep.Torn)+len(rep.Foreign) > 0 {
				t.Errorf("%d bytes left: report %v", n, rep)
			}
			wantQuarantined(t, d, original, damage)
			wantUsable(t, s, d, want)
		}
	})
}

// whole returns how many batches end within the first n bytes.
func whole(offs []int64, n int) int {
	return max(len(slices.DeleteFunc(slices.Clone(offs), func(off int64) bool { return off > int64(n) }))-1, 0)
}

func wantTorn(t *testing.T, s *Spool, offs []int64, n int) {
	t.Helper()
	torn := s.Recovered().Torn
	end := offs[whole(offs, n)]
	if n <= segmentHeaderLen {
		end = 0
	}
	if int64(n) == end {
		if len(torn) > 0 {
			t.Errorf("%d bytes left: torn %v, want none", n, torn)
		}
		return
	}
	if len(torn) != 1 || torn[0].Offset != end || torn[0].Length != int64(n)-end {
		t.Fatalf("%d bytes left: torn %v, want %d bytes at %d", n, torn, int64(n)-end, end)
	}
}

func TestAnyBitFlippedCostsAtMostItsBatch(t *testing.T) {
	intact, segs := logOf(t)
	first := []int{0, 3, 5, 7} // batches of each segment
	for i, seg := range segs {
		t.Run(fmt.Sprintf("in segment %d of 3", i+1), func(t *testing.T) {
			path, offs := segmentAt(t, intact, seg)
			original := intact.get(t, path)
			for bit := range 8 * len(original) {
				d := intact.kill()
				flipped := d.get(t, path)
				flipped[bit/8] ^= 1 << (bit % 8)
				hit := whole(offs, bit/8) + first[i] // the batch that has the bit
				want := []int{0, 1, 2, 3, 4, 5, 6}
				if bit/8 >= segmentHeaderLen {
					want = slices.Delete(want, hit, hit+1)
				}
				s := openDisk(t, d)
				got, damage := stored(t, s)
				if !maps.Equal(got, logStreams(want...)) {
					t.Fatalf("bit %d of batch %d: %q", bit, hit, got)
				}
				for _, n := range want {
					if !s.Known(digest(n)) {
						t.Errorf("bit %d: batch %d is not known", bit, n)
					}
				}
				if hit == 6 && s.Known(digest(6)) && len(want) == 6 {
					t.Errorf("bit %d: batch 6 is not stored, perhaps never was, but known", bit)
				}
				wantDamaged(t, damage, bit/8, offs[hit-first[i]], offs[hit-first[i]+1])
				wantQuarantined(t, d, flipped, damage)
				if rep := s.Recovered(); len(rep.Torn)+len(rep.Foreign) > 0 {
					t.Errorf("bit %d: report %v", bit, rep)
				}
				mustClose(t, s)
			}
		})
	}
}

// wantDamaged fails the test unless the damage is the batch from off to end, or
// nothing if the bit at is in the header of the segment.
func wantDamaged(t *testing.T, damage []*CorruptError, at int, off, end int64) {
	t.Helper()
	if at < segmentHeaderLen {
		if len(damage) > 0 {
			t.Errorf("byte %d of the header: damage %v", at, damage)
		}
		return
	}
	if len(damage) != 1 || damage[0].Offset != off || damage[0].Length != end-off {
		t.Errorf("byte %d: damage %v, want %d bytes at %d", at, damage, end-off, off)
	}
}

func TestCorruption(t *testing.T) {
	all := []int{0, 1, 2, 3, 4, 5, 6}
	garbage := bytes.Repeat([]byte("BTCH garbage "), 1000)
	tail := func(i int, tail []byte) func(*testing.T, *disk, []Segment) {
		return func(t *testing.T, d *disk, segs []Segment) {
			d.put(segs[i].Path, append(d.get(t, segs[i].Path), tail...))
		}
	}
	put := func(name, data string) func(*testing.T, *disk, []Segment) {
		return func(_ *testing.T, d *disk, _ []Segment) { d.put(filepath.Join(testDir, name), []byte(data)) }
	}
	rename := func(t *testing.T, d *disk, from, to string) {
		d.put(to, d.get(t, from))
		d.delete(from)
	}
	for _, tt := range []struct {
		name    string
		damage  func(t *testing.T, d *disk, segs []Segment)
		survive []int
		known   []int    // besides those that survive
		torn    int64    // bytes
		damaged int64    // bytes
		foreign []string // parts of the errors
	}{
		{name: "nothing", damage: func(*testing.T, *disk, []Segment) {}, survive: all},
		{name: "zeros behind the last segment are an unfinished append", damage: tail(2, make([]byte, 5000)), survive: all, torn: 5000},
		{name: "zeros behind another segment are void", damage: tail(0, make([]byte, 5000)), survive: all},
		{name: "garbage behind the last segment is kept", damage: tail(2, garbage), survive: all, damaged: 13000},
		{name: "garbage behind another segment is void", damage: tail(0, garbage), survive: all},
		{
			name: "garbage behind a segment whose successor is gone is kept", survive: []int{0, 1, 2, 5, 6}, damaged: 13000,
			damage: func(t *testing.T, d *disk, segs []Segment) {
				tail(0, garbage)(t, d, segs)
				d.delete(segs[1].Path)
			},
		},
		{
			name: "batches of another segment are garbage", survive: all, damaged: 1,
			damage: func(t *testing.T, d *disk, segs []Segment) {
				tail(2, d.get(t, segs[0].Path)[segmentHeaderLen:])(t, d, segs)
			},
		},
		{
			name: "a header of zeros costs nothing", survive: all,
			damage: func(t *testing.T, d *disk, segs []Segment) { clear(d.get(t, segs[1].Path)[:segmentHeaderLen]) },
		},
		{
			name: "a segment of zeros costs its batches", survive: []int{0, 1, 2, 5, 6}, damaged: 1,
			damage: func(t *testing.T, d *disk, segs []Segment) { clear(d.get(t, segs[1].Path)) },
		},
		{
			name: "a missing segment may have been removed", survive: []int{0, 1, 2, 5, 6},
			damage: func(_ *testing.T, d *disk, segs []Segment) { d.delete(segs[1].Path) },
		},
		{
			name: "an empty file at the end never had a batch", survive: []int{0, 1, 2, 3, 4, 5, 6},
			damage: put(segmentName(4, ID{4})+segExt, ""),
		},
		{
			name: "an empty file before the end lost its batches", survive: []int{0, 1, 2, 5, 6}, damaged: 1,
			damage: func(_ *testing.T, d *disk, segs []Segment) { d.put(segs[1].Path, nil) },
		},
		{
			name: "a copy under another sequence number is left alone", survive: all, foreign: []string{"copy of"},
			damage: func(t *testing.T, d *disk, segs []Segment) {
				d.put(filepath.Join(testDir, segmentName(0, segs[1].ID)+segExt), d.get(t, segs[1].Path))
			},
		},
		{
			name: "a copy under another id is left alone", survive: all, foreign: []string{"copy of"},
			damage: func(t *testing.T, d *disk, segs []Segment) {
				d.put(filepath.Join(testDir, segmentName(2, ID{})+segExt), d.get(t, segs[1].Path))
			},
		},
		{
			name: "a segment under another name keeps its place", survive: all,
			damage: func(t *testing.T, d *disk, segs []Segment) {
				rename(t, d, segs[1].Path, filepath.Join(testDir, segmentName(9, ID{9})+segExt))
			},
		},
		{
			name: "two files with each other's names keep their places", survive: all,
			damage: func(t *testing.T, d *disk, segs []Segment) {
				a, b := d.get(t, segs[0].Path), d.get(t, segs[1].Path)
				d.put(segs[0].Path, b)
				d.put(segs[1].Path, a)
			},
		},
		{
			name: "a segment with the sequence number of another is one too", survive: []int{0, 1, 2, 3, 4, 5, 6},
			damage: func(t *testing.T, d *disk, segs []Segment) {
				h := segmentHeader{seq: 1, id: ID{7}}
				head := (&batchHead{digest: digest(50)}).append(h.append(nil), &ID{7})
				d.put(filepath.Join(testDir, segmentName(1, ID{7})+segExt), head)
			}, known: []int{50},
		},
		{
			name: "a segment of a newer version is left alone", survive: []int{0, 1, 2, 5, 6}, foreign: []string{"newer version (format 2)"},
			damage: func(t *testing.T, d *disk, segs []Segment) {
				b := d.get(t, segs[1].Path)
				b[7] = 2
				le.PutUint32(b[68:], crc32.Checksum(b[:68], castagnoli))
			},
		},
		{name: "a file that is named by others is left alone", damage: put("notes.seg", "x"), survive: all, foreign: []string{"notes.seg: not the name"}},
		{
			name: "a name in capitals is not ours", damage: put(strings.ToUpper(segmentName(0xab, ID{0xab}))+segExt, "x"), survive: all,
			foreign: []string{"not the name"},
		},
		{name: "a file with another extension is nothing to us", damage: put("notes.txt", "x"), survive: all},
		{name: "an interrupted write beside the segments is dropped", damage: put("digest.key.tmp", "0123"), survive: all},
		{
			name: "a removal that was interrupted is completed", survive: []int{0, 1, 2, 5, 6}, known: []int{3, 4},
			damage: func(_ *testing.T, d *disk, segs []Segment) {
				name := strings.TrimSuffix(filepath.Base(segs[1].Path), segExt)
				put(name+doneExt, string(appendDone(nil, name, []Digest{digest(3), digest(4)})))(nil, d, nil)
			},
		},
		{
			name: "a damaged list of digests brings its segment back", survive: all, foreign: []string{"digests is damaged"},
			damage: func(_ *testing.T, d *disk, segs []Segment) {
				name := strings.TrimSuffix(filepath.Base(segs[1].Path), segExt)
				done := appendDone(nil, name, []Digest{digest(3), digest(4)})
				done[20] ^= 1
				put(name+doneExt, string(done))(nil, d, nil)
			},
		},
		{
			name: "a list of digests under another name removes nothing", survive: all, foreign: []string{"digests is damaged"},
			damage: func(_ *testing.T, d *disk, segs []Segment) {
				done := appendDone(nil, "other", []Digest{digest(3), digest(4)})
				put(strings.TrimSuffix(filepath.Base(segs[1].Path), segExt)+doneExt, string(done))(nil, d, nil)
			},
		},
		{name: "a list of digests may be empty", damage: put("x.done", string(appendDone(nil, "x", nil))), survive: all},
		{name: "a key of digests that is not one is made anew", damage: put("digest.key", "not hex at all!!"), survive: all, foreign: []string{"digest.key"}},
		{name: "a key of digests that is short is made anew", damage: put("digest.key", "0123"), survive: all, foreign: []string{"digest.key"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, segs := logOf(t)
			tt.damage(t, d, segs)
			files := d.kill()
			s := openDisk(t, d)
			got, damage := stored(t, s)
			want := logStreams(tt.survive...)
			if !maps.Equal(got, want) {
				t.Errorf("stored %q, want %q", got, want)
			}
			wantKnown(t, s, 60, append(tt.known, tt.survive...)...)
			rep := s.Recovered()
			if got := lengths(rep.Torn); got != tt.torn {
				t.Errorf("torn %v, want %d bytes", rep.Torn, tt.torn)
			}
			if got := lengths(damage); got != tt.damaged && (tt.damaged != 1 || got == 0) {
				t.Errorf("damage %v, want %d bytes", damage, tt.damaged)
			}
			for _, e := range damage {
				wantQuarantined(t, d, files.get(t, filepath.Join(testDir, e.File)), []*CorruptError{e})
			}
			if len(rep.Foreign) != len(tt.foreign) {
				t.Errorf("foreign %v, want %q", rep.Foreign, tt.foreign)
			}
			for i := range min(len(rep.Foreign), len(tt.foreign)) {
				if !strings.Contains(rep.Foreign[i].Error(), tt.foreign[i]) {
					t.Errorf("foreign %v, want %q", rep.Foreign[i], tt.foreign[i])
				}
			}
			if tmp := d.files(testDir, tmpExt); len(tmp) > 0 {
				t.Errorf("left behind: %v", tmp)
			}
			wantUsable(t, s, d, want)
		})
	}
}

func lengths(parts []*CorruptError) (n int64) {
	for _, e := range parts {
		n += e.Length
	}
	return n
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	d, segs := logOf(t)
	b := d.get(t, segs[1].Path)
	b[7] = 9
	le.PutUint32(b[68:], crc32.Checksum(b[:68], castagnoli))
	before := slices.Clone(b)
	d.put(filepath.Join(testDir, "mine.seg"), []byte("mine"))
	if err := d.mkdirAll(filepath.Join(testDir, "dir.seg")); err != nil {
		t.Fatal(err)
	}
	s := openDisk(t, d)
	mustClose(t, s)
	if !bytes.Equal(d.get(t, segs[1].Path), before) {
		t.Error("the segment of a newer version was changed")
	}
	if got := d.get(t, filepath.Join(testDir, "mine.seg")); string(got) != "mine" {
		t.Errorf("mine.seg holds %q", got)
	}
}
