package spool

import (
	"hash/crc32"
	"testing"

	"pgregory.net/rapid"
)

func TestCombinedCRCIsThatOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "parts")
		var whole []byte
		var crc uint32
		for _, part := range parts {
			whole = append(whole, part...)
			crc = combineCRC32(crc, crc32.ChecksumIEEE(part), int64(len(part)))
		}
		if want := crc32.ChecksumIEEE(whole); crc != want {
			t.Errorf("got %08x, want %08x", crc, want)
		}
	})
}

// Lengths take every power of two, up to objects beyond 4 GiB.
func TestCombinedCRCOfLongParts(t *testing.T) {
	highest := 33
	if testing.Short() {
		highest = 26
	}
	block := make([]byte, 1<<16)
	head := crc32.ChecksumIEEE([]byte("head"))
	whole, tail := head, uint32(0) // CRCs with and without the head
	length := 0
	for n := range highest + 1 {
		for length < 1<<n {
			part := block[:min(1<<n-length, len(block))]
			whole = crc32.Update(whole, crc32.IEEETable, part)
			tail = crc32.Update(tail, crc32.IEEETable, part)
			length += len(part)
		}
		if got := combineCRC32(head, tail, int64(length)); got != whole {
			t.Errorf("2^%d bytes: got %08x, want %08x", n, got, whole)
		}
	}
}

func BenchmarkCombineCRC32(b *testing.B) {
	crc := crc32.ChecksumIEEE([]byte("batch"))
	for b.Loop() {
		crc = combineCRC32(crc, 0x12345678, 1_234_567)
	}
}
