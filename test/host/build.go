package host

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

//go:embed c/*.c c/*.h
var source embed.FS

// The flags that the host is compiled with; the libraries come after the source.
var (
	ccFlags = []string{"-std=gnu99", "-O1", "-g", "-Wall", "-Wextra", "-Wmissing-prototypes"}
	ccLibs  = []string{"-ldl", "-lpthread"}
)

// program is the path of the compiled host. It is compiled by $CC, or cc, and kept
// in the user's cache directory under a name that tells its source.
var program = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "siem-s3")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("host's cache: %w", err)
	}
	sum, err := sourceSum()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "host-"+sum)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, compile(path)
})

func compiler() string {
	if cc := os.Getenv("CC"); cc != "" {
		return cc
	}
	return "cc"
}

// sourceSum tells one source, compiler and set of flags from another.
func sourceSum() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, compiler(), ccFlags, ccLibs)
	err := fs.WalkDir(source, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := source.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(text), text)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:8]), err
}

// compile makes path in one step, so that of two processes that compile at the
// same time neither sees half a program.
func compile(path string) error {
	dir, err := os.MkdirTemp(filepath.Dir(path), "build-")
	if err != nil {
		return fmt.Errorf("compile the host: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, source); err != nil {
		return fmt.Errorf("compile the host: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "c", "*.c"))
	if err != nil {
		return fmt.Errorf("compile the host: %w", err)
	}
	made := filepath.Join(dir, "host")
	args := append(append([]string{"-o", made}, ccFlags...), append(files, ccLibs...)...)
	if out, err := exec.CommandContext(context.Background(), compiler(), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("compile the host with %s: %w\n%s", compiler(), err, out)
	}
	if err := os.Rename(made, path); err != nil {
		return fmt.Errorf("compile the host: %w", err)
	}
	return nil
}
