package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"pgregory.net/rapid"

	"siem-s3/s3"
	"siem-s3/test/s3server"
)

func TestPutStoresBodyTypeMetadataAndChecksum(t *testing.T) {
	bucket := bucketFor(t)
	const text = `{"log_type":"logon"}` + "\n"
	for _, algorithm := range []string{"crc32", "crc64nvme", "sha256"} {
		t.Run(algorithm, func(t *testing.T) {
			o := options(bucket)
			o.Checksum = algorithm
			key := "siem/category=account/dt=2026-11-22/" + algorithm + " +&日本.log"
			if err := put(t, open(t, o), key, text); err != nil {
				t.Fatal(err)
			}
			got, err := server.Get(t.Context(), bucket, key)
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Body) != text || got.ContentType != "application/x-ndjson" || !maps.Equal(got.Metadata, meta) {
				t.Errorf("stored %+v", got)
			}
			head, err := server.Client().HeadObject(t.Context(), &awss3.HeadObjectInput{
				Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled,
			})
			if err != nil {
				t.Fatal(err)
			}
			stored := map[string]*string{
				"crc32": head.ChecksumCRC32, "crc64nvme": head.ChecksumCRC64NVME, "sha256": head.ChecksumSHA256,
			}
			for name, sum := range stored {
				if (sum != nil) != (name == algorithm) {
					t.Errorf("checksum %s stored: %v", name, sum != nil)
				}
			}
		})
	}
}

func TestPutReadsTheBodyFromItsStart(t *testing.T) {
	bucket := bucketFor(t)
	body := strings.NewReader("0123456789")
	_, _ = body.Seek(7, 0)
	if err := open(t, options(bucket)).Put(t.Context(), "key", body, 10, "", nil); err != nil {
		t.Fatal(err)
	}
	wantObject(t, bucket, "key", "0123456789")
}

