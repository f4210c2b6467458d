package spool_test

import (
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"os"

	"siem-s3/spool"
)

func Example() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := spool.Open(dir, spool.Options{
		MaxBytes: 1 << 30, SegmentBytes: 50 << 20, MaxStreams: 64,
		Describe: func(stream string, segment spool.ID) []byte {
			return []byte(stream + ".json")
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	// The producer appends what it made of a chunk, unless an earlier process did.
	chunk := []byte("a chunk of Fluent Bit")
	digest := s.Digest("tag", chunk)
	line := []byte(`{"log_type":"logon"}` + "\n")
	if !s.Known(digest) {
		err := s.Append(&spool.Batch{Digest: digest, Objects: []spool.Object{{
			Stream: "account", Payload: line, Records: 1,
			RawLen: int64(len(line)), RawCRC: crc32.ChecksumIEEE(line),
		}}})
		if err != nil {
			log.Fatal(err) // and the chunk is tried again later
		}
	}
	if err := s.Seal(); err != nil {
		log.Fatal(err)
	}

	// The consumer takes what is sealed.
	<-s.SealedC()
	for _, segment := range s.Sealed() {
		contents, err := s.Load(segment)
		if err != nil {
			log.Fatal(err)
		}
		for _, stream := range contents.Streams {
			r, err := stream.Open()
			if err != nil {
				log.Fatal(err)
			}
			body, err := io.ReadAll(r)
			if err != nil {
				log.Fatal(err)
			}
			_ = r.Close()
			fmt.Printf("%s, %d record: %s", stream.Meta, stream.Records, body)
		}
		if err := s.Remove(contents); err != nil {
			log.Fatal(err)
		}
	}
	// Output: account.json, 1 record: {"log_type":"logon"}
}
