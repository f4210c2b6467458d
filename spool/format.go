package spool

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// All integers are little-endian. A segment is a header and batches:
//
//	segment header (72 bytes)
//	  0  magic "SIEMSEG", version (1 byte)
//	  8  sequence number, u64
//	 16  id, 16 random bytes
//	 32  creation time, Unix ns, i64
//	 40  id of the segment before, 16 bytes (zero: none known)
//	 56  committed length of the segment before, u64
//	 64  reserved
//	 68  CRC-32C of the 68 bytes before
//
// Its place and its CRC are the same in every version, so that a damaged header
// is told from one of a newer version. The file's name repeats sequence number
// and id, so a damaged header costs nothing. The length of the segment before
// voids what a failed append may have left at its end.
//
//	batch: head, then the payloads of its frames in their order
//	  0  magic "BTCH"
//	  4  CRC-32C of the segment id and of the 44 bytes from 8 on
//	  8  length of the batch, head and payloads, u64
//	 16  bytes of this segment that were durable before this batch was written, u64
//	 24  digest of the chunk, 16 bytes
//	 40  length of the head, u32
//	 44  frames, u16, and reserved, u16
//	 48  CRC-32C of the head from 52 on
//	 52  frame table, 36 bytes a frame, then the names and metadata of the streams
//
//	frame table entry
//	  0  kind, u8: 1 object bytes, 2 note
//	  1  kind of note, u8
//	  2  length of the stream's name, u16
//	  4  length of the stream's metadata, u32
//	  8  length of the payload, u32
//	 12  CRC-32C of the payload
//	 16  CRC-32 (IEEE) of the payload before compression
//	 20  records, u32
//	 24  length before compression, u64
//	 32  reserved
//
// The id in the batch's CRC keeps bytes of another segment, or of a log line
// that imitates a batch, from being taken for one. That this CRC covers 44 bytes
// only makes it cheap to tell so, whatever length is claimed.
const (
	segmentHeaderLen = 72
	batchHeaderLen   = 52
	frameEntryLen    = 36
	maxHeadLen       = 64 << 20

	frameObject = 1
	frameNote   = 2
)

var (
	segmentMagic = []byte("SIEMSEG\x01")
	batchMagic   = []byte("BTCH")
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
	le           = binary.LittleEndian
)

// Segment files end in segExt, what is left of them after removal in doneExt.
const (
	segExt  = ".seg"
	doneExt = ".done"
	tmpExt  = ".tmp"
)

// An ID identifies a segment wherever it is copied to.
type ID [16]byte

// String returns the ID in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

func segmentName(seq uint64, id ID) string { return fmt.Sprintf("%016x-%s", seq, id) }

// parseSegmentName reads what segmentName wrote, and nothing else.
func parseSegmentName(name string) (seq uint64, id ID, ok bool) {
	head, tail, _ := strings.Cut(name, "-")
	seq, err := strconv.ParseUint(head, 16, 64)
	if err != nil || len(tail) != hex.EncodedLen(len(id)) {
		return 0, ID{}, false
	}
	if _, err := hex.Decode(id[:], []byte(tail)); err != nil {
		return 0, ID{}, false
	}
	return seq, id, name == segmentName(seq, id)
}

type segmentHeader struct {
	seq     uint64
	id      ID
	created time.Time
	prev    ID
	prevLen int64
}

func (h *segmentHeader) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, segmentMagic...)
	dst = le.AppendUint64(dst, h.seq)
	dst = append(dst, h.id[:]...)
	dst = le.AppendUint64(dst, uint64(h.created.UnixNano()))
	dst = append(dst, h.prev[:]...)
	dst = le.AppendUint64(dst, uint64(h.prevLen))
	dst = le.AppendUint32(dst, 0)
	return le.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

var (
	errVersion = errors.New("segment was written by a newer version")
	errHeader  = errors.New("segment header is damaged")
)

func parseSegmentHeader(b []byte) (segmentHeader, error) {
	if len(b) < segmentHeaderLen || crc32.Checksum(b[:68], castagnoli) != le.Uint32(b[68:]) {
		return segmentHeader{}, errHeader
	}
	if string(b[:8]) != string(segmentMagic) {
		return segmentHeader{}, fmt.Errorf("%w (format %d)", errVersion, b[7])
	}
	return segmentHeader{
		seq:     le.Uint64(b[8:]),
		id:      ID(b[16:32]),
		created: time.Unix(0, int64(le.Uint64(b[32:]))).UTC(),
		prev:    ID(b[40:56]),
		prevLen: int64(min(le.Uint64(b[56:]), math.MaxInt64)),
	}, nil
}

// frame is an entry of a batch's frame table.
type frame struct {
	kind, note uint8
	name, meta []byte
	payload    int64 // length
	payloadCRC uint32
	rawCRC     uint32
	records    uint32
	raw        int64 // length before compression
}

