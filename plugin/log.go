package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

// newLogger returns a logger whose lines look like Fluent Bit's own:
//
//	[2026/11/22 08:00:00.123] [ info] [output:siem_s3:siem_s3.0] uploaded records=12
func newLogger(w io.Writer, component string, level hclog.Level) hclog.Logger {
	log := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.Discard, Level: level})
	log.RegisterSink(&lineSink{w: w, component: component, log: log})
	return log
}

// lineSink is an hclog.SinkAdapter.
type lineSink struct {
	component string
	log       hclog.Logger // for its level, which sinks do not get applied

	mu sync.Mutex
	w  io.Writer
}

// levelNames are those of Fluent Bit's src/flb_log.c, padded as it does.
var levelNames = map[hclog.Level]string{
	hclog.Trace: "trace", hclog.Debug: "debug", hclog.Info: " info", hclog.Warn: " warn", hclog.Error: "error",
}

// Accept implements hclog.SinkAdapter. A message of several lines becomes as
// many lines of the log, so that each of them tells whose it is.
func (s *lineSink) Accept(_ string, level hclog.Level, msg string, args ...any) {
	if level < s.log.GetLevel() {
		return
	}
	head := fmt.Sprintf("[%s] [%s] [%s] ", time.Now().Format("2006/01/02 15:04:05.000"), levelNames[level], s.component)
	var b strings.Builder
	b.WriteString(head + strings.ReplaceAll(printable(msg), "\n", "\n"+head))
	for i := 0; i+1 < len(args); i += 2 {
		fmt.Fprintf(&b, " %v=%s", args[i], logValue(args[i+1]))
	}
	b.WriteByte('\n')
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.w, b.String()) // there is nowhere to tell
}

// printable replaces what could make a terminal do other than show it.
func printable(msg string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !strconv.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, msg)
}

// logValue quotes what would not read as one value, or could pass for another line.
func logValue(v any) string {
	text := fmt.Sprint(v)
	if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r == '"' || !strconv.IsPrint(r)
	}) {
		return strconv.Quote(text)
	}
	return text
}
