package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"siem-s3/s3"
)

// names returns the keys and folders of a page.
func names(p s3.Page) (all []string) {
	for _, o := range p.Objects {
		all = append(all, o.Key)
	}
	return append(all, p.Folders...)
}

func TestList(t *testing.T) {
	bucket := bucketFor(t)
	b := open(t, options(bucket))
	for _, key := range []string{"a/1/x", "a/1/y", "a/2/x", "a/3", "b/1"} {
		if err := put(t, b, key, "text of "+key); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		options s3.ListOptions
		want    []string
		more    bool
	}{
		"everything":             {s3.ListOptions{}, []string{"a/1/x", "a/1/y", "a/2/x", "a/3", "b/1"}, false},
		"a folder":               {s3.ListOptions{Prefix: "a/1/"}, []string{"a/1/x", "a/1/y"}, false},
		"the start of a name":    {s3.ListOptions{Prefix: "a/1/y"}, []string{"a/1/y"}, false},
		"after a key":            {s3.ListOptions{Prefix: "a/", After: "a/1/y"}, []string{"a/2/x", "a/3"}, false},
		"after what is no key":   {s3.ListOptions{Prefix: "a/", After: "a/2"}, []string{"a/2/x", "a/3"}, false},
		"a page":                 {s3.ListOptions{Max: 2}, []string{"a/1/x", "a/1/y"}, true},
		"the page behind it":     {s3.ListOptions{Max: 3, After: "a/1/y"}, []string{"a/2/x", "a/3", "b/1"}, false},
		"folders beside objects": {s3.ListOptions{Prefix: "a/", Folders: true}, []string{"a/3", "a/1/", "a/2/"}, false},
		"nothing":                {s3.ListOptions{Prefix: "c/"}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := b.List(t.Context(), test.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(page); !slices.Equal(got, test.want) || page.More != test.more {
				t.Errorf("%v, more: %v, want %v, %v", got, page.More, test.want, test.more)
			}
		})
	}
}

