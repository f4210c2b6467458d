package conf

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"siem-s3/event"
)

func TestEverySettingIsDescribed(t *testing.T) {
	seen := make(map[string]bool)
	for _, section := range Sections() {
		if section.Title == "" || section.Example == "" {
			t.Errorf("section %q lacks a title or an example", section.Title)
		}
		for _, key := range section.Keys {
			if seen[key.Name] {
				t.Errorf("%s is there twice", key.Name)
			}
			seen[key.Name] = true
			if !strings.HasSuffix(key.Doc, ".") || key.Kind() == "" || key.Want() == "" {
				t.Errorf("%s: doc %q, kind %q, want %q", key.Name, key.Doc, key.Kind(), key.Want())
			}
			if says := (key.Default != "") || (key.Unset != "") || key.Required; !says {
				t.Errorf("%s: what happens without it?", key.Name)
			}
			if HostKey(key.Name) {
				t.Errorf("%s never reaches a plugin: Fluent Bit keeps it", key.Name)
			}
		}
	}
}

func TestDefaultsAreAllowed(t *testing.T) {
	for _, key := range Keys() {
		if key.Default == "" {
			continue
		}
		if want := key.rule.set(new(Config), key.Default); want != "" {
			t.Errorf("%s: the default %q is refused: want %s", key.Name, key.Default, want)
		}
	}
}

func TestEverySecretCanBeInAFile(t *testing.T) {
	for _, key := range Keys() {
		if !key.Secret {
			continue
		}
		if file, ok := Lookup(key.Name + "_file"); !ok || file.FileFor != key.Name {
			t.Errorf("%s has no _file form", key.Name)
		}
	}
}

func TestExamplesStand(t *testing.T) {
	for _, section := range Sections() {
		settings := classicLines(section.Example)
		for key := range settings {
			if _, ok := Lookup(key); !ok {
				t.Errorf("%s: there is no setting %s", section.Title, key)
			}
		}
		if settings["bucket"] == "" {
			settings["bucket"] = "acme-siem-logs"
		}
		if settings["notify_events"] == "" {
			settings["notify"] = "off"
		}
		withSecretFiles(t, settings)
		if _, err := Parse(func(key string) string { return settings[key] }); err != nil {
			t.Errorf("%s: %v", section.Title, err)
		}
	}
}

func TestChangingWhatKeyReturnsLeavesTheTable(t *testing.T) {
	key, _ := Lookup("format")
	key.Allowed()[0] = "xml"
	Keys()[0].Name = "x"
	if _, err := Parse(given("format json")); err != nil || Keys()[0].Name != "log_storage" {
		t.Errorf("the table changed: %v", err)
	}
}

func TestEveryFieldOfTheSchemaCanBeMapped(t *testing.T) {
	var want, got []string
	for _, category := range []event.Category{event.Device, event.Account} {
		for _, field := range category.Fields() {
			want = append(want, field.String())
		}
	}
	for _, key := range Keys() {
		if field, ok := strings.CutPrefix(key.Name, "map_"); ok {
			got = append(got, field)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if want = slices.Compact(want); !slices.Equal(got, want) {
		t.Errorf("the map_ settings are for\n%v, the schema has\n%v", got, want)
	}
}

// The SDK's lists also have what no client can ask for, such as the classes that
// AWS Backup stores in.
func TestClosedListsAreThoseOfTheSDK(t *testing.T) {
	sdk := map[string][]string{
		"canned_acl":             texts(types.ObjectCannedACL("").Values()),
		"storage_class":          texts(types.StorageClass("").Values()),
		"server_side_encryption": texts(types.ServerSideEncryption("").Values()),
		"object_lock_mode":       texts(types.ObjectLockMode("").Values()),
	}
	whole := []string{"canned_acl", "object_lock_mode"}
	for name, values := range sdk {
		key, _ := Lookup(name)
		for _, value := range key.Allowed() {
			if !slices.Contains(values, value) {
				t.Errorf("%s: the SDK has no %s", name, value)
			}
		}
		if slices.Contains(whole, name) && len(key.Allowed()) != len(values) {
			t.Errorf("%s: the SDK has %v", name, values)
		}
	}
}

func texts[T ~string](values []T) (all []string) {
	for _, value := range values {
		all = append(all, string(value))
	}
	return all
}

func TestKeysThatFluentBitKeeps(t *testing.T) {
	for _, name := range []string{"match", "Match", "workers", "Retry_Limit", "net.keepalive", "tls", "tls.verify", "storage.total_limit_size"} {
		if !HostKey(name) {
			t.Errorf("%s: no", name)
		}
	}
	for _, name := range []string{"", "bucket", "tlsx", "net", "matches", "smtp_host"} {
		if HostKey(name) {
			t.Errorf("%s: yes", name)
		}
	}
}
