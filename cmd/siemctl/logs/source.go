package logs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"siem-s3/cmd/siemctl/fluentconf"
	"siem-s3/conf"
	"siem-s3/formatter"
	"siem-s3/s3"
	"siem-s3/wire"
)

// A Store is a bucket to read from: an *s3.Bucket.
type Store interface {
	List(ctx context.Context, o s3.ListOptions) (s3.Page, error)
	Get(ctx context.Context, key string, offset int64, etag string) (*s3.Download, error)
	Stat(ctx context.Context, key string) (s3.Stat, error)
}

// A Source is where one output stores its objects.
type Source struct {
	Store  Store
	Bucket string
	Layout *Layout
	// Syslog is how the output writes events as SYSLOG, or would.
	Syslog formatter.SyslogOptions

	number int // among the sources
}

// URL returns what people call the place of a key.
func (s *Source) URL(key string) string { return "s3://" + s.Bucket + "/" + key }

// Settings say where objects are, by the names of the plugin's settings. What is
// not there has the plugin's default.
type Settings map[string]string

// needed are the settings that reading needs. All others may be as wrong as they
// like.
var needed = []string{
	"bucket", "region", "endpoint", "force_path_style", "profile", "role_arn", "external_id", "sts_endpoint",
	"aws_access_key_id", "aws_access_key_id_file", "aws_secret_access_key", "aws_secret_access_key_file",
	"aws_session_token", "aws_session_token_file", "server_side_encryption", "s3_key_format", "upload_timeout",
	"syslog_hostname", "syslog_app_name", "syslog_facility", "syslog_enterprise_id",
}

// NewSource makes a Source of settings. It sends nothing.
func NewSource(set Settings) (*Source, error) {
	cfg, err := conf.Parse(func(key string) string {
		if !slices.Contains(needed, key) {
			return ""
		}
		return set[key]
	})
	if err := onlyNeeded(err); err != nil {
		return nil, err
	}
	layout, err := NewLayout(cfg.Format.KeyFormat, cfg.Spool.UploadTimeout)
	if err != nil {
		return nil, err
	}
	bucket, err := wire.Bucket(cfg, nil)
	if err != nil {
		return nil, err
	}
	return &Source{Store: bucket, Bucket: cfg.S3.Bucket, Layout: layout, Syslog: formatter.SyslogOptions(cfg.Format.Syslog)}, nil
}

// onlyNeeded drops the problems with settings that reading does not need.
func onlyNeeded(err error) error {
	var all, kept conf.Problems
	if !errors.As(err, &all) {
		return err
	}
	for _, p := range all {
		if slices.Contains(needed, p.Key) {
			kept.Add(p)
		}
	}
	return kept.Err()
}

// ReadSettings returns the settings of the siem_s3 outputs in a configuration of
// Fluent Bit. which picks one by its alias or its number from 1; "" picks all.
func ReadSettings(path, which string) ([]Settings, error) {
	config, err := fluentconf.Load(path, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	var all []Settings
	var names []string
	for _, section := range config.Outputs {
		if section.Plugin() != "siem_s3" {
			continue
		}
		set := Settings{}
		for _, key := range needed {
			p, _ := section.First(key)
			set[key] = p.Value
		}
		alias, number := section.Value("alias"), fmt.Sprint(len(names)+1)
		if names = append(names, strings.TrimSpace(number+" "+alias)); which == "" || which == number || which == alias {
			all = append(all, set)
		}
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("%s has no output siem_s3", path)
	case len(all) == 0:
		return nil, fmt.Errorf("%s has no output siem_s3 %q; it has %s", path, which, strings.Join(names, ", "))
	}
	return all, nil
}

// NewSources makes a Source of each settings, but only one of those that are the
// same place.
func NewSources(all []Settings) ([]*Source, error) {
	var sources []*Source
	seen := map[string]bool{}
	for _, set := range all {
		s, err := NewSource(set)
		if err != nil {
			return nil, err
		}
		place := strings.Join([]string{set["endpoint"], s.Bucket, s.Layout.key.String()}, "\x00")
		if seen[place] {
			continue
		}
		seen[place] = true
		s.number = len(sources)
		sources = append(sources, s)
	}
	return sources, nil
}
