// Package logs finds and reads what siem_s3 has stored in buckets: it lists the
// objects of a range of time, downloads them, and reads, filters, merges and
// counts the events in them.
//
// # Time
//
// An object holds what arrived in one window, whose start is in its key. An event
// happens before it arrives, mostly by seconds, but a device that was offline
// reports days late. So to find the events of a range by their own timestamps,
// objects are looked at whose windows meet the range widened by a slack, and of
// their events those are taken whose timestamps are in the range. An event that
// arrived later than the slack after it happened is not found.
package logs
