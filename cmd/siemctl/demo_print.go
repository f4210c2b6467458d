package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// A printer writes the demo's output: headings, short lines, aligned tables.
type printer struct {
	w        io.Writer
	terminal bool // lines can be written over
	colour   bool
}

// newPrinter prints in colour only on a terminal, and not if NO_COLOR is set
// (https://no-color.org).
func newPrinter(w io.Writer) *printer {
	p := &printer{w: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	p.colour = p.terminal && os.Getenv("NO_COLOR") == ""
	return p
}

// The codes of ECMA-48 (SGR) that the demo uses.
const (
	bold  = "1"
	dim   = "2"
	green = "32"
)

func (p *printer) paint(code, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// indent is what every line but a heading begins with.
const indent = "   "

func (p *printer) heading(format string, args ...any) {
	fmt.Fprintln(p.w, p.paint(bold, fmt.Sprintf(format, args...)))
}

func (p *printer) step(n int, title string) {
	fmt.Fprintf(p.w, "\n%s\n", p.paint(bold, fmt.Sprintf("%d. %s", n, title)))
}

func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(p.w, indent+format+"\n", args...)
}

func (p *printer) blank() { fmt.Fprintln(p.w) }

// label prints what the lines after it are.
func (p *printer) label(format string, args ...any) {
	p.line("%s", p.paint(dim, fmt.Sprintf(format, args...)))
}

// table prints rows of cells with tabs between, the first of them the heading.
// Columns are aligned to the right, as numbers are, but for the last one.
func (p *printer) table(rows ...string) {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		last := strings.LastIndexByte(row, '\t') + 1
		fmt.Fprintln(t, indent+row[:last]+"  "+row[last:])
	}
	_ = t.Flush() // to memory
	for i, row := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		if row = strings.TrimRight(row, " "); i == 0 {
			row = p.paint(dim, row)
		}
		fmt.Fprintln(p.w, row)
	}
}

// watch shows what a long piece of work is doing until stop is called, and nothing
// if that comes soon. text must be safe to call at any time until then.
func (p *printer) watch(text func() string) (stop func()) {
	every := 30 * time.Second
	if p.terminal {
		every = time.Second
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		start := time.Now()
		next := time.NewTimer(2 * time.Second)
		defer next.Stop()
		for {
			select {
			case <-next.C:
				p.progress(text(), time.Since(start))
				next.Reset(every)
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
		if p.terminal {
			fmt.Fprint(p.w, "\r\x1b[K")
		}
	}
}

func (p *printer) progress(text string, since time.Duration) {
	line := fmt.Sprintf("%s%s (%s)", indent, text, since.Round(time.Second))
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K", line)
	} else {
		fmt.Fprintln(p.w, line)
	}
}
