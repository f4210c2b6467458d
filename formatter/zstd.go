package formatter

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// zstdEmptyFrame is a frame without content (RFC 8878 section 3.1.1): a window
// of 1 KB and one empty raw block, the last. An object that holds nothing needs
// it, as no bytes at all are not zstd.
var zstdEmptyFrame = []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00, 0x01, 0x00, 0x00}

// zstdCodec makes objects of one frame a batch, which decompress as one stream
// (RFC 8878 section 3).
type zstdCodec struct{ speed zstd.EncoderLevel }

func newZstd(level int) Codec {
	return zstdCodec{zstd.EncoderLevelFromZstd(level)} // 0 is the fastest, too
}

func (zstdCodec) Name() string   { return "zstd" }
func (zstdCodec) Ext() string    { return "zst" }
func (zstdCodec) Header() []byte { return nil }

// Trailer has nothing to add to frames, which carry sizes and checksums of their own.
func (zstdCodec) Trailer(_ uint32, size int64) []byte {
	if size == 0 {
		return zstdEmptyFrame
	}
	return nil
}

func (c zstdCodec) NewCompressor() Compressor {
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(c.speed),
		zstd.WithEncoderConcurrency(1), // a Compressor is one worker's
		zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(fmt.Sprintf("zstd encoder: %v", err)) // its options are constants
	}
	return zstdCompressor{enc}
}

type zstdCompressor struct{ enc *zstd.Encoder }

func (c zstdCompressor) Append(dst, raw []byte) ([]byte, error) {
	if len(raw) == 0 {
		return dst, nil
	}
	return c.enc.EncodeAll(raw, dst), nil
}
