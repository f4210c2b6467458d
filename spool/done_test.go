package spool

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestDigestsOfEarlierSpoolsAreKnown(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	mustAppend(t, s, batch(0, "a"))
	first := mustSeal(t, s)
	mustAppend(t, s, batch(1, "a"))
	wantKnown(t, s, 3) // what this one stored, Fluent Bit was told of
	mustClose(t, s)

	s = openDisk(t, d)
	wantKnown(t, s, 3, 0, 1)
	c := mustLoad(t, s, s.Sealed()[0])
	if c.Segment.ID != first.ID {
		t.Fatalf("the first segment is %v, want %v", c.Segment.ID, first.ID)
	}
	mustRemove(t, s, c)
	wantKnown(t, s, 3, 0, 1)
	mustClose(t, s)

	s = openDisk(t, d)
	wantKnown(t, s, 3, 0, 1)
	wantStored(t, s, map[string]string{"a": lines("a", 1)})
}

func TestDigestsOfARemovedSegmentExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		s := openDisk(t, d)
		mustAppend(t, s, batch(0, "a"))
		mustClose(t, s)
		s = openDisk(t, d)
		mustRemove(t, s, mustLoad(t, s, s.Sealed()[0]))
		// Removals of other segments are what expires those of earlier ones.
		another := func(n int) {
			t.Helper()
			mustAppend(t, s, batch(n, "a"))
			mustRemove(t, s, mustLoad(t, s, mustSeal(t, s)))
		}
		time.Sleep(digestsKept - time.Nanosecond)
		another(1)
		wantKnown(t, s, 1, 0)
		if n := len(d.files(testDir, doneExt)); n != 2 {
			t.Errorf("%d .done files just before the time, want 2", n)
		}
		time.Sleep(time.Nanosecond)
		another(2)
		wantKnown(t, s, 1)
		if n := len(d.files(testDir, doneExt)); n != 2 {
			t.Errorf("%d .done files when the first one has expired, want 2", n)
		}
		if len(s.known.counts) > 0 || len(s.known.files) > 0 {
			t.Errorf("%d digests of %d files are remembered, want none", len(s.known.counts), len(s.known.files))
		}
	})
}

func TestRestartKeepsDigestsForTheWholeTimeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		s := openDisk(t, d)
		mustAppend(t, s, batch(0, "a"))
		mustRemove(t, s, mustLoad(t, s, mustSeal(t, s)))
		mustClose(t, s)
		for range 3 {
			time.Sleep(digestsKept - time.Second)
			s = openDisk(t, d)
			wantKnown(t, s, 1, 0)
			mustClose(t, s)
		}
	})
}

func TestDigestInTwoFilesIsKnownUntilBothExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		s := openDisk(t, d)
		mustAppend(t, s, batch(0, "a"))
		mustSeal(t, s)
		mustAppend(t, s, batch(0, "a"))
		mustClose(t, s)
		s = openDisk(t, d)
		mustRemove(t, s, mustLoad(t, s, s.Sealed()[0]))
		time.Sleep(digestsKept)
		mustRemove(t, s, mustLoad(t, s, s.Sealed()[0]))
		wantKnown(t, s, 1, 0)
		mustAppend(t, s, batch(1, "a"))
		time.Sleep(digestsKept)
		mustRemove(t, s, mustLoad(t, s, mustSeal(t, s)))
		wantKnown(t, s, 1)
	})
}

func TestDigestIsThatOfTagChunkAndDirectory(t *testing.T) {
	d := newDisk()
	s := openDisk(t, d)
	one := s.Digest("tag", []byte("chunk"))
	if s.Digest("tag", []byte("chunk")) != one {
		t.Error("the same chunk has another digest")
	}
	if s.Digest("tag2", []byte("chunk")) == one || s.Digest("tag", []byte("chunk2")) == one || s.Digest("tagc", []byte("hunk")) == one {
		t.Error("another chunk has the same digest")
	}
	mustClose(t, s)
	if openDisk(t, d).Digest("tag", []byte("chunk")) != one {
		t.Error("the same chunk has another digest after a restart")
	}
	if openDisk(t, newDisk()).Digest("tag", []byte("chunk")) == one {
		t.Error("the same chunk has the same digest in another directory")
	}
}

func TestDoneFileRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digests := make([]Digest, rapid.IntRange(0, 50).Draw(t, "digests"))
		for i := range digests {
			copy(digests[i][:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "digest"))
		}
		name := rapid.String().Draw(t, "name")
		b := appendDone(nil, name, digests)
		got, err := parseDone(b, name)
		if err != nil || len(got) != len(digests) {
			t.Fatalf("%d digests, %v, want %d", len(got), err, len(digests))
		}
		for i := range got {
			if got[i] != digests[i] {
				t.Fatalf("digest %d: %x, want %x", i, got[i], digests[i])
			}
		}
		if _, err := parseDone(b, name+"x"); err == nil {
			t.Fatal("no error under another name")
		}
	})
}

func FuzzParseDone(f *testing.F) {
	f.Add([]byte{}, "x")
	f.Add(appendDone(nil, "x", nil), "x")
	f.Add(appendDone(nil, "x", []Digest{{1}, {2}}), "x")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		digests, err := parseDone(b, name)
		if err != nil {
			return
		}
		if again := appendDone(nil, name, digests); !bytes.Equal(again, b) {
			t.Errorf("%x becomes %x", b, again)
		}
	})
}

// A sparse file must not cost memory.
func TestHugeDoneFileIsNotRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x"+doneExt)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir, testOptions(nil))
	if rep := s.Recovered(); len(rep.Foreign) != 1 {
		t.Errorf("foreign %v, want the file", rep.Foreign)
	}
}
