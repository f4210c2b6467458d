package spool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// lockDirEnv makes the test binary a process that opens that directory, says how
// it went, and keeps it until its input ends.
const lockDirEnv = "SPOOL_TEST_LOCK_DIR"

func tryLock(dir string) (status int) {
	s, err := Open(dir, testOptions(nil))
	fmt.Println(errors.Is(err, ErrLocked), err)
	if err != nil {
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Close(); err != nil {
		return 1
	}
	return 0
}

// otherProcess opens dir in a process of its own, and returns what it says.
// leave ends it.
func otherProcess(t *testing.T, dir string) (said string, leave func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), lockDirEnv+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the other process says nothing: %v", err)
	}
	return strings.TrimSpace(said), func() {
		_ = in.Close()
		_ = cmd.Wait() // its status is the answer's
	}
}

func TestDirectoryIsOneSpools(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, testOptions(nil))
	if _, err := Open(dir, testOptions(nil)); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second Open in this process: %v, want ErrLocked and the directory", err)
	}
	said, leave := otherProcess(t, dir)
	leave()
	if !strings.HasPrefix(said, "true ") || !strings.Contains(said, dir) {
		t.Errorf("Open in another process: %s, want ErrLocked and the directory", said)
	}
	mustAppend(t, s, batch(0, "a"))
	mustClose(t, s)

	said, leave = otherProcess(t, dir)
	if said != "false <nil>" {
		t.Errorf("Open in another process after Close: %s", said)
	}
	if _, err := Open(dir, testOptions(nil)); !errors.Is(err, ErrLocked) {
		t.Errorf("Open while another process has the directory: %v, want ErrLocked", err)
	}
	leave()
	wantStored(t, mustOpen(t, dir, testOptions(nil)), map[string]string{"a": lines("a", 0)})
}

func TestDirectoryThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(dir, "locked")
	if err := os.Mkdir(locked, 0o500); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, dir, want string }{
		{"is a file", file, "not a directory"},
		{"is below a file", filepath.Join(file, "spool"), "not a directory"},
	}
	if os.Getuid() != 0 { // who may write anywhere
		tests = append(tests, struct{ name, dir, want string }{"is not writable", locked, "permission denied"})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(tt.dir, testOptions(nil))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.dir) && !strings.Contains(err.Error(), file) {
				t.Errorf("Open: %v, want %q and the path", err, tt.want)
			}
		})
	}
}
