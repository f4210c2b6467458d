package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"siem-s3/cmd/siemctl/fluentconf"
	"siem-s3/s3"
	"siem-s3/wire"
)

// A trial tries one output on its servers and reports each step as it is done.
type trial struct {
	*output
	at     fluentconf.Pos
	report *report
	show   func(finding) error
	err    error // of show
	bucket *s3.Bucket
}

// online tries the bucket of an output, if its settings stand. Each finding is
// shown as it comes about. Mail and web servers will be trials beside the bucket's.
func (c *checker) online(ctx context.Context, o *output, show func(finding) error) error {
	t := &trial{output: o, at: o.section.Pos, report: c.report, show: show}
	if !o.stands {
		t.say(levelNote, "", "this output is not tried: its settings can't stand")
		return t.err
	}
	var err error
	if t.bucket, err = wire.Bucket(o.settings, func(string) {}); err != nil {
		return err
	}
	defer t.bucket.Close()
	if t.identity(ctx) && t.place(ctx) {
		t.object(ctx)
	}
	return t.err
}

func (t *trial) say(l level, setting, format string, args ...any) {
	f := t.report.add(l, t.at, setting, format, args...)
	if t.err == nil {
		t.err = t.show(f)
	}
}

// identity reports as whom the server is asked, and whether there is somebody.
func (t *trial) identity(ctx context.Context) bool {
	id, err := t.bucket.Identify(ctx)
	e := new(s3.Error)
	errors.As(err, &e)
	switch {
	case err == nil && id.ARN != "":
		t.say(levelOK, "", "credentials: %s (%s)", id.ARN, id.Source)
	case err == nil:
		t.say(levelOK, "", "credentials: found (%s)", id.Source)
	case id.Source == "" || e.Op == "get credentials" || e.Status == http.StatusForbidden:
		t.say(levelError, "", "credentials: %s", err)
		return false
	default:
		t.say(levelNote, "", "credentials: found (%s); whose they are can't be told: %s", id.Source, err)
	}
	return true
}

// Clocks that differ by badSkew are refused by Amazon S3; by someSkew they will be.
const (
	someSkew = time.Minute
	badSkew  = 15 * time.Minute
)

// place reports whether the bucket is there, in the region, and the clocks agree.
func (t *trial) place(ctx context.Context) bool {
	place, err := t.bucket.Locate(ctx)
	bucket, region := t.settings.S3.Bucket, t.settings.S3.Region
	var e *s3.Error
	switch {
	case err == nil && place.Region != "" && place.Region != region:
		t.say(levelError, "region", " is %s, and the bucket is in %s", region, place.Region)
	case err == nil:
		t.say(levelOK, "", "bucket: %s is there, in region %s", bucket, region)
	case errors.As(err, &e) && e.Status == http.StatusForbidden:
		t.say(levelNote, "", "bucket: %s", err)
	default:
		t.say(levelError, "", "bucket: %s", err)
		return false
	}
	if place.Timed {
		t.clock(place.Ahead)
	}
	return true
}

func (t *trial) clock(ahead time.Duration) {
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	switch off := ahead.Abs(); {
	case off >= badSkew:
		t.say(levelError, "", "clock: %s %s the server's, which refuses requests for it; fix NTP", off, direction)
	case off >= someSkew:
		t.say(levelWarning, "", "clock: %s %s the server's, which refuses requests from %s on; fix NTP", off, direction, badSkew)
	default:
		t.say(levelOK, "", "clock: within %s of the server's", max(off, time.Second))
	}
}

