package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

const (
	// batchSize is how much text is handed on at once.
	batchSize = 128 << 10
	// maxLine is far beyond what Fluent Bit lets through.
	maxLine = 64 << 20
)

// eachLine reads an object and calls f with each of its lines, without their
// ends. buf is where they are read into; a larger one is returned if it was needed.
func eachLine(ctx context.Context, o *Object, buf []byte, f func(line []byte) error) (_ []byte, err error) {
	stored := &content{ctx: ctx, object: o}
	defer stored.Close()
	r, done, err := text(o.Compression, stored)
	defer done()
	if err != nil {
		return buf, err
	}
	return cutLines(r, buf, f)
}

// cutLines is eachLine for a text.
func cutLines(r io.Reader, buf []byte, f func(line []byte) error) ([]byte, error) {
	n := 0 // bytes of buf that are not cut yet
	for {
		if n == len(buf) {
			if n >= maxLine {
				return buf, fmt.Errorf("a line of more than %d MB", maxLine>>20)
			}
			buf = append(buf, make([]byte, max(batchSize, n))...)
		}
		m, err := io.ReadAtLeast(r, buf[n:], 1)
		n += m
		start := 0
		for {
			i := bytes.IndexByte(buf[start:n], '\n')
			if i < 0 {
				break
			}
			if err := f(buf[start : start+i]); err != nil {
				return buf, err
			}
			start += i + 1
		}
		n = copy(buf, buf[start:n])
		if err == io.EOF {
			if n > 0 {
				err = f(buf[:n]) // the last line has no end
			} else {
				err = nil
			}
			return buf, err
		}
		if err != nil {
			return buf, err
		}
	}
}

// A batch is lines of one object as they are printed, without their ends, one
// after the other in text.
type batch struct {
	text  []byte
	lines []line
	err   error // of the object, after these lines
}

// A line is one of a batch.
type line struct {
	at       int64 // milliseconds since 1970
	from, to int
}

// A printing says which events are printed, and how.
type printing struct {
	from, until int64 // milliseconds since 1970; the end is not in it
	filter      *Filter
	// format appends an entry to dst, without an end of line.
	format func(dst []byte, e *Entry) []byte
	// as is the extension of objects whose lines are printed as they are, if
	// nothing else asks for reading them.
	as string
}

// produce reads an object and hands its events on, in batches from free. The last
// batch has the object's error. Lines that can't be read are reported to bad.
func (p *printing) produce(ctx context.Context, o *Object, out chan<- *batch, free *batchPool, bad func(o *Object, number int, err error)) {
	defer close(out)
	reader := newLineReader(o.Format)
	asIs := o.Format == p.as && p.filter.all()
	var e Entry
	b, number := free.get(), 0
	buf, err := eachLine(ctx, o, free.getBuffer(), func(text []byte) error {
		number++
		at, err := p.look(reader, text, asIs, &e)
		if err != nil {
			bad(o, number, err)
			return nil
		}
		if at < p.from || at >= p.until || !asIs && !p.filter.match(&e) {
			return nil
		}
		start := len(b.text)
		if asIs {
			b.text = append(b.text, text...)
		} else {
			b.text = p.format(b.text, &e)
		}
		b.lines = append(b.lines, line{at, start, len(b.text)})
		if len(b.text) < batchSize {
			return nil
		}
		select {
		case out <- b:
			b = free.get()
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	free.putBuffer(buf)
	b.err = err
	select {
	case out <- b:
	case <-ctx.Done():
	}
}

// look returns the time of a line and, unless lines are printed as they are and
// unread, makes *e its entry if the time is one that is wanted.
func (p *printing) look(r lineReader, text []byte, asIs bool, e *Entry) (at int64, err error) {
	at, ok := r.time(text)
	if ok && (asIs || at < p.from || at >= p.until) {
		return at, nil
	}
	if err := r.read(text, e); err != nil {
		return 0, err
	}
	return e.Time.UnixMilli(), nil
}
