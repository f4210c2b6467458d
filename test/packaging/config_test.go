package packaging

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siem-s3/cmd/siemctl/fluentconf"
	"siem-s3/conf"
	"siem-s3/test/fluentbit"
	"siem-s3/test/plugin"
	"siem-s3/wire"
)

const installed = "/usr/lib/fluent-bit/out_siem_s3.so"

// A config is a configuration of Fluent Bit that is shipped or shown.
type config struct {
	text string
	yaml bool
	env  map[string]string
	// arg is an argument of Fluent Bit that names the plugin.
	arg bool
}

// sampleEnv is what the variables of configurations are set to that say no values
// of their own.
var sampleEnv = map[string]string{
	"SIEM_S3_BUCKET": "acme-siem-logs", "SIEM_S3_REGION": "eu-central-1", "SIEM_NOTIFY": "off",
	"SIEM_SMTP_HOST": "mail.example.com", "SIEM_SMTP_USER": "siem",
	"SIEM_ALERTS_FROM": "siem@example.com", "SIEM_ALERTS_TO": "security@example.com",
}

// check reads the configuration as siemctl does and each output of the plugin as
// the plugin does, and lets Fluent Bit read it where there is one. Files of secrets
// are made, and the directories of this machine are left alone.
func (c config) check(t *testing.T) (outputs []*conf.Config) {
	t.Helper()
	if c.env == nil {
		c.env = sampleEnv
	}
	path := c.write(t)
	lookup := func(name string) (string, bool) { value, ok := c.env[name]; return value, ok }
	read, err := fluentconf.Load(path, lookup)
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Libraries) == 0 && !c.arg {
		t.Errorf("it does not load the plugin")
	}
	for _, out := range read.Outputs {
		if out.Plugin() != "siem_s3" {
			continue
		}
		for _, p := range out.Properties {
			if _, ok := conf.Lookup(p.Key); !ok && !conf.HostKey(p.Key) {
				t.Errorf("there is no setting %s", p.Key)
			}
		}
		outputs = append(outputs, c.settings(t, out))
	}
	if len(outputs) == 0 {
		t.Error("it has no output siem_s3")
	}
	c.dryRun(t, path)
	return outputs
}

func (c config) settings(t *testing.T, out *fluentconf.Section) *conf.Config {
	t.Helper()
	cfg, _, err := wire.Settings(func(key string) string {
		if conf.HostKey(key) {
			return ""
		}
		p, _ := out.First(key)
		return secretFile(t, key, p.Value)
	}, func(string) {})
	if err != nil {
		t.Error(err)
	}
	return cfg
}

// secretFile is the path of a file with a secret of the kind that key wants.
func secretFile(t *testing.T, key, path string) string {
	t.Helper()
	k, ok := conf.Lookup(key)
	if !ok || k.FileFor == "" || path == "" {
		return path
	}
	secrets := map[string]string{
		"webhook_url":    "https://hooks.example.com/siem",
		"webhook_secret": "whsec_c2llbS1zMyBleGFtcGxlIHNlY3JldCBvZiAzMiBieXRlcw==",
	}
	secret := secrets[k.FileFor]
	if secret == "" {
		secret = "example"
	}
	file := filepath.Join(t.TempDir(), key)
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// write puts the configuration into a directory, with the files that it may name,
// the built plugin for the installed one, and paths that are not this machine's.
func (c config) write(t *testing.T) (path string) {
	t.Helper()
	dir := t.TempDir()
	so, err := plugin.Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.NewReplacer(installed, so, "/var/lib/fluent-bit/", dir+"/lib/", "/fluent-bit/etc/conf/", "", "/fluent-bit/etc/", "")
	name := "fluent-bit.conf"
	if c.yaml {
		name = "fluent-bit.yaml"
	}
	files := map[string]string{name: c.text, "custom_parsers.conf": ""}
	for _, sample := range []string{"parsers.conf", "plugins.conf"} {
		text, err := conf.Samples.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		files[sample] = string(text)
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(moved.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, name)
}

// dryRun lets Fluent Bit read the configuration, if there is one.
func (c config) dryRun(t *testing.T, path string) {
	t.Helper()
	program, err := fluentbit.Find()
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--dry-run", "-c", path)
	if c.arg {
		so, err := plugin.Build(ctx, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		cmd.Args = append(cmd.Args, "-e", so)
	}
	cmd.Dir = filepath.Dir(path)
	for name, value := range c.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("fluent-bit --dry-run: %v\n%s", err, out)
	}
}
