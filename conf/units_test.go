package conf

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSizesAreReadAsFluentBitDoes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "1000000": 1_000_000, "1k": 1000, "1K": 1000, "50M": 50_000_000, "50MB": 50_000_000, "50mb": 50_000_000,
		"2G": 2_000_000_000, "2Gb": 2_000_000_000, "1.5G": 1_500_000_000, "0.0015K": 1, "1.0000000009G": 1_000_000_000,
		"9223372035G": 9_223_372_035_000_000_000,
	} {
		if got, ok := parseSize(text); !ok || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, ok, want)
		}
	}
}

func TestWhatIsNoSizeIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "M", "B", "50B", "50MiB", "50 M", "-1M", "+1M", "1e3", "0x10", "1.5", ".5M", "5.M", "1..5M", "50MM", "fifty", "٥M",
		"9223372037G", "99999999999999999999",
	} {
		if got, ok := parseSize(text); ok {
			t.Errorf("%q: got %d", text, got)
		}
	}
}

func TestDurationsAreReadAsFluentBitDoes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "300": 5 * time.Minute, "30s": 30 * time.Second, "5m": 5 * time.Minute, "5M": 5 * time.Minute,
		"1h": time.Hour, "1H": time.Hour, "6D": 144 * time.Hour, "0090s": 90 * time.Second, "9223372036": 9223372036 * time.Second,
	} {
		if got, ok := parseDuration(text); !ok || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, ok, want)
		}
	}
}

func TestWhatIsNoDurationIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "s", "5 m", "5 minutes", "5min", "1h30m", "1.5h", "-5s", "+5s", "100ms", "1w", "never", "9223372037", "106752d",
	} {
		if got, ok := parseDuration(text); ok {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestWordsForOnAndOff(t *testing.T) {
	for text, want := range map[string]bool{"on": true, "True": true, "YES": true, "off": false, "false": false, "No": false} {
		if got, ok := parseBool(text); !ok || got != want {
			t.Errorf("%q: got %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "1", "0", "y", "enabled"} {
		if _, ok := parseBool(text); ok {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestWrittenSizesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]int64{1, kilobyte, megabyte, gigabyte}).Draw(t, "unit")
		want := unit * rapid.Int64Range(0, 9_000_000_000).Draw(t, "count")
		text := formatSize(want)
		if got, ok := parseSize(text); !ok || got != want {
			t.Fatalf("%d is written %s, which reads %d, %v", want, text, got, ok)
		}
	})
}

func TestWrittenDurationsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour}).Draw(t, "unit")
		want := unit * time.Duration(rapid.Int64Range(0, 2_500_000).Draw(t, "count"))
		text := formatDuration(want)
		if got, ok := parseDuration(text); !ok || got != want {
			t.Fatalf("%v is written %s, which reads %v, %v", want, text, got, ok)
		}
	})
}

func FuzzSize(f *testing.F) {
	for _, text := range []string{"50M", "1.5GB", "1000000", "9223372036854775807", "0.1k", "5.M", "GB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := parseSize(text)
		if again, same := parseSize(formatSize(n)); ok && (n < 0 || !same || again != n) {
			t.Errorf("%q reads %d, which is written %s and reads %d", text, n, formatSize(n), again)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, text := range []string{"5m", "300", "1H", "6D", "9223372036", "106751d", "1h30m"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := parseDuration(text)
		if again, same := parseDuration(formatDuration(d)); ok && (d < 0 || !same || again != d) {
			t.Errorf("%q reads %v, which is written %s and reads %v", text, d, formatDuration(d), again)
		}
	})
}
