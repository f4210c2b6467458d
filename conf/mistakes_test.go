package conf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// given returns the get function of these settings, lines of "key value", over
// a configuration that stands and has no alerts.
func given(lines ...string) func(string) string {
	return over([]string{"bucket acme-siem-logs", "notify off"}, lines)
}

func over(base, lines []string) func(string) string {
	settings := make(map[string]string)
	for _, line := range slices.Concat(base, lines) {
		key, value, _ := strings.Cut(line, " ")
		settings[key] = value
	}
	return func(key string) string { return settings[key] }
}

const leak = "hunter2hunter2" // stands for every secret: no message may have it

type mistake struct {
	name     string
	settings []string
	problems int // 1 if 0
}

var mistakes = []mistake{
	{name: "no bucket", settings: []string{"bucket "}},
	{name: "bucket as a URL", settings: []string{"bucket s3://acme-logs"}},
	{name: "bucket as a URL with a folder", settings: []string{"bucket s3://acme-logs/siem/"}},
	{name: "bucket with a folder", settings: []string{"bucket acme-logs/siem"}},
	{name: "bucket by its ARN", settings: []string{"bucket arn:aws:s3:::acme-logs"}},
	{name: "bucket in capitals", settings: []string{"bucket Acme_Logs"}},
	{name: "bucket like an address", settings: []string{"bucket 192.168.1.20"}},
	{name: "bucket too short", settings: []string{"bucket s3"}},
	{name: "bucket with two dots", settings: []string{"bucket acme..logs"}},
	{name: "ARN of something else", settings: []string{"bucket arn:aws:iam::123456789012:user/alice"}},
	{name: "region in words", settings: []string{"region US East (N. Virginia)"}},
	{name: "availability zone", settings: []string{"region eu-central-1b"}},
	{name: "endpoint without a scheme", settings: []string{"endpoint minio:9000"}},
	{name: "endpoint with a path", settings: []string{"endpoint https://s3.example.com/acme-logs"}},
	{name: "endpoint with a query", settings: []string{"endpoint https://s3.example.com?x=1"}},
	{name: "endpoint of another protocol", settings: []string{"endpoint ftp://s3.example.com"}},
	{name: "endpoint without a host", settings: []string{"endpoint https://:9000"}},
	{name: "endpoint with credentials", settings: []string{"endpoint https://admin:" + leak + "@s3.example.com"}},
	{name: "endpoint with credentials and no scheme", settings: []string{"endpoint admin:" + leak + "@s3.example.com"}},
	{name: "endpoint with the bucket", settings: []string{"endpoint https://acme-siem-logs.s3.eu-central-1.amazonaws.com"}},
	{name: "path style is not a word", settings: []string{"force_path_style maybe"}},
	{name: "path style with an access point", settings: []string{
		"bucket arn:aws:s3:eu-central-1:123456789012:accesspoint/siem", "force_path_style on",
	}},
	{name: "access key without its secret", settings: []string{"aws_access_key_id " + leak}},
	{name: "secret without its access key", settings: []string{"aws_secret_access_key " + leak}},
	{name: "session token alone", settings: []string{"aws_session_token " + leak}},
	{name: "secret of two words", settings: []string{"aws_access_key_id id", "aws_secret_access_key " + leak + " " + leak}},
	{name: "profile and static keys", settings: []string{"profile prod", "aws_access_key_id id", "aws_secret_access_key " + leak}},
	{name: "external ID without a role", settings: []string{"external_id acme-7f3a"}},
	{name: "role by its name", settings: []string{"role_arn siem-writer"}},
	{name: "ARN of a user as the role", settings: []string{"role_arn arn:aws:iam::123456789012:user/siem"}},
	{name: "STS endpoint without a scheme", settings: []string{"sts_endpoint sts.example.com"}},
	{name: "secret and its file", settings: []string{"aws_access_key_id id", "aws_secret_access_key " + leak, "aws_secret_access_key_file /dev/null"}},
	{name: "secret in place of its file", settings: []string{"aws_access_key_id id", "aws_secret_access_key_file " + leak}},
	{name: "secret file that is not there", settings: []string{"aws_access_key_id id", "aws_secret_access_key_file /nowhere/secret"}},
	{name: "secret file that is a device", settings: []string{"aws_access_key_id id", "aws_secret_access_key_file /dev/null"}},
	{name: "format misspelt", settings: []string{"format jason"}},
	{name: "format of Fluent Bit's own output", settings: []string{"format json_lines"}},
	{name: "compression of the wrong family", settings: []string{"compression lz4"}},
	{name: "compression shortened", settings: []string{"compression gz"}},
	{name: "level above gzip's", settings: []string{"compression_level 12"}},
	{name: "level without compression", settings: []string{"compression none", "compression_level 3"}},
	{name: "level in words", settings: []string{"compression zstd", "compression_level best"}},
	{name: "key that begins with a slash", settings: []string{"s3_key_format /fluent-bit-logs/$TAG/%Y"}},
	{name: "key of nothing", settings: []string{"s3_key_format /"}},
	{name: "host name with a space", settings: []string{"syslog_hostname the gateway"}},
	{name: "application name too long", settings: []string{"syslog_app_name " + strings.Repeat("siem", 13)}},
	{name: "facility misspelt", settings: []string{"syslog_facility locall4"}},
	{name: "facility out of range", settings: []string{"syslog_facility 24"}},
	{name: "enterprise number in words", settings: []string{"syslog_enterprise_id acme"}},
	{name: "duration in words", settings: []string{"upload_timeout 5 minutes"}},
	{name: "duration of Go", settings: []string{"upload_timeout 1h30m"}},
	{name: "duration of zero", settings: []string{"upload_timeout 0"}},
	{name: "duration too long", settings: []string{"upload_timeout 2d"}},
	{name: "negative duration", settings: []string{"shutdown_timeout -5s"}},
	{name: "size too small", settings: []string{"total_file_size 500K"}},
	{name: "size above what S3 takes", settings: []string{"total_file_size 6G"}},
	{name: "size in an unknown unit", settings: []string{"total_file_size 50MiB"}},
	{name: "limit below two objects", settings: []string{"total_file_size 100M", "store_dir_limit_size 150M"}},
	{name: "object size above half of the default limit", settings: []string{"total_file_size 3G"}},
	{name: "relative directory", settings: []string{"store_dir buffer/siem"}},
	{name: "root directory", settings: []string{"store_dir /var/.."}},
	{name: "encryption misspelt", settings: []string{"server_side_encryption aes-256"}},
	{name: "KMS key without KMS", settings: []string{"server_side_encryption AES256", "sse_kms_key_id alias/siem"}},
	{name: "KMS key alone", settings: []string{"sse_kms_key_id alias/siem"}},
	{name: "lock without days", settings: []string{"object_lock_mode compliance"}},
	{name: "days without a lock", settings: []string{"object_lock_days 365"}},
	{name: "lock of zero days", settings: []string{"object_lock_mode GOVERNANCE", "object_lock_days 0"}},
	{name: "storage class misspelt", settings: []string{"storage_class STANDARD-IA"}},
	{name: "ACL that is not canned", settings: []string{"canned_acl everyone"}},
	{name: "tags as JSON", settings: []string{`tagging {"team":"security"}`}},
	{name: "tag twice", settings: []string{"tagging team=a&team=b"}},
	{name: "tag of Amazon's", settings: []string{"tagging aws:team=a"}},
	{name: "eleven tags", settings: []string{"tagging a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=10&k=11"}},
	{name: "checksum that is not offered", settings: []string{"checksum md5"}},
	{name: "log types without pairs", settings: []string{"log_type_map LOGIN, ENROLLED=added"}},
	{name: "log type name twice", settings: []string{"log_type_map LOGIN=logon, login=added"}},
	{name: "accessor with a control character", settings: []string{"map_device_id $a\x01"}},
	{name: "verbosity spelt out", settings: []string{"verbosity warning"}},
	{name: "metrics on a port that there is not", settings: []string{"metrics_listen 70000"}},
	{name: "metrics at a URL", settings: []string{"metrics_listen http://127.0.0.1:2021"}},
	{name: "no alerts, and nothing said about them", problems: 2, settings: []string{"notify "}},
	{name: "neither storing nor alerting", settings: []string{"log_storage off"}},
	{name: "storing in words", settings: []string{"log_storage s3"}},
	{name: "five at once", problems: 5, settings: []string{
		"bucket s3://acme-logs", "format syslogd", "upload_timeout 5 minutes",
		"aws_secret_access_key " + leak, "compression_level 40",
	}},
}

