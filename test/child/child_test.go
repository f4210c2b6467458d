package child

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// inherited is the environment variable of a test that starts itself again.
const inherited = "CHILD_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(inherited) != "" {
		parent()
	}
	goleak.VerifyTestMain(m)
}

// parent is a process with a child, which it hands its file descriptor 3.
func parent() {
	cmd := exec.Command("sleep", "1000")
	cmd.ExtraFiles = []*os.File{os.NewFile(3, "pipe")}
	c, err := Start(cmd)
	if err != nil {
		os.Exit(1)
	}
	os.Stdout.WriteString("ready\n")
	<-c.Done()
}

// shell starts a shell script that dies with the test.
func shell(t *testing.T, script string) *Child {
	t.Helper()
	c, err := Start(exec.Command("sh", "-c", script))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	return c
}

func TestLogIsCompleteWhenTheChildHasEnded(t *testing.T) {
	t.Parallel()
	c := shell(t, "echo out; echo err >&2; printf 'no end'")
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"out", "err", "no end"} {
		if got, err := c.Log.Wait(t.Context(), line); err != nil || got != line {
			t.Errorf("line %q: got %q, %v", line, got, err)
		}
	}
}

func TestWaitSeesALineThatComesLater(t *testing.T) {
	t.Parallel()
	c := shell(t, "echo ready; exec sleep 1000")
	if _, err := c.Log.Wait(t.Context(), "nothing like it", "ready"); err != nil {
		t.Fatal(err)
	}
	c.Kill()
	_, err := c.Log.Wait(t.Context(), "never")
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("wait at the end of the log: %v", err)
	}
}

func TestWaitAfterSkipsWhatWasThere(t *testing.T) {
	t.Parallel()
	l := newLog()
	write := func(s string) { _, _ = io.WriteString(l, s) }
	write("one x\n")
	mark := l.Mark()
	write("two ")
	go write("x\n")
	if line, err := l.WaitAfter(t.Context(), mark, "x"); err != nil || line != "two x" {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	if _, err := newLog().Wait(ctx, "x"); !errors.Is(err, reason) {
		t.Errorf("log: %v", err)
	}
	if err := shell(t, "exec sleep 1000").Wait(ctx); !errors.Is(err, reason) {
		t.Errorf("child: %v", err)
	}
}

func TestEndIsReported(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, script string
		signal       os.Signal
		want         string
	}{
		{"status", "exit 3", nil, "exit status 3"},
		{"signal", "echo ready; exec sleep 1000", syscall.SIGTERM, "signal: terminated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := shell(t, tt.script)
			if tt.signal != nil {
				if _, err := c.Log.Wait(t.Context(), "ready"); err != nil {
					t.Fatal(err)
				}
				if err := c.Signal(tt.signal); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Wait(t.Context()); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if err := c.Signal(syscall.SIGTERM); err != nil {
				t.Errorf("signal after the end: %v", err)
			}
		})
	}
}

func TestKillMayBeRepeated(t *testing.T) {
	t.Parallel()
	c := shell(t, "exec sleep 1000")
	c.Kill()
	c.Kill()
	if err := c.Wait(t.Context()); err == nil || err.Error() != "signal: killed" {
		t.Errorf("got %v", err)
	}
}

// A pipe ends when the last process that holds it has ended.
func TestChildDiesWithItsParent(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), inherited+"=1")
	cmd.ExtraFiles = []*os.File{w}
	p, err := Start(cmd)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Log.Wait(t.Context(), "ready"); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Error(err)
	}
}

func TestUsageIsThatOfTheEndedChild(t *testing.T) {
	t.Parallel()
	c := shell(t, "read line; exit 0")
	c.Kill()
	if u := c.Usage(); u.MaxRSS < 100<<10 || u.MaxRSS > 1<<30 || u.User+u.System > time.Minute {
		t.Errorf("implausible: %+v", u)
	}
	if u := shell(t, "exec sleep 1000").Usage(); u != (Usage{}) {
		t.Errorf("while it runs: %+v", u)
	}
}

func TestStartNamesTheProgramThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := Start(exec.Command("/no/such/program"))
	if err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("got %v", err)
	}
}
