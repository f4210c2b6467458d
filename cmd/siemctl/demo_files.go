package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// sources is the root of the sources around the working directory, or around this
// program.
func sources() (string, error) {
	var starts []string
	if dir, err := os.Getwd(); err == nil {
		starts = append(starts, dir)
	}
	if self, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(self))
	}
	for _, dir := range starts {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
			if err == nil && bytes.HasPrefix(mod, []byte("module siem-s3\n")) {
				return dir, nil
			}
		}
	}
	return "", errors.New("no sources of siem-s3 here, and the demo compiles its S3 server from them: run make demo in a checkout")
}

// pluginPath is the absolute path of the plugin.
func pluginPath(given string) (string, error) {
	path := given
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("find the plugin: %w", err)
		}
		path = filepath.Join(filepath.Dir(self), "out_siem_s3.so")
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("find the plugin: %w (make build makes it, --plugin says where it is)", err)
	}
	return filepath.Abs(path)
}

// keep copies what is worth a look to the directory that was asked for.
func (d *demo) keep(ctx context.Context) error {
	if d.cmd.Keep == "" {
		return nil
	}
	files := map[string][]byte{}
	for _, o := range d.objects {
		stored, err := d.server.Get(ctx, demoBucket, o.Key)
		if err != nil {
			return fmt.Errorf("keep the objects: %w", err)
		}
		files[o.Key] = stored.Body
	}
	if d.engine != nil {
		files["engine.log"] = []byte(d.engine.log())
	}
	if text, err := os.ReadFile(filepath.Join(d.dir, "fluent-bit.conf")); err == nil {
		files["fluent-bit.conf"] = text
	}
	for name, content := range files {
		path := filepath.Join(d.cmd.Keep, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
			return fmt.Errorf("keep the objects: %w", err)
		}
	}
	d.out.line("The objects and the log are in %s", d.cmd.Keep)
	return nil
}

// removeAll removes a directory in which processes that were just killed may have
// the last of their files to make.
func removeAll(dir string) {
	for range 40 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
