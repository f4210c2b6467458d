package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"time"

	"siem-s3/test/chunk"
	"siem-s3/test/events"
)

// source is where the events of all runs come from.
const source = events.Set(1)

// eventsFile is what Fluent Bit tails.
func (b *bench) eventsFile() string { return filepath.Join(b.dir, "events.ndjson") }

func (b *bench) writeEvents() error {
	f, err := os.Create(b.eventsFile())
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for n := range b.events {
		line = source.AppendRecord(line[:0], n)
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return w.Flush()
}

// chunkOf returns the events from number from up to, not including, to as Fluent
// Bit would hand them over.
func chunkOf(from, to int) ([]byte, error) {
	return chunk.FromNDJSON(chunk.V2, bytes.NewReader(source.Records(from, to)), time.Unix(1_795_334_400, 0), time.Millisecond)
}
