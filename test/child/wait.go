package child

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
)

// Mark is a place in a log, to wait for what comes after it.
type Mark int

// Mark is the end of the log as it stands.
func (l *Log) Mark() Mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Mark(len(l.text))
}

// Wait returns the first complete line of the log with one of the texts in it. Its
// error is io.ErrUnexpectedEOF when the child ended without such a line, or tells
// what ended ctx.
func (l *Log) Wait(ctx context.Context, texts ...string) (string, error) {
	return l.WaitAfter(ctx, 0, texts...)
}

// WaitAfter is Wait for what was written after the mark.
func (l *Log) WaitAfter(ctx context.Context, m Mark, texts ...string) (string, error) {
	from := int(m)
	for {
		l.mu.Lock()
		line, next, found := scan(l.text, from, l.ended, texts)
		ended, grown := l.ended, l.grown
		l.mu.Unlock()
		if found {
			return line, nil
		}
		if ended {
			return "", fmt.Errorf("log line with %q: %w", texts, io.ErrUnexpectedEOF)
		}
		from = next
		select {
		case <-grown:
		case <-ctx.Done():
			return "", fmt.Errorf("log line with %q: %w", texts, context.Cause(ctx))
		}
	}
}

// scan looks for a line with one of the texts from an offset on. Where there is
// none, next is the offset of the first line that is not complete; at the end of
// the log every line is.
func scan(log []byte, from int, ended bool, texts []string) (line string, next int, found bool) {
	for from < len(log) {
		end := bytes.IndexByte(log[from:], '\n')
		if end < 0 && !ended {
			break
		}
		if end < 0 {
			end = len(log) - from
		}
		line := string(log[from : from+end])
		for _, text := range texts {
			if strings.Contains(line, text) {
				return line, from, true
			}
		}
		from += end + 1
	}
	return "", min(from, len(log)), false
}
