package packaging

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"siem-s3/conf"

	"go.yaml.in/yaml/v3"
)

// documents are those of a YAML file.
func documents(t *testing.T, name string) (all []map[string]any) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(read(t, name)))
	for {
		var document map[string]any
		if err := decoder.Decode(&document); err != nil {
			if err.Error() != "EOF" {
				t.Fatalf("%s: %v", name, err)
			}
			return all
		}
		all = append(all, document)
	}
}

// at follows keys into maps.
func at(t *testing.T, value any, keys ...string) any {
	t.Helper()
	for _, key := range keys {
		m, ok := value.(map[string]any)
		if !ok || m[key] == nil {
			t.Fatalf("there is no %v at %s", keys, key)
		}
		value = m[key]
	}
	return value
}

func text(t *testing.T, value any, keys ...string) string {
	t.Helper()
	s, ok := at(t, value, keys...).(string)
	if !ok {
		t.Fatalf("%v is no text", keys)
	}
	return s
}

func composeEnv(t *testing.T) map[string]string {
	t.Helper()
	env := make(map[string]string)
	file := documents(t, "deploy/compose.yaml")[0]
	for name, value := range at(t, file, "services", "fluent-bit", "environment").(map[string]any) {
		env[name] = value.(string)
	}
	return env
}

func TestConfigurationsOfDeployStand(t *testing.T) {
	t.Parallel()
	values := documents(t, "deploy/kubernetes/values.yaml")[0]
	chart := ""
	for _, part := range []string{"service", "inputs", "filters", "outputs"} {
		chart += at(t, values, "config").(map[string]any)[part].(string) + "\n"
	}
	container := read(t, "deploy/container/fluent-bit.yaml")
	for name, c := range map[string]config{
		"container": {text: container, yaml: true},
		"compose":   {text: container, yaml: true, env: composeEnv(t)},
		"sidecar":   {text: text(t, documents(t, "deploy/kubernetes/sidecar.yaml")[0], "data", "fluent-bit.yaml"), yaml: true},
		"chart":     {text: chart, arg: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, cfg := range c.check(t) {
				if alerts := cfg.Notify.On; alerts != (name == "compose") {
					t.Errorf("alerts are on: %v", alerts)
				}
			}
		})
	}
}

// Every variable of the container is in the guide to its installation.
func TestVariablesOfTheContainerAreDocumented(t *testing.T) {
	guide := read(t, "docs/install.md")
	for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(read(t, "deploy/container/fluent-bit.yaml"), -1) {
		if !strings.Contains(guide, "`"+m[1]+"`") {
			t.Errorf("%s is not there", m[1])
		}
	}
}

// What ends Fluent Bit waits longer than the plugin and Fluent Bit may take: 5 s
// for its tasks (grace in its service), shutdown_timeout, and 5 s for threads that
// a disk holds up.
func TestNothingKillsFluentBitBeforeItsTime(t *testing.T) {
	key, _ := conf.Lookup("shutdown_timeout")
	timeout, err := time.ParseDuration(key.Default)
	if err != nil {
		t.Fatal(err)
	}
	for file, pattern := range map[string]string{
		"deploy/compose.yaml":            `stop_grace_period: (\d+)s`,
		"deploy/kubernetes/sidecar.yaml": `terminationGracePeriodSeconds: (\d+)`,
		"deploy/kubernetes/values.yaml":  `terminationGracePeriodSeconds: (\d+)`,
		"deploy/systemd/siem-s3.conf":    `TimeoutStopSec=(\d+)s`,
	} {
		m := regexp.MustCompile(`(?m)^ *` + pattern + `$`).FindStringSubmatch(read(t, file))
		if m == nil {
			t.Errorf("%s does not say how long", file)
			continue
		}
		seconds, _ := strconv.Atoi(m[1])
		if wait := time.Duration(seconds) * time.Second; wait < timeout+10*time.Second {
			t.Errorf("%s: %v, with a shutdown_timeout of %v", file, wait, timeout)
		}
	}
}

// The policies have one writer, one bucket and one prefix, which are those of the
// documents.
func TestPoliciesAreJSON(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(root, "deploy/aws/*.json"))
	if len(files) < 5 {
		t.Errorf("only %v", files)
	}
	for _, file := range files {
		name, _ := filepath.Rel(root, file)
		var policy struct {
			Version   string
			Statement []struct {
				Effect   string
				Action   any
				Resource any
			}
			Rules []any
		}
		if err := json.Unmarshal([]byte(read(t, name)), &policy); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(policy.Statement)+len(policy.Rules) == 0 || (len(policy.Statement) > 0 && policy.Version != "2012-10-17") {
			t.Errorf("%s says nothing", name)
		}
	}
}
