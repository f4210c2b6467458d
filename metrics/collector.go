// Package metrics serves the figures of outputs to Prometheus, and tells load
// balancers and orchestrators whether they work. Outputs that name the same
// address share one listener.
package metrics

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"siem-s3/pipeline"
)

// An Output is one [OUTPUT] as the metrics see it.
type Output struct {
	// Name is the value of the label output.
	Name    string
	Version string
	Stats   func() pipeline.Stats
	// Ready returns what is wrong, nil if nothing is.
	Ready func() error
}

// collector is a prometheus.Collector of an Output.
type collector struct {
	output Output
	descs  map[string]*prometheus.Desc
}

func newCollector(o Output) *collector {
	c := &collector{output: o, descs: map[string]*prometheus.Desc{}}
	for _, m := range []struct{ name, help, label string }{
		{"build_info", "Version of the plugin and of Go; the value is always 1.", ""},
		{"ready", "Whether chunks are stored and uploaded.", ""},
		{"chunks_total", "Chunks stored.", ""},
		{"chunk_bytes_total", "Bytes of the chunks stored.", ""},
		{"chunks_redelivered_total", "Chunks that came again and had been stored before a restart.", ""},
		{"chunks_quarantined_total", "Chunks of which a part could not be read and is in quarantine.", ""},
		{"records_total", "Records stored, by category.", "category"},
		{"rejects_total", "Records stored in the category rejected, by reason.", "reason"},
		{"append_duration_seconds", "Time until a chunk is durable on disk.", ""},
		{"sync_duration_seconds", "Time of an fdatasync, which several chunks may share.", ""},
		{"spool_bytes", "Bytes in store_dir, quarantine included.", ""},
		{"spool_limit_bytes", "The limit of store_dir.", ""},
		{"spool_segments", "Segments in store_dir, the open one included.", ""},
		{"spool_oldest_age_seconds", "Age of the oldest segment that is not uploaded, 0 if there is none.", ""},
		{"uploads_total", "Objects uploaded.", ""},
		{"upload_bytes_total", "Bytes of the objects uploaded.", ""},
		{"upload_records_total", "Records in the objects uploaded.", ""},
		{"upload_failures_total", "Attempts to upload that failed.", ""},
		{"upload_duration_seconds", "Time of an upload that succeeded.", ""},
		{"alerts_total", "Alerts, by what became of them.", "state"},
		{"alert_failures_total", "Attempts to deliver an alert that failed.", ""},
		{"alert_groups", "Groups of events that wait to be told, by all channels.", ""},
	} {
		var labels []string
		if m.label != "" {
			labels = []string{m.label}
		}
		constant := prometheus.Labels{"output": o.Name}
		if m.name == "build_info" {
			constant["version"], constant["goversion"] = o.Version, runtime.Version()
		}
		c.descs[m.name] = prometheus.NewDesc("siem_s3_"+m.name, m.help, labels, constant)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := c.output.Stats()
	ready := 1.0
	if c.output.Ready() != nil {
		ready = 0
	}
	c.gauge(ch, "build_info", 1)
	c.gauge(ch, "ready", ready)
	c.count(ch, "chunks_total", s.Chunks)
	c.count(ch, "chunk_bytes_total", s.Bytes)
	c.count(ch, "chunks_redelivered_total", s.Redelivered)
	c.count(ch, "chunks_quarantined_total", s.Quarantined)
	c.count(ch, "records_total", s.Device, "device")
	c.count(ch, "records_total", s.Account, "account")
	c.count(ch, "records_total", s.Rejected, "rejected")
	for reason, n := range s.Rejects {
		c.count(ch, "rejects_total", n, reason)
	}
	c.timing(ch, "append_duration_seconds", s.Append)
	c.timing(ch, "sync_duration_seconds", s.Sync)
	c.spool(ch, s.Waiting)
	c.count(ch, "uploads_total", s.Objects)
	c.count(ch, "upload_bytes_total", s.ObjectBytes)
	c.count(ch, "upload_records_total", s.ObjectRecords)
	c.count(ch, "upload_failures_total", s.Retries)
	c.timing(ch, "upload_duration_seconds", s.Upload)
	c.count(ch, "alerts_total", s.Alerts.Formed, "formed")
	c.count(ch, "alerts_total", s.Alerts.Delivered, "delivered")
	c.count(ch, "alerts_total", s.Alerts.Refused, "refused")
	c.count(ch, "alerts_total", s.Alerts.GaveUp, "given_up")
	c.count(ch, "alert_failures_total", s.Alerts.Failed)
	c.gauge(ch, "alert_groups", float64(s.Alerts.Groups))
}

func (c *collector) spool(ch chan<- prometheus.Metric, w pipeline.WaitingStats) {
	age := 0.0
	if !w.Oldest.IsZero() {
		age = max(0, time.Since(w.Oldest).Seconds())
	}
	c.gauge(ch, "spool_bytes", float64(w.Bytes))
	c.gauge(ch, "spool_limit_bytes", float64(w.MaxBytes))
	c.gauge(ch, "spool_segments", float64(w.Segments))
	c.gauge(ch, "spool_oldest_age_seconds", age)
}

func (c *collector) count(ch chan<- prometheus.Metric, name string, n int64, label ...string) {
	ch <- prometheus.MustNewConstMetric(c.descs[name], prometheus.CounterValue, float64(n), label...)
}

func (c *collector) gauge(ch chan<- prometheus.Metric, name string, v float64) {
	ch <- prometheus.MustNewConstMetric(c.descs[name], prometheus.GaugeValue, v)
}

func (c *collector) timing(ch chan<- prometheus.Metric, name string, t pipeline.Timing) {
	buckets := make(map[float64]uint64, len(t.Buckets))
	for i, n := range t.Buckets {
		buckets[pipeline.TimingBounds[i]] = n
	}
	ch <- prometheus.MustNewConstHistogram(c.descs[name], t.Count, t.Sum.Seconds(), buckets)
}