func TestPutAgainIsDoneIfTheObjectIsOurs(t *testing.T) {
	bucket := bucketFor(t)
	for _, algorithm := range []string{"crc32", "crc64nvme", "sha256"} {
		o := options(bucket)
		o.Checksum = algorithm
		for range 2 {
			if err := put(t, open(t, o), "key-"+algorithm, "the same bytes"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestPutReportsAConflict(t *testing.T) {
	bucket := bucketFor(t)
	b := open(t, options(bucket))
	const text = "the bytes that were first"
	if err := put(t, b, "key", text); err != nil {
		t.Fatal(err)
	}
	other := map[string]string{"siem-segment": "another"}
	for name, c := range map[string]struct {
		text, want string
		meta       map[string]string
	}{
		"other size":     {"short", "25 bytes, not 5", meta},
		"other checksum": {"THE BYTES THAT WERE FIRST", "checksum ", meta},
		"other metadata": {text, `metadata siem-segment="0000000000000007-c0ffee", not "another"`, other},
	} {
		t.Run(name, func(t *testing.T) {
			err := b.Put(t.Context(), "key", strings.NewReader(c.text), int64(len(c.text)), "", c.meta)
			var e *s3.Error
			if !errors.As(err, &e) || !e.Conflict() || e.Config() || !strings.Contains(e.Error(), c.want) {
				t.Errorf("error %v, want a conflict with %q", err, c.want)
			}
			wantObject(t, bucket, "key", text)
		})
	}
}

func TestPutOfOneObjectByManyStoresItOnce(t *testing.T) {
	bucket := bucketFor(t)
	b := open(t, options(bucket))
	text := strings.Repeat("x", 100_000)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			// A 409 is S3's way to say that two were at it at once.
			for {
				err := put(t, b, "key", text)
				var e *s3.Error
				if errors.As(err, &e) && e.Status == http.StatusConflict && !e.Config() {
					continue
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
		})
	}
	wg.Wait()
	wantObject(t, bucket, "key", text)
}

func TestPutKeepsAnyBytes(t *testing.T) {
	bucket := bucketFor(t)
	b := open(t, options(bucket))
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		key := fmt.Sprintf("key-%d", n)
		body := rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(rt, "body")
		if err := b.Put(t.Context(), key, bytes.NewReader(body), int64(len(body)), "", meta); err != nil {
			rt.Fatal(err)
		}
		got, err := server.Get(t.Context(), bucket, key)
		if err != nil || !bytes.Equal(got.Body, body) {
			rt.Fatalf("sent %x, stored %x, %v", body, got.Body, err)
		}
	})
}

func TestPutLocksAndTagsObjects(t *testing.T) {
	bucket := lockedBucketFor(t)
	o := options(bucket)
	o.ObjectLockMode, o.ObjectLockDays = "GOVERNANCE", 3
	o.Tagging = "team=soc&retention=3%20days"
	o.SSE = "AES256"
	before := time.Now().UTC()
	if err := put(t, open(t, o), "key", "text"); err != nil {
		t.Fatal(err)
	}
	lock, err := server.Client().GetObjectRetention(t.Context(), &awss3.GetObjectRetentionInput{Bucket: &bucket, Key: aws.String("key")})
	if err != nil {
		t.Fatal(err)
	}
	until := *lock.Retention.RetainUntilDate
	if lock.Retention.Mode != types.ObjectLockRetentionModeGovernance ||
		until.Before(before.AddDate(0, 0, 3).Truncate(time.Second)) || until.After(time.Now().UTC().AddDate(0, 0, 3)) {
		t.Errorf("locked %s until %s", lock.Retention.Mode, until)
	}
	out, err := server.Client().GetObjectTagging(t.Context(), &awss3.GetObjectTaggingInput{Bucket: &bucket, Key: aws.String("key")})
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{}
	for _, tag := range out.TagSet {
		tags[*tag.Key] = *tag.Value
	}
	if want := map[string]string{"team": "soc", "retention": "3 days"}; !maps.Equal(tags, want) {
		t.Errorf("tags %v, want %v", tags, want)
	}
}

func TestRefusalsOfARealServer(t *testing.T) {
	bucket := bucketFor(t)
	for name, c := range map[string]struct {
		change            func(*s3.Options)
		putCode, putHint  string
		headCode, headTip string
	}{
		"wrong secret": {
			func(o *s3.Options) { o.SecretAccessKey = "wrong" },
			"SignatureDoesNotMatch", "not that of the access key id", "Forbidden", "grant s3:ListBucket on arn:aws:s3:::" + bucket,
		},
		"unknown key": {
			func(o *s3.Options) { o.AccessKeyID = "AKIANOBODY" },
			"InvalidAccessKeyId", "aws_access_key_id", "Forbidden", "s3:ListBucket",
		},
		"no bucket": {
			func(o *s3.Options) { o.Bucket = "no-such-bucket" },
			"NoSuchBucket", "create bucket no-such-bucket in region us-east-1", "NotFound", "create bucket no-such-bucket",
		},
		"wrong region": {
			func(o *s3.Options) { o.Region = "eu-west-1" },
			"AuthorizationHeaderMalformed", "set region us-east-1", "BadRequest", "check region",
		},
		"no object lock": {
			func(o *s3.Options) { o.ObjectLockMode, o.ObjectLockDays = "COMPLIANCE", 1 },
			"InvalidRequest", "the bucket has no object lock", "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(bucket)
			c.change(&o)
			b := open(t, o)
			wantRefusal(t, put(t, b, "siem/key", "text"), c.putCode, c.putHint)
			if err := b.Check(t.Context()); c.headCode != "" {
				wantRefusal(t, err, c.headCode, c.headTip)
			} else if err != nil {
				t.Errorf("Check: %v", err)
			}
		})
	}
}

func wantRefusal(t *testing.T, err error, code, hint string) {
	t.Helper()
	var e *s3.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want an *s3.Error", err)
	}
	if e.Code != code || !e.Config() || e.Conflict() || !strings.Contains(e.Hint, hint) {
		t.Errorf("code %q, Config %v, Conflict %v, hint %q in %v; want %q and %q", e.Code, e.Config(), e.Conflict(), e.Hint, e, code, hint)
	}
}

