package pipeline

import (
	"bytes"
	"io"
	"testing"

	"siem-s3/spool"
)

func TestWaitingObjectIsWhatTheBucketGets(t *testing.T) {
	t.Parallel()
	b := &memory{}
	o := options(t, b)
	p := open(t, o)
	write(t, p, "app", devices(0, 20))
	write(t, p, "app", devices(20, 40))
	view, err := spool.Inspect(o.StoreDir)
	if err != nil || len(view.Segments) != 1 {
		t.Fatalf("%d segments, %v", len(view.Segments), err)
	}
	c, err := view.Read(view.Segments[0])
	if err != nil || len(c.Streams) != 1 || len(c.Damage) > 0 {
		t.Fatalf("%d streams, damage %v, %v", len(c.Streams), c.Damage, err)
	}
	w, err := NewWaitingObject(c.Segment, c.Streams[0])
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	p.Start()
	finish(t, p)
	if got := b.objects[w.Key]; !bytes.Equal(got.body, body) || got.contentType != w.ContentType || int64(len(body)) != w.Size {
		t.Errorf("%s: the bucket has %d bytes, %d were waiting", w.Key, len(got.body), len(body))
	}
}

func TestStreamOfAnotherProgramIsNoWaitingObject(t *testing.T) {
	t.Parallel()
	meta := []byte(`{"key":"k","content_type":"text/plain","compression":"none"}`)
	for _, st := range []*spool.Stream{
		{Name: "0", Meta: []byte("no JSON")},
		{Name: "", Meta: meta},
		{Name: "account", Meta: meta},
	} {
		if _, err := NewWaitingObject(spool.Segment{}, st); err == nil {
			t.Errorf("stream %q with metadata %q is taken", st.Name, st.Meta)
		}
	}
}
