package event

import (
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"siem-s3/record"
)

// benchChunk returns a chunk of device events in Fluent Bit's v2 shape, eight
// strings and about 280 bytes each, and how many they are.
func benchChunk() (chunk []byte, records int) {
	const n = 2000
	start := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	fields := []string{
		"timestamp", "",
		"log_type", "process_scan_infection_found",
		"details", "1 threat found: Trojan.GenericKD.46542, quarantined",
		"device_id", "6F1C2A40-19B7-4E0C",
		"device_name", "LTES0042",
		"device_username", "alice",
		"device_group", "Sales EMEA",
		"source", "endpoint-agent",
	}
	for i := range n {
		t := start.Add(time.Duration(i) * 7 * time.Millisecond)
		fields[1] = t.Format("2006-01-02T15:04:05.000Z07:00")
		chunk = append(chunk, 0x92, 0x92, 0xd7, 0x00)
		chunk = appendUint32(chunk, uint32(t.Unix()))
		chunk = appendUint32(chunk, uint32(t.Nanosecond()))
		chunk = append(chunk, 0x80)
		chunk = msgp.AppendMapHeader(chunk, uint32(len(fields)/2))
		for _, s := range fields {
			chunk = msgp.AppendString(chunk, s)
		}
	}
	return chunk, n
}

func appendUint32(b []byte, n uint32) []byte {
	return append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func BenchmarkDecodeAndMap(b *testing.B) {
	chunk, n := benchChunk()
	m := newMapper(b, MappingOptions{})
	d := record.NewDecoder(nil)
	var r record.Record
	var e Event
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset(chunk)
		for d.Next(&r) == nil {
			if err := m.Map(&r, &e); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
}

func BenchmarkAppendTimestamp(b *testing.B) {
	t := time.Date(2026, 11, 22, 8, 0, 0, 123e6, time.UTC)
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendTimestamp(buf[:0], t)
	}
}
