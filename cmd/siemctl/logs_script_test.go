package main

import (
	"bytes"
	"context"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"

	"siem-s3/formatter"
	"siem-s3/test/s3server"
)

// logsCommands are what the scripts of siemctl logs have beside testscript's own:
//
//	bucket NAME            makes a bucket
//	store BUCKET KEY FILE  puts lines into an object, compressed as its key says;
//	                       %Y, %m, %d, %H, %M, %S in the key are the current window's
//	refuse NAME            sets NAME to the endpoint of a server that allows nothing
//	await FILE TEXT        waits until a program has written the text into a file
func logsCommands(ctx context.Context, server *s3server.Server) map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"bucket": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(server.CreateBucket(ctx, args[0]))
		},
		"store": func(ts *testscript.TestScript, _ bool, args []string) {
			key := inWindow(args[1], time.Now())
			body := packed(ts, key, []byte(ts.ReadFile(args[2])))
			_, err := server.Client().PutObject(ctx, &awss3.PutObjectInput{
				Bucket: &args[0], Key: &key, Body: bytes.NewReader(body), ChecksumAlgorithm: "CRC32",
				Metadata: map[string]string{"siem-records": "2"},
			})
			ts.Check(err)
		},
		"refuse": func(ts *testscript.TestScript, _ bool, args []string) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
			}))
			ts.Defer(server.Close)
			ts.Setenv(args[0], server.URL)
		},
		"await": func(ts *testscript.TestScript, _ bool, args []string) {
			ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			await(ctx, ts, args[0], args[1])
		},
	}
}

// inWindow replaces the codes of the time in a key.
func inWindow(key string, now time.Time) string {
	start := now.UTC().Truncate(5 * time.Minute)
	return strings.NewReplacer("%Y", start.Format("2006"), "%m", start.Format("01"), "%d", start.Format("02"),
		"%H", start.Format("15"), "%M", start.Format("04"), "%S", start.Format("05")).Replace(key)
}

// packed returns lines as an object of that key holds them.
func packed(ts *testscript.TestScript, key string, lines []byte) []byte {
	name, ok := map[string]string{".gz": "gzip", ".zst": "zstd"}[path.Ext(key)]
	if !ok {
		return lines
	}
	codec, err := formatter.NewCodec(name, 0)
	ts.Check(err)
	body, err := codec.NewCompressor().Append(bytes.Clone(codec.Header()), lines)
	ts.Check(err)
	return append(body, codec.Trailer(crc32.ChecksumIEEE(lines), int64(len(lines)))...)
}

func await(ctx context.Context, ts *testscript.TestScript, file, want string) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(ts.MkAbs(file))
		if err == nil && strings.Contains(string(text), want) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("%s has no %q: %s", file, want, text)
		}
	}
}
