package conf

import (
	"testing"

	"pgregory.net/rapid"
)

func TestMisspeltSettingsAreRecognised(t *testing.T) {
	for name, want := range map[string]string{
		"bukcet":             "bucket",
		"buckets":            "bucket",
		"Bucket":             "bucket",
		"s3_bucket":          "bucket",
		"regoin":             "region",
		"aws_region":         "region",
		"compresion":         "compression",
		"upload-timeout":     "upload_timeout",
		"uploadtimeout":      "upload_timeout",
		"total_filesize":     "total_file_size",
		"store_directory":    "store_dir",
		"secret_access_key":  "aws_secret_access_key",
		"s3_key":             "s3_key_format",
		"map_deviceid":       "map_device_id",
		"object_lock":        "object_lock_mode",
		"server_side_encypt": "server_side_encryption",
	} {
		if got, ok := Nearest(name); !ok || got != want {
			t.Errorf("%s: got %q, %v, want %s", name, got, ok, want)
		}
	}
}

func TestWhatResemblesNoSettingGetsNoSuggestion(t *testing.T) {
	for _, name := range []string{"", "x", "colour", "log_key", "json_date_key", "\xff\xfe"} {
		if got, ok := Nearest(name); ok {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestEverySettingIsNearestToItself(t *testing.T) {
	for _, key := range Keys() {
		if got, ok := Nearest(key.Name); !ok || got != key.Name {
			t.Errorf("%s: got %s, %v", key.Name, got, ok)
		}
	}
}

func TestDistanceCountsEdits(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"a", "", 1},
		{"", "abc", 3},
		{"jason", "json", 1},
		{"josn", "json", 1},
		{"jsom", "json", 1},
		{"gzip", "zstd", 4},
		{"kitten", "sitting", 3},
		{"ca", "abc", 3},
	}
	for _, test := range tests {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%q to %q: got %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

// One edit of any kind is a distance of at most one.
func TestOneEditIsOneApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-z_]{2,20}`).Draw(t, "word")
		i := rapid.IntRange(0, len(word)-2).Draw(t, "place")
		letter := rapid.StringMatching(`[a-z]`).Draw(t, "letter")
		for _, edited := range []string{
			word[:i] + word[i+1:], word[:i] + letter + word[i:], word[:i] + letter + word[i+1:],
			word[:i] + word[i+1:i+2] + word[i:i+1] + word[i+2:],
		} {
			if got := distance(edited, word); got > 1 {
				t.Fatalf("%q to %q: got %d", edited, word, got)
			}
		}
	})
}
