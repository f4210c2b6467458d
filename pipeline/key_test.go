package pipeline

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"siem-s3/event"
	"siem-s3/record"
	"siem-s3/test/chunk"
)

const testUUID = "0123456789abcdef"

var testWindow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// streamOf returns the stream of a record by k.
func streamOf(t testing.TB, k *KeyFormat, tag string, r chunk.Record) string {
	t.Helper()
	m, err := event.NewMapping(event.MappingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var rec record.Record
	if err := record.NewDecoder(chunk.Build(chunk.V2, r)).Next(&rec); err != nil {
		t.Fatal(err)
	}
	var ev event.Event
	if err := m.NewMapper().Map(&rec, &ev); err != nil {
		return string(k.appendStream(nil, event.Rejected, []byte(tag), nil, &rec))
	}
	return string(k.appendStream(nil, ev.Category(), []byte(tag), &ev, &rec))
}

func TestKeysOfTemplates(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5<<10)
	r := chunk.Record{Time: sampleTime, Body: map[string]any{
		"log_type": "added", "timestamp": "2025-12-31T23:59:59+02:00", "device_group": "Sales EMEA", "device_id": long,
		"device_name": "../../etc", "device_username": "", "ID": "capital",
		"site": map[string]any{"name": "日本", "tags": []any{"a", 7}}, "n": 42, "yes": true, "nil": nil, "nul": "a\x00b",
		"bad": "a\xffb", "dot": ".", "dots": "..", "many": "....", "hidden": ".profile", "slash": "/", "line": "a\nb\x7f",
		"percent": "a%2Fb", "tilde": "~", "wide": strings.Repeat("é", 60), "wide1": "x" + strings.Repeat("é", 60), "wide2": "xx" + strings.Repeat("é", 60), "map": map[string]any{"k": "v"},
	}}
	for _, test := range []struct{ template, want string }{
		{"$UUID", testUUID},
		{"a/%Y/%m/%d/%H%M%S-$UUID", "a/2026/01/02/030405-" + testUUID},
		{"100%%/$UUID", "100%/" + testUUID},
		{"$CATEGORY/$UUID", "device/" + testUUID},
		{"$HOSTNAME/$UUID", "gw-1.example/" + testUUID},
		{"$TAG/$UUID", "app.prod.eu/" + testUUID},
		{"$TAG[0]-$TAG[2]/$UUID", "app-eu/" + testUUID},
		{"$TAG[9]/$UUID", "none/" + testUUID},
		{"dt=$EVENT[%Y-%m-%d]/h=$EVENT[%H]/$UUID", "dt=2025-12-31/h=21/" + testUUID},
		{"$EVENT[%Y/%m]/$UUID", "2025/12/" + testUUID},
		{"g=$device_group/$UUID", "g=Sales%20EMEA/" + testUUID},
		{"$log_type.$UUID", "added." + testUUID},
		{"$device_username/$UUID", "none/" + testUUID},
		{"$admin_name/$UUID", "none/" + testUUID},
		{"$device_id/$UUID", strings.Repeat("x", 87) + "~5334d41a/" + testUUID},
		{"$device_name/$UUID", "..%2F..%2Fetc/" + testUUID},
		{"$site['name']/$UUID", "%E6%97%A5%E6%9C%AC/" + testUUID},
		{"$site['tags'][1]/$UUID", "7/" + testUUID},
		{"$site['none']/$UUID", "none/" + testUUID},
		{"$n-$yes-$nil/$UUID", "42-true-none/" + testUUID},
		{"$map/$UUID", "%7B%22k%22%3A%22v%22%7D/" + testUUID},
		{"$['ID']/$UUID", "capital/" + testUUID},
		{"$nul/$UUID", "a%00b/" + testUUID},
		{"$bad/$UUID", "a%FFb/" + testUUID},
		{"$dot/$UUID", "%2E/" + testUUID},
		{"$dots/$UUID", "%2E%2E/" + testUUID},
		{"$many/$UUID", "%2E%2E%2E%2E/" + testUUID},
		{"$hidden/$UUID", ".profile/" + testUUID},
		{"$slash/$UUID", "%2F/" + testUUID},
		{"$line/$UUID", "a%0Ab%7F/" + testUUID},
		{"$percent/$UUID", "a%252Fb/" + testUUID},
		{"$tilde/$UUID", "%7E/" + testUUID},
		{"$wide/$UUID", strings.Repeat("%C3%A9", 14) + "%C3~826f6e4f/" + testUUID},
		{"$wide1/$UUID", "x" + strings.Repeat("%C3%A9", 14) + "~a9271508/" + testUUID},
		{"$wide2/$UUID", "xx" + strings.Repeat("%C3%A9", 14) + "~41b48940/" + testUUID},
		{"$device_group-$UUID/$device_group", "Sales%20EMEA-" + testUUID + "/Sales%20EMEA"},
	} {
		t.Run(test.template, func(t *testing.T) {
			k, err := ParseKeyFormat(test.template, "gw-1.example")
			if err != nil {
				t.Fatal(err)
			}
			if got := k.key(streamOf(t, k, "app.prod.eu", r), testWindow, testUUID); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestKeysOfRejectedRecords(t *testing.T) {
	t.Parallel()
	r := chunk.Record{Time: sampleTime, Body: map[string]any{"log_type": "?", "device_group": "Sales", "n": 1}}
	k := keys(t, "$CATEGORY/$device_group/$EVENT[%Y-%m-%d]/$n/$UUID")
	if got, want := k.key(streamOf(t, k, "", r), testWindow, testUUID), "rejected/none/2026-11-22/1/"+testUUID; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBadTemplatesAreRefused(t *testing.T) {
	t.Parallel()
	const known = "unknown variable; $CATEGORY, $TAG, $TAG[n], $EVENT[…], $HOSTNAME, $UUID, fields and record accessors are known"
	for _, test := range []struct{ template, want string }{
		{"logs/%Y", "$UUID is missing, without which two objects could have the same key"},
		{"", "$UUID is missing, without which two objects could have the same key"},
		{"$UUID/", "the name of the object is missing after the last /"},
		{"/$UUID", `"" can't be the name of a folder`},
		{"a//$UUID", `"" can't be the name of a folder`},
		{"a/../$UUID", `".." can't be the name of a folder`},
		{"./$UUID", `"." can't be the name of a folder`},
		{"$EVENT[%Y/]/$UUID", `"" can't be the name of a folder`},
		{"$EVENT[.]/$UUID", `"." can't be the name of a folder`},
		{"a\n$UUID", "control characters and what is not UTF-8 can't be part of a key"},
		{"a\xff$UUID", "control characters and what is not UTF-8 can't be part of a key"},
		{"%y/$UUID", `at "%y/$UUID": unknown time code; %Y, %m, %d, %H, %M, %S and %% are known`},
		{"$UUID-100%", `at "%": unknown time code; %Y, %m, %d, %H, %M, %S and %% are known`},
		{"$HOST/$UUID", `at "$HOST/$UUID": ` + known},
		{"$/$UUID", `at "$/$UUID": ` + known},
		{"$UUID$", `at "$": ` + known},
		{"$TAG[x]/$UUID", `at "$TAG[x]/$UUID": $TAG[n] takes a digit from 0 to 9`},
		{"$UUID$TAG[", `at "$TAG[": $TAG[n] takes a digit from 0 to 9`},
		{"$EVENT/$UUID", `at "$EVENT/$UUID": $EVENT takes time codes in brackets, such as $EVENT[%Y-%m-%d]`},
		{"$EVENT[]/$UUID", `at "$EVENT[]/$UUID": $EVENT takes time codes in brackets, such as $EVENT[%Y-%m-%d]`},
		{"$UUID$EVENT[%Y", `at "$EVENT[%Y": $EVENT takes time codes in brackets, such as $EVENT[%Y-%m-%d]`},
		{"$EVENT[%M]/$UUID", `at "$EVENT[%M]/$UUID": $EVENT takes only %Y, %m, %d and %H`},
		{"$EVENT[%]/$UUID", `at "$EVENT[%]/$UUID": $EVENT takes only %Y, %m, %d and %H`},
		{"$site['a/$UUID", `at "$site['a/$UUID": ] is missing`},
		{"$site[a]/$UUID", `at "$site[a]/$UUID": accessor "$site[a]", character 7: expected 'key' in single quotes, or the number of an element from 0 on, found 'a'`},
		{strings.Repeat("a", 977) + "$UUID", "keys could be 993 bytes long and 992 are allowed"},
		{strings.Repeat("$details", 11) + "$UUID", "keys could be 1072 bytes long and 992 are allowed"},
	} {
		t.Run(test.template, func(t *testing.T) {
			if _, err := ParseKeyFormat(test.template, "gw-1"); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestDifferentValuesMakeDifferentStreams(t *testing.T) {
	t.Parallel()
	k := keys(t, "$TAG/$device_id/$x/$UUID")
	value := rapid.OneOf(
		rapid.String(),
		rapid.StringOfN(rapid.SampledFrom([]rune("./%~\x00ab")), 0, 8, -1),
		rapid.StringN(0, 5<<10, -1),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
	allowed := regexp.MustCompile(`^[A-Za-z0-9._~%-]{1,96}$`)
	rapid.Check(t, func(rt *rapid.T) {
		tag, id, x := value.Draw(rt, "tag"), strings.ToValidUTF8(value.Draw(rt, "id"), "?"), value.Draw(rt, "x")
		of := func(tag, id, x string) string {
			return streamOf(t, k, tag, chunk.Record{Time: sampleTime, Body: map[string]any{"log_type": "added", "device_id": id, "x": x}})
		}
		stream := of(tag, id, x)
		other := value.Filter(func(s string) bool { return s != x && s != "none" && x != "none" }).Draw(rt, "other")
		if of(tag, id, other) == stream {
			rt.Errorf("%q and %q belong to the same stream", x, other)
		}
		key := k.key(stream, testWindow, testUUID)
		folders := strings.Split(key, "/")
		if len(folders) != 4 || len(key) > maxKey {
			rt.Fatalf("key %s", key)
		}
		for _, folder := range folders {
			if !allowed.MatchString(folder) || folder == "." || folder == ".." {
				rt.Errorf("folder %s", folder)
			}
		}
	})
}

func TestLongValuesThatDifferAtTheEndMakeDifferentStreams(t *testing.T) {
	t.Parallel()
	k := keys(t, "$x/$UUID")
	of := func(x string) string {
		return streamOf(t, k, "", chunk.Record{Time: sampleTime, Body: map[string]any{"log_type": "added", "x": x}})
	}
	long := strings.Repeat("x", 200)
	if of(long+"1") == of(long+"2") || of(long) == of(long+"x") {
		t.Error("the same stream")
	}
}

// The longest key has to leave room for the extensions and a rename.
func TestLongestKeyFits(t *testing.T) {
	t.Parallel()
	k := keys(t, strings.Repeat("$details", 10)+"$UUID")
	stream := streamOf(t, k, "", chunk.Record{Time: sampleTime, Body: map[string]any{"log_type": "added", "details": strings.Repeat("/", 999)}})
	key := extendKey(k.key(stream, testWindow, testUUID)+".json.zst", "-4294967296")
	if len(key) < 900 || len(key) > 1024 {
		t.Errorf("key of %d bytes", len(key))
	}
}

func TestExtendKeyGoesBeforeTheExtensions(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"a/b.json.gz":     "a/b-2.json.gz",
		"a.d/b":           "a.d/b-2",
		"b.log":           "b-2.log",
		"a.d/.c/b.x.json": "a.d/.c/b-2.x.json",
	} {
		if got := extendKey(key, "-2"); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

func FuzzParseKeyFormat(f *testing.F) {
	for _, seed := range []string{
		"siem/category=$CATEGORY/dt=%Y-%m-%d/hour=%H/%Y%m%dT%H%M%SZ-$UUID", "$TAG[1]/$EVENT[%Y/%m/%d/%H]/$UUID.x",
		"$device_group/$site['na''me'][0]['x']/$HOSTNAME-$UUID", "$['ID']$UUID", "%%$UUID$$", "$EVENT[%", "$a[]]$UUID", "../$UUID",
	} {
		f.Add(seed, "tag.x", "value")
	}
	f.Fuzz(func(t *testing.T, template, tag, value string) {
		k, err := ParseKeyFormat(template, "gw-1")
		if err != nil {
			return
		}
		stream := streamOf(t, k, tag, chunk.Record{Time: sampleTime, Body: map[string]any{
			"log_type": "logon", "details": value, "a": map[string]any{"b": value},
		}})
		if c := streamCategory(stream); c != event.Account {
			t.Errorf("category %v", c)
		}
		for _, stream := range []string{stream, string(k.appendRest(nil, event.Account))} {
			key := k.key(stream, testWindow, testUUID)
			if !strings.Contains(key, testUUID) || len(key) > maxKey || !utf8.ValidString(key) {
				t.Errorf("key %q", key)
			}
			for folder := range strings.SplitSeq(key, "/") {
				if folder == "" || folder == "." || folder == ".." {
					t.Errorf("folder %q in key %q", folder, key)
				}
			}
		}
	})
}

func TestTimesOfAllYears(t *testing.T) {
	t.Parallel()
	for _, year := range []int{1, 999, 1970, 2026, 9999} {
		at := time.Date(year, 12, 31, 23, 59, 58, 0, time.FixedZone("", -3600))
		utc := at.UTC()
		want := fmt.Sprintf("%04d%s", utc.Year()%10000, utc.Format("-01-02 15:04:05 %"))
		if got := string(appendTime(nil, "%Y-%m-%d %H:%M:%S %%", at)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
