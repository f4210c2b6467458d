package formatter

import (
	"time"

	"siem-s3/event"
	"siem-s3/record"
)

// A Rejected is a record that could not be made an event, kept whole.
type Rejected struct {
	ReceivedAt time.Time
	// Reason is one of a few fixed phrases, to count by; Detail says what it was
	// in this record, and may be empty.
	Reason, Detail string
	// Tag is Fluent Bit's, which may hold any bytes.
	Tag string
	// Record is one MessagePack value, well formed.
	Record []byte
}

// AppendRejected appends r to dst as a JSON object on a line of its own, ended
// by LF, with the keys received_at, reason, detail, tag and record. It is the
// form of rejected records whatever the format of events is.
func AppendRejected(dst []byte, r *Rejected) []byte {
	dst = append(dst, `{"received_at":"`...)
	dst = event.AppendTimestamp(dst, r.ReceivedAt)
	dst = append(dst, `","reason":`...)
	dst = record.AppendQuoted(dst, []byte(r.Reason))
	dst = append(dst, `,"detail":`...)
	dst = record.AppendQuoted(dst, []byte(r.Detail))
	dst = append(dst, `,"tag":`...)
	dst = record.AppendQuoted(dst, []byte(r.Tag))
	dst = append(dst, `,"record":`...)
	dst = record.AppendJSON(dst, r.Record)
	return append(dst, "}\n"...)
}