func TestCheckFindsTheBucket(t *testing.T) {
	if err := open(t, options(bucketFor(t))).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestOutageIsTransientAndEnds(t *testing.T) {
	own := s3server.StartWithBucket(t, "outage")
	b := open(t, s3.Options{
		Bucket: "outage", Region: own.Region, Endpoint: own.Endpoint, ForcePathStyle: true,
		AccessKeyID: own.AccessKey, SecretAccessKey: own.SecretKey, Checksum: "crc32",
	})
	if err := put(t, b, "before", "text"); err != nil {
		t.Fatal(err)
	}
	own.Stop()
	var e *s3.Error
	if err := put(t, b, "key", "text"); !errors.As(err, &e) || e.Config() || e.Status != 0 {
		t.Errorf("error %v, want a transient one without status", err)
	}
	if err := own.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := put(t, b, "key", "text"); err != nil {
		t.Errorf("after the outage: %v", err)
	}
	keys, err := own.List(t.Context(), "outage", "")
	if want := []string{"before", "key"}; err != nil || !slices.Equal(keys, want) {
		t.Errorf("keys %v, %v, want %v", keys, err, want)
	}
}

func TestTLS(t *testing.T) {
	own := s3server.StartWithBucket(t, "tls", s3server.WithTLS(), s3server.WithRegion("eu-central-1"))
	o := s3.Options{
		Bucket: "tls", Region: own.Region, Endpoint: own.Endpoint, ForcePathStyle: true,
		AccessKeyID: own.AccessKey, SecretAccessKey: own.SecretKey, Checksum: "crc64nvme",
	}
	t.Run("unknown authority", func(t *testing.T) {
		wantRefusal(t, put(t, open(t, o), "key", "text"), "", "AWS_CA_BUNDLE")
	})
	t.Run("https to a plain port", func(t *testing.T) {
		o := o
		o.Endpoint = strings.Replace(server.Endpoint, "http:", "https:", 1)
		wantRefusal(t, put(t, open(t, o), "key", "text"), "", "does not speak TLS")
	})
	t.Run("trusted", func(t *testing.T) {
		t.Setenv("AWS_CA_BUNDLE", own.CAFile)
		b := open(t, o)
		for range 2 {
			if err := put(t, b, "key", strings.Repeat("text", 1_000_000)); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestFileIsSentWithoutBeingHeldInMemory(t *testing.T) {
	bucket := bucketFor(t)
	b := open(t, options(bucket))
	f, size := bigFile(t, 40<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := b.Put(t.Context(), "key", f, size, "", nil); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("a put of %d bytes allocates %d", size, got)
	}
}

// bigFile returns a file of size bytes that no compression or sharing shortens.
func bigFile(t testing.TB, size int64) (*os.File, int64) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "segment"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * i >> 7)
	}
	for n := int64(0); n < size; n += int64(len(block)) {
		if _, err := f.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	return f, size
}

func TestLimitsAreCheckedBeforeAnythingIsRead(t *testing.T) {
	b := open(t, options("never-asked"))
	for name, c := range map[string]struct {
		key  string
		size int64
		code string
	}{
		"more than 5 GiB": {"key", 5<<30 + 1, "EntityTooLarge"},
		"no key":          {"", 1, "KeyTooLongError"},
		"long key":        {strings.Repeat("k", 1025), 1, "KeyTooLongError"},
	} {
		t.Run(name, func(t *testing.T) {
			// A nil body would panic if it were touched.
			err := b.Put(t.Context(), c.key, nil, c.size, "", nil)
			wantRefusal(t, err, c.code, "")
		})
	}
}

func TestBodyOfAnotherSizeIsNotSent(t *testing.T) {
	bucket := bucketFor(t)
	b := open(t, options(bucket))
	for _, size := range []int64{3, 5} {
		err := b.Put(t.Context(), "key", strings.NewReader("text"), size, "", nil)
		if err == nil || !strings.Contains(err.Error(), "body has 4 bytes") {
			t.Errorf("size %d: error %v", size, err)
		}
	}
	if keys, err := server.List(t.Context(), bucket, ""); err != nil || len(keys) > 0 {
		t.Errorf("keys %v, %v", keys, err)
	}
}

func TestUnreadableBodyIsReported(t *testing.T) {
	b := open(t, options(bucketFor(t)))
	f, size := bigFile(t, 1<<20)
	f.Close()
	err := b.Put(t.Context(), "key", f, size, "", nil)
	var e *s3.Error
	if !errors.As(err, &e) || !errors.Is(err, os.ErrClosed) || e.Config() {
		t.Errorf("error %v", err)
	}
}

func TestCancelledBeforeItBegan(t *testing.T) {
	b := open(t, options(bucketFor(t)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Put(ctx, "key", strings.NewReader("text"), 4, "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v", err)
	}
	if err := b.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Check: %v", err)
	}
}
