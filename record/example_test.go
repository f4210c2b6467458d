package record_test

import (
	"errors"
	"fmt"

	"siem-s3/record"
)

func ExampleDecoder() {
	// [1795334400, {"host": "gw-1", "ports": [22, 443]}] and half an entry
	chunk := []byte("\x92\xce\x6b\x02\xa1\x00\x82\xa4host\xa4gw-1\xa5ports\x92\x16\xcd\x01\xbb\x92\xce\x6b")
	port, err := record.ParseAccessor("$ports[1]")
	if err != nil {
		fmt.Println(err)
		return
	}
	d := record.NewDecoder(chunk)
	var r record.Record
	for {
		if err = d.Next(&r); err != nil {
			break
		}
		value, _ := port.Find(r.Body)
		fmt.Printf("%s %s port %s\n", r.Time, record.AppendJSON(nil, r.Body), record.AppendText(nil, value))
	}
	var corrupt *record.CorruptError
	if errors.As(err, &corrupt) {
		fmt.Println(corrupt)
	}
	// Output:
	// 2026-11-22 08:00:00 +0000 UTC {"host":"gw-1","ports":[22,443]} port 443
	// chunk unreadable from byte 28 on: truncated
}
