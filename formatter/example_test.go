package formatter_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"

	"siem-s3/formatter"
)

// Two batches, compressed each on its own, become one gzip object.
func Example() {
	codec, err := formatter.NewCodec("gzip", 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	compressor := codec.NewCompressor()
	object := bytes.NewBuffer(bytes.Clone(codec.Header()))
	var crc uint32
	var size int64
	for _, e := range sampleEvents()[:2] {
		batch := formatter.JSON{}.Append(nil, e)
		compressed, err := compressor.Append(nil, batch)
		if err != nil {
			fmt.Println(err)
			return
		}
		object.Write(compressed)
		crc = crc32.Update(crc, crc32.IEEETable, batch)
		size += int64(len(batch))
	}
	object.Write(codec.Trailer(crc, size))

	r, err := gzip.NewReader(object)
	if err != nil {
		fmt.Println(err)
		return
	}
	lines, err := io.ReadAll(r)
	fmt.Printf("%s%v\n", lines, err)
	// Output:
	// {"timestamp":"2026-11-22T08:00:00.123Z","log_type":"compliant","details":"Device considered compliant","device_id":"5f3c9a4e-0000","device_name":"LTES0000","device_username":"CORP\\alice","device_group":"Vertrieb [Süd]"}
	// {"timestamp":"2026-11-22T08:00:01.123Z","log_type":"noncompliant","details":"Device considered non-compliant","device_id":"5f3c9a4e-0001","device_name":"LTES0001","device_username":"CORP\\alice","device_group":"Vertrieb [Süd]"}
	// <nil>
}
