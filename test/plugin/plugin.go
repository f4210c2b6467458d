// Package plugin gives tests the plugin as Fluent Bit loads it: out_siem_s3.so,
// built from this module.
package plugin

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	// The go command keeps the results of tests, and knows by imports what they
	// depend on: on all that the plugin is made of.
	_ "siem-s3/wire"
)

// Build builds the plugin into dir and returns its absolute path. With
// $SIEM_S3_PLUGIN set nothing is built: it is the path of a plugin that is.
func Build(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv("SIEM_S3_PLUGIN"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("$SIEM_S3_PLUGIN: %w", err)
		}
		return filepath.Abs(path)
	}
	if err := noticeSource(ctx); err != nil {
		return "", err
	}
	path, err := filepath.Abs(filepath.Join(dir, "out_siem_s3.so"))
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-o", path, "siem-s3/plugin")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the plugin: %w\n%s", err, out)
	}
	return path, nil
}

// noticeSource lets the go command see that the test depends on the source of the
// one package that cannot be imported, by a look at its files.
func noticeSource(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("find the plugin's source: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "plugin", "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			return err
		}
	}
	return nil
}
