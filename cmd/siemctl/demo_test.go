package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"siem-s3/test/bucket"
	"siem-s3/test/child"
	"siem-s3/test/fluentbit"
	"siem-s3/test/plugin"
)

// asSiemctl is the environment variable that makes siemctl of this test's program.
const asSiemctl = "SIEMCTL_TEST_RUN"

var testDir string

func TestMain(m *testing.M) {
	if os.Getenv(asSiemctl) != "" {
		main()
	}
	var err error
	if testDir, err = os.MkdirTemp("", "siemctl-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(testDir)
	os.Exit(code)
}

var builtPlugin = sync.OnceValues(func() (string, error) { return plugin.Build(context.Background(), testDir) })

// A demoRun is a demo in a process of its own, with a temporary directory of its own.
type demoRun struct {
	*child.Child
	t   *testing.T
	ctx context.Context
	tmp string
}

// startDemo starts siemctl demo with the plugin and the given arguments.
func startDemo(t *testing.T, args ...string) *demoRun {
	t.Helper()
	return startDemoIn(t, nil, args...)
}

// startDemoIn is startDemo with more in the environment.
func startDemoIn(t *testing.T, env []string, args ...string) *demoRun {
	t.Helper()
	so, err := builtPlugin()
	if err != nil {
		t.Fatal(err)
	}
	return startSiemctl(t, "", env, append([]string{"demo", "--plugin", so}, args...)...)
}

func startSiemctl(t *testing.T, dir string, env []string, args ...string) *demoRun {
	t.Helper()
	// Longer than any demo: it decides nothing but how long a failure takes.
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	r := &demoRun{t: t, ctx: ctx, tmp: t.TempDir()}
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(append(cmd.Environ(), asSiemctl+"=1", "TMPDIR="+r.tmp), env...)
	var err error
	if r.Child, err = child.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Kill()
		if t.Failed() {
			t.Logf("output of %s:\n%s", args, r.Log)
		}
	})
	return r
}

// wantExit waits for the end of the process and compares its exit status.
func (r *demoRun) wantExit(status int) {
	r.t.Helper()
	err := r.Wait(r.ctx)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		r.t.Fatal(err)
	}
	if got != status {
		r.t.Errorf("exit status %d, want %d", got, status)
	}
}

// wantNothingLeft looks for processes and files of the demo that has ended.
func (r *demoRun) wantNothingLeft() {
	r.t.Helper()
	if left := processesOf(r.t, r.tmp); len(left) > 0 {
		r.t.Errorf("left running: %q", left)
	}
	files, err := os.ReadDir(r.tmp)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range files {
		r.t.Errorf("left behind: %s", f.Name())
	}
}

// processesOf are the command lines of the processes that have a path in their
// arguments or in their environment, as all children of a demo have its TMPDIR.
func processesOf(t *testing.T, path string) []string {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, dir := range dirs {
		// One that ends meanwhile can't be read, and needs not.
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if bytes.Contains(args, []byte(path)) || bytes.Contains(env, []byte(path)) {
			found = append(found, strings.ReplaceAll(string(args), "\x00", " "))
		}
	}
	return found
}

// counts finds the rows of the last table: in, device, account, rejected.
var counts = regexp.MustCompile(`(?m)^ +(json|syslog) +(\d+) +(!?=) +(\d+) +\+ +(\d+) +\+ +(\d+)$`)

// alertsTold finds what the step of the alerts ends with.
var alertsTold = regexp.MustCompile(`(?s)\[SIEM\] Device reported threats: .*"type": "siem\.device\..*All 3 events were told, in \d e-mails and \d webhooks\.\n.*verified by the Standard Webhooks library`)

// wantCounts wants both formats to have stored all there was, and the alerts told.
func (r *demoRun) wantCounts() {
	r.t.Helper()
	rows := counts.FindAllStringSubmatch(r.Log.String(), -1)
	if len(rows) != len(demoOutputs) {
		r.t.Fatalf("%d rows of counts, want %d", len(rows), len(demoOutputs))
	}
	if !alertsTold.MatchString(r.Log.String()) {
		r.t.Error("no word of alerts that arrived")
	}
	for _, row := range rows {
		var n [4]int
		for i, text := range append(row[2:3:3], row[4:]...) {
			n[i], _ = strconv.Atoi(text)
		}
		if row[3] != "=" || n[0] == 0 || n[1] == 0 || n[2] == 0 || n[3] == 0 || n[0] != n[1]+n[2]+n[3] {
			r.t.Errorf("counts that don't add up: %s", row[0])
		}
	}
}

func TestDemoInTheHostStoresEveryRecord(t *testing.T) {
	t.Parallel()
	r := startDemo(t, "--host")
	r.wantExit(0)
	r.wantCounts()
	r.wantNothingLeft()
}

