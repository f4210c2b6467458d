package logs

import (
	"cmp"
	"time"

	"siem-s3/event"
)

// An Object is one of a bucket that holds events, as a listing and its key tell.
type Object struct {
	Source   *Source
	Key      string
	ETag     string
	Size     int64 // bytes, compressed
	Modified time.Time

	// Category is what its events are, if the key says it: see CategoryName.
	Category    event.Category
	categorized bool
	// Window is when its events arrived, as exactly as the key tells.
	Window Span
	// Format is json or log, Compression gz, zst or "".
	Format, Compression string

	begin  time.Time // the best guess at the window's start
	events Span      // when its events happened, zero if the key does not tell
}

// CategoryName returns the category, "-" if the key does not tell it.
func (o *Object) CategoryName() string {
	if !o.categorized {
		return "-"
	}
	return o.Category.String()
}

// compare orders objects by the start of their windows, then by bucket and key,
// so that the order is the same every time.
func compare(a, b *Object) int {
	return cmp.Or(a.begin.Compare(b.begin), cmp.Compare(a.Source.number, b.Source.number), cmp.Compare(a.Key, b.Key))
}
