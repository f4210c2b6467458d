package formatter

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/klauspost/compress/flate"
)

// gzipDefaultLevel takes 1.6 times the CPU of level 1 and leaves a fifth less to
// store. Beyond it, CPU grows faster than objects shrink.
const gzipDefaultLevel = 5

// gzipHeader is that of RFC 1952 section 2.3: deflate, no flags, no time, no
// extra flags, unknown operating system. It is the same for every object, so
// that the same events make the same object.
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

// gzipFinalBlock is an empty deflate block with the final bit set and the fixed
// codes (RFC 1951 section 3.2.6): only the end-of-block code is in it.
var gzipFinalBlock = []byte{0x03, 0x00}

// gzipCodec makes objects of a single gzip member, as many readers stop after
// the first one. That is why batches are not members of their own: they are runs
// of deflate blocks, each ended at a byte boundary by a sync flush.
type gzipCodec struct{ level int }

func newGzip(level int) Codec {
	if level == 0 {
		level = gzipDefaultLevel
	}
	return gzipCodec{level}
}

func (gzipCodec) Name() string   { return "gzip" }
func (gzipCodec) Ext() string    { return "gz" }
func (gzipCodec) Header() []byte { return gzipHeader }

func (gzipCodec) Trailer(crc uint32, size int64) []byte {
	trailer := slices.Clone(gzipFinalBlock)
	trailer = binary.LittleEndian.AppendUint32(trailer, crc)
	return binary.LittleEndian.AppendUint32(trailer, uint32(size)) // ISIZE is modulo 2^32
}

func (c gzipCodec) NewCompressor() Compressor {
	d := new(deflater)
	w, err := flate.NewWriter(&d.out, c.level)
	if err != nil {
		panic(fmt.Sprintf("deflate level %d: %v", c.level, err)) // NewCodec let only valid levels pass
	}
	d.w = w
	return d
}

// deflater compresses all batches with one writer. What a small batch costs is
// its Huffman codes, not the reset: a writer without state would be no faster,
// and compress less.
type deflater struct {
	w   *flate.Writer
	out appender
}

func (d *deflater) Append(dst, raw []byte) ([]byte, error) {
	if len(raw) == 0 {
		return dst, nil
	}
	d.out.buf = dst
	defer func() { d.out.buf = nil }() // the batch is the caller's alone
	d.w.Reset(&d.out)
	if _, err := d.w.Write(raw); err != nil {
		return dst, fmt.Errorf("deflate: %w", err)
	}
	if err := d.w.Flush(); err != nil {
		return dst, fmt.Errorf("deflate: %w", err)
	}
	return d.out.buf, nil
}

// appender is a writer to the end of a slice.
type appender struct{ buf []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.buf = append(a.buf, p...)
	return len(p), nil
}
