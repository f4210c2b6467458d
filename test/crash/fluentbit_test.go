package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"siem-s3/test/faultproxy"
	"siem-s3/test/fluentbit"
	"siem-s3/test/host"
)

// A farm is a real Fluent Bit that tails some files into the plugin.
type farm struct {
	*trial
	program string
	port    string // of Fluent Bit's metrics
	next    int    // number of the next event
}

const files = 5 // each has a tag, and so chunks, of its own

// Each kill of two is of a Fluent Bit that has read events and keeps them in its
// storage; the next process finds them there, and is killed while it delivers
// them. So no kill can fall between what tail reads and the position that it
// saves, a gap which the plugin has no part in.
func TestKillsOfFluentBit(t *testing.T) {
	t.Parallel()
	program := fluentbit.Need(t)
	kills, seed := setting(t, "CRASH_ROUNDS", 4), setting(t, "CRASH_SEED", uint64(rand.Uint32()))
	kills = min(kills, 20)
	t.Logf("CRASH_SEED=%d", seed)
	f := &farm{trial: newTrial(t, seed, newReport()), program: program, port: freePort(t)}
	for range kills / 2 {
		f.gather(1000 + f.rand.IntN(4000))
		f.deliver()
	}
	f.gather(500)
	f.receiver.behave(0, 0, nil)
	p := f.start("0.2", nil, f.alertingOutput())
	f.until(func() error {
		objects := f.objects()
		if result := count(objects, f.producer.set, f.next); result.lost > 0 {
			return errors.New(result.String())
		}
		return nil
	})
	f.must(p.Stop(f.ctx))
	f.producer.next = f.next
	f.finish()
	t.Log(f.report)
}

// gather lets a Fluent Bit that delivers nothing read n more events, and kills it.
func (f *farm) gather(n int) {
	f.Helper()
	p := f.start("300", nil, f.alertingOutput())
	for i, part := 0, (n+files-1)/files; i < files; i++ {
		f.append(i, f.producer.set.Records(f.next, f.next+part))
		f.next += part
	}
	total := files * ((n + files - 1) / files)
	f.until(func() error {
		got, err := f.read()
		if err == nil && got < total {
			err = fmt.Errorf("%d events of %d are read", got, total)
		}
		return err
	})
	p.Kill()
	f.report.killed(ending{name: "with events in Fluent Bit's storage"}, true)
}

// deliver runs a Fluent Bit until its chosen end.
func (f *farm) deliver() {
	f.Helper()
	e := chooseEnding(f.rand, false)
	for e.answers > 0 || e.during != nil { // those need the host
		e = chooseEnding(f.rand, false)
	}
	w := chooseWeather(f.rand)
	f.Logf("%s; %s", e, w.name)
	var process victim
	var kill *faultproxy.Fault
	if e.put != nil {
		kill = e.put(e.name, process.kill)
	}
	fair := w.begin(f.site, f.rand.Uint64(), kill, e.puts)
	defer fair()
	f.receiver.behave(w.rate/2, e.alerts, func(answered bool) {
		if e.alerts > 0 && answered == e.answer {
			process.kill()
		}
	})
	var env []string
	if e.disk != "" {
		env = []string{"SIEM_S3_CRASH=" + e.disk}
	}
	p, err := f.tryFluentBit("0.2", env, f.settings())
	if err != nil { // it may well be killed before it says that it runs
		f.report.killed(e, true)
		return
	}
	process.set(p)
	reached := until(p.Done(), time.Now().Add(map[bool]time.Duration{true: e.after, false: longest}[e.after > 0]))
	p.Kill()
	f.report.killed(e, !reached || e.after > 0)
	if err := checkLog(p.Log.String()); err != nil {
		f.Errorf("%v\n%s", err, p.Log)
	}
}

func (f *farm) start(flush string, env []string, o host.Output) *fluentbit.Process {
	f.Helper()
	p, err := f.tryFluentBit(flush, env, o)
	f.must(err)
	return p
}

func (f *farm) tryFluentBit(flush string, env []string, o host.Output) (*fluentbit.Process, error) {
	f.Helper()
	dir := filepath.Join(f.dir, "fluent-bit")
	f.must(os.MkdirAll(dir, 0o700))
	f.must(os.WriteFile(filepath.Join(dir, "parsers.conf"), []byte("[PARSER]\n    name json\n    format json\n"), 0o600))
	p, err := fluentbit.Start(f.ctx, f.program, fluentbit.Config{
		Dir: dir, Text: f.text(flush, o), Plugins: []string{pluginPath(f.T)}, Env: append(env, noAccounts...),
	})
	if err == nil {
		f.Cleanup(p.Kill)
	}
	return p, err
}

// text is the configuration that the documentation asks for.
func (f *farm) text(flush string, o host.Output) string {
	var b strings.Builder
	section := func(name string, keys ...string) {
		fmt.Fprintf(&b, "[%s]\n", name)
		for i := 0; i < len(keys); i += 2 {
			fmt.Fprintf(&b, "    %s %s\n", keys[i], keys[i+1])
		}
	}
	section("SERVICE", "flush", flush, "grace", "30", "log_level", "info", "parsers_file", "parsers.conf",
		"storage.path", filepath.Join(f.dir, "storage"), "storage.sync", "full", "scheduler.base", "1", "scheduler.cap", "2",
		"http_server", "on", "http_listen", "127.0.0.1", "http_port", f.port)
	section("INPUT", "name", "tail", "tag", "siem.*", "path", filepath.Join(f.dir, "events-*.ndjson"), "parser", "json",
		"db", filepath.Join(f.dir, "tail.db"), "read_from_head", "on", "refresh_interval", "1", "storage.type", "filesystem")
	keys := []string{"name", "siem_s3", "match", "*", "retry_limit", "no_limits", "workers", fmt.Sprint(o.Workers)}
	for _, key := range slices.Sorted(maps.Keys(o.Settings)) {
		if o.Settings[key] != "" {
			keys = append(keys, key, o.Settings[key])
		}
	}
	section("OUTPUT", keys...)
	return b.String()
}

func (f *farm) append(file int, records []byte) {
	f.Helper()
	w, err := os.OpenFile(filepath.Join(f.dir, fmt.Sprintf("events-%d.ndjson", file)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	f.must(err)
	_, err = w.Write(records)
	f.must(errors.Join(err, w.Close()))
}

var plainClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// read returns how many records tail has read since the start.
func (f *farm) read() (int, error) {
	req, err := http.NewRequestWithContext(f.ctx, http.MethodGet, "http://127.0.0.1:"+f.port+"/api/v1/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := plainClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var m struct {
		Input map[string]struct{ Records int }
	}
	err = json.NewDecoder(resp.Body).Decode(&m)
	return m.Input["tail.0"].Records, err
}

// freePort returns a port that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
