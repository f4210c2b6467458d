package spool

import (
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// countingFS counts the syncs of files.
type countingFS struct {
	osFS
	syncs atomic.Int64
}

type countingFile struct {
	file
	fs *countingFS
}

func (c *countingFS) create(path string) (file, error) {
	f, err := c.osFS.create(path)
	return countingFile{f, c}, err
}

func (f countingFile) sync() error {
	f.fs.syncs.Add(1)
	return f.file.sync()
}

// benchBatch returns a batch of two streams and size bytes in all.
func benchBatch(size int) *Batch {
	rng := rand.New(rand.NewPCG(1, 1))
	b := &Batch{}
	for _, stream := range []string{"device 2026-11-22 08", "account 2026-11-22 08"} {
		payload := randomBytes(rng, size/2)
		b.Objects = append(b.Objects, Object{
			Stream: stream, Payload: payload, Records: size / 300,
			RawLen: int64(len(payload)), RawCRC: crc32.ChecksumIEEE(payload),
		})
	}
	return b
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{2 << 10, 64 << 10, 400 << 10} {
		for _, goroutines := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("size=%dK/goroutines=%d", size>>10, goroutines), func(b *testing.B) {
				counts := &countingFS{}
				s := mustOpen(b, b.TempDir(), benchOptions(counts))
				batch := benchBatch(size)
				mustAppend(b, s, batch)
				counts.syncs.Store(0)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				b.ResetTimer()
				var next atomic.Int64
				var wg sync.WaitGroup
				for range goroutines {
					wg.Go(func() {
						for next.Add(1) <= int64(b.N) {
							if err := s.Append(batch); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				b.ReportMetric(float64(counts.syncs.Load())/float64(b.N), "syncs/op")
			})
		}
	}
}

func benchOptions(fsys fileSystem) Options {
	o := testOptions(fsys)
	o.MaxBytes, o.SegmentBytes = 1<<40, 1<<40
	return o
}

// fillStore makes a directory of 256 MB, of batches of that size.
func fillStore(b *testing.B, size int) (dir string, total int64) {
	b.Helper()
	dir = b.TempDir()
	o := benchOptions(unsyncedFS{})
	o.SegmentBytes = 50 << 20
	s := mustOpen(b, dir, o)
	batch := benchBatch(size)
	for total < 256<<20 {
		mustAppend(b, s, batch)
		total += int64(size)
	}
	mustClose(b, s)
	return dir, total
}

// unsyncedFS makes a large directory quickly.
type unsyncedFS struct{ osFS }

type unsyncedFile struct{ file }

func (u unsyncedFS) create(path string) (file, error) {
	f, err := u.osFS.create(path)
	return unsyncedFile{f}, err
}

func (unsyncedFile) sync() error { return nil }

func BenchmarkOpen(b *testing.B) {
	for _, size := range []int{2 << 10, 64 << 10, 400 << 10} {
		b.Run(fmt.Sprintf("size=%dK", size>>10), func(b *testing.B) {
			dir, total := fillStore(b, size)
			b.SetBytes(total)
			b.ResetTimer()
			for b.Loop() {
				s, err := Open(dir, benchOptions(nil))
				if err != nil {
					b.Fatal(err)
				}
				mustClose(b, s)
			}
		})
	}
}

func BenchmarkOpenOfManySegments(b *testing.B) {
	dir := b.TempDir()
	o := benchOptions(unsyncedFS{})
	s := mustOpen(b, dir, o)
	for n := range 10_000 {
		mustAppend(b, s, batch(n, "a"))
		if err := s.Seal(); err != nil {
			b.Fatal(err)
		}
	}
	mustClose(b, s)
	b.ResetTimer()
	for b.Loop() {
		s, err := Open(dir, o)
		if err != nil {
			b.Fatal(err)
		}
		mustClose(b, s)
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, size := range []int{2 << 10, 400 << 10} {
		b.Run(fmt.Sprintf("size=%dK", size>>10), func(b *testing.B) {
			dir, _ := fillStore(b, size)
			s := mustOpen(b, dir, benchOptions(nil))
			seg := s.Sealed()[0]
			b.SetBytes(seg.size)
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				mustLoad(b, s, seg)
			}
		})
	}
}

func BenchmarkReadStream(b *testing.B) {
	dir, _ := fillStore(b, 64<<10)
	s := mustOpen(b, dir, benchOptions(nil))
	st := mustLoad(b, s, s.Sealed()[0]).Streams[0]
	b.SetBytes(st.Size)
	b.ReportAllocs()
	for b.Loop() {
		r, err := st.Open()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
