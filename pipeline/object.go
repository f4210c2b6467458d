package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"siem-s3/formatter"
	"siem-s3/spool"
)

// streamMeta is what a segment keeps of a stream: all that must be the same
// however often its object is put, whatever the settings are by then.
type streamMeta struct {
	Key         string `json:"key"`
	ContentType string `json:"content_type"`
	Compression string `json:"compression"`
}

// An object is a stream as the bucket gets it.
type object struct {
	key     string
	renamed int // how often
	meta    streamMeta
	size    int64 // bytes
	segment spool.ID
	stream  *spool.Stream

	header, trailer []byte
}

func newObject(seg spool.Segment, st *spool.Stream) (*object, error) {
	o := &object{segment: seg.ID, stream: st}
	if err := json.Unmarshal(st.Meta, &o.meta); err != nil {
		return nil, fmt.Errorf("read the metadata of a stream: %w", err)
	}
	codec, err := formatter.NewCodec(o.meta.Compression, 0)
	if err != nil {
		return nil, fmt.Errorf("read the metadata of a stream: %w", err)
	}
	o.key = o.meta.Key
	o.header = codec.Header()
	o.trailer = codec.Trailer(st.RawCRC, st.RawLen)
	o.size = int64(len(o.header)) + st.Size + int64(len(o.trailer))
	return o, nil
}

// rename gives o another key, as something else has its own. The keys that it
// gets one after the other are the same after a restart.
func (o *object) rename() {
	o.renamed++
	o.key = extendKey(o.meta.Key, "-"+strconv.Itoa(o.renamed+1))
}

// tags are the object's own metadata in the bucket. With them an object that is
// there already is recognised as this one.
func (o *object) tags() map[string]string {
	return map[string]string{
		"siem-segment": o.segment.String(),
		"siem-records": strconv.Itoa(o.stream.Records),
		"siem-bytes":   strconv.FormatInt(o.stream.RawLen, 10),
	}
}

// open returns the object's body.
func (o *object) open() (io.ReadSeekCloser, error) {
	r, err := o.stream.Open()
	if err != nil {
		return nil, err
	}
	return &body{object: o, stream: r}, nil
}

// body is the header, the stream and the trailer of an object, one after the
// other.
type body struct {
	object *object
	stream io.ReadSeekCloser
	pos    int64
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (n int, err error) {
	head := int64(len(b.object.header))
	tail := head + b.object.stream.Size
	switch {
	case b.pos < head:
		n = copy(p, b.object.header[b.pos:])
	case b.pos < tail:
		if _, err := b.stream.Seek(b.pos-head, io.SeekStart); err != nil {
			return 0, err
		}
		n, err = b.stream.Read(p) // to its end, but no EOF before that
	case b.pos < b.object.size:
		n = copy(p, b.object.trailer[b.pos-tail:])
	default:
		return 0, io.EOF
	}
	b.pos += int64(n)
	return n, err
}

// Seek implements io.Seeker.
func (b *body) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += b.pos
	case io.SeekEnd:
		offset += b.object.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of an object")
	}
	b.pos = offset
	return offset, nil
}

// Close implements io.Closer.
func (b *body) Close() error { return b.stream.Close() }

// extendKey returns key with mark before its extensions.
func extendKey(key, mark string) string {
	name := strings.LastIndexByte(key, '/') + 1
	if dot := strings.IndexByte(key[name:], '.'); dot >= 0 {
		return key[:name+dot] + mark + key[name+dot:]
	}
	return key + mark
}
