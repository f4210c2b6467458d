package host

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// Status is what a flush returned. Fluent Bit takes any other value for Error.
type Status int

// The values of fluent-bit/flb_output.h.
const (
	Error Status = iota // the chunk is given up
	OK                  // the chunk is delivered
	Retry               // the chunk is to come again
)

// String is the name of the status in Fluent Bit, without FLB_.
func (s Status) String() string {
	switch s {
	case Error:
		return "ERROR"
	case OK:
		return "OK"
	case Retry:
		return "RETRY"
	}
	return fmt.Sprintf("Status(%d)", int(s))
}

// Result is the outcome of one flush.
type Result struct {
	Status Status
	Took   time.Duration // inside the plugin, in whole microseconds
}

// A Flight is a flush that has been sent.
type Flight struct {
	host   *Host
	result chan Result
}

// Send sends a chunk to an output of the running configuration and does not wait
// for its result. Nothing is retried: that is the caller's to do. An output that
// does not exist ends the host.
func (h *Host) Send(output, tag string, chunk []byte) (*Flight, error) {
	if !word.MatchString(output) {
		return nil, fmt.Errorf("output %q is not a word", output)
	}
	f := &Flight{host: h, result: make(chan Result, 1)}
	seq := h.flushes.add(f)
	head := fmt.Sprintf("flush %d %s %d %d\n%s", seq, output, len(tag), len(chunk), tag)
	if err := h.send(head, chunk); err != nil {
		h.flushes.take(seq)
		return nil, err
	}
	return f, nil
}

// Flush sends a chunk and waits for its result.
func (h *Host) Flush(ctx context.Context, output, tag string, chunk []byte) (Status, error) {
	f, err := h.Send(output, tag, chunk)
	if err != nil {
		return Error, err
	}
	r, err := f.Wait(ctx)
	return r.Status, err
}

// Wait waits for the result, which it gives once. Where the process ended before
// it answered, the error is io.ErrUnexpectedEOF.
func (f *Flight) Wait(ctx context.Context) (Result, error) {
	select {
	case r := <-f.result:
		return r, nil
	case <-f.host.Done():
	case <-ctx.Done():
		return Result{}, fmt.Errorf("result of a flush: %w", context.Cause(ctx))
	}
	select { // it may have come with the end
	case r := <-f.result:
		return r, nil
	default:
		return Result{}, f.host.ended(io.ErrUnexpectedEOF)
	}
}

// flushes are those without a result yet, by their number.
type flushes struct {
	mu   sync.Mutex
	last int
	open map[int]*Flight
}

func (f *flushes) add(flight *Flight) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		f.open = map[int]*Flight{}
	}
	f.last++
	f.open[f.last] = flight
	return f.last
}

func (f *flushes) take(seq int) *Flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	flight := f.open[seq]
	delete(f.open, seq)
	return flight
}

// settle reads "SEQ STATUS MICROSECONDS".
func (f *flushes) settle(line string) {
	var seq int
	var name string
	var micros int64
	if _, err := fmt.Sscan(line, &seq, &name, &micros); err != nil {
		return
	}
	flight := f.take(seq)
	if flight == nil {
		return
	}
	r := Result{Took: time.Duration(micros) * time.Microsecond}
	for _, s := range []Status{Error, OK, Retry} {
		if s.String() == name {
			r.Status = s
		}
	}
	flight.result <- r
}
