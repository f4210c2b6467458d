package pipeline

import (
	"fmt"
	"io"

	"siem-s3/event"
	"siem-s3/spool"
)

// A WaitingObject is a stream of a segment as the bucket will get it, for those
// who look at store_dir beside a Pipeline.
type WaitingObject struct {
	// Key is the object's. It will get another one if that is taken by then.
	Key         string
	Category    event.Category
	ContentType string
	Compression string // what formatter.NewCodec knows it by
	Size        int64  // bytes

	object *object
}

// NewWaitingObject returns the object of a stream. An error says that its
// metadata is not that of a Pipeline.
func NewWaitingObject(seg spool.Segment, st *spool.Stream) (*WaitingObject, error) {
	o, err := newObject(seg, st)
	if err != nil {
		return nil, err
	}
	if st.Name == "" || streamCategory(st.Name) > event.Rejected {
		return nil, fmt.Errorf("stream %q is of no category", st.Name)
	}
	return &WaitingObject{
		Key: o.key, Category: streamCategory(st.Name), ContentType: o.meta.ContentType,
		Compression: o.meta.Compression, Size: o.size, object: o,
	}, nil
}

// Open returns the object's body, byte for byte what would be uploaded.
func (w *WaitingObject) Open() (io.ReadSeekCloser, error) { return w.object.open() }