func TestListTellsOfEachObject(t *testing.T) {
	bucket := bucketFor(t)
	b := open(t, options(bucket))
	if err := put(t, b, "key", "text"); err != nil {
		t.Fatal(err)
	}
	page, err := b.List(t.Context(), s3.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := page.Objects[0]
	if o.Size != 4 || len(o.ETag) < 3 || o.ETag[0] != '"' || time.Since(o.Modified).Abs() > time.Hour {
		t.Errorf("%+v", o)
	}
}

// download reads all of an object from an offset on.
func download(t *testing.T, b *s3.Bucket, key string, offset int64, etag string) (*s3.Download, string) {
	t.Helper()
	d, err := b.Get(t.Context(), key, offset, etag)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	text, err := io.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	return d, string(text)
}

func TestGetReturnsTheContentAndWhatIsKnownOfIt(t *testing.T) {
	for _, algorithm := range []string{"crc32", "crc64nvme", "sha256"} {
		t.Run(algorithm, func(t *testing.T) {
			o := options(bucketFor(t))
			o.Checksum = algorithm
			b := open(t, o)
			if err := put(t, b, "a/key", "some text"); err != nil {
				t.Fatal(err)
			}
			d, text := download(t, b, "a/key", 0, "")
			stat, err := b.Stat(t.Context(), "a/key")
			if err != nil {
				t.Fatal(err)
			}
			if text != "some text" || d.Size != 9 || d.Metadata["siem-segment"] != meta["siem-segment"] {
				t.Errorf("%q, %+v", text, d.Stat)
			}
			if stat.Size != d.Size || stat.ETag != d.ETag || stat.Checksum != d.Checksum || !stat.Modified.Equal(d.Modified) {
				t.Errorf("HeadObject says %+v, GetObject %+v", stat, d.Stat)
			}
			if !d.Checksum.Known() || !strings.HasPrefix(d.Checksum.String(), algorithm+":") {
				t.Fatalf("checksum %q", d.Checksum)
			}
			for content, intact := range map[string]bool{"some text": true, "some texT": false} {
				h := d.Checksum.New()
				io.WriteString(h, content)
				if err := d.Checksum.Check(h); (err == nil) != intact {
					t.Errorf("%q: %v", content, err)
				}
			}
		})
	}
}

func TestGetOfAPart(t *testing.T) {
	b := open(t, options(bucketFor(t)))
	if err := put(t, b, "key", "0123456789"); err != nil {
		t.Fatal(err)
	}
	whole, _ := download(t, b, "key", 0, "")
	d, text := download(t, b, "key", 7, whole.ETag)
	if text != "789" || d.Size != 10 || d.ETag != whole.ETag || d.Checksum.Known() {
		t.Errorf("%q, %+v", text, d.Stat)
	}
	_, err := b.Get(t.Context(), "key", 7, `"d41d8cd98f00b204e9800998ecf8427e"`)
	wantStatus(t, err, http.StatusPreconditionFailed)
}

func wantStatus(t *testing.T, err error, status int) *s3.Error {
	t.Helper()
	var e *s3.Error
	if !errors.As(err, &e) || e.Status != status {
		t.Fatalf("%v, want status %d", err, status)
	}
	return e
}

func TestAnObjectOfAMultipartUploadHasNoChecksumOfTheWhole(t *testing.T) {
	bucket := bucketFor(t)
	b := open(t, options(bucket))
	client, key := server.Client(), "key"
	started, err := client.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key, ChecksumAlgorithm: "SHA256"})
	if err != nil {
		t.Fatal(err)
	}
	part, err := client.UploadPart(t.Context(), &awss3.UploadPartInput{
		Bucket: &bucket, Key: &key, UploadId: started.UploadId, PartNumber: aws.Int32(1),
		ChecksumAlgorithm: "SHA256", Body: strings.NewReader("text"),
	})
	if err != nil {
		t.Fatal(err)
	}
	complete := &awss3.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: started.UploadId}
	complete.MultipartUpload = completed(part)
	if _, err := client.CompleteMultipartUpload(t.Context(), complete); err != nil {
		t.Fatal(err)
	}
	if d, text := download(t, b, key, 0, ""); text != "text" || d.Checksum.Known() {
		t.Errorf("%q, checksum %s", text, d.Checksum)
	}
}

func TestReadersGetAdviceForReaders(t *testing.T) {
	b := open(t, options(bucketFor(t)))
	_, err := b.Get(t.Context(), "missing", 0, "")
	if e := wantStatus(t, err, http.StatusNotFound); e.Code != "NoSuchKey" || e.Hint != "" {
		t.Errorf("%v", e)
	}
	_, err = b.Stat(t.Context(), "missing")
	if e := wantStatus(t, err, http.StatusNotFound); e.Hint != "" {
		t.Errorf("%v", e)
	}
	_, err = open(t, options("no-such-bucket")).List(t.Context(), s3.ListOptions{})
	if e := wantStatus(t, err, http.StatusNotFound); !e.Config() || e.Hint != "check bucket, region and endpoint" {
		t.Errorf("%v", e)
	}
}

func TestAdviceToThoseWhoMayNotRead(t *testing.T) {
	denied := answer{status: 403, code: "AccessDenied", message: "Access Denied"}
	archived := answer{status: 403, code: "InvalidObjectState", message: "The operation is not valid for the object's storage class"}
	for name, test := range map[string]struct {
		answer answer
		sse    string
		call   func(context.Context, *s3.Bucket) error
		want   string
	}{
		"list": {denied, "", list, "grant s3:ListBucket on arn:aws:s3:::audit"},
		"get":  {denied, "", get, "grant s3:GetObject on arn:aws:s3:::audit/siem/*"},
		"get of what KMS encrypts": {
			denied, "aws:kms", get,
			"grant s3:GetObject on arn:aws:s3:::audit/siem/*, and kms:Decrypt on the key of the objects",
		},
		"get from an archive": {archived, "", get, "the object is in an archive class: restore it first (aws s3api restore-object)"},
	} {
		t.Run(name, func(t *testing.T) {
			o := fake(t, test.answer)
			o.Bucket, o.SSE = "audit", test.sse
			if e := wantStatus(t, test.call(t.Context(), open(t, o)), 403); e.Hint != test.want || !e.Config() {
				t.Errorf("hint %q, want %q", e.Hint, test.want)
			}
		})
	}
}

