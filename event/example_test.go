package event_test

import (
	"fmt"
	"io"

	"siem-s3/event"
	"siem-s3/record"
)

func ExampleMapper() {
	mapping, err := event.NewMapping(event.MappingOptions{
		Accessors: map[event.Field]string{event.AdminName: "$user['name']"},
		LogTypes:  map[string]string{"sign-in": "logon"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mapper := mapping.NewMapper()
	// [1795334400, {"log_type": "Sign-In", "user": {"name": "Alice"}}], [1795334401, {}]
	chunk := []byte("\x92\xce\x6b\x02\xa1\x00\x82\xa8log_type\xa7Sign-In\xa4user\x81\xa4name\xa5Alice\x92\xce\x6b\x02\xa1\x01\x80")
	decoder := record.NewDecoder(chunk)
	var r record.Record
	var e event.Event
	for {
		if err := decoder.Next(&r); err == io.EOF {
			break
		} else if err != nil {
			fmt.Println(err)
			break
		}
		if err := mapper.Map(&r, &e); err != nil {
			fmt.Println("rejected:", err)
			continue
		}
		for _, f := range e.Category().Fields() {
			fmt.Printf("%s=%q\n", f, e.Get(f))
		}
	}
	// Output:
	// timestamp="2026-11-22T08:00:00.000Z"
	// event="Admin logged on"
	// details=""
	// admin_name="Alice"
	// admin_email=""
	// log_type="logon"
	// rejected: no log_type
}
