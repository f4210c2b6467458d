package record

import (
	"strings"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	var chunk []byte
	for range 2000 {
		chunk = appendEntry(chunk, v2Head(0x6a1a5b00, 123e6),
			"timestamp", "2026-11-22T08:00:00.123Z",
			"log_type", "process_scan_infection_found",
			"details", "1 threat found: Trojan.GenericKD.46542, quarantined",
			"device_id", "6F1C2A40-19B7-4E0C",
			"device_name", "LTES0042",
			"device_username", "alice",
			"device_group", "Sales EMEA",
			"source", "endpoint-agent")
	}
	d := NewDecoder(nil)
	var r Record
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset(chunk)
		for d.Next(&r) == nil {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*2000), "ns/record")
}

func BenchmarkAppendQuoted(b *testing.B) {
	for name, text := range map[string]string{
		"name of 8":     "LTES0042",
		"text of 50":    "1 threat found: Trojan.GenericKD.46542, quarantine",
		"text of 1000":  strings.Repeat("plain text ", 91),
		"path of 50":    `C:\Users\alice\Downloads\invoice_2026_11_22.pdf.exe`,
		"Japanese 1000": strings.Repeat("検疫しました ", 53),
	} {
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 0, 4096)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendQuoted(buf[:0], []byte(text))
			}
		})
	}
}
