package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// A Probe is a small object that finds out what a server makes of the objects of
// Put. It is put as these are, but for a lock: that is probeLock long, whatever
// the options say, so that the object can go. It is for one goroutine; its
// methods after Put need an object that was put.
type Probe struct {
	bucket  *Bucket
	key     string
	dialect dialect
	// versions are those that the probe made, if the bucket keeps versions.
	versions []string
}

const (
	probeBody = "siemctl check put this here to see whether it can. It may be deleted.\n"
	otherBody = "siemctl check put this in place of another object. It may be deleted.\n"
	// probeLock is short, and longer than the skew of any clock that S3 accepts.
	probeLock = maxSkew + time.Minute
)

// NewProbe returns a Probe with that key, which should be nobody else's.
func (b *Bucket) NewProbe(key string) *Probe { return &Probe{bucket: b, key: key} }

// Put puts the object. A server that refuses a header of Put's gets it without,
// as with Put. The error is an *[Error].
func (p *Probe) Put(ctx context.Context) error {
	var refused dialect
	var first *Error
	for _, d := range dialects {
		if d.uses(refused) {
			continue
		}
		e := p.send(ctx, probeBody, d, nil)
		if e == nil {
			p.dialect = d
			return nil
		}
		if first == nil {
			first = e
		}
		if !refused.learn(e) {
			break
		}
	}
	return first
}

// send puts body in the given dialect, changed if change is not nil.
func (p *Probe) send(ctx context.Context, body string, d dialect, change func(*awss3.PutObjectInput)) *Error {
	b := p.bucket
	o := &object{key: p.key, body: strings.NewReader(body), size: int64(len(body)), contentType: "text/plain"}
	in, payload, err := b.input(ctx, o, d)
	if err != nil {
		return b.explain(ctx, &Error{Op: "put object", Bucket: b.options.Bucket, Key: p.key}, err)
	}
	if in.ObjectLockRetainUntilDate != nil {
		in.ObjectLockRetainUntilDate = aws.Time(time.Now().Add(probeLock))
	}
	if change != nil {
		change(in)
	}
	return b.attempt(ctx, "put object", p.key, func(ctx context.Context, w *watchdog) error {
		in.Body = w.body(o.body, o.size)
		out, err := b.client.PutObject(ctx, in, withPayloadHash(payload))
		if err != nil {
			return err
		}
		if aws.ToString(out.ETag) == "" {
			return errNotS3
		}
		if v := aws.ToString(out.VersionId); v != "" && v != "null" {
			p.versions = append(p.versions, v)
		}
		return nil
	})
}

// Overwrite puts other bytes under the same key on condition that there is
// nothing, and reports whether the server refused, as it should. The error is an
// *[Error].
func (p *Probe) Overwrite(ctx context.Context) (refused bool, err error) {
	if !p.dialect.conditional {
		return false, nil
	}
	e := p.send(ctx, otherBody, p.dialect, nil)
	switch {
	case e == nil:
		return false, nil
	case e.Status == http.StatusPreconditionFailed, e.Status == http.StatusConflict:
		return true, nil
	}
	return false, e
}

// Damage puts bytes with the checksum of others, and reports whether the server
// refused, as it should. The error is an *[Error].
func (p *Probe) Damage(ctx context.Context) (refused bool, err error) {
	if !p.dialect.checksum {
		return false, nil
	}
	a := algorithms[p.bucket.options.Checksum]
	e := p.send(ctx, otherBody, dialect{checksum: true}, func(in *awss3.PutObjectInput) {
		h := a.new()
		_, _ = h.Write([]byte(probeBody)) // a hash takes everything
		a.set(in, aws.String(base64Sum(h)))
	})
	switch {
	case e == nil:
		return false, nil
	case e.Status == http.StatusBadRequest:
		return true, nil
	}
	return false, e
}

// Kept is what a server says that it keeps with an object. What it does not say
// it may do all the same: some say nothing of encryption, and Amazon S3 speaks of
// locks only to those who may read them.
type Kept struct {
	Checksum Checksum
	// SSE and KMSKeyID are how the object is encrypted.
	SSE, KMSKeyID string
	// LockMode is GOVERNANCE, COMPLIANCE or "".
	LockMode     string
	StorageClass string
	// Tags is how many there are.
	Tags int
}

// Kept asks what the server keeps with the object (HeadObject). The error is an
// *[Error].
func (p *Probe) Kept(ctx context.Context) (Kept, error) {
	out, e := p.bucket.find(ctx, p.key)
	if e != nil {
		return Kept{}, p.bucket.explainRead(e, "s3:GetObject on "+p.bucket.objects(p.key))
	}
	return Kept{
		Checksum:     checksum(out.ChecksumType, out.ChecksumCRC32, out.ChecksumCRC64NVME, out.ChecksumSHA256),
		SSE:          string(out.ServerSideEncryption),
		KMSKeyID:     aws.ToString(out.SSEKMSKeyId),
		LockMode:     string(out.ObjectLockMode),
		StorageClass: string(out.StorageClass),
		Tags:         int(aws.ToInt32(out.TagCount)),
	}, nil
}

// Get reads the object back and compares it with what was put. The error is an
// *[Error] unless they differ.
func (p *Probe) Get(ctx context.Context) error {
	d, err := p.bucket.Get(ctx, p.key, 0, "")
	if err != nil {
		return err
	}
	defer d.Close()
	got, err := io.ReadAll(io.LimitReader(d, int64(len(probeBody)+1)))
	if err != nil {
		return err
	}
	if string(got) != probeBody {
		return fmt.Errorf("%s holds other bytes than were put there", p.key)
	}
	return nil
}

// Delete deletes the object and every version of it that the probe made. If a
// lock or a missing permission keeps versions from being deleted the object
// is hidden behind a delete marker, and kept is how many of them stay. The error
// is an *[Error].
func (p *Probe) Delete(ctx context.Context) (kept int, err error) {
	for _, version := range p.versions {
		if e := p.delete(ctx, &version); e != nil {
			kept++
		}
	}
	if len(p.versions) > 0 && kept == 0 {
		return 0, nil
	}
	if e := p.delete(ctx, nil); e != nil {
		return kept, p.bucket.explainRead(e, "s3:DeleteObject on "+p.bucket.objects(p.key)+" to whoever probes")
	}
	return kept, nil
}

func (p *Probe) delete(ctx context.Context, version *string) *Error {
	b := p.bucket
	return b.attempt(ctx, "delete object", p.key, func(ctx context.Context, _ *watchdog) error {
		_, err := b.client.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: &b.options.Bucket, Key: &p.key, VersionId: version})
		var gone *types.NoSuchKey
		if errors.As(err, &gone) {
			return nil
		}
		return err
	})
}
