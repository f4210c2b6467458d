package s3_test

import (
	"fmt"
	"syscall"
	"testing"

	"siem-s3/s3"
	"siem-s3/test/s3server"
)

// BenchmarkPut measures a 40 MB file on its way to a server in another process.
// cpu-ms/MB is this process's, user and system.
func BenchmarkPut(b *testing.B) {
	const size = 40 << 20
	secure := s3server.Start(b, s3server.WithTLS())
	b.Setenv("AWS_CA_BUNDLE", secure.CAFile)
	for _, c := range []struct {
		name     string
		server   *s3server.Server
		checksum string
	}{
		{"http/crc32", server, "crc32"},
		{"https/crc32", secure, "crc32"},
		{"https/crc64nvme", secure, "crc64nvme"},
		{"https/sha256", secure, "sha256"},
	} {
		b.Run(c.name, func(b *testing.B) {
			name := newName(b)
			if err := c.server.CreateBucket(b.Context(), name); err != nil {
				b.Fatal(err)
			}
			bucket := open(b, s3.Options{
				Bucket: name, Region: c.server.Region, Endpoint: c.server.Endpoint, ForcePathStyle: true,
				AccessKeyID: c.server.AccessKey, SecretAccessKey: c.server.SecretKey, Checksum: c.checksum,
			})
			f, size := bigFile(b, size)
			b.SetBytes(size)
			b.ReportAllocs()
			before := cpu(b)
			for i := 0; b.Loop(); i++ {
				if err := bucket.Put(b.Context(), fmt.Sprintf("key-%d", i), f, size, "", nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpu(b)-before)*1000/float64(b.N)/(float64(size)/1e6), "cpu-ms/MB")
		})
	}
}

// cpu returns the processor time of this process in seconds.
func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
