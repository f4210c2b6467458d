package main

import (
	"debug/buildinfo"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version is set by the linker.
var version = "devel"

const (
	// abi is how Fluent Bit and the plugin speak (FLB_PROXY_GOLANG in
	// include/fluent-bit/flb_plugin_proxy.h of Fluent Bit).
	abi = "Go proxy (FLB_PROXY_GOLANG)"
	// bridge is the module that the plugin does it with.
	bridge = "github.com/fluent/fluent-bit-go"
)

type versionCmd struct {
	Plugin string `help:"The plugin to tell of too. Otherwise out_siem_s3.so next to siemctl, if it is there." placeholder:"PATH"`
	Output string `short:"o" enum:"text,json" default:"text" placeholder:"text|json" help:"How to print it."`
}

// Help is what the command's --help says beyond its flags.
func (versionCmd) Help() string {
	return `Examples:

  siemctl version
  siemctl version --plugin /usr/lib/fluent-bit/out_siem_s3.so
  siemctl version -o json | jq -r .version`
}

// A build is what a program tells of itself, or a library of itself.
type build struct {
	Version string `json:"version"`
	// Commit is the one it was built of, with +dirty behind it if there was more.
	Commit   string  `json:"commit,omitempty"`
	Go       string  `json:"go"`
	Platform string  `json:"platform"`
	Plugin   library `json:"plugin"`
}

// A library is the plugin as Fluent Bit knows it.
type library struct {
	Name string `json:"name"`
	ABI  string `json:"abi"`
	// File is where it was found, and Go and Bridge what it was built with.
	File   string `json:"file,omitempty"`
	Go     string `json:"go,omitempty"`
	Bridge string `json:"bridge,omitempty"`
}

// thisBuild reads what the linker and the go command stamped into this program.
func thisBuild() build {
	b := build{
		Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Plugin: library{Name: pluginName, ABI: abi},
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Commit = s.Value + b.Commit
		case s.Key == "vcs.modified" && s.Value == "true":
			b.Commit += "+dirty"
		}
	}
	return b
}

// read reads what the go command stamped into the library.
func (l *library) read(path string) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the plugin: %w", err)
	}
	l.File, l.Go = path, info.GoVersion
	for _, m := range info.Deps {
		if m.Path == bridge {
			l.Bridge = m.Path + " " + m.Version
		}
	}
	return nil
}

// Run prints the version.
func (v *versionCmd) Run(s streams) error {
	b := thisBuild()
	path, err := pluginPath(v.Plugin)
	if err == nil {
		err = b.Plugin.read(path)
	}
	if err != nil && v.Plugin != "" {
		return err
	}
	if v.Output == "json" {
		return writeJSON(s.out, b)
	}
	return b.write(s.out)
}

func (b build) write(w io.Writer) error {
	lines := []string{fmt.Sprintf("siemctl %s (%s, %s)", b.Version, b.Go, b.Platform)}
	if b.Commit != "" {
		lines = append(lines, "commit  "+b.Commit)
	}
	lines = append(lines, fmt.Sprintf("plugin  %s, %s", b.Plugin.Name, b.Plugin.ABI))
	if b.Plugin.File != "" {
		lines = append(lines, fmt.Sprintf("        %s (%s, %s)", b.Plugin.File, b.Plugin.Go, b.Plugin.Bridge))
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
