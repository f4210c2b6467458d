// Package crash tries to make the plugin lose or double an event. A producer
// sends numbered events as Fluent Bit does; the process is killed at random and
// at chosen places, the way to S3 and the disk fail, and in the end every event
// must be in the bucket exactly once.
//
//	CRASH_ROUNDS=200 go test -run Kills -v ./test/crash
//
// A trial is decided by its seed as far as timing allows; $CRASH_SEED is that of
// the first one.
package crash

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	// The go command keeps the results of tests, and knows by imports what they
	// depend on: on all that the plugin is made of.
	_ "siem-s3/wire"
)

var sharedDir string

func TestMain(m *testing.M) {
	var err error
	if sharedDir, err = os.MkdirTemp("", "siem-s3-crash-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(sharedDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// built is the path of the plugin with the places to die at.
var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(sharedDir, "out_siem_s3.so")
	cmd := exec.CommandContext(context.Background(), "go", "build", "-tags", "crashpoints", "-trimpath", "-buildvcs=false",
		"-buildmode=c-shared", "-o", path, "siem-s3/plugin")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the plugin: %w\n%s", err, out)
	}
	return path, nil
})

func pluginPath(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// noAccounts keeps the plugin from whatever accounts the machine has.
var noAccounts = []string{
	"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
}
