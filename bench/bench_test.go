package main

import (
	"testing"
	"time"

	"siem-s3/test/s3server"
)

func TestMedianIsOfEachFigureOnItsOwn(t *testing.T) {
	t.Parallel()
	got := median([]usage{
		{user: 3 * time.Second, system: 1 * time.Second, peak: 10, stored: 7},
		{user: 1 * time.Second, system: 5 * time.Second, peak: 30, stored: 7},
		{user: 2 * time.Second, system: 3 * time.Second, peak: 20, stored: 7},
	})
	want := usage{user: 2 * time.Second, system: 3 * time.Second, peak: 20, stored: 7}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Both outputs to S3 must have the same work: the sizes and times that decide it.
func TestOutputsAreConfiguredAlike(t *testing.T) {
	t.Parallel()
	b := bench{storage: "memory", server: &s3server.Server{}}
	for _, o := range outputs() {
		if o.plugin == "null" {
			continue
		}
		got := b.allSettings(o, "/run", "bucket")
		for key, want := range map[string]string{"total_file_size": "50M", "upload_timeout": "10m", "store_dir": "/run/store"} {
			if got[key] != want {
				t.Errorf("%s: %s is %q, want %q", o.name, key, got[key], want)
			}
		}
	}
}
