package s3

import (
	"net/http"
	"strings"
)

// A dialect is which of the two headers that make Put safe a server understands.
// Both were added to S3 late, If-None-Match in 2024 and x-amz-checksum-* in 2022.
type dialect struct {
	conditional bool // If-None-Match: *
	checksum    bool // x-amz-checksum-*
}

// dialects are tried in this order. Neither header is indispensable: a key is
// only ever given the same bytes, and without a checksum the body is signed.
var dialects = [...]dialect{{true, true}, {false, true}, {true, false}, {}}

// uses reports whether d has any header of x.
func (d dialect) uses(x dialect) bool {
	return d.conditional && x.conditional || d.checksum && x.checksum
}

// learn notes in d which header e refuses, and reports whether e may be such a
// refusal at all. These are known:
//
//   - 501 NotImplemented, "A header you provided implies functionality that is
//     not implemented", for If-None-Match by Backblaze B2 and by Amazon S3 itself
//     before 2024. It names no header, so that the other dialects must be tried.
//   - 400 InvalidArgument, "Unsupported header 'x-amz-checksum-crc32' received
//     for this API call", by Backblaze B2.
//   - 400 XAmzContentSHA256Mismatch by Ceph and old MinIO, which mix the checksum
//     up with the signature's.
//
// Many older servers ignore what they do not know, which is as good.
func (d *dialect) learn(e *Error) bool {
	text := strings.ToLower(e.text())
	switch {
	case e.Code == "XAmzContentSHA256Mismatch",
		refusal(e) && strings.Contains(text, "x-amz-checksum"):
		d.checksum = true
	case refusal(e) && strings.Contains(text, "if-none-match"):
		d.conditional = true
	case e.Status == http.StatusNotImplemented, e.Code == "NotImplemented":
	default:
		return false
	}
	return true
}

// refusal reports whether the server said no to the request as such, and not to
// a body that a checksum found damaged.
func refusal(e *Error) bool {
	return e.kind == misconfigured && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotImplemented)
}

// adopt remembers the first dialect that the server accepted, once.
func (b *Bucket) adopt(i int32) {
	was := b.dialect.Load()
	if i <= was || !b.dialect.CompareAndSwap(was, i) {
		return
	}
	if dialects[was].conditional && !dialects[i].conditional {
		b.options.OnNotice("the server refuses conditional writes (If-None-Match): objects are written without, and written again after a lost answer")
	}
	if dialects[was].checksum && !dialects[i].checksum {
		b.options.OnNotice("the server refuses checksums (x-amz-checksum-" + b.options.Checksum + "): the signature's SHA-256 protects objects instead")
	}
}
