package host_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siem-s3/test/host"

	"go.uber.org/goleak"
)

// The plugins of testdata, built.
var echo, plain string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "echo-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	echo, plain = filepath.Join(dir, "echo.so"), filepath.Join(dir, "plain.so")
	for _, build := range []*exec.Cmd{
		exec.Command("go", "build", "-trimpath", "-buildmode=c-shared", "-o", echo, "./testdata/echo"),
		exec.Command(cmp.Or(os.Getenv("CC"), "cc"), "-shared", "-fPIC", "-o", plain, "testdata/plain.c"),
	} {
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v: %v\n%s", build, err, out)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// calls are what the plugins tell of their host in a log.
func calls(log string) []string {
	var all []string
	for line := range strings.Lines(log) {
		if _, call, ok := strings.Cut(line, "echo: "); ok {
			all = append(all, strings.TrimSuffix(call, "\n"))
		}
	}
	return all
}

// output is an output whose id is its name, with more settings in pairs.
func output(name string, workers int, more ...string) host.Output {
	o := host.Output{Name: name, Workers: workers, Settings: map[string]string{"id": name}}
	for i := 0; i < len(more); i += 2 {
		o.Settings[more[i]] = more[i+1]
	}
	return o
}

func start(t *testing.T, outputs ...host.Output) *host.Host {
	t.Helper()
	h, err := host.Start(t.Context(), host.Config{Plugin: echo, Outputs: outputs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Kill)
	return h
}

func flush(t *testing.T, h *host.Host, output, tag, chunk string, want host.Status) {
	t.Helper()
	got, err := h.Flush(t.Context(), output, tag, []byte(chunk))
	if err != nil || got != want {
		t.Errorf("flush %s: got %v, %v, want %v", tag, got, err, want)
	}
}

func exit(t *testing.T, h *host.Host) {
	t.Helper()
	if err := h.Exit(t.Context()); err != nil {
		t.Errorf("exit: %v\n%s", err, h.Log)
	}
}

func TestStatusOfAFlush(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{0, 1, 3} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			t.Parallel()
			h := start(t, output("a", workers))
			flush(t, h, "a", "x.ok", "abc", host.OK)
			flush(t, h, "a", "x.retry", "abc", host.Retry)
			flush(t, h, "a", "x.error", "abc", host.Error)
			flush(t, h, "a", "x.nonsense", "abc", host.Error)
			exit(t, h)
		})
	}
}

func TestChunksArriveAsTheyWereSent(t *testing.T) {
	t.Parallel()
	h := start(t, output("a", 0))
	var want []string
	for _, size := range []int{0, 1, 4095, 4096, 4097, 2 << 20} {
		chunk := strings.Repeat("\n\x00", size/2) + strings.Repeat("\xff", size%2)
		flush(t, h, "a", "sum.tag with blanks", chunk, host.OK)
		want = append(want, fmt.Sprintf("flush a %q len=%d crc=%08x",
			"sum.tag with blanks", size, crc32.ChecksumIEEE([]byte(chunk))))
	}
	exit(t, h)
	if got := calls(h.Log.String())[4 : 4+len(want)]; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestSettingsAreReadAsFluentBitReadsThem(t *testing.T) {
	t.Parallel()
	h := start(t, output("a", 0, settings...))
	exit(t, h)
	if got := calls(h.Log.String())[2]; got != settingsSeen {
		t.Errorf("got  %s\nwant %s", got, settingsSeen)
	}
}

func TestWorkersFlushAtTheSameTime(t *testing.T) {
	t.Parallel()
	h := start(t, output("a", 2), output("b", 0))
	stuck, err := h.Send("a", "x.stuck", []byte("abc"))
	if err != nil {
		t.Fatal(err)
	}
	flush(t, h, "a", "x", "abc", host.OK) // on the second worker
	flush(t, h, "b", "x", "abc", host.OK) // on the engine's thread
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("drain with a flush that never returns: %v", err)
	}
	h.Kill()
	if r, err := stuck.Wait(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("flush cut off by the kill: %v, %v", r, err)
	}
	if _, err := h.Send("a", "x", []byte("abc")); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("flush after the kill: %v", err)
	}
}

