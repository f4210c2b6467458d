package main

import (
	"io"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A progress is a bar on a terminal, and nothing elsewhere.
type progress struct {
	bars *mpb.Progress
	bar  *mpb.Bar
}

// newProgress shows how much of total is done, in bytes or pieces.
func newProgress(w io.Writer, what string, total int64, bytes bool) *progress {
	if !onTerminal(w) {
		return &progress{}
	}
	counter := decor.CountersNoUnit("%d / %d", decor.WCSyncSpace)
	if bytes {
		counter = decor.CountersKiloByte("% .1f / % .1f", decor.WCSyncSpace)
	}
	p := &progress{bars: mpb.New(mpb.WithOutput(w), mpb.WithWidth(48))}
	p.bar = p.bars.AddBar(total,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(what)),
		mpb.AppendDecorators(decor.Percentage(decor.WCSyncSpace), counter, decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace)),
	)
	return p
}

// add notes n more. It is safe for concurrent use.
func (p *progress) add(n int64) {
	if p.bar != nil {
		p.bar.IncrInt64(n)
	}
}

// stop removes the bar.
func (p *progress) stop() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
}
