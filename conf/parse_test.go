package conf

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func defaults() *Config {
	return &Config{
		S3: S3{On: true, Bucket: "acme-siem-logs", Region: "us-east-1", Checksum: "crc32"},
		Format: Format{
			Encoding:    "json",
			Compression: "gzip",
			KeyFormat:   "siem/category=$CATEGORY/dt=%Y-%m-%d/hour=%H/%Y%m%dT%H%M%SZ-$UUID",
			Syslog:      Syslog{Hostname: hostname(), AppName: "siem_s3", Facility: 13, EnterpriseID: "32473"},
		},
		Spool: Spool{
			Dir:             "/var/lib/fluent-bit/siem_s3",
			DirLimit:        2_000_000_000,
			FileSize:        50_000_000,
			UploadTimeout:   5 * time.Minute,
			ShutdownTimeout: 15 * time.Second,
		},
		Notify: Notify{
			GroupWait: 10 * time.Second,
			Interval:  5 * time.Minute,
			SMTP:      SMTP{Security: "starttls", Auth: "auto", Format: "html", Timeout: 30 * time.Second},
			Webhook:   Webhook{Format: "json", Timeout: 20 * time.Second},
		},
		Verbosity: "info",
	}
}

func TestSettingsAreRead(t *testing.T) {
	tests := []struct {
		name     string
		settings []string
		change   func(*Config) // of the defaults
	}{
		{"none but the bucket", nil, func(*Config) {}},
		{
			"white space and case do not matter",
			[]string{"format \t SYSLOG ", "server_side_encryption AWS:KMS", "verbosity Debug", "syslog_facility LOCAL4"},
			func(c *Config) {
				c.Format.Encoding, c.S3.ServerSideEncryption, c.Verbosity, c.Format.Syslog.Facility = "syslog", "aws:kms", "debug", 20
			},
		},
		{
			"an endpoint turns path style on",
			[]string{"endpoint http://127.0.0.1:9000/"},
			func(c *Config) { c.S3.Endpoint, c.S3.ForcePathStyle = "http://127.0.0.1:9000", true },
		},
		{
			"unless it says otherwise",
			[]string{"endpoint https://[2001:db8::1]", "force_path_style no"},
			func(c *Config) { c.S3.Endpoint = "https://[2001:db8::1]" },
		},
		{
			"or the bucket is an access point",
			[]string{"endpoint https://vpce.example.com", "bucket arn:aws:s3:eu-west-1:123456789012:accesspoint/siem"},
			func(c *Config) {
				c.S3.Endpoint = "https://vpce.example.com"
				c.S3.Bucket = "arn:aws:s3:eu-west-1:123456789012:accesspoint/siem"
			},
		},
		{
			"a host that only begins like the bucket is no mistake",
			[]string{"bucket siem", "endpoint https://siem.example.com"},
			func(c *Config) {
				c.S3.Bucket, c.S3.Endpoint, c.S3.ForcePathStyle = "siem", "https://siem.example.com", true
			},
		},
		{
			"static keys may assume a role",
			[]string{
				"aws_access_key_id id", "aws_secret_access_key key", "aws_session_token token",
				"role_arn arn:aws:iam::123456789012:role/team/siem", "external_id acme-1", "sts_endpoint https://sts.example.com",
			},
			func(c *Config) {
				c.S3.Credentials = Credentials{
					AccessKeyID: "id", SecretAccessKey: "key", SessionToken: "token", ExternalID: "acme-1",
					RoleARN: "arn:aws:iam::123456789012:role/team/siem", STSEndpoint: "https://sts.example.com",
				}
			},
		},
		{
			"properties of objects",
			[]string{
				"server_side_encryption aws:kms:dsse", "sse_kms_key_id alias/siem", "tagging team=sec%20ops&env=",
				"object_lock_mode governance", "object_lock_days 30", "storage_class glacier_ir",
				"canned_acl bucket-owner-full-control", "checksum CRC64NVME",
			},
			func(c *Config) {
				c.S3.ServerSideEncryption, c.S3.SSEKMSKeyID, c.S3.Tagging = "aws:kms:dsse", "alias/siem", "team=sec%20ops&env="
				c.S3.ObjectLockMode, c.S3.ObjectLockDays = "GOVERNANCE", 30
				c.S3.StorageClass, c.S3.CannedACL, c.S3.Checksum = "GLACIER_IR", "bucket-owner-full-control", "crc64nvme"
			},
		},
		{
			"levels go with their compression",
			[]string{"compression zstd", "compression_level 22"},
			func(c *Config) { c.Format.Compression, c.Format.Level = "zstd", 22 },
		},
		{
			"the buffer",
			[]string{"store_dir /data//siem/", "store_dir_limit_size 1.5G", "total_file_size 5MB", "upload_timeout 90", "shutdown_timeout 1M"},
			func(c *Config) {
				c.Spool = Spool{
					Dir: "/data/siem", DirLimit: 1_500_000_000, FileSize: 5_000_000,
					UploadTimeout: 90 * time.Second, ShutdownTimeout: time.Minute,
				}
			},
		},
		{
			"syslog",
			[]string{"syslog_hostname -", "syslog_app_name gw", "syslog_facility 0", "syslog_enterprise_id 32473.1"},
			func(c *Config) { c.Format.Syslog = Syslog{"-", "gw", 0, "32473.1"} },
		},
		{
			"the mapping",
			[]string{"map_device_id $device['id']", "map_timestamp $['@timestamp']", "log_type_map LOGIN = logon,Device Added=ADDED"},
			func(c *Config) {
				c.Mapping.Fields = map[string]string{"device_id": "$device['id']", "timestamp": "$['@timestamp']"}
				c.Mapping.LogTypes = map[string]string{"login": "logon", "device added": "added"}
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(given(test.settings...))
			if err != nil {
				t.Fatal(err)
			}
			want := defaults()
			test.change(want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestBucketsThatExistAreAllowed(t *testing.T) {
	for _, bucket := range []string{
		"abc", "my.logs.example.com", strings.Repeat("a", 63), "1-2-3",
		"siem-logs--usw2-az1--x-s3", "siem-a1b2c3-s3alias",
		"arn:aws:s3:eu-west-1:123456789012:accesspoint/siem",
		"arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/siem",
		"arn:aws:s3::123456789012:accesspoint/m1a2b3.mrap",
		"arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01ac5d28a6a232904/accesspoint/siem",
	} {
		if c, err := Parse(given("bucket " + bucket)); err != nil || c.S3.Bucket != bucket {
			t.Errorf("%s: got %q, %v", bucket, c.S3.Bucket, err)
		}
	}
}

func TestSecretsAreReadFromFiles(t *testing.T) {
	dir := t.TempDir()
	settings := []string{}
	for key, content := range map[string]string{
		"aws_access_key_id": "id", "aws_secret_access_key": "se/cr+et\r\n", "aws_session_token": "\ntoken\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, key), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		// Kubernetes mounts secrets as links.
		link := filepath.Join(dir, key+".link")
		if err := os.Symlink(key, link); err != nil {
			t.Fatal(err)
		}
		settings = append(settings, key+"_file "+link)
	}
	c, err := Parse(given(settings...))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Credentials{AccessKeyID: "id", SecretAccessKey: "se/cr+et", SessionToken: "token"}); c.S3.Credentials != want {
		t.Errorf("got %q, %q, %q", c.S3.Credentials.AccessKeyID.Reveal(), c.S3.Credentials.SecretAccessKey.Reveal(),
			c.S3.Credentials.SessionToken.Reveal())
	}
}

func TestCrossChecksNameTheKeyThatWasGiven(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(leak), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Parse(given("aws_session_token_file " + path))
	if err == nil || !strings.HasPrefix(err.Error(), "aws_session_token_file ") || strings.Contains(err.Error(), leak) {
		t.Errorf("got %v", err)
	}
}

// A value that is refused must not stop the search for further problems.
func TestRefusedValuesLeaveTheDefault(t *testing.T) {
	c, err := Parse(given("s3_key_format /x", "upload_timeout never", "compression rar", "compression_level 9"))
	if err == nil {
		t.Fatal("no error")
	}
	want := defaults()
	want.Format.Level = 9
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

// Whatever is given, Parse says what is wrong with it on printable lines, and
// keeps secrets to itself.
func FuzzParse(f *testing.F) {
	for _, m := range mistakes {
		f.Add(strings.Join(m.settings, "\n"))
	}
	for _, m := range alertMistakes {
		f.Add("notify on\n" + strings.Join(m.settings, "\n"))
	}
	f.Add("external_id " + strings.Repeat("0", 110) + strings.Repeat("\xff", 200))
	f.Add("log_type_map a=b,c=d\nmap_event $a['b']\ntagging a=%41&b=")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), strings.ToLower("tok-"+leak)) || strings.Contains(text, "_file") {
			t.Skip() // given in the open, or reading the machine's files
		}
		lines := append(strings.Split(text, "\n"), "aws_session_token tok-"+leak, "smtp_password tok-"+leak,
			"webhook_url https://example.com/tok-"+leak, "webhook_api_key tok-"+leak, "webhook_secret tok-"+leak)
		c, err := Parse(given(lines...))
		if c == nil {
			t.Fatal("no Config")
		}
		if err == nil {
			return
		}
		message := err.Error()
		if strings.Contains(message, "tok-"+leak) {
			t.Errorf("a secret shows in %s", message)
		}
		for line := range strings.SplitSeq(message, "\n") {
			if strings.ContainsFunc(line, unicode.IsControl) || !utf8.ValidString(line) {
				t.Errorf("a line of the message has control characters: %q", line)
			}
		}
	})
}
