package host_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"siem-s3/test/chunk"
	"siem-s3/test/fluentbit"
	"siem-s3/test/host"
)

// Settings that show each rule of Fluent Bit's for them, and what the echo plugin
// gets to see of them.
var (
	settings = []string{
		"CamelCase", "MiXed value", "empty", "", "port", "8080", "workers", "0", "match", "*",
		"net.keepalive", "off", "storage.total_limit_size", "5M", "oauth2.scope", "x", "tls_like", "kept",
	}
	settingsSeen = `init a camelcase="MiXed value" tls_like="kept"`
)

// A life is what can happen to a plugin.
type life struct {
	name   string
	first  []host.Output
	reload []host.Output // nil: no hot reload
}

// A real Fluent Bit and the host must call a plugin in the same way and order: it
// is what the host is trusted for.
func TestHostCallsAPluginAsFluentBitDoes(t *testing.T) {
	t.Parallel()
	program := fluentbit.Need(t)
	a, b := output("a", 0, settings...), output("b", 2)
	bad := output("bad", 0, "fail", "yes")
	for _, l := range []life{
		{"start and exit", []host.Output{a, b}, nil},
		{"hot reload", []host.Output{a, b}, []host.Output{b, a}},
		{"start that fails", []host.Output{a, bad, b}, nil},
		{"hot reload that fails", []host.Output{a, b}, []host.Output{b, bad}},
	} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			want := order(calls(l.inFluentBit(t, program)))
			got := order(calls(l.inHost(t)))
			if len(want) == 0 || !slices.Equal(got, want) {
				t.Errorf("host:\n  %s\nFluent Bit:\n  %s",
					strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

// order sorts neighbouring flushes, which have no order among themselves.
func order(calls []string) []string {
	for i := 0; i < len(calls); i++ {
		end := i
		for end < len(calls) && strings.HasPrefix(calls[end], "flush ") {
			end++
		}
		slices.Sort(calls[i:end])
		i = max(i, end-1)
	}
	return calls
}

// inHost leads the life in the host and returns its log.
func (l life) inHost(t *testing.T) string {
	t.Helper()
	h, err := host.Start(t.Context(), host.Config{Plugin: echo, Outputs: l.first})
	if failed, ok := err.(*host.InitError); ok {
		return failed.Log
	}
	if err != nil {
		t.Fatal(err)
	}
	defer h.Kill()
	for _, o := range l.first {
		flush(t, h, o.Name, "x", "abc", host.OK)
	}
	if l.reload != nil {
		if err := h.Reload(t.Context(), l.reload...); err != nil {
			return h.Log.String()
		}
		for _, o := range l.reload {
			flush(t, h, o.Name, "x", "abc", host.OK)
		}
	}
	exit(t, h)
	return h.Log.String()
}

// inFluentBit leads the life in a real Fluent Bit and returns its log.
func (l life) inFluentBit(t *testing.T, program string) string {
	t.Helper()
	p, err := fluentbit.Start(t.Context(), program, fluentbit.Config{
		Dir: t.TempDir(), Text: classic(l.first), Plugins: []string{echo},
	})
	if err != nil {
		return err.Error() // with the log in it
	}
	defer p.Kill()
	waitForFlushes(t, p, 0, l.first)
	if l.reload != nil {
		m := p.Log.Mark()
		if err := p.Reload(t.Context(), classic(l.reload)); err != nil {
			_ = p.Wait(t.Context()) // a reload that fails ends Fluent Bit
			return p.Log.String()
		}
		waitForFlushes(t, p, m, l.reload)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Errorf("stop: %v", err)
	}
	return p.Log.String()
}

func waitForFlushes(t *testing.T, p *fluentbit.Process, m fluentbit.Mark, outputs []host.Output) {
	t.Helper()
	for _, o := range outputs {
		if _, err := p.Log.WaitAfter(t.Context(), m, "echo: flush "+o.Name); err != nil {
			t.Fatalf("%v\n%s", err, p.Log)
		}
	}
}

// classic is a configuration that flushes one chunk with the tag "x" to each output.
func classic(outputs []host.Output) string {
	var b strings.Builder
	b.WriteString("[SERVICE]\n    Flush 0.2\n    Hot_Reload On\n    Grace 5\n" +
		"[INPUT]\n    Name dummy\n    Samples 1\n    Tag x\n")
	for _, o := range outputs {
		fmt.Fprintf(&b, "[OUTPUT]\n    Name echo\n    Match *\n    Workers %d\n", o.Workers)
		for _, key := range slices.Sorted(maps.Keys(o.Settings)) {
			if key != "workers" && key != "match" { // said already
				// A value must not be missing, but it may come to nothing.
				fmt.Fprintf(&b, "    %s %s\n", key, cmp.Or(o.Settings[key], "${NO_SUCH_VARIABLE}"))
			}
		}
	}
	return b.String()
}

// What chunk builds is what Fluent Bit sends, to the byte.
func TestChunkIsBuiltAsFluentBitBuildsIt(t *testing.T) {
	t.Parallel()
	const body = `{"a":"x","b":[1,-1,1.5,true,null],"c":{"d":4294967296}}`
	at := time.Unix(1_800_000_000, 123_456_789)
	input := fmt.Sprintf("[SERVICE]\n    Flush 0.2\n[INPUT]\n    Name dummy\n    Samples 1\n    Tag hex.x\n"+
		"    Dummy %s\n    Start_time_sec %d\n    Start_time_nsec %d\n    Fixed_timestamp On\n",
		body, at.Unix(), at.Nanosecond())
	p, err := fluentbit.Start(t.Context(), fluentbit.Need(t), fluentbit.Config{
		Dir: t.TempDir(), Text: input + "[OUTPUT]\n    Name echo\n    Match *\n    Id a\n", Plugins: []string{echo},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	line, err := p.Log.Wait(t.Context(), "echo: flush a")
	if err != nil {
		t.Fatal(err)
	}
	want, err := chunk.FromNDJSON(chunk.V2, strings.NewReader(body), at, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(line, fmt.Sprintf(" %x", want)) {
		t.Errorf("Fluent Bit: %s\nbuilt:      %x", line, want)
	}
}