func TestDrainWaitsForEveryFlush(t *testing.T) {
	t.Parallel()
	h := start(t, output("a", 3))
	const n = 200
	var flights []*host.Flight
	for range n {
		f, err := h.Send("a", "x", []byte("abc"))
		if err != nil {
			t.Fatal(err)
		}
		flights = append(flights, f)
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	at, cancel := context.WithCancel(t.Context())
	cancel() // from here on nothing is waited for
	for i, f := range flights {
		if r, err := f.Wait(at); err == nil && r.Status != host.OK {
			t.Errorf("flush %d: %v", i, r)
		}
	}
	exit(t, h)
	if got := strings.Count(h.Log.String(), "echo: flush"); got != n {
		t.Errorf("%d of %d flushes", got, n)
	}
}

func TestMisuseOfAChunkFaults(t *testing.T) {
	t.Parallel()
	for name, tag := range map[string]string{
		"use after the flush": "x.keep",
		"write":               "x.write",
		"read past the end":   "x.beyond",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, output("a", 1))
			// The answer may or may not come before the end.
			_, _ = h.Flush(t.Context(), "a", tag, []byte("abc"))
			if err := h.Wait(t.Context()); err == nil {
				t.Error("the host went on")
			}
			if _, err := h.Log.Wait(t.Context(), "unexpected fault address", "SIGSEGV"); err != nil {
				t.Errorf("%v\n%s", err, h.Log)
			}
		})
	}
}

func TestReloadThatFailsEndsTheProcess(t *testing.T) {
	t.Parallel()
	h := start(t, output("a", 1))
	err := h.Reload(t.Context(), output("new", 1, "fail", "yes"))
	var failed *host.InitError
	if !errors.As(err, &failed) || failed.Output != "new" {
		t.Errorf("reload: %v", err)
	}
	if err := h.Wait(t.Context()); err == nil || err.Error() != "exit status 1" {
		t.Errorf("end: %v", err)
	}
}

func TestStartThatFailsNamesTheOutput(t *testing.T) {
	t.Parallel()
	_, err := host.Start(t.Context(), host.Config{
		Plugin: echo, Outputs: []host.Output{output("a", 1), output("bad", 0, "fail", "yes")},
	})
	var failed *host.InitError
	if !errors.As(err, &failed) || failed.Output != "bad" || !strings.Contains(failed.Log, "init bad") {
		t.Errorf("got %v", err)
	}
}

// Fluent Bit falls back to the functions without a context.
func TestPluginOfTheLeastFunctions(t *testing.T) {
	t.Parallel()
	h, err := host.Start(t.Context(), host.Config{
		Plugin: plain, Outputs: []host.Output{output("a", 0), output("b", 1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Kill)
	flush(t, h, "b", "x", "abc", host.OK)
	exit(t, h)
	want := []string{"init", "init", "flush x", "exit", "exit"}
	if got := calls(h.Log.String()); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRegisterThatGoesWrongEndsTheStart(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"register":   `output "register" does not start`,
		"event type": "wrote past the fields that Fluent Bit 4.2 has",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			_, err := host.Start(t.Context(), host.Config{
				Plugin: plain, Env: []string{"PLAIN_FAULT=" + fault}, Outputs: []host.Output{output("a", 0)},
			})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestPluginThatIsNotThere(t *testing.T) {
	t.Parallel()
	_, err := host.Start(t.Context(), host.Config{Plugin: "/no/such.so"})
	if err == nil || !strings.Contains(err.Error(), "/no/such.so") {
		t.Errorf("got %v", err)
	}
}

func TestDeclarationsThatCannotBeSentAreRefused(t *testing.T) {
	t.Parallel()
	for name, outputs := range map[string][]host.Output{
		"blank in a name":    {{Name: "a b"}},
		"no name":            {{}},
		"same name twice":    {{Name: "a"}, {Name: "a"}},
		"negative workers":   {{Name: "a", Workers: -1}},
		"value of two lines": {output("a", 0, "key", "one\ntwo")},
		"NUL in a value":     {output("a", 0, "key", "a\x00b")},
		"blank in a key":     {output("a", 0, "a key", "value")},
		"no key":             {output("a", 0, "", "value")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := host.Start(t.Context(), host.Config{Plugin: echo, Outputs: outputs}); err == nil {
				t.Error("accepted")
			}
		})
	}
}
