package logs

import "io"

// What a sorter holds at most.
const (
	sortLines = 32 << 10
	sortBytes = 16 << 20
)

// A sorter puts lines in the order of their times among the 32,768 (or 16 MB, if
// they are long) that follow each, and writes them. Lines of the same time stay
// in the order in which they came.
type sorter struct {
	w     io.Writer
	heap  []sorted
	free  [][]byte // what held lines that are written
	bytes int
	count uint64
}

// A sorted is a line in the heap of a sorter.
type sorted struct {
	at    int64
	order uint64
	text  []byte
}

func (a *sorted) before(b *sorted) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// add takes a copy of a line, and writes the earliest of those that it holds if
// they are too many.
func (s *sorter) add(at int64, text []byte) error {
	for len(s.heap) == sortLines || len(s.heap) > 0 && s.bytes+len(text) > sortBytes {
		if err := s.writeFirst(); err != nil {
			return err
		}
	}
	var hold []byte
	if n := len(s.free); n > 0 {
		hold, s.free = s.free[n-1], s.free[:n-1]
	}
	s.bytes += len(text)
	s.count++
	s.heap = append(s.heap, sorted{at, s.count, append(hold, text...)})
	i := len(s.heap) - 1
	for i > 0 && s.heap[i].before(&s.heap[(i-1)/2]) {
		s.heap[i], s.heap[(i-1)/2] = s.heap[(i-1)/2], s.heap[i]
		i = (i - 1) / 2
	}
	return nil
}

// keepHold is the longest line whose memory is used again.
const keepHold = 1 << 10

func (s *sorter) writeFirst() error {
	text := s.heap[0].text
	_, err := s.w.Write(text)
	s.bytes -= len(text)
	if cap(text) <= keepHold {
		s.free = append(s.free, text[:0])
	}
	last := len(s.heap) - 1
	moved := s.heap[last]
	s.heap[last] = sorted{}
	s.heap = s.heap[:last]
	if last > 0 {
		s.sink(moved)
	}
	return err
}

// sink puts a line into the heap whose first place is empty.
func (s *sorter) sink(moved sorted) {
	h, i := s.heap, 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if right := child + 1; right < len(h) && h[right].before(&h[child]) {
			child = right
		}
		if !h[child].before(&moved) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = moved
}

// flush writes what is left.
func (s *sorter) flush() error {
	for len(s.heap) > 0 {
		if err := s.writeFirst(); err != nil {
			return err
		}
	}
	return nil
}
