package fluentbit_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siem-s3/test/fluentbit"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const classic = `
[SERVICE]
    Flush 0.2
    Hot_Reload On
[INPUT]
    Name dummy
    Samples 1
    Dummy {"text":"first"}
[OUTPUT]
    Name stdout
    Match *
`

const yaml = `
service:
  flush: 0.2
pipeline:
  inputs:
    - name: dummy
      samples: 1
      dummy: '{"text":"first"}'
  outputs:
    - name: stdout
      match: '*'
`

func start(t *testing.T, c fluentbit.Config) (*fluentbit.Process, error) {
	t.Helper()
	program := fluentbit.Need(t)
	c.Dir = t.TempDir()
	p, err := fluentbit.Start(t.Context(), program, c)
	if err == nil {
		t.Cleanup(p.Kill)
	}
	return p, err
}

func TestConfigurationRunsUntilItIsStopped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]fluentbit.Config{
		"classic": {Text: classic},
		"YAML":    {Text: yaml, YAML: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := start(t, c)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Log.Wait(t.Context(), `"first"`); err != nil {
				t.Error(err)
			}
			if err := p.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if u := p.Usage(); u.MaxRSS < 1<<20 || u.User+u.System == 0 {
				t.Errorf("implausible: %+v", u)
			}
		})
	}
}

func TestReloadTakesTheNewConfiguration(t *testing.T) {
	t.Parallel()
	p, err := start(t, fluentbit.Config{Text: classic})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Reload(t.Context(), strings.Replace(classic, "first", "second", 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Log.Wait(t.Context(), `"second"`); err != nil {
		t.Error(err)
	}
}

func TestReloadThatIsNotOnIsAnError(t *testing.T) {
	t.Parallel()
	p, err := start(t, fluentbit.Config{Text: yaml, YAML: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Reload(t.Context(), yaml); err == nil || !strings.Contains(err.Error(), "not enabled") {
		t.Errorf("got %v", err)
	}
}

func TestConfigurationThatIsWrongIsAnError(t *testing.T) {
	t.Parallel()
	_, err := start(t, fluentbit.Config{Text: strings.Replace(classic, "stdout", "no_such_output", 1)})
	if err == nil || !strings.Contains(err.Error(), "no_such_output") {
		t.Errorf("got %v", err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "fluent-bit")
	if err := os.WriteFile(program, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, variable, path, want string
		err                        error
	}{
		{"variable first", program, "", program, nil},
		{"then the PATH", "", dir, program, nil},
		{"neither", "", t.TempDir(), "", fluentbit.ErrNotFound},
		{"variable that is wrong", filepath.Join(dir, "other"), dir, "", os.ErrNotExist},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("FLUENT_BIT", tt.variable)
			t.Setenv("PATH", tt.path)
			got, err := fluentbit.Find()
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
