package s3_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"siem-s3/s3"
)

// A put whose answer was lost is repeated under the same key, and finds that it
// had succeeded.
func ExampleBucket_Put() {
	ctx := context.Background()
	_ = server.CreateBucket(ctx, "example")
	bucket, err := s3.New(ctx, s3.Options{
		Bucket:          "example",
		Region:          "us-east-1",
		Endpoint:        server.Endpoint,
		ForcePathStyle:  true,
		AccessKeyID:     server.AccessKey,
		SecretAccessKey: server.SecretKey,
		Checksum:        "crc32",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bucket.Close()

	const line = `{"log_type":"logon"}` + "\n"
	meta := map[string]string{"siem-segment": "7"}
	for _, text := range []string{line, line, "something else"} {
		err := bucket.Put(ctx, "siem/20261122T080000Z.log", strings.NewReader(text), int64(len(text)), "application/x-ndjson", meta)
		var failure *s3.Error
		switch {
		case err == nil:
			fmt.Println("stored")
		case errors.As(err, &failure) && failure.Conflict():
			fmt.Println("conflict: use another key")
		case errors.As(err, &failure) && failure.Config():
			fmt.Println("ask the administrator:", failure.Hint)
		default:
			fmt.Println("try again later:", err)
		}
	}
	// Output:
	// stored
	// stored
	// conflict: use another key
}
