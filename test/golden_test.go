package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/leodido/go-syslog/v4/rfc5424"

	"siem-s3/test/bucket"
)

// columns are the schema's, in their order.
var columns = map[string][]string{
	"device":  {"timestamp", "log_type", "details", "device_id", "device_name", "device_username", "device_group"},
	"account": {"timestamp", "event", "details", "admin_name", "admin_email", "log_type"},
}

// readBack returns the lines of an object of one category as they would be in
// JSON, whatever its format is, without LF.
func readBack(category string, o bucket.Object) ([]string, error) {
	var lines []string
	for line := range strings.Lines(string(o.Text)) {
		line = strings.TrimSuffix(line, "\n")
		var err error
		switch {
		case category == "rejected":
			line, err = withoutTime(line)
		case strings.HasPrefix(o.Ext, "log"):
			line, err = syslogAsJSON(category, line)
		}
		if err != nil {
			return nil, fmt.Errorf("%w in %s", err, line)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

var receivedAt = regexp.MustCompile(`^\{"received_at":"([^"]*)",`)

// withoutTime checks and removes the time at which a rejected record came, the one
// thing about it that is never the same.
func withoutTime(line string) (string, error) {
	m := receivedAt.FindStringSubmatch(line)
	if m == nil {
		return "", errors.New("no received_at")
	}
	at, err := time.Parse("2006-01-02T15:04:05.000Z", m[1])
	if err != nil {
		return "", err
	}
	if age := time.Since(at); age < 0 || age > patience {
		return "", fmt.Errorf("received %s ago", age)
	}
	return "{" + line[len(m[0]):], nil
}

// syslogAsJSON reads an RFC 5424 message and writes its event as JSON.
func syslogAsJSON(category, line string) (string, error) {
	parsed, err := rfc5424.NewParser().Parse([]byte(line))
	if err != nil {
		return "", err
	}
	m := parsed.(*rfc5424.SyslogMessage)
	if *m.Facility != 13 || *m.Hostname != "gw-1" || *m.Appname != "siem_s3" || m.ProcID != nil || m.MsgID == nil || m.Timestamp == nil {
		return "", errors.New("not the header of ours")
	}
	element, ok := (*m.StructuredData)[category+"@32473"]
	if !ok {
		return "", errors.New("no element of the category")
	}
	element["timestamp"] = m.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z")
	element["log_type"] = *m.MsgID
	element["details"] = ""
	if m.Message != nil {
		element["details"] = *m.Message
	}
	return eventAsJSON(category, line, element)
}

// eventAsJSON writes the columns of a category; those that are in the structured
// data must be in their order there.
func eventAsJSON(category, line string, values map[string]string) (string, error) {
	if len(values) != len(columns[category]) {
		return "", fmt.Errorf("%d columns", len(values))
	}
	var b strings.Builder
	at, sep := 0, "{"
	for _, name := range columns[category] {
		value, ok := values[name]
		param := strings.Index(line, " "+name+`="`)
		if !ok || param >= 0 && param < at {
			return "", fmt.Errorf("%s is missing or out of order", name)
		}
		at = max(at, param)
		quoted := new(bytes.Buffer)
		e := json.NewEncoder(quoted)
		e.SetEscapeHTML(false)
		if err := e.Encode(value); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, `%s"%s":%s`, sep, name, strings.TrimSuffix(quoted.String(), "\n"))
		sep = ","
	}
	return b.String() + "}", nil
}

// compareGolden compares the stored lines, by category, with the golden files. In
// SYSLOG control characters are #ooo.
func (s *site) compareGolden(got map[string][]string, format string) {
	s.Helper()
	for _, category := range []string{"device", "account", "rejected"} {
		want := s.golden(category, got[category], format)
		if format == "syslog" && category != "rejected" {
			for i := range want {
				want[i] = withoutControls(want[i])
			}
		}
		s.compareLines(category, got[category], want)
	}
}

func (s *site) compareLines(what string, got, want []string) {
	s.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if slices.Equal(got, want) {
		return
	}
	s.Errorf("%s:", what)
	for _, line := range got {
		if !slices.Contains(want, line) {
			s.Errorf(" got %s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			s.Errorf("want %s", line)
		}
	}
	if len(got) != len(want) {
		s.Errorf("%d lines, want %d", len(got), len(want))
	}
}

// golden returns the lines of a category of the sample events, and rewrites them
// from JSON when that is asked for.
func (s *site) golden(category string, got []string, format string) []string {
	s.Helper()
	path := filepath.Join("testdata", "sample-"+category+".ndjson")
	if *update && format == "json" {
		s.must(os.WriteFile(path, []byte(strings.Join(got, "\n")+"\n"), 0o644))
	}
	text, err := os.ReadFile(path)
	s.must(err)
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// withoutControls is what SYSLOG makes of the values of a line in JSON.
func withoutControls(line string) string {
	var b strings.Builder
	for _, r := range strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(strings.ReplaceAll(line, `\\`, "\x00")) {
		if unicode.IsControl(r) && r != 0 {
			fmt.Fprintf(&b, "#%03o", r)
		} else {
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "\x00", `\\`)
}
