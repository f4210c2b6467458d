package s3_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"siem-s3/s3"
)

func TestWhatTheSignatureSaysOfTheBodyUnderTLS(t *testing.T) {
	const (
		unsigned = "UNSIGNED-PAYLOAD"
		sum      = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1" // echo -n text | sha256sum
	)
	for name, c := range map[string]struct {
		checksum string
		refuses  bool
		want     []string
	}{
		"a checksum protects it":      {"crc32", false, []string{unsigned}},
		"the checksum is the SHA-256": {"sha256", false, []string{sum}},
		"no checksum protects it":     {"crc32", true, []string{unsigned, sum}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			ts := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = append(got, r.Header.Get("X-Amz-Content-Sha256"))
				if c.refuses && r.Header.Get("X-Amz-Checksum-Crc32") != "" {
					refuse(w, http.StatusBadRequest, "InvalidArgument", "Unsupported header 'x-amz-checksum-crc32'")
					return
				}
				w.Header().Set("Etag", `"1cb251ec0d568de6a929b520c4aed8d1"`)
			}))
			t.Cleanup(ts.Close)
			trust(t, ts)
			b := open(t, s3.Options{
				Bucket: "logs", Region: "us-east-1", Endpoint: ts.URL, ForcePathStyle: true,
				AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret", Checksum: c.checksum,
			})
			if err := put(t, b, "key", "text"); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("X-Amz-Content-Sha256 %q, want %q", got, c.want)
			}
		})
	}
}

// trust makes the server's certificate an authority for the rest of the test.
func trust(t *testing.T, ts *httptest.Server) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ts.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", file)
}