// Each mistake gets one message; the golden file is there to be read as the
// administrator reads it.
func TestMistakesAreExplained(t *testing.T) {
	explained(t, "testdata/mistakes.golden", mistakes, given)
}

func explained(t *testing.T, file string, mistakes []mistake, given func(...string) func(string) string) {
	t.Helper()
	var messages strings.Builder
	for _, m := range mistakes {
		config, err := Parse(given(m.settings...))
		var problems Problems
		if !errors.As(err, &problems) {
			t.Errorf("%s: the error is %v, want Problems", m.name, err)
			continue
		}
		if config == nil {
			t.Errorf("%s: no Config to find further problems with", m.name)
		}
		if want := max(1, m.problems); len(problems) != want {
			t.Errorf("%s: %d problems, want %d: %v", m.name, len(problems), want, err)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, config), leak) {
			t.Errorf("%s: a secret shows in %v or %+v", m.name, err, config)
		}
		fmt.Fprintf(&messages, "# %s\n%s\n\n", m.name, err)
	}
	golden(t, file, []byte(messages.String()))
}

func TestSecretFilesThatCannotStandAreRefused(t *testing.T) {
	tests := []struct {
		name, content, want string
	}{
		{"empty", " \n", "want a file that is not empty"},
		{"too large", strings.Repeat("x", maxSecretFile+1), "want a file of at most 64 KB"},
		{"two lines", leak + "\n" + leak, "want a file that holds nothing but a secret access key"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Parse(given("aws_access_key_id id", "aws_secret_access_key_file "+path))
			want := fmt.Sprintf("aws_secret_access_key_file %q: %s", path, test.want)
			if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), leak) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestSecretFileThatMayNotBeReadIsRefused(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read every file")
	}
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(leak), 0); err != nil {
		t.Fatal(err)
	}
	_, err := Parse(given("aws_access_key_id id", "aws_secret_access_key_file "+path))
	if err == nil || !strings.Contains(err.Error(), "want a file that can be read: permission denied") {
		t.Errorf("got %v", err)
	}
}

func TestFurtherProblemsJoinThoseOfParse(t *testing.T) {
	_, err := Parse(given("upload_timeout never", "map_device_id $device["))
	var problems Problems
	errors.As(err, &problems)
	problems.Add(Problem{Key: "map_device_id", Value: "$device[", Want: "a ] at the end"})
	problems.Add(Problem{Key: "upload_timeout", Want: "something else: the first problem of a key counts"})
	problems.Add(Problem{Key: "bucket", Value: "acme-siem-logs", Want: "another"})
	want := `3 settings need attention:
  - bucket "acme-siem-logs": want another
  - upload_timeout "never": want a duration from 1s to 24h, such as 30s, 5m or 1h
  - map_device_id "$device[": want a ] at the end`
	if got := problems.Err().Error(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestNoProblemsAreNoError(t *testing.T) {
	if err := (Problems{}).Err(); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

func TestLongValuesAreCut(t *testing.T) {
	p := Problem{Key: "format", Value: strings.Repeat("é", 500), Want: "json or syslog"}
	if got, want := p.String(), `format "`+strings.Repeat("é", 120)+`…": want json or syslog`; got != want {
		t.Errorf("got %s", got)
	}
}
