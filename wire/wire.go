// Package wire turns the settings of one [OUTPUT] into the stages of a pipeline.
package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"siem-s3/conf"
	"siem-s3/event"
	"siem-s3/formatter"
	"siem-s3/pipeline"
	"siem-s3/s3"
)

// Settings reads the settings that get returns by key, "" for those that are not
// given, and makes the stages that they describe. It does no I/O but for the
// files that settings name and the AWS SDK's own. If settings can't stand the
// error is a conf.Problems with all of them, whichever stage found it. Log is
// left to the caller; notice is told what the bucket finds out about its server.
func Settings(get func(key string) string, notice func(string)) (*conf.Config, pipeline.Options, error) {
	cfg, err := conf.Parse(get)
	var problems conf.Problems
	if err != nil && !errors.As(err, &problems) {
		return nil, pipeline.Options{}, err
	}
	o := pipeline.Options{
		Mapping:       mapping(cfg, &problems),
		Format:        format(cfg, &problems),
		Codec:         codec(cfg, &problems),
		Key:           keyFormat(cfg, &problems),
		Location:      "s3://" + cfg.S3.Bucket,
		Window:        cfg.Spool.UploadTimeout,
		StoreDir:      cfg.Spool.Dir,
		StoreDirLimit: cfg.Spool.DirLimit,
		SegmentBytes:  cfg.Spool.FileSize,
		AlertsOnly:    !cfg.S3.On,
	}
	if cfg.Notify.On {
		o.Alerts = alertOptions(cfg, &problems)
	}
	if err := problems.Err(); err != nil {
		return nil, pipeline.Options{}, err
	}
	if cfg.S3.Bucket == "" {
		return cfg, o, nil // log_storage is off
	}
	b, err := Bucket(cfg, notice)
	if err != nil {
		return nil, pipeline.Options{}, err
	}
	o.Bucket = b
	return cfg, o, nil
}

func mapping(cfg *conf.Config, problems *conf.Problems) *event.Mapping {
	o := event.MappingOptions{Accessors: map[event.Field]string{}, LogTypes: cfg.Mapping.LogTypes}
	for name, accessor := range cfg.Mapping.Fields {
		if f, ok := event.FieldByName(name); ok {
			o.Accessors[f] = accessor
		}
	}
	m, err := event.NewMapping(o)
	var pairs, reasons []string
	for _, err := range unjoin(err) {
		var accessor *event.AccessorError
		var logType *event.LogTypeError
		switch {
		case errors.As(err, &accessor):
			problems.Add(conf.Problem{
				Key: "map_" + accessor.Field.String(), Value: accessor.Accessor,
				Want: fmt.Sprintf("a record accessor, such as $device['id'] (%v)", accessor.Err),
			})
		case errors.As(err, &logType):
			pairs = append(pairs, logType.Source+"="+logType.Name)
			if !slices.Contains(reasons, logType.Reason) {
				reasons = append(reasons, logType.Reason)
			}
		}
	}
	if pairs != nil {
		problems.Add(conf.Problem{
			Key: "log_type_map", Value: strings.Join(pairs, ", "),
			Want: "a log type of the schema behind each = (" + strings.Join(reasons, "; ") + ")",
		})
	}
	return m
}

// unjoin returns the parts of what errors.Join made.
func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

func format(cfg *conf.Config, problems *conf.Problems) pipeline.Format {
	if cfg.Format.Encoding != "syslog" {
		return formatter.JSON{}
	}
	f, err := formatter.NewSyslog(formatter.SyslogOptions(cfg.Format.Syslog))
	if err != nil {
		problems.Add(conf.Problem{Key: "format", Value: "syslog", Want: fmt.Sprintf("syslog_ settings that RFC 5424 allows (%v)", err)})
	}
	return f
}

func codec(cfg *conf.Config, problems *conf.Problems) formatter.Codec {
	c, err := formatter.NewCodec(cfg.Format.Compression, cfg.Format.Level)
	if err != nil {
		problems.Add(conf.Problem{Key: "compression_level", Value: fmt.Sprint(cfg.Format.Level), Want: err.Error()})
	}
	return c
}

func keyFormat(cfg *conf.Config, problems *conf.Problems) *pipeline.KeyFormat {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	k, err := pipeline.ParseKeyFormat(cfg.Format.KeyFormat, host)
	if err != nil {
		problems.Add(conf.Problem{Key: "s3_key_format", Value: cfg.Format.KeyFormat, Want: fmt.Sprintf("a template of object keys (%v)", err)})
	}
	return k
}

// Bucket returns the bucket of the settings. notice is told, in a sentence each,
// what it finds out about its server. The error is a conf.Problems if a setting
// is to blame.
func Bucket(cfg *conf.Config, notice func(string)) (*s3.Bucket, error) {
	c := cfg.S3.Credentials
	b, err := s3.New(context.Background(), s3.Options{
		Bucket: cfg.S3.Bucket, Region: cfg.S3.Region, Endpoint: cfg.S3.Endpoint, ForcePathStyle: cfg.S3.ForcePathStyle,
		Profile: c.Profile, RoleARN: c.RoleARN, ExternalID: c.ExternalID, STSEndpoint: c.STSEndpoint,
		AccessKeyID: c.AccessKeyID.Reveal(), SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal(),
		ACL: cfg.S3.CannedACL, StorageClass: cfg.S3.StorageClass, SSE: cfg.S3.ServerSideEncryption, KMSKeyID: cfg.S3.SSEKMSKeyID,
		Tagging: cfg.S3.Tagging, ObjectLockMode: cfg.S3.ObjectLockMode, ObjectLockDays: cfg.S3.ObjectLockDays,
		Checksum: cfg.S3.Checksum,
		OnNotice: notice,
	})
	switch {
	case err != nil && c.Profile != "":
		return nil, conf.Problems{{Key: "profile", Value: c.Profile, Want: fmt.Sprintf("a profile that the AWS SDK can use (%v)", err)}}
	case err != nil:
		return nil, fmt.Errorf("set up S3: %w", err)
	}
	return b, nil
}
