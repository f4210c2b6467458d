// Package spool is the durable log between Fluent Bit and its consumers: batches
// of opaque bytes, appended to segment files with one write and one fdatasync.
//
//	store_dir/
//	  LOCK                  flock: one process, one Spool per directory
//	  digest.key            seeds the digests of this directory
//	  <seq>-<id>.seg        segments; only the last one is appended to
//	  <seq>-<id>.done       what is left of a removed segment: its digests
//	  quarantine/           what could not be read, kept
//
// A batch is one chunk of Fluent Bit: the bytes that it adds to each stream, and
// notes for other consumers. A stream is one future object; its metadata is
// fixed when a segment first uses it and repeated in every batch, so that each
// batch can be read without the others.
//
// # Crash safety
//
// Append returns nil only after fdatasync, so an acknowledged batch survives a
// crash and a power loss. A batch that was not acknowledged is whole on disk or
// not there after Open; Fluent Bit sends its chunk again, and Known recognises the
// one that is whole by its digest. What is behind the last whole batch of the last
// segment is cut if it can only be an append that was never finished: a batch that
// the file is too short for, or zeros. Anything else there counts as damage.
//
// An append that failed is cut from its segment, which is then sealed. If it
// cannot be cut, the header of the next segment voids it, and that segment is not
// removed before it is cut.
//
// Remove first makes the digests durable in a .done file, then deletes the
// segment: Open completes a removal that was interrupted between the two.
//
// Damage costs the batches that it hits and no other: their bytes are copied to
// quarantine, and Load says where they were.
//
// All this rests on a disk that keeps what it has synced, and on a file system
// that renames at once or not at all.
package spool
