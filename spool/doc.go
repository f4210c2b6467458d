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
// crash and a power loss. A batch that was not acknowledged is either whole on
// disk or cut on Open; Fluent Bit sends its chunk again, and Known recognises the
// one that is whole by its digest. Remove first makes the digests durable in a
// .done file, then deletes the segment: Open completes a removal that was
// interrupted between the two.
//
// Damage in the middle of a segment (a batch that was acknowledged and cannot
// be read any more) costs that batch alone: its bytes move to quarantine.
package spool