// object puts an object, looks at what became of it, and deletes it.
func (t *trial) object(ctx context.Context) {
	key := literalPrefix(t.settings.Format.KeyFormat) + ".siemctl-probe-" + strings.ToLower(rand.Text()[:10])
	p := t.bucket.NewProbe(key)
	if err := p.Put(ctx); err != nil {
		t.say(levelError, "", "put: %s", err)
		return
	}
	t.say(levelOK, "", "put: s3://%s/%s", t.settings.S3.Bucket, key)
	defer t.remove(ctx, p, key)
	if err := p.Get(ctx); err != nil {
		t.say(levelWarning, "", "get: %s; without it the plugin can't tell, after a lost answer, whether its object was stored", err)
	} else {
		t.say(levelOK, "", "get: the same bytes")
		t.kept(ctx, p)
	}
	t.refusal("conditional writes: an object is never overwritten", p.Overwrite, ctx,
		"conditional writes: the server overwrites what is there; after a lost answer an object is written again, with the same bytes")
	t.refusal("checksums: damaged bytes are refused", p.Damage, ctx,
		"checksums: the server stores bytes that don't fit their checksum; use https, which protects them on their way")
}

// refusal reports whether the server refuses what it should.
func (t *trial) refusal(good string, try func(context.Context) (bool, error), ctx context.Context, bad string) {
	switch refused, err := try(ctx); {
	case err != nil:
		t.say(levelWarning, "", "%s: can't be tried: %s", good, err)
	case refused:
		t.say(levelOK, "", "%s", good)
	default:
		t.say(levelNote, "", "%s", bad)
	}
}

// kept reports whether the server does with the object what the settings ask for.
func (t *trial) kept(ctx context.Context, p *s3.Probe) {
	kept, err := p.Kept(ctx)
	if err != nil {
		t.say(levelWarning, "", "head: %s", err)
		return
	}
	t.encryption(kept)
	o := t.settings.S3
	switch {
	case o.ObjectLockMode == "":
	case kept.LockMode == o.ObjectLockMode:
		t.say(levelOK, "", "object lock: %s", kept.LockMode)
	default:
		t.say(levelWarning, "object_lock_mode", ": the server does not say that the object is locked; grant s3:GetObjectRetention to see it, or check the bucket")
	}
	tags, _ := url.ParseQuery(o.Tagging) // it was checked
	switch {
	case len(tags) == 0:
	case kept.Tags == len(tags):
		t.say(levelOK, "", "tags: %d", kept.Tags)
	default:
		t.say(levelNote, "tagging", ": the server does not say that the object has tags; grant s3:GetObjectTagging to see them")
	}
}

func (t *trial) encryption(kept s3.Kept) {
	want := t.settings.S3.ServerSideEncryption
	with := kept.SSE
	if kept.KMSKeyID != "" {
		with += " with " + kept.KMSKeyID
	}
	switch {
	case kept.SSE == want && want != "":
		t.say(levelOK, "", "encryption: %s", with)
	case want != "" && kept.SSE != "":
		t.say(levelError, "server_side_encryption", " is %s, and the server used %s", want, with)
	case want != "":
		t.say(levelWarning, "server_side_encryption", ": the server took %s and does not say that it encrypts", want)
	case kept.SSE != "":
		t.say(levelOK, "", "encryption: %s, as the bucket has it", with)
	}
}

// remove deletes the object, even when the user has had enough.
func (t *trial) remove(ctx context.Context, p *s3.Probe, key string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	left, err := p.Delete(ctx)
	switch {
	case err != nil:
		t.say(levelNote, "", "delete: %s stays behind: %s; the plugin itself never deletes", key, err)
	case left > 0:
		t.say(levelNote, "", "delete: %s is gone, but for %s that a lock or a missing s3:DeleteObjectVersion keeps", key, plural(left, "old version"))
	default:
		t.say(levelOK, "", "delete: the object is gone")
	}
}

// literalPrefix returns what every key of a template begins with.
func literalPrefix(template string) string {
	var prefix strings.Builder
	for rest := template; ; {
		i := strings.IndexAny(rest, "%$")
		if i < 0 {
			return prefix.String() + rest
		}
		prefix.WriteString(rest[:i])
		if !strings.HasPrefix(rest[i:], "%%") {
			return prefix.String()
		}
		prefix.WriteByte('%')
		rest = rest[i+2:]
	}
}
