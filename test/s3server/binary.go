package s3server

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

var found struct {
	sync.Mutex
	path string
}

// binary returns the path of the versitygw executable in the go command's cache,
// where the first call ever made on a machine compiles it. The executable is run
// itself, not through the go command, so that killing it kills the server.
func binary(ctx context.Context) (string, error) {
	found.Lock()
	defer found.Unlock()
	if found.path != "" {
		return found.path, nil
	}
	gomod, err := goOutput(ctx, "", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	root := filepath.Dir(gomod)
	path, err := goOutput(ctx, root, "tool", "-modfile="+filepath.Join(root, "tools.mod"), "-n", "versitygw")
	if err != nil {
		return "", err
	}
	found.path = path
	return path, nil
}

func goOutput(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
