package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"siem-s3/test/fluentbit"
)

// The configurations of the README run as they stand, but for their paths and ports
// and for the server, and so does the first with the alerts that the README shows.
func TestConfigurationsOfTheReadmeRun(t *testing.T) {
	t.Parallel()
	fluentbit.Need(t)
	for name, tt := range map[string]struct{ yaml, alerts bool }{
		"classic": {}, "YAML": {yaml: true}, "with alerts": {alerts: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAlertSite(t)
			text := readmeBlock(t, "[OUTPUT]")
			if tt.yaml {
				text = readmeBlock(t, "pipeline:")
			}
			if tt.alerts {
				before, after, found := strings.Cut(text, "    notify       off\n")
				if !found {
					t.Fatal("there is no notify off")
				}
				text = before + readmeBlock(t, "notify_events") + "    smtp_port " + a.mail.Port + "\n    smtp_ca_file " + a.caFile +
					"\n    smtp_username " + mailUser + "\n    smtp_password " + mailPassword + "\n    notify_group_wait 1s\n" + after
			}
			a.runReadme(text, tt.yaml)
			if tt.alerts {
				a.mails(1)
			}
			a.awaitLines(1)
		})
	}
}

// readmeBlock returns the first configuration of the README with a text in it.
func readmeBlock(t *testing.T, with string) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)\n```(?:yaml)?\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(block[1], with) {
			return block[1]
		}
	}
	t.Fatalf("the README has no configuration with %s", with)
	return ""
}

// runReadme starts Fluent Bit and sends it a record that alerts.
func (a *alertSite) runReadme(text string, yaml bool) {
	a.Helper()
	dir, port := a.TempDir(), freePort(a.T)
	a.must(os.WriteFile(filepath.Join(dir, "plugins.conf"), []byte("[PLUGINS]\n    path "+pluginPath(a.T)+"\n"), 0o600))
	line := func(key, value string) string { return "\n    " + key + " " + value }
	if yaml {
		line = func(key, value string) string { return "\n      " + key + ": " + value }
	}
	bucketLine, input := line("bucket", a.bucket), line("port", port)
	for key, value := range map[string]string{"endpoint": a.server.Endpoint, "store_dir": filepath.Join(dir, "store"), "upload_timeout": "1s"} {
		bucketLine += line(key, value)
	}
	for _, m := range []struct{ pattern, with string }{
		{`\n +bucket:? +acme-siem-logs`, bucketLine},
		{`\n +storage\.type:? +filesystem`, "${0}" + input},
		{`eu-central-1`, a.server.Region},
		{`/var/lib/fluent-bit/storage`, filepath.Join(dir, "storage")},
		{`/usr/lib/fluent-bit/out_siem_s3\.so`, pluginPath(a.T)},
		{`mail\.example\.com`, a.mail.Host},
	} {
		text = regexp.MustCompile(m.pattern).ReplaceAllString(text, m.with)
	}
	a.startFluentBit(fluentbit.Config{
		Dir: dir, Text: text, YAML: yaml,
		Env: append(noAccounts, "AWS_ACCESS_KEY_ID="+a.server.AccessKey, "AWS_SECRET_ACCESS_KEY="+a.server.SecretKey),
	})
	a.forward(port, []byte(`{"log_type": "critical_found", "device_name": "LT-1"}`))
}
