package conf

import (
	"fmt"
	"strings"
)

// Bounds of total_file_size. Amazon S3 takes up to 5 GB in one PutObject.
const (
	minFileSize = megabyte
	maxFileSize = 5 * gigabyte
)

// maxLevel is the highest level of each compression, 0 for none.
var maxLevel = map[string]int{"gzip": 9, "zstd": 22, "none": 0}

// checks are the rules on how settings go together. Each key was read by then.
var checks = []func(*reader){
	checkEndpointOfBucket,
	checkPathStyle,
	checkStaticKeys,
	checkProfile,
	checkExternalID,
	checkLevel,
	checkDirLimit,
	checkKMSKey,
	checkObjectLock,
	checkSomethingToDo,
	checkAlerts,
}

func isARN(bucket string) bool { return strings.HasPrefix(bucket, "arn:") }

// checkEndpointOfBucket finds an endpoint such as https://bucket.s3.example.com,
// which a bucket's page shows. Not every host that begins with the bucket's name
// is one.
func checkEndpointOfBucket(r *reader) {
	if !r.stand("bucket", "endpoint") {
		return
	}
	scheme, host, _ := strings.Cut(r.config.S3.Endpoint, "://")
	if bare, found := strings.CutPrefix(host, r.config.S3.Bucket+"."); found && strings.HasPrefix(bare, "s3") {
		r.refuse("endpoint", "the URL without the bucket: "+scheme+"://"+bare)
	}
}

func checkPathStyle(r *reader) {
	if r.stand("bucket", "force_path_style") && r.config.S3.ForcePathStyle && isARN(r.config.S3.Bucket) {
		r.refuse("force_path_style", "off, because bucket is the ARN of an access point")
	}
}

func checkStaticKeys(r *reader) {
	const id, secret, token = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"
	has := func(key string) bool { return !r.missing(key, key+"_file") }
	switch {
	case has(id) && !has(secret):
		r.refuse(secret, "the secret that belongs to "+id)
	case has(secret) && !has(id):
		r.refuse(id, "the access key ID that belongs to "+secret)
	case has(token) && !has(id):
		r.refuse(r.name(token), "it only together with "+id+" and "+secret)
	}
}

// checkProfile finds two answers to the same question. A role is no such answer:
// it is assumed with the static keys.
func checkProfile(r *reader) {
	const id = "aws_access_key_id"
	if !r.missing("profile") && !r.missing(id, id+"_file") {
		r.refuse("profile", "either a profile or "+r.name(id)+", not both")
	}
}

func checkExternalID(r *reader) {
	if !r.missing("external_id") && r.missing("role_arn") {
		r.refuse("external_id", "it only with the role_arn that it is for")
	}
}

func checkLevel(r *reader) {
	compression := r.config.Format.Compression
	most := maxLevel[compression]
	switch {
	case !r.stand("compression_level") || r.problems.Has("compression"):
	case most == 0:
		r.refuse("compression_level", "it only with compression gzip or zstd")
	case r.config.Format.Level > most:
		r.refuse("compression_level", fmt.Sprintf("1 to %d, because compression is %s", most, compression))
	}
}

// checkDirLimit makes room for a segment that is written while another, of the
// same size, is uploaded.
func checkDirLimit(r *reader) {
	spool := r.config.Spool
	if r.problems.Has("total_file_size") || r.problems.Has("store_dir_limit_size") || spool.DirLimit >= 2*spool.FileSize {
		return
	}
	if r.missing("store_dir_limit_size") {
		r.refuse("total_file_size", fmt.Sprintf("at most %s, or a store_dir_limit_size of at least %s",
			formatSize(spool.DirLimit/2), formatSize(2*spool.FileSize)))
		return
	}
	r.refuse("store_dir_limit_size", "at least "+formatSize(2*spool.FileSize)+", twice the total_file_size")
}

func checkKMSKey(r *reader) {
	if !r.missing("sse_kms_key_id") && !r.problems.Has("server_side_encryption") &&
		!strings.HasPrefix(r.config.S3.ServerSideEncryption, "aws:kms") {
		r.refuse("sse_kms_key_id", "it only with server_side_encryption aws:kms or aws:kms:dsse")
	}
}

func checkObjectLock(r *reader) {
	const mode, days = "object_lock_mode", "object_lock_days"
	switch {
	case r.missing(days) && !r.missing(mode):
		r.refuse(days, "the number of days that object_lock_mode is to last")
	case r.missing(mode) && !r.missing(days):
		r.refuse(mode, "GOVERNANCE or COMPLIANCE, because object_lock_days is set")
	}
}
