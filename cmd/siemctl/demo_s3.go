package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"siem-s3/test/bucket"
	"siem-s3/test/s3server"
)

// s3Program is the S3 server, a tool of tools.mod.
const s3Program = "github.com/versity/versitygw/cmd/versitygw"

// startServer compiles the S3 server where this machine has not done so before,
// starts it and makes a bucket.
func (d *demo) startServer(ctx context.Context) error {
	if err := d.compileServer(ctx); err != nil {
		return fmt.Errorf("compile it: %w", err)
	}
	server, err := s3server.Run(ctx, filepath.Join(d.dir, "s3"))
	if err != nil {
		return err
	}
	d.server = server
	d.defers(server.Stop)
	if err := server.CreateBucket(ctx, demoBucket); err != nil {
		return err
	}
	d.reader = bucket.New(server, demoBucket)
	d.out.line("versitygw at %s, with the empty bucket %s", server.Endpoint, demoBucket)
	return nil
}

// compileServer does what s3server would do at its start, and shows how far it is.
func (d *demo) compileServer(ctx context.Context) error {
	stop := d.out.watch(func() string { return "fetching its sources" })
	list, err := d.goCommand(ctx, "list", "-modfile=tools.mod", "-deps",
		"-f={{if and .Stale (ne .Name `main`)}}{{.ImportPath}}{{end}}", s3Program).Output()
	stop()
	if err != nil {
		return explain(err)
	}
	if missing := strings.Fields(string(list)); len(missing) > 0 {
		if err := d.compile(ctx, missing); err != nil {
			return err
		}
	}
	stop = d.out.watch(func() string { return "linking" })
	defer stop()
	_, err = d.goCommand(ctx, "tool", "-modfile=tools.mod", "-n", "versitygw").Output()
	return explain(err)
}

// compile compiles packages into the go command's cache.
func (d *demo) compile(ctx context.Context, packages []string) error {
	d.out.line("It is compiled first, once on this machine. This takes some minutes.")
	var done atomic.Int64
	defer d.out.watch(func() string { return fmt.Sprintf("%d of %d packages", done.Load(), len(packages)) })()
	cmd := d.goCommand(ctx, append([]string{"build", "-modfile=tools.mod", "-v"}, packages...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var said strings.Builder
	for in := bufio.NewScanner(stderr); in.Scan(); done.Add(1) { // -v: the name of each package
		fmt.Fprintln(&said, in.Text())
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w\n%s", err, lastLines(said.String(), 10))
	}
	return nil
}

// goCommand is a go command that ends with ctx, and its compilers with it. What is
// half done then stays where it is, so that is in the directory that the demo
// removes.
func (d *demo) goCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(cmd.Environ(), "GOTMPDIR="+d.dir, "TMPDIR="+d.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// explain adds to the error of a command what the command said.
func explain(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%w\n%s", err, lastLines(string(exit.Stderr), 10))
	}
	return err
}

// lastLines is the end of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
