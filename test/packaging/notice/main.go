// Command notice prints the licences of all modules that Go programs are linked
// of, and that of Go itself:
//
//	notice build/out_siem_s3.so build/siemctl > NOTICE
package main

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "notice:", err)
		os.Exit(1)
	}
}

const heading = `siem-s3
Copyright the authors of siem-s3

siem-s3 is under the Apache License 2.0, in the file LICENSE. Its plugin and its
command line contain the software below, under the licenses that follow each.
This file is generated: "make notice".
`

func run(programs []string, w io.Writer) error {
	linked, err := modules(programs)
	if err != nil {
		return err
	}
	dirs, err := download(linked)
	if err != nil {
		return err
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("find the licence of Go: %w", err)
	}
	dirs["Go, https://go.dev"] = strings.TrimSpace(string(goroot))
	notices, err := collect(dirs)
	if err != nil {
		return err
	}
	return write(w, notices)
}

// modules are those that the programs are linked of, as path@version.
func modules(programs []string) ([]string, error) {
	seen := make(map[string]bool)
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", program, err)
		}
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			seen[m.Path+"@"+m.Version] = true
		}
	}
	if len(seen) == 0 {
		return nil, errors.New("no modules in " + strings.Join(programs, ", "))
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// download returns the directories of modules in the module cache, by their paths.
func download(modules []string) (map[string]string, error) {
	cmd := exec.Command("go", append([]string{"mod", "download", "-json"}, modules...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download: %w", err)
	}
	dirs := make(map[string]string)
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Dir string }
		switch err := decoder.Decode(&m); {
		case err == io.EOF:
			return dirs, nil
		case err != nil:
			return nil, fmt.Errorf("go mod download: %w", err)
		}
		dirs[m.Path] = m.Dir
	}
}

var license = regexp.MustCompile(`(?i)^((un)?licen[cs]e|copying|notice|patents)([._-].*)?$`)

// collect returns the modules of each text that says what their licence is.
// Modules inside another one, such as those of the AWS SDK, all carry their own.
func collect(dirs map[string]string) (map[string][]string, error) {
	notices := make(map[string][]string)
	for _, name := range slices.Sorted(maps.Keys(dirs)) {
		entries, err := os.ReadDir(dirs[name])
		if err != nil {
			return nil, err
		}
		found := false
		for _, entry := range entries {
			if entry.IsDir() || !license.MatchString(entry.Name()) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dirs[name], entry.Name()))
			if err != nil {
				return nil, err
			}
			found = true
			key := string(bytes.TrimSpace(text))
			notices[key] = append(notices[key], name+" ("+entry.Name()+")")
		}
		if !found {
			return nil, fmt.Errorf("%s has no license in %s", name, dirs[name])
		}
	}
	return notices, nil
}

// write prints each text once, below all who use it.
func write(w io.Writer, notices map[string][]string) error {
	texts := slices.SortedFunc(maps.Keys(notices), func(a, b string) int {
		return cmp.Or(strings.Compare(notices[a][0], notices[b][0]), strings.Compare(a, b))
	})
	if _, err := io.WriteString(w, heading); err != nil {
		return err
	}
	for _, text := range texts {
		users := strings.Join(notices[text], "\n")
		if _, err := fmt.Fprintf(w, "\n%s\n%s\n\n%s\n", strings.Repeat("-", 80), users, text); err != nil {
			return err
		}
	}
	return nil
}
