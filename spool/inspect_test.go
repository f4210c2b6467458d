package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mustInspect(t testing.TB, dir string) *View {
	t.Helper()
	v, err := Inspect(dir)
	if err != nil {
		t.Fatalf("Inspect: %v", err)
	}
	return v
}

func mustRead(t testing.TB, v *View, seg SegmentFile) *Contents {
	t.Helper()
	c, err := v.Read(seg)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return c
}

// tree returns the names, contents and times of all files below a directory.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info fs.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		b.WriteString(path + " " + info.ModTime().String() + " " + string(content) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestInspectSeesWhatIsStoredAndChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, testOptions(nil))
	mustAppend(t, s, batch(0, "a"))
	mustRemove(t, s, mustLoad(t, s, mustSeal(t, s)))
	mustAppend(t, s, batch(1, "a", "b"), &Batch{Digest: digest(2), Notes: []Note{{Kind: 1, Data: []byte("note")}}})
	mustSeal(t, s)
	mustAppend(t, s, batch(3, "b"))
	if err := s.Quarantine("x.chunk", strings.NewReader("unreadable")); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)

	v := mustInspect(t, dir)
	if len(v.Segments) != 2 || v.Segments[0].Last || !v.Segments[1].Last || len(v.Foreign) > 0 {
		t.Fatalf("segments %+v, foreign %v", v.Segments, v.Foreign)
	}
	if len(v.Done) != 1 || v.Done[0].Batches != 1 || v.Done[0].Damage != nil || v.Done[0].Seq == 0 || v.Done[0].Removed.IsZero() {
		t.Errorf("done %+v", v.Done)
	}
	if len(v.Quarantine) != 1 || v.Quarantine[0].Name() != "x.chunk" {
		t.Errorf("quarantine %v", v.Quarantine)
	}
	first, second := mustRead(t, v, v.Segments[0]), mustRead(t, v, v.Segments[1])
	if first.Batches() != 2 || first.NoteCount() != 1 || len(first.Streams) != 2 || len(first.Damage) > 0 {
		t.Errorf("first segment %+v", first)
	}
	if got := readStream(t, first.Streams[1]) + readStream(t, second.Streams[0]); got != lines("b", 1, 3) {
		t.Errorf("stream b %q", got)
	}
	if skimmed, err := v.Skim(v.Segments[0]); err != nil || skimmed.Batches() != 2 || skimmed.Streams[0].Records != 1 {
		t.Errorf("skimmed %+v, %v", skimmed, err)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("the directory was changed:\n%s\n%s", before, after)
	}
}

func TestInspectNeedsAStoreDir(t *testing.T) {
	t.Parallel()
	if _, err := Inspect(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("directory that is not there: %v", err)
	}
	if _, err := Inspect(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is no store_dir") {
		t.Errorf("other directory: %v", err)
	}
}

func TestInspectFindsDamage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(b []byte) []byte
		sealed bool   // whether it is done to the sealed segment, else to the last
		want   string // reason, "" for no damage
		at     int64
	}{
		{"header", func(b []byte) []byte { b[20] ^= 1; return b }, true, "segment header is damaged", 0},
		{"payload", func(b []byte) []byte { b[len(b)-2] ^= 1; return b }, true, "damaged on disk", 72},
		{"payload of the last", func(b []byte) []byte { b[len(b)-2] ^= 1; return b }, false, "damaged on disk", 72},
		{"sealed cut short", func(b []byte) []byte { return b[:len(b)-2] }, true, "damaged on disk", 72},
		{"append under way", func(b []byte) []byte { return b[:len(b)-2] }, false, "", 0},
		{"space not written yet", func(b []byte) []byte { return append(b, make([]byte, 5000)...) }, false, "", 0},
		{"nothing but its name yet", func([]byte) []byte { return nil }, false, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := mustOpen(t, dir, testOptions(nil))
			mustAppend(t, s, batch(0, "a"))
			mustSeal(t, s)
			mustAppend(t, s, batch(1, "a"))
			v := mustInspect(t, dir)
			seg := v.Segments[1]
			if test.sealed {
				seg = v.Segments[0]
			}
			b, err := os.ReadFile(seg.Path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(seg.Path, test.change(b), 0o600); err != nil {
				t.Fatal(err)
			}
			var damage []*CorruptError
			v = mustInspect(t, dir)
			for _, seg := range v.Segments {
				damage = append(damage, mustRead(t, v, seg).Damage...)
			}
			switch {
			case test.want == "" && len(damage) > 0:
				t.Errorf("damage %v", damage)
			case test.want == "":
			case len(damage) == 0 || damage[0].Reason != test.want || damage[0].Offset != test.at || damage[0].File != filepath.Base(seg.Path):
				t.Errorf("damage %v, want %q at %d", damage, test.want, test.at)
			}
		})
	}
}

