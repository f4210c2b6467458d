package logs

import "sync"

// A batchPool keeps batches and buffers for their next use, so that how much
// memory is taken does not depend on how much is read.
type batchPool struct{ batches, buffers sync.Pool }

func (p *batchPool) get() *batch {
	if b, ok := p.batches.Get().(*batch); ok {
		return b
	}
	return new(batch)
}

// put takes back a batch whose lines nobody uses any more.
func (p *batchPool) put(b *batch) {
	b.text, b.lines, b.err = b.text[:0], b.lines[:0], nil
	p.batches.Put(b)
}

func (p *batchPool) getBuffer() []byte {
	if b, ok := p.buffers.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, batchSize)
}

// putBuffer takes back a buffer unless a long line made it large.
func (p *batchPool) putBuffer(b []byte) {
	if len(b) <= 4*batchSize {
		p.buffers.Put(&b)
	}
}
