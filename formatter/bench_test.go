package formatter_test

import (
	"fmt"
	"testing"

	"siem-s3/event"
	"siem-s3/formatter"
)

func BenchmarkAppend(b *testing.B) {
	tr := newTraffic()
	var events []*event.Event
	for range 1000 {
		events = append(events, tr.next())
	}
	for _, row := range []struct {
		name   string
		append func([]byte, *event.Event) []byte
	}{{"JSON", formatter.JSON{}.Append}, {"SYSLOG", mustSyslog(b).Append}} {
		b.Run(row.name, func(b *testing.B) {
			var out []byte
			for _, e := range events {
				out = row.append(out, e)
			}
			b.SetBytes(int64(len(out) / len(events)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i == len(events) {
					i, out = 0, out[:0]
				}
				out = row.append(out, events[i])
				i++
			}
		})
	}
}

func BenchmarkCompress(b *testing.B) {
	raw := newTraffic().lines(8 << 20)
	for _, codec := range []struct {
		name  string
		level int
	}{{"gzip", 1}, {"gzip", 5}, {"gzip", 9}, {"zstd", 1}, {"zstd", 3}, {"none", 0}} {
		for _, size := range []int{3 << 10, 16 << 10, 64 << 10, 2 << 20} {
			b.Run(fmt.Sprintf("%s-%d/%dKB", codec.name, codec.level, size>>10), func(b *testing.B) {
				c := mustCodec(b, codec.name, codec.level).NewCompressor()
				dst := make([]byte, 0, 2*size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				var in, out, at int
				for b.Loop() {
					if at+size > len(raw) {
						at = 0
					}
					var err error
					if dst, err = c.Append(dst[:0], raw[at:at+size]); err != nil {
						b.Fatal(err)
					}
					at, in, out = at+size, in+size, out+len(dst)
				}
				b.ReportMetric(float64(in)/float64(out), "ratio")
			})
		}
	}
}