func TestInspectFindsDamagedListOfDigests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, testOptions(nil))
	mustAppend(t, s, batch(0, "a"))
	mustRemove(t, s, mustLoad(t, s, mustSeal(t, s)))
	path := mustInspect(t, dir).Done[0].Path
	if err := os.WriteFile(path, []byte("SIEMDON?"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v := mustInspect(t, dir); len(v.Done) != 1 || v.Done[0].Damage == nil || v.Done[0].Damage.Length != 8 {
		t.Errorf("done %+v", v.Done)
	}
}

func TestInspectedSegmentMayGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, testOptions(nil))
	mustAppend(t, s, batch(0, "a"))
	c := mustLoad(t, s, mustSeal(t, s))
	v := mustInspect(t, dir)
	read := mustRead(t, v, v.Segments[0])
	mustRemove(t, s, c)
	if _, err := v.Read(v.Segments[0]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read: %v", err)
	}
	if _, err := read.Streams[0].Open(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
}

// Whatever a Spool does meanwhile, nothing of it looks like damage, and batches
// are seen whole.
func TestInspectBesideASpoolAtWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := testOptions(nil)
	o.SegmentBytes = 4 << 10
	s := mustOpen(t, dir, o)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 400 {
			if err := s.Append(batch(n, "a", "b")); err != nil {
				t.Error(err)
				return
			}
			for _, seg := range s.Sealed() {
				c, err := s.Load(seg)
				if err == nil {
					err = s.Remove(c)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	for looking := true; looking; {
		select {
		case <-done:
			looking = false
		default:
		}
		v := mustInspect(t, dir)
		if len(v.Foreign) > 0 {
			t.Fatalf("foreign %v", v.Foreign)
		}
		for _, d := range v.Done {
			if d.Damage != nil {
				t.Fatal(d.Damage)
			}
		}
		for _, seg := range v.Segments {
			inspectLive(t, v, seg)
		}
	}
}

func inspectLive(t *testing.T, v *View, seg SegmentFile) {
	t.Helper()
	c, err := v.Read(seg)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil || len(c.Damage) > 0 {
		t.Fatalf("damage %v, %v", c.Damage, err)
	}
	for _, st := range c.Streams {
		r, err := st.Open()
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil || strings.Count(string(b), "\n") != c.Batches() {
			t.Fatalf("%d batches, stream %q, %v", c.Batches(), b, err)
		}
	}
}

func TestReadOnlyFileSystemRefusesChanges(t *testing.T) {
	t.Parallel()
	var fsys fileSystem = readOnlyFS{osFS{}}
	path := filepath.Join(t.TempDir(), "x")
	_, createErr := fsys.create(path)
	_, editErr := fsys.edit(path)
	_, lockErr := fsys.lock(path)
	for _, err := range []error{createErr, editErr, lockErr, fsys.mkdirAll(path), fsys.rename(path, path), fsys.remove(path), fsys.syncDir(path)} {
		if !errors.Is(err, errReadOnly) {
			t.Errorf("%v, want %v", err, errReadOnly)
		}
	}
}
