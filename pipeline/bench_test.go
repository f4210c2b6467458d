package pipeline

import (
	"context"
	"fmt"
	"testing"

	"siem-s3/formatter"
	"siem-s3/test/chunk"
)

// traffic returns a chunk as Fluent Bit hands it over, of about size bytes, and
// how many records it has.
func traffic(size int) (c []byte, records int) { return trafficWith(size, "", 1) }

// trafficWith is traffic of which one record in so many is of another log type,
// if one is given.
func trafficWith(size int, logType string, every int) (c []byte, records int) {
	kinds := []string{"compliant", "noncompliant", "critical_found", "critical_cleared", "process_scan_infection_found", "added"}
	for len(c) < size {
		n := records
		r := chunk.Record{Time: sampleTime, Body: map[string]any{
			"timestamp": fmt.Sprintf("2026-11-22T08:%02d:%02d.%03dZ", n/60000%60, n/1000%60, n%1000),
			"log_type":  kinds[n*7%len(kinds)],
			"details":   fmt.Sprintf("Antivirus definitions are %d days old; ref=%09d", n%31, n),
			"device_id": fmt.Sprintf("7f3a-%08x-%04d", uint32(n)*2654435761, n%5000), "device_name": fmt.Sprintf("LT-BERLIN-%04d", n%5000),
			"device_username": fmt.Sprintf("user%04d@corp.example", n%3000), "device_group": "Sales EMEA", "os": 7,
		}}
		if n%10 == 0 {
			r = logon(fmt.Sprintf("user%04d@corp.example", n%40))
		}
		if logType != "" && n%every == every/2 {
			r.Body["log_type"] = logType
		}
		c = chunk.Append(c, chunk.V2, r)
		records++
	}
	return c, records
}

// BenchmarkWrite stores a chunk of 2 MB, as large as Fluent Bit's get, on the
// disk of the temporary directory.
func BenchmarkWrite(b *testing.B) {
	c, records := traffic(2_000_000)
	syslog, err := formatter.NewSyslog(formatter.SyslogOptions{Hostname: "gw-1", AppName: "siem_s3", Facility: 13, EnterpriseID: "32473"})
	if err != nil {
		b.Fatal(err)
	}
	for _, row := range []struct {
		name, codec, keys string
		format            Format
	}{
		{"json-gzip", "gzip", testKeys, formatter.JSON{}},
		{"json-zstd", "zstd", testKeys, formatter.JSON{}},
		{"json-none", "none", testKeys, formatter.JSON{}},
		{"syslog-gzip", "gzip", testKeys, syslog},
		{"syslog-zstd", "zstd", testKeys, syslog},
		{"syslog-none", "none", testKeys, syslog},
		{"json-gzip-per-record", "gzip", "$CATEGORY/$EVENT[%Y-%m-%d]/$device_group/$UUID", formatter.JSON{}},
	} {
		b.Run(row.name, func(b *testing.B) {
			p := open(b, options(b, &memory{}, func(o *Options) {
				o.Codec, o.Format, o.Key = codec(b, row.codec), row.format, keys(b, row.keys)
				o.StoreDirLimit = 1 << 40
			}))
			b.SetBytes(int64(len(c)))
			b.ReportAllocs()
			for b.Loop() {
				write(b, p, "app", c)
				b.StopTimer()
				discard(b, p)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
		})
	}
}

// BenchmarkWriteAlerts compares what events that alert add to BenchmarkWrite's
// json-gzip. Where none is selected the queue of alerts is there all the same.
func BenchmarkWriteAlerts(b *testing.B) {
	c, records := trafficWith(2_000_000, "deleted", 100)
	for _, row := range []struct{ name, events string }{
		{"off", ""},
		{"none-selected", "unseen"},
		{"1-in-100-selected", "deleted"},
		{"all-selected", "all"},
	} {
		b.Run(row.name, func(b *testing.B) {
			p := open(b, options(b, &memory{}, func(o *Options) {
				o.Codec, o.StoreDirLimit = codec(b, "gzip"), 1<<40
				if row.events != "" {
					alerting(b, row.events, &inbox{})(o)
				}
			}))
			if p.alerts != nil {
				p.alerts.Start()
				b.Cleanup(func() { p.alerts.Stop(context.Background()) })
			}
			b.SetBytes(int64(len(c)))
			b.ReportAllocs()
			for b.Loop() {
				write(b, p, "app", c)
				b.StopTimer()
				discard(b, p)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
		})
	}
}

// discard removes what p has stored, so that the disk does not fill.
func discard(b *testing.B, p *Pipeline) {
	b.Helper()
	if p.Stats().Waiting.Bytes < 64<<20 {
		return
	}
	if err := p.spool.Seal(); err != nil {
		b.Fatal(err)
	}
	for _, seg := range p.spool.Sealed() {
		c, err := p.spool.Load(seg)
		if err != nil {
			b.Fatal(err)
		}
		if err := p.spool.Remove(c); err != nil {
			b.Fatal(err)
		}
	}
}