func list(ctx context.Context, b *s3.Bucket) error {
	_, err := b.List(ctx, s3.ListOptions{})
	return err
}

func get(ctx context.Context, b *s3.Bucket) error {
	_, err := b.Get(ctx, "siem/key", 0, "")
	return err
}

func TestGetThatBreaksOffCanBeTakenUpAgain(t *testing.T) {
	o := options(bucketFor(t))
	text := strings.Repeat("0123456789", 20000)
	if err := put(t, open(t, o), "key", text); err != nil {
		t.Fatal(err)
	}
	m := newMiddlebox(t, func(m *middlebox, n int, w http.ResponseWriter, r *http.Request) {
		if n > 1 {
			m.forward.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		io.WriteString(w, text[:1000])
		w.(http.Flusher).Flush()
		abort()
	})
	through := m.via(t)
	through.Bucket = o.Bucket
	b := open(t, through)
	d, err := b.Get(t.Context(), "key", 0, "")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	start, err := io.ReadAll(d)
	var e *s3.Error
	if !errors.As(err, &e) || e.Config() || e.Op != "get object" {
		t.Fatalf("after %d bytes: %v", len(start), err)
	}
	if _, rest := download(t, b, "key", int64(len(start)), ""); string(start)+rest != text {
		t.Errorf("%d and %d bytes are not the text", len(start), len(rest))
	}
}

func TestGetFromAServerWithoutRanges(t *testing.T) {
	o := fake(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "from the start")
	}))
	_, err := open(t, o).Get(t.Context(), "key", 5, "")
	if err == nil || !strings.Contains(err.Error(), "(Range)") {
		t.Errorf("%v", err)
	}
}

func TestGetAsksNotForAChecksumWhereThatIsRefused(t *testing.T) {
	var asked []string
	o := fake(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("X-Amz-Checksum-Mode"))
		if asked[len(asked)-1] != "" {
			answer{status: 400, code: "InvalidArgument", message: "Unsupported header"}.ServeHTTP(w, r)
			return
		}
		fmt.Fprint(w, "text")
	}))
	if _, text := download(t, open(t, o), "key", 0, ""); text != "text" || !slices.Equal(asked, []string{"ENABLED", ""}) {
		t.Errorf("%q after %q", text, asked)
	}
}

func TestStallIsAFailureOnlyWhileReading(t *testing.T) {
	release := make(chan struct{})
	o := fake(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		fmt.Fprint(w, "start")
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer close(release)
	o.StallTimeout = 50 * time.Millisecond
	d, err := open(t, o).Get(t.Context(), "key", 0, "")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	p := make([]byte, 5)
	if _, err := io.ReadFull(d, p); err != nil || string(p) != "start" {
		t.Fatalf("%q, %v", p, err)
	}
	if _, err := d.Read(p); err == nil || !strings.Contains(err.Error(), "no progress for 50ms") {
		t.Errorf("%v", err)
	}
}

func completed(part *awss3.UploadPartOutput) *types.CompletedMultipartUpload {
	return &types.CompletedMultipartUpload{Parts: []types.CompletedPart{
		{ETag: part.ETag, PartNumber: aws.Int32(1), ChecksumSHA256: part.ChecksumSHA256},
	}}
}
