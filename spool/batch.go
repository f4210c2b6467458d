package spool

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/zeebo/xxh3"
)

// A Digest recognises a chunk that Fluent Bit sends again.
type Digest [16]byte

// Digest returns the digest of a chunk and its tag. It is keyed with a secret of
// the directory, against chunks that were made to pass for one another.
func (s *Spool) Digest(tag string, chunk []byte) Digest {
	seed := xxh3.HashStringSeed(tag, s.key)
	return xxh3.Hash128Seed(chunk, seed).Bytes()
}

// A Batch is what one chunk adds to the log, together or not at all.
type Batch struct {
	Digest  Digest
	Objects []Object
	Notes   []Note
}

// An Object is what a batch adds to one stream.
type Object struct {
	// Stream names the stream among those of its segment; at most 65,535 bytes.
	// Objects of the same stream follow one another in it.
	Stream string
	// Payload is appended to the stream as it is; at most 4 GiB - 1.
	Payload []byte
	// Records, RawLen and RawCRC describe the payload before compression: its
	// number of records, its length in bytes and its IEEE CRC-32.
	Records int
	RawLen  int64
	RawCRC  uint32
}

// A Note is a message to another consumer of the log than the object store. The
// spool keeps it, and hands it back on recovery.
type Note struct {
	Kind uint8
	Data []byte
}

// A Position orders the batches of a directory.
type Position struct {
	Seq    uint64 // of the segment
	Offset int64  // in bytes, of the batch in its segment
}

// Before reports whether p is earlier in the log than q.
func (p Position) Before(q Position) bool {
	return p.Seq < q.Seq || p.Seq == q.Seq && p.Offset < q.Offset
}

// pending is a batch on its way into a segment.
type pending struct {
	batch *Batch
	crcs  []uint32 // CRC-32C of each payload, objects first
	size  int64    // in the log, without the metadata of streams
	done  bool     // guarded by Spool.commit, like err
	err   error    // errUnsettled until the batch is durable or refused
}

// errUnsettled stays if Options.Describe or Options.Committed panics.
var errUnsettled = errors.New("append was given up half-way")

func newPending(b *Batch) (*pending, error) {
	frames := len(b.Objects) + len(b.Notes)
	if frames > math.MaxUint16 {
		return nil, fmt.Errorf("batch of %d frames: at most %d fit", frames, math.MaxUint16)
	}
	p := &pending{batch: b, crcs: make([]uint32, 0, frames), size: batchHeaderLen, err: errUnsettled}
	for i := range b.Objects {
		o := &b.Objects[i]
		if len(o.Stream) > math.MaxUint16 {
			return nil, fmt.Errorf("stream name of %d bytes: at most %d fit", len(o.Stream), math.MaxUint16)
		}
		if o.Records < 0 || o.Records > math.MaxUint32 || o.RawLen < 0 {
			return nil, fmt.Errorf("object of %d records and %d bytes: out of range", o.Records, o.RawLen)
		}
		if err := p.add(o.Stream, o.Payload); err != nil {
			return nil, err
		}
	}
	for i := range b.Notes {
		if err := p.add("", b.Notes[i].Data); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *pending) add(stream string, payload []byte) error {
	if len(payload) > math.MaxUint32 {
		return fmt.Errorf("payload of %d bytes: at most %d fit", len(payload), math.MaxUint32)
	}
	p.crcs = append(p.crcs, crc32.Checksum(payload, castagnoli))
	p.size += int64(frameEntryLen + len(stream) + len(payload))
	return nil
}

// head describes p for the open segment, whose streams give the metadata.
func (p *pending) head(seg *openSegment) batchHead {
	h := batchHead{synced: seg.size, digest: p.batch.Digest, frames: make([]frame, 0, len(p.crcs))}
	for i := range p.batch.Objects {
		o := &p.batch.Objects[i]
		h.frames = append(h.frames, frame{
			kind: frameObject, name: []byte(o.Stream), meta: seg.streams[o.Stream],
			payload: int64(len(o.Payload)), payloadCRC: p.crcs[i],
			rawCRC: o.RawCRC, raw: o.RawLen, records: uint32(o.Records),
		})
	}
	for i := range p.batch.Notes {
		n := &p.batch.Notes[i]
		h.frames = append(h.frames, frame{
			kind: frameNote, note: n.Kind,
			payload: int64(len(n.Data)), payloadCRC: p.crcs[len(p.batch.Objects)+i],
		})
	}
	return h
}
