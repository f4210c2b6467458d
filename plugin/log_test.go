package main

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

var stamp = regexp.MustCompile(`(?m)^\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{3}\] `)

// unstamped returns the lines without their times, which every one must have.
func unstamped(t *testing.T, log string) string {
	t.Helper()
	if lines := strings.Count(log, "\n"); len(stamp.FindAllString(log, -1)) != lines {
		t.Errorf("%d lines, not all with a time:\n%s", lines, log)
	}
	return stamp.ReplaceAllString(log, "")
}

func TestLinesLookLikeThoseOfFluentBit(t *testing.T) {
	t.Parallel()
	const own = "[output:siem_s3:siem_s3.0] "
	for _, test := range []struct {
		name string
		log  func(hclog.Logger)
		want string
	}{
		{"error", func(l hclog.Logger) { l.Error("bad") }, "[error] " + own + "bad\n"},
		{"warn", func(l hclog.Logger) { l.Warn("odd") }, "[ warn] " + own + "odd\n"},
		{"info", func(l hclog.Logger) { l.Info("good") }, "[ info] " + own + "good\n"},
		{"debug", func(l hclog.Logger) { l.Debug("fine") }, "[debug] " + own + "fine\n"},
		{"trace", func(l hclog.Logger) { l.Trace("finer") }, "[trace] " + own + "finer\n"},
		{"values", func(l hclog.Logger) { l.Info("x", "n", 7, "ok", true, "at", "s3://a/b=c") }, "[ info] " + own + "x n=7 ok=true at=s3://a/b=c\n"},
		{"value of several words", func(l hclog.Logger) { l.Info("x", "tag", "a b") }, "[ info] " + own + "x tag=\"a b\"\n"},
		{"no value", func(l hclog.Logger) { l.Info("x", "tag", "") }, "[ info] " + own + "x tag=\"\"\n"},
		{"quote", func(l hclog.Logger) { l.Info("x", "tag", `a"b`) }, "[ info] " + own + `x tag="a\"b"` + "\n"},
		{
			"value that imitates a line", func(l hclog.Logger) { l.Info("x", "tag", "a\n[2026/11/22 08:00:00.123] [error] y\r\x1b[31m") },
			"[ info] " + own + `x tag="a\n[2026/11/22 08:00:00.123] [error] y\r\x1b[31m"` + "\n",
		},
		{"bytes that are not UTF-8", func(l hclog.Logger) { l.Info("x", "tag", "a\xffb") }, "[ info] " + own + `x tag="a\xffb"` + "\n"},
		{"error of several lines", func(l hclog.Logger) { l.Warn("x", "error", errors.Join(errors.New("a"), errors.New("b"))) }, "[ warn] " + own + `x error="a\nb"` + "\n"},
		{"message of several lines", func(l hclog.Logger) { l.Error("2 problems:\n  - a\n  - b", "n", 1) }, "[error] " + own + "2 problems:\n[error] " + own + "  - a\n[error] " + own + "  - b n=1\n"},
		{"message for a terminal", func(l hclog.Logger) { l.Error("a\x1b[2Jb\rc") }, "[error] " + own + "a\ufffd[2Jb\ufffdc\n"},
		{"with", func(l hclog.Logger) { l.With("tag", "t").Info("x", "n", 1) }, "[ info] " + own + "x tag=t n=1\n"},
		{"named", func(l hclog.Logger) { l.Named("spool").Info("x") }, "[ info] " + own + "x\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			test.log(newLogger(&out, "output:siem_s3:siem_s3.0", hclog.Trace))
			if got := unstamped(t, out.String()); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestLevelsLeaveOutWhatIsLessSevere(t *testing.T) {
	t.Parallel()
	for verbosity, want := range map[string]string{
		"off": "", "error": "error", "warn": "error warn", "info": "error warn info", "debug": "error warn info debug",
	} {
		var out bytes.Buffer
		l := newLogger(&out, "x", hclog.Info)
		l.SetLevel(hclog.LevelFromString(verbosity))
		l.Error("error")
		l.Warn("warn")
		l.Info("info")
		l.Debug("debug")
		var got []string
		for line := range strings.Lines(out.String()) {
			got = append(got, line[strings.LastIndexByte(line, ' ')+1:len(line)-1])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %s", verbosity, got, want)
		}
	}
}
