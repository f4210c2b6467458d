// Package host runs a Go output plugin of Fluent Bit, a built .so, without Fluent
// Bit: in a small C program (its source is in the folder c, whose host.c says what
// it imitates) that calls the plugin as Fluent Bit would and is driven from Go. It
// needs a C compiler, $CC or cc.
package host

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"

	"siem-s3/test/child"
)

// Output is one [OUTPUT] section.
type Output struct {
	Name     string // what Flush calls it; the plugin does not see it
	Workers  int    // 0: flushes run on the engine's thread, one at a time
	Settings map[string]string
}

// Config says what to run.
type Config struct {
	Plugin  string   // path of the .so
	Env     []string // added to the environment of this process
	Outputs []Output
}

// A Host is a running host process. Its methods are safe for concurrent use.
type Host struct {
	*child.Child

	command sync.Mutex  // held from a command to its answer
	answers chan string // the last one, of commands other than flush
	write   sync.Mutex  // keeps the parts of one command together
	stdin   io.WriteCloser
	flushes flushes
}

// InitError says that an output's FLBPluginInit refused to start, or, as output
// "register", that the library itself did. The process has ended.
type InitError struct {
	Output string
	Log    string // all that the process logged
}

// Error names the output, and the last line of the log, which tends to say why.
func (e *InitError) Error() string {
	return fmt.Sprintf("output %q does not start%s", e.Output, lastLine(e.Log))
}

// lastLine is what a log ends with, for the end of an error.
func lastLine(log string) string {
	log = strings.TrimSpace(log)
	return ": " + log[strings.LastIndexByte(log, '\n')+1:]
}

// Start loads the plugin and starts its outputs. The process is killed when ctx
// ends; it is the caller's to end it before, with Exit or Kill.
func Start(ctx context.Context, c Config) (*Host, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	outputs, err := declare(c.Outputs)
	if err != nil {
		return nil, err
	}
	h := &Host{answers: make(chan string, 1)}
	cmd := exec.CommandContext(ctx, path, c.Plugin)
	cmd.Env = append(cmd.Environ(), c.Env...)
	cmd.Stdout = &lines{each: h.answer}
	if h.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start the host: %w", err)
	}
	if h.Child, err = child.Start(cmd); err != nil {
		return nil, err
	}
	if err := h.do(ctx, outputs, "start"); err != nil {
		h.Kill()
		return nil, err
	}
	return h, nil
}

// Reload replaces all outputs, as a hot reload (SIGHUP) does: the plugin is
// registered anew, then the old outputs stop behind their flushes, then the new
// ones start. If one of them does not, the process ends with an *InitError.
func (h *Host) Reload(ctx context.Context, outputs ...Output) error {
	text, err := declare(outputs)
	if err != nil {
		return err
	}
	return h.do(ctx, text, "reload")
}

// Drain waits until every flush sent so far has returned.
func (h *Host) Drain(ctx context.Context) error { return h.do(ctx, "", "drain") }

// Exit stops the outputs behind their flushes, as SIGTERM does, and waits for the
// end of the process. Its time is limited by ctx alone.
func (h *Host) Exit(ctx context.Context) error {
	if err := h.do(ctx, "", "exit"); err != nil {
		return err
	}
	return h.Wait(ctx)
}

// do sends declarations and a command, and waits for the command's answer.
func (h *Host) do(ctx context.Context, declarations, command string) error {
	h.command.Lock()
	defer h.command.Unlock()
	if err := h.send(declarations + command + "\n"); err != nil {
		return err
	}
	for {
		a, err := h.nextAnswer(ctx)
		switch {
		case err != nil:
			return err
		case a == "ok "+command:
			return nil
		case strings.HasPrefix(a, "failed "):
			return h.initError(ctx, a)
		}
		// An answer to an earlier command, whose caller has gone.
	}
}

func (h *Host) nextAnswer(ctx context.Context) (string, error) {
	select {
	case a := <-h.answers:
		return a, nil
	case <-h.Done():
	case <-ctx.Done():
		return "", fmt.Errorf("host's answer: %w", context.Cause(ctx))
	}
	select { // it may have come with the end
	case a := <-h.answers:
		return a, nil
	default:
		return "", h.ended(io.ErrUnexpectedEOF)
	}
}

// initError waits for the end of the process, which completes its log.
func (h *Host) initError(ctx context.Context, answer string) error {
	select {
	case <-h.Done():
	case <-ctx.Done():
	}
	return &InitError{Output: strings.TrimPrefix(answer, "failed "), Log: h.Log.String()}
}

// send writes one command and what follows it. Only the end of the process closes
// its input.
func (h *Host) send(command string, raw ...[]byte) error {
	h.write.Lock()
	defer h.write.Unlock()
	for _, part := range append([][]byte{[]byte(command)}, raw...) {
		if _, err := h.stdin.Write(part); err != nil {
			<-h.Done()
			return h.ended(err)
		}
	}
	return nil
}

// ended adds to err how the process ended.
func (h *Host) ended(err error) error {
	return fmt.Errorf("host has ended (%v): %w%s", h.Wait(context.Background()), err, lastLine(h.Log.String()))
}

// answer takes one line of the host's output. It is called by one goroutine.
func (h *Host) answer(line string) {
	if status, ok := strings.CutPrefix(line, "status "); ok {
		h.flushes.settle(status)
		return
	}
	select { // an answer that nobody took makes room
	case <-h.answers:
	default:
	}
	h.answers <- line
}

var word = regexp.MustCompile(`^[^\s\x00]{1,255}$`)

// declare is the commands that declare the outputs.
func declare(outputs []Output) (string, error) {
	var b strings.Builder
	seen := map[string]bool{}
	for _, o := range outputs {
		if !word.MatchString(o.Name) || seen[o.Name] || o.Workers < 0 {
			return "", fmt.Errorf("output %q: a unique word and 0 or more workers are needed", o.Name)
		}
		seen[o.Name] = true
		fmt.Fprintf(&b, "output %s %d\n", o.Name, o.Workers)
		for _, key := range slices.Sorted(maps.Keys(o.Settings)) {
			value := o.Settings[key]
			if !word.MatchString(key) || strings.ContainsAny(value, "\n\x00") {
				return "", fmt.Errorf("output %q: setting %q is not one line", o.Name, key)
			}
			fmt.Fprintf(&b, "set %s %s\n", key, value)
		}
	}
	return b.String(), nil
}

// lines splits what is written to it.
type lines struct {
	each func(line string)
	rest string
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest += string(p)
	for {
		line, rest, found := strings.Cut(l.rest, "\n")
		if !found {
			return len(p), nil
		}
		l.rest = rest
		l.each(line)
	}
}