func TestDemoInFluentBitStoresEveryRecord(t *testing.T) {
	t.Parallel()
	r := startDemo(t, "--fluent-bit", fluentbit.Need(t))
	r.wantExit(0)
	r.wantCounts()
	r.wantNothingLeft()
}

func TestDemoKeepsWhatItIsAskedTo(t *testing.T) {
	t.Parallel()
	keep := filepath.Join(t.TempDir(), "new", "dir")
	r := startDemo(t, "--host", "--keep", keep)
	r.wantExit(0)
	r.wantNothingLeft()
	for _, pattern := range []string{"engine.log", "json/category=*/*/*/*.json.gz", "syslog/category=device/*/*/*.log.zst"} {
		if found, err := filepath.Glob(filepath.Join(keep, pattern)); err != nil || len(found) == 0 {
			t.Errorf("nothing at %s (%v)", pattern, err)
		}
	}
}

func TestInterruptedDemoLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, at   string
		signal     syscall.Signal
		fluentBit  bool
		emptyCache bool
	}{
		{"before the server runs", "1. ", syscall.SIGINT, false, false},
		{"while the server is compiled", "It is compiled first", syscall.SIGINT, false, true},
		{"while the host waits", "6. ", syscall.SIGINT, false, false},
		{"while it shows what is stored", "7. ", syscall.SIGTERM, false, false},
		{"while Fluent Bit starts", "3. ", syscall.SIGINT, true, false},
		{"while Fluent Bit waits", "6. ", syscall.SIGHUP, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args, env := []string{"--host"}, []string(nil)
			if tt.fluentBit {
				args = []string{"--fluent-bit", fluentbit.Need(t)}
			}
			if tt.emptyCache {
				env = []string{"GOCACHE=" + t.TempDir()}
			}
			r := startDemoIn(t, env, args...)
			if _, err := r.Log.Wait(r.ctx, tt.at); err != nil {
				t.Fatal(err)
			}
			if err := r.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			// It can only have succeeded if the signal came too late.
			if err := r.Wait(r.ctx); err == nil && !strings.Contains(r.Log.String(), "Yes: ") {
				t.Error("exit status 0")
			}
			r.wantNothingLeft()
		})
	}
}

func TestDemoThatCannotRunSaysWhy(t *testing.T) {
	t.Parallel()
	notAPlugin := filepath.Join(t.TempDir(), "plugin.so")
	if err := os.WriteFile(notAPlugin, []byte("no library\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	for _, tt := range []struct {
		name, dir string
		args      []string
		want      string
	}{
		{"no sources", elsewhere, nil, "run make demo in a checkout"},
		{"no plugin", "", nil, "make build makes it"},
		{"no library", "", []string{"--host", "--plugin", notAPlugin}, "step 3, "},
		{"no such fluent-bit", "", []string{"--plugin", notAPlugin, "--fluent-bit", "/no/such/program"}, "/no/such/program"},
		{"both engines", "", []string{"--plugin", notAPlugin, "--fluent-bit", "x", "--host"}, "--host"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := startSiemctl(t, tt.dir, nil, append([]string{"demo"}, tt.args...)...)
			if err := r.Wait(r.ctx); err == nil {
				t.Error("exit status 0")
			}
			if !strings.Contains(r.Log.String(), tt.want) {
				t.Errorf("output without %q", tt.want)
			}
			r.wantNothingLeft()
		})
	}
}

func TestCountFailsWhenALineIsMissingOrDoubled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		objects []bucket.Object
		wrong   string // "" if nothing is
	}{
		{"complete", []bucket.Object{
			object("json/category=device/a", 2), object("json/category=rejected/b", 1), object("syslog/category=account/c", 3),
		}, ""},
		{"missing", []bucket.Object{object("json/category=device/a", 3), object("syslog/category=device/b", 2)}, "2 lines stored as syslog"},
		{"doubled", []bucket.Object{object("json/category=device/a", 4), object("syslog/category=device/b", 3)}, "4 lines stored as json"},
		{"elsewhere", []bucket.Object{
			object("json/category=device/a", 3), object("syslog/category=device/b", 3), object("syslog/category=other/c", 1),
		}, "4 lines stored as syslog"},
		{"nothing", nil, "0 lines stored as json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			d := &demo{out: newPrinter(&out), records: 3, objects: tt.objects}
			err := d.count(t.Context())
			if (err != nil) != (tt.wrong != "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("got %v, want %q", err, tt.wrong)
			}
			if strings.Contains(out.String(), "Yes") != (tt.wrong == "") {
				t.Errorf("output:\n%s", &out)
			}
		})
	}
}

// object is an object of n lines.
func object(key string, n int) bucket.Object {
	return bucket.Object{Key: key, Text: []byte(strings.Repeat("{}\n", n)), Number: n}
}
