// Package fluentbit runs a real Fluent Bit for tests: $FLUENT_BIT, or fluent-bit
// on the PATH. Tests that need one are skipped where there is none.
package fluentbit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"siem-s3/test/child"
)

// ErrNotFound says that there is no Fluent Bit on this machine.
var ErrNotFound = errors.New("no fluent-bit: neither $FLUENT_BIT nor on the PATH")

// Find is the path of Fluent Bit's program.
func Find() (string, error) {
	if path := os.Getenv("FLUENT_BIT"); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("$FLUENT_BIT: %w", err)
		}
		return path, nil
	}
	path, err := exec.LookPath("fluent-bit")
	if err != nil {
		return "", ErrNotFound
	}
	return path, nil
}

// Need is Find for a test, which is skipped where there is no Fluent Bit. One that
// $FLUENT_BIT names but that is not there fails the test.
func Need(tb testing.TB) string {
	tb.Helper()
	path, err := Find()
	if errors.Is(err, ErrNotFound) {
		tb.Skip("skipped:", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// Config says what to run.
type Config struct {
	Dir     string   // where the configuration is written and the process runs
	Text    string   // the configuration; its log level must be info or finer
	YAML    bool     // whether Text is YAML, else it is in the classic format
	Plugins []string // paths of libraries to load (-e)
	Args    []string // further arguments
	Env     []string // added to the environment of this process
}

// Mark is a place in the log.
type Mark = child.Mark

// A Process is a running Fluent Bit.
type Process struct {
	*child.Child
	config string // path of its configuration
}

// What Fluent Bit logs when its engine runs; a build without the stream processor
// has the second line only, older versions have the first only.
var started = []string{"[sp] stream processor started", "[engine] Shutdown Grace Period="}

// Start starts the Fluent Bit at path and waits until its inputs and outputs run.
// The process is killed when ctx ends; it is the caller's to end it before.
func Start(ctx context.Context, path string, c Config) (*Process, error) {
	p := &Process{config: filepath.Join(c.Dir, "fluent-bit.conf")}
	if c.YAML {
		p.config = filepath.Join(c.Dir, "fluent-bit.yaml")
	}
	if err := os.WriteFile(p.config, []byte(c.Text), 0o600); err != nil {
		return nil, fmt.Errorf("configure fluent-bit: %w", err)
	}
	args := []string{"-c", p.config}
	for _, so := range c.Plugins {
		args = append(args, "-e", so)
	}
	cmd := exec.CommandContext(ctx, path, append(args, c.Args...)...)
	cmd.Dir = c.Dir
	cmd.Env = append(cmd.Environ(), c.Env...)
	var err error
	if p.Child, err = child.Start(cmd); err != nil {
		return nil, err
	}
	if _, err := p.Log.Wait(ctx, started...); err != nil {
		p.Kill()
		return nil, fmt.Errorf("start fluent-bit: %w\n%s", err, p.Log)
	}
	return p, nil
}

// Reload replaces the configuration and reloads it (SIGHUP, which needs Hot_Reload
// On), and waits until the new one runs.
func (p *Process) Reload(ctx context.Context, text string) error {
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		return fmt.Errorf("configure fluent-bit: %w", err)
	}
	m := p.Log.Mark()
	if err := p.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	const done = "[reload] successful reload done"
	line, err := p.Log.WaitAfter(ctx, m, done, "Reloading is halted", "Reloading is aborted", "not enabled")
	if err != nil {
		return fmt.Errorf("reload fluent-bit: %w", err)
	}
	if !strings.Contains(line, done) {
		return fmt.Errorf("reload fluent-bit: %s", line)
	}
	return nil
}

// Stop ends Fluent Bit as an administrator does (SIGTERM) and waits for its end,
// which takes a second or more. It must end with status 0.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := p.Wait(ctx); err != nil {
		return fmt.Errorf("fluent-bit: %w", err)
	}
	return nil
}
