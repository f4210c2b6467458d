package formatter

import "fmt"

// A Codec is a way of compressing objects. The body of an object is Header, the
// results of any number of Append calls of its Compressors, in any order, and
// Trailer. A Codec is safe for concurrent use.
type Codec interface {
	// Name is what NewCodec knows the codec by.
	Name() string
	// Ext is the last part of an object's name, without its dot: "gz", "zst", or
	// "" when there is none to add.
	Ext() string
	// NewCompressor returns a Compressor, which is meant to be kept. It holds 1 MB
	// for gzip, 5 to 13 MB for zstd, and 43 MB at zstd's slowest speed.
	NewCompressor() Compressor
	// Header returns what the body begins with. It is shared: do not change it.
	Header() []byte
	// Trailer returns what ends a body that holds size uncompressed bytes, of
	// which crc is the IEEE CRC-32.
	Trailer(crc uint32, size int64) []byte
}

// A Compressor compresses batches, each on its own: no batch refers to another,
// so the results of several Compressors can be put together. It is not safe for
// concurrent use.
type Compressor interface {
	// Append appends raw to dst, compressed. It adds nothing for an empty raw.
	Append(dst, raw []byte) ([]byte, error)
}

// NewCodec returns the codec of that name, "gzip", "zstd" or "none". Level 0 is
// the codec's default.
//
//   - gzip has the levels 1 (fastest) to 9 (smallest); 5 is the default.
//   - zstd has the levels 1 to 22, of which there are four speeds: 1 and 2, the
//     default; 3 to 5; 6 to 9; 10 and more.
//   - none has no level.
func NewCodec(name string, level int) (Codec, error) {
	var highest int
	var build func(level int) Codec
	switch name {
	case "gzip":
		highest, build = 9, newGzip
	case "zstd":
		highest, build = 22, newZstd
	case "none":
		if level != 0 {
			return nil, fmt.Errorf("compression level %d: none has no levels, only 0 is allowed", level)
		}
		return none{}, nil
	default:
		return nil, fmt.Errorf("compression %q: gzip, zstd and none are allowed", name)
	}
	if level < 0 || level > highest {
		return nil, fmt.Errorf("compression level %d: %s allows 1 to %d, or 0 for its default", level, name, highest)
	}
	return build(level), nil
}

// none leaves batches as they are.
type none struct{}

func (none) Name() string                           { return "none" }
func (none) Ext() string                            { return "" }
func (none) NewCompressor() Compressor              { return none{} }
func (none) Header() []byte                         { return nil }
func (none) Trailer(uint32, int64) []byte           { return nil }
func (none) Append(dst, raw []byte) ([]byte, error) { return append(dst, raw...), nil }
