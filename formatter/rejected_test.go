package formatter_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"siem-s3/formatter"
)

func TestRejectedRecords(t *testing.T) {
	unknown := msgp.AppendMapHeader(nil, 3)
	unknown = msgp.AppendString(unknown, "log_type")
	unknown = msgp.AppendString(unknown, "rebooted")
	unknown = msgp.AppendString(unknown, "tries")
	unknown = msgp.AppendInt(unknown, 3)
	unknown = msgp.AppendString(unknown, "by")
	unknown = msgp.AppendMapStrStr(unknown, map[string]string{"name": "Alice\n"})
	var got []byte
	for i, r := range []formatter.Rejected{
		{Reason: "unknown log_type", Detail: `"rebooted"`, Tag: "siem.mdm", Record: unknown},
		{Reason: "not a map", Tag: "siem.mdm", Record: msgp.AppendString(nil, "plain text")},
		{Reason: "no log_type", Tag: "", Record: msgp.AppendMapHeader(nil, 0)},
		{Reason: "no log_type", Tag: "\"\\\n\x00\xff\u0085", Record: msgp.AppendNil(nil)},
	} {
		r.ReceivedAt = sampleTime.Add(time.Duration(i) * time.Second)
		got = formatter.AppendRejected(got, &r)
	}
	compareGolden(t, "rejected.json", got)
}

func FuzzRejected(f *testing.F) {
	f.Add("unknown log_type", "rebooted", "siem.mdm", "value")
	f.Add("\n", "\x00\u0085", "\"\\\xff", "\r\n")
	f.Fuzz(func(t *testing.T, reason, detail, tag, value string) {
		line := formatter.AppendRejected(nil, &formatter.Rejected{
			ReceivedAt: sampleTime, Reason: reason, Detail: detail, Tag: tag, Record: msgp.AppendString(nil, value),
		})
		if err := oneLine(line); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		var got struct {
			ReceivedAt                  time.Time `json:"received_at"`
			Reason, Detail, Tag, Record string
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if !got.ReceivedAt.Equal(sampleTime) {
			t.Errorf("received at %v", got.ReceivedAt)
		}
		for _, row := range []struct{ got, want string }{
			{got.Reason, reason}, {got.Detail, detail}, {got.Tag, tag}, {got.Record, value},
		} {
			if row.got != validText(row.want) {
				t.Errorf("got %q, want %q", row.got, row.want)
			}
		}
	})
}

// validText has U+FFFD for every byte of s that is not part of UTF-8.
func validText(s string) string { return string([]rune(s)) }
