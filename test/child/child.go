// Package child runs a program under test as a child process: it never outlives
// the test, its log can be waited for, and what it used of the machine is known.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A Child is a started program.
type Child struct {
	// Log holds what the program wrote to standard error, and to standard output
	// too unless the command came with a Stdout of its own.
	Log *Log

	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended; set before done is closed
}

// Usage is what a program used of the machine until its end.
type Usage struct {
	User, System time.Duration // CPU time
	MaxRSS       int64         // bytes of memory, at their peak
}

// Start starts cmd, whose Stderr, and Stdout where it is nil, go to the log. The
// kernel kills the child when this process dies.
func Start(cmd *exec.Cmd) (*Child, error) {
	c := &Child{Log: newLog(), cmd: cmd, done: make(chan struct{})}
	cmd.Stderr = c.Log
	if cmd.Stdout == nil {
		cmd.Stdout = c.Log
	}
	// A grandchild that holds the pipes open must not hold up the wait.
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go c.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return c, nil
}

// run keeps to one OS thread from the start of the child to its end: the kernel
// takes the end of the thread that forked for the death of the parent.
func (c *Child) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	c.err = c.cmd.Wait()
	c.Log.close()
	close(c.done)
}

// Pid is the process id of the child.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Done is closed when the child has ended and its log is complete.
func (c *Child) Done() <-chan struct{} { return c.done }

// Signal sends sig. A child that has ended already is no error.
func (c *Child) Signal(sig os.Signal) error {
	if err := c.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", c.cmd.Path, err)
	}
	return nil
}

// Wait waits for the end of the child: nil for exit status 0, else the
// *exec.ExitError, or the error of ctx, with the child still running.
func (c *Child) Wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %s: %w", c.cmd.Path, context.Cause(ctx))
	}
}

// Kill ends the child as a power cut would (SIGKILL) and waits for its end. It may
// be called again, and after the end.
func (c *Child) Kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

// Usage is what the child used, or the zero value while it runs.
func (c *Child) Usage() Usage {
	select {
	case <-c.done:
	default:
		return Usage{}
	}
	state := c.cmd.ProcessState
	u := Usage{User: state.UserTime(), System: state.SystemTime()}
	if r, ok := state.SysUsage().(*syscall.Rusage); ok {
		u.MaxRSS = r.Maxrss * 1024 // getrusage(2): in KiB
	}
	return u
}

// A Log is what a child has written so far. It is safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	text  []byte
	ended bool
	grown chan struct{} // closed, and replaced, at each change
}

func newLog() *Log { return &Log{grown: make(chan struct{})} }

var _ io.Writer = (*Log)(nil)

// Write appends to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	close(l.grown)
	l.grown = make(chan struct{})
	return len(p), nil
}

func (l *Log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	close(l.grown)
	l.grown = make(chan struct{})
}

// String is the log so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
