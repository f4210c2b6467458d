package wire

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"siem-s3/conf"
	"siem-s3/event"
	"siem-s3/formatter"
	"siem-s3/record"
	"siem-s3/test/chunk"
)

func TestMain(m *testing.M) {
	// Nothing of this host's AWS settings may count.
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		_ = os.Setenv(name, os.DevNull)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"} {
		_ = os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m)
}

const leak = "hunter2hunter2" // stands for every secret: no message may have it

// given returns the get function of these settings over a configuration that stands.
func given(settings map[string]string) func(string) string {
	all := map[string]string{"notify": "off", "bucket": "acme-siem-logs", "aws_access_key_id": "AKIA" + leak, "aws_secret_access_key": leak}
	maps.Copy(all, settings)
	return func(key string) string { return all[key] }
}

func TestMistakesThatOnlyTheStagesSee(t *testing.T) {
	const (
		accessor = `want a record accessor, such as $device['id'] (accessor `
		template = `want a template of object keys (`
		types    = "compliant, noncompliant, allow_device_access, block_device_access, deleted, added, critical_found, " +
			"process_scan_infection_found, critical_cleared, report_no_threat, exempt_all, unexempt, access_granted, access_revoked, " +
			"unknown_device_detected, unseen, deleted_user, config, logon, logout, license_left"
	)
	for _, test := range []struct {
		name     string
		settings map[string]string
		want     string
	}{
		{
			"accessor without $",
			map[string]string{"map_device_id": "device.id"},
			`map_device_id "device.id": ` + accessor + `"device.id", character 1: expected $ before the key, found 'd')`,
		},
		{
			"accessor in dots",
			map[string]string{"map_device_id": "$device.id"},
			`map_device_id "$device.id": ` + accessor + `"$device.id", character 8: expected the end or [, a key inside a key is written $key['sub'] and a key with a dot $['a.b'], found '.')`,
		},
		{
			"accessor without its end",
			map[string]string{"map_details": "$a['b"},
			`map_details "$a['b": ` + accessor + `"$a['b", character 6: expected ' after the key, found the end)`,
		},
		{
			"accessor of the tag",
			map[string]string{"map_device_group": "$TAG"},
			`map_device_group "$TAG": ` + accessor + `"$TAG", character 2: $TAG is the tag of the record, for a key of that name write $['TAG'])`,
		},
		{
			"unknown log type",
			map[string]string{"log_type_map": "LOGIN=login"},
			`log_type_map "login=login": want a log type of the schema behind each = (no such log type, there are ` + types + ")",
		},
		{
			"several unknown log types",
			map[string]string{"log_type_map": "a=x, b=added, c=y"},
			`log_type_map "a=x, c=y": want a log type of the schema behind each = (no such log type, there are ` + types + ")",
		},
		{
			"key without $UUID",
			map[string]string{"s3_key_format": "logs/%Y/%m"},
			`s3_key_format "logs/%Y/%m": ` + template + `$UUID is missing, without which two objects could have the same key)`,
		},
		{
			"key with an unknown variable",
			map[string]string{"s3_key_format": "logs/$DATE/$UUID"},
			`s3_key_format "logs/$DATE/$UUID": ` + template + `at "$DATE/$UUID": unknown variable; $CATEGORY, $TAG, $TAG[n], $EVENT[…], $HOSTNAME, $UUID, fields and record accessors are known)`,
		},
		{
			"key with an unknown time code",
			map[string]string{"s3_key_format": "logs/%F-$UUID"},
			`s3_key_format "logs/%F-$UUID": ` + template + `at "%F-$UUID": unknown time code; %Y, %m, %d, %H, %M, %S and %% are known)`,
		},
		{
			"key that is a folder",
			map[string]string{"s3_key_format": "logs/$UUID/"},
			`s3_key_format "logs/$UUID/": ` + template + `the name of the object is missing after the last /)`,
		},
		{
			"key with a bad accessor",
			map[string]string{"s3_key_format": "$site[name]/$UUID"},
			`s3_key_format "$site[name]/$UUID": ` + template + `at "$site[name]/$UUID": accessor "$site[name]", character 7: expected 'key' in single quotes, or the number of an element from 0 on, found 'n')`,
		},
		{
			"profile that does not exist",
			map[string]string{"profile": "prod", "aws_access_key_id": "", "aws_secret_access_key": ""},
			`profile "prod": want a profile that the AWS SDK can use (AWS configuration: failed to get shared config profile, prod)`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := Settings(given(test.settings), nil)
			var problems conf.Problems
			if !errors.As(err, &problems) || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestMistakesOfAllStagesAreInOneMessage(t *testing.T) {
	_, _, err := Settings(given(map[string]string{
		"bucket": "s3://acme", "aws_access_key_id": "two words " + leak, "s3_key_format": "$UUID/", "map_device_id": "id",
		"log_type_map": "a=b", "compression": "gzip", "compression_level": "12", "upload_timeout": "5 minutes", "format": "xml",
	}), nil)
	if err == nil {
		t.Fatal("no error")
	}
	head, rest, _ := strings.Cut(err.Error(), "\n")
	if head != "8 settings need attention:" {
		t.Errorf("got %s", err)
	}
	var keys []string
	for line := range strings.SplitSeq(rest, "\n") {
		key, ok := strings.CutPrefix(line, "  - ")
		if !ok {
			t.Errorf("line %q", line)
		}
		key, _, _ = strings.Cut(key, " ")
		keys = append(keys, key)
	}
	const want = "bucket aws_access_key_id format compression_level s3_key_format upload_timeout map_device_id log_type_map"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("problems with %s, want %s", got, want)
	}
	if strings.Contains(err.Error(), leak) {
		t.Errorf("a secret is in %s", err)
	}
}

func TestSettingsThatStandMakeTheStages(t *testing.T) {
	for _, test := range []struct {
		settings         map[string]string
		ext, codec, line string
	}{
		{nil, "json", "gzip", `{"timestamp":"2026-11-22T08:00:00.000Z","log_type":"added",`},
		{map[string]string{"compression": "zstd", "compression_level": "3"}, "json", "zstd", `{"timestamp":`},
		{map[string]string{"compression": "none"}, "json", "none", `{"timestamp":`},
		{
			map[string]string{"format": "syslog", "syslog_hostname": "gw-1", "syslog_app_name": "edr", "syslog_facility": "local4", "syslog_enterprise_id": "4242"},
			"log", "gzip", `<165>1 2026-11-22T08:00:00.000Z gw-1 edr - added [device@4242 device_id="7" `,
		},
	} {
		settings := map[string]string{
			"map_device_id": "$device['id']", "log_type_map": "ENROLLED=added", "upload_timeout": "1m", "store_dir": "/srv/siem/",
			"store_dir_limit_size": "1G", "total_file_size": "10M", "s3_key_format": "x/$UUID", "shutdown_timeout": "7s", "verbosity": "debug",
		}
		maps.Copy(settings, test.settings)
		cfg, o, err := Settings(given(settings), nil)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Spool.ShutdownTimeout != 7*time.Second || cfg.Verbosity != "debug" {
			t.Errorf("%+v", cfg)
		}
		if o.Location != "s3://acme-siem-logs" || o.Window != time.Minute || o.StoreDir != "/srv/siem" || o.StoreDirLimit != 1e9 ||
			o.SegmentBytes != 1e7 || o.Key == nil || o.Bucket == nil || o.Log != nil {
			t.Errorf("%+v", o)
		}
		if o.Format.Ext() != test.ext || o.Codec.Name() != test.codec {
			t.Errorf("%s objects compressed by %s", o.Format.Ext(), o.Codec.Name())
		}
		if line := firstLine(t, o.Mapping, o.Format); !strings.HasPrefix(line, test.line) {
			t.Errorf("got %s, want %s", line, test.line)
		}
	}
}

// firstLine formats an event whose record names everything in its own way.
func firstLine(t *testing.T, m *event.Mapping, f interface {
	Append(dst []byte, e *event.Event) []byte
},
) string {
	t.Helper()
	var r record.Record
	c := chunk.Build(chunk.V2, chunk.Record{
		Time: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
		Body: map[string]any{"log_type": "Enrolled", "device": map[string]any{"id": 7}},
	})
	if err := record.NewDecoder(c).Next(&r); err != nil {
		t.Fatal(err)
	}
	var e event.Event
	if err := m.NewMapper().Map(&r, &e); err != nil {
		t.Fatal(err)
	}
	return string(f.Append(nil, &e))
}

func TestDefaultsStand(t *testing.T) {
	_, o, err := Settings(given(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := o.Format.(formatter.JSON); !ok || o.Codec.Name() != "gzip" || o.Window != 5*time.Minute {
		t.Errorf("%+v", o)
	}
}

// Every setting of an object has to arrive at the server.
func TestBucketSendsWhatTheSettingsSay(t *testing.T) {
	var got http.Header
	var path string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, path = r.Header.Clone(), r.URL.Path
		w.Header().Set("ETag", `"x"`)
	}))
	defer server.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(leak+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := conf.Parse(given(map[string]string{
		"endpoint": server.URL, "region": "eu-central-1", "aws_secret_access_key": "", "aws_secret_access_key_file": secret,
		"aws_session_token": "token" + leak, "canned_acl": "bucket-owner-full-control", "storage_class": "STANDARD_IA",
		"server_side_encryption": "aws:kms", "sse_kms_key_id": "alias/siem", "tagging": "team=security",
		"object_lock_mode": "GOVERNANCE", "object_lock_days": "30", "checksum": "sha256",
	}))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Bucket(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Put(t.Context(), "a/b.json", strings.NewReader("{}\n"), 3, "application/x-ndjson", map[string]string{"siem-records": "1"}); err != nil {
		t.Fatal(err)
	}
	if path != "/acme-siem-logs/a/b.json" {
		t.Errorf("path %s", path)
	}
	for name, want := range map[string]string{
		"X-Amz-Acl": "bucket-owner-full-control", "X-Amz-Storage-Class": "STANDARD_IA",
		"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "alias/siem",
		"X-Amz-Tagging": "team=security", "X-Amz-Object-Lock-Mode": "GOVERNANCE", "X-Amz-Security-Token": "token" + leak,
		"X-Amz-Checksum-Sha256": "yj0WO6sFU4GCciYUBWjzvvfqrBh869doeOC2Pp5EI1Y=", "If-None-Match": "*",
		"Content-Type": "application/x-ndjson", "X-Amz-Meta-Siem-Records": "1",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
	until, err := time.Parse(time.RFC3339, got.Get("X-Amz-Object-Lock-Retain-Until-Date"))
	if days := time.Until(until).Hours() / 24; err != nil || days < 29.9 || days > 30.1 {
		t.Errorf("locked until %v, %v", until, err)
	}
	if auth := got.Get("Authorization"); !strings.Contains(auth, "AKIA"+leak+"/") || !strings.Contains(auth, "/eu-central-1/s3/") {
		t.Errorf("authorization %s", auth)
	}
}

func TestNoticesOfTheBucketAreHandedOn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusForbidden)
		} else {
			w.WriteHeader(http.StatusPreconditionFailed) // there already
		}
	}))
	defer server.Close()
	cfg, err := conf.Parse(given(map[string]string{"endpoint": server.URL}))
	if err != nil {
		t.Fatal(err)
	}
	var notices []string
	b, err := Bucket(cfg, func(s string) { notices = append(notices, s) })
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Put(t.Context(), "a", strings.NewReader("x"), 1, "", nil); err != nil || len(notices) != 1 || !strings.Contains(notices[0], "s3:GetObject") {
		t.Errorf("got %v, notices %q", err, notices)
	}
}

func TestSecretsAreInNoMessage(t *testing.T) {
	for _, key := range conf.Keys() {
		settings := map[string]string{"s3_key_format": "bad", "map_device_id": "bad"}
		if key.Secret {
			settings[key.Name] = leak + "\x01 in words"
		} else if key.FileFor != "" {
			settings[key.Name] = leak // not a path: the secret itself, by mistake
		} else {
			continue
		}
		_, _, err := Settings(given(settings), nil)
		if err == nil || strings.Contains(err.Error(), leak) || !strings.Contains(err.Error(), key.Name) {
			t.Errorf("%s: %v", key.Name, err)
		}
	}
}