// batchHead is a batch without its payloads.
type batchHead struct {
	length int64 // of the batch
	synced int64 // bytes of the segment that were durable before
	digest Digest
	frames []frame
}

// size returns the length of the head in bytes.
func (h *batchHead) size() int {
	n := batchHeaderLen
	for i := range h.frames {
		n += frameEntryLen + len(h.frames[i].name) + len(h.frames[i].meta)
	}
	return n
}

func (h *batchHead) hasNotes() bool {
	return slices.ContainsFunc(h.frames, func(f frame) bool { return f.kind == frameNote })
}

// append writes the head of a batch of segment id. It sets h.length from the frames.
func (h *batchHead) append(dst []byte, id *ID) []byte {
	start := len(dst)
	headLen := h.size()
	h.length = int64(headLen)
	for i := range h.frames {
		h.length += h.frames[i].payload
	}
	dst = slices.Grow(dst, headLen)
	dst = append(dst, batchMagic...)
	dst = le.AppendUint32(dst, 0)
	dst = le.AppendUint64(dst, uint64(h.length))
	dst = le.AppendUint64(dst, uint64(h.synced))
	dst = append(dst, h.digest[:]...)
	dst = le.AppendUint32(dst, uint32(headLen))
	dst = le.AppendUint16(dst, uint16(len(h.frames)))
	dst = le.AppendUint16(dst, 0)
	dst = le.AppendUint32(dst, 0)
	for i := range h.frames {
		dst = h.frames[i].append(dst)
	}
	for i := range h.frames {
		dst = append(dst, h.frames[i].name...)
		dst = append(dst, h.frames[i].meta...)
	}
	head := dst[start:]
	le.PutUint32(head[48:], crc32.Checksum(head[batchHeaderLen:], castagnoli))
	le.PutUint32(head[4:], headerCRC(head, id))
	return dst
}

func (f *frame) append(dst []byte) []byte {
	dst = append(dst, f.kind, f.note)
	dst = le.AppendUint16(dst, uint16(len(f.name)))
	dst = le.AppendUint32(dst, uint32(len(f.meta)))
	dst = le.AppendUint32(dst, uint32(f.payload))
	dst = le.AppendUint32(dst, f.payloadCRC)
	dst = le.AppendUint32(dst, f.rawCRC)
	dst = le.AppendUint32(dst, f.records)
	dst = le.AppendUint64(dst, uint64(f.raw))
	return le.AppendUint32(dst, 0)
}

func headerCRC(b []byte, id *ID) uint32 {
	return crc32.Update(crc32.Checksum(id[:], castagnoli), castagnoli, b[8:batchHeaderLen])
}

// parseHeader reads the first batchHeaderLen bytes of the head of a batch of
// segment id and returns the length of the head, or 0 if b is none.
func (h *batchHead) parseHeader(b []byte, id *ID) (headLen int) {
	if string(b[:4]) != string(batchMagic) || headerCRC(b, id) != le.Uint32(b[4:]) {
		return 0
	}
	h.length = int64(le.Uint64(b[8:]))
	h.synced = int64(le.Uint64(b[16:]))
	h.digest = Digest(b[24:40])
	headLen = int(le.Uint32(b[40:]))
	if headLen < batchHeaderLen || headLen > maxHeadLen || h.length < int64(headLen) {
		return 0
	}
	return headLen
}

// parse reads the whole head b, of which parseHeader read the start, and reports
// whether it is undamaged. The frames' names and metadata alias b.
func (h *batchHead) parse(b []byte) bool {
	n := int(le.Uint16(b[44:]))
	table, end := b[batchHeaderLen:], batchHeaderLen+n*frameEntryLen
	if crc32.Checksum(table, castagnoli) != le.Uint32(b[48:]) || end > len(b) {
		return false
	}
	strings := b[end:]
	want := int64(len(b))
	h.frames = h.frames[:0]
	for i := range n {
		e := table[i*frameEntryLen:]
		nameLen, metaLen := int(le.Uint16(e[2:])), int(le.Uint32(e[4:]))
		if nameLen+metaLen > len(strings) {
			return false
		}
		f := frame{
			kind: e[0], note: e[1],
			name: strings[:nameLen:nameLen], meta: strings[nameLen : nameLen+metaLen],
			payload: int64(le.Uint32(e[8:])), payloadCRC: le.Uint32(e[12:]),
			rawCRC: le.Uint32(e[16:]), records: le.Uint32(e[20:]),
			raw: int64(le.Uint64(e[24:])),
		}
		strings = strings[nameLen+metaLen:]
		want += f.payload
		h.frames = append(h.frames, f)
	}
	return len(strings) == 0 && want == h.length
}
