// Package pipeline wires the stages together: a chunk is decoded, mapped,
// formatted and compressed on the goroutine of the caller, and is in the spool
// when Write returns; two goroutines of the Pipeline seal the spool's segments
// when their window ends and upload them.
package pipeline
