package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Whatever fails, is lost, or crashes: in the end every acknowledged event is in
// the bucket, once.
func TestEveryEventIsStoredOnceWhateverFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			store, err := os.MkdirTemp(dir, "")
			if err != nil {
				t.Fatal(err)
			}
			b := &memory{}
			faults := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "refuse", "config", "lose", "panic"}), 1, 20).Draw(rt, "faults")
			n := 0
			next := func() string {
				b.mu.Lock()
				defer b.mu.Unlock()
				n++
				if n > 200 { // it ends at last
					return ""
				}
				return faults[n%len(faults)]
			}
			b.before = func(context.Context, string) error {
				switch next() {
				case "refuse":
					return errors.New("slow down")
				case "config":
					return &failure{text: "access denied", config: true}
				case "panic":
					panic("no answer")
				}
				return nil
			}
			b.after = func(string) error {
				if faults[n%len(faults)] == "lose" && n <= 200 {
					return errors.New("connection reset")
				}
				return nil
			}
			o := options(t, b, func(o *Options) {
				o.StoreDir, o.Window, o.SegmentBytes = store, time.Minute, 2<<10
				o.Codec = codec(t, rapid.SampledFrom([]string{"gzip", "none"}).Draw(rt, "codec"))
				o.Key = keys(t, rapid.SampledFrom([]string{testKeys, "$TAG/$device_name/$UUID"}).Draw(rt, "keys"))
			})
			p := start(t, o)
			written := 0
			var last []byte
			for i := range rapid.IntRange(1, 12).Draw(rt, "steps") {
				switch rapid.SampledFrom([]string{"write", "write", "write", "wait", "restart", "crash"}).Draw(rt, "step") {
				case "write":
					last = devices(written, written+1+i)
					write(t, p, fmt.Sprintf("tag.%d", written%2), last)
					written += 1 + i
				case "wait":
					time.Sleep(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour}).Draw(rt, "time"))
				case "restart":
					p = restart(t, p, o, true)
				case "crash":
					p = restart(t, p, o, false)
				}
			}
			time.Sleep(10 * time.Hour)
			finish(t, p)
			sameLines(t, b.lines(t, ""), deviceLines(0, written))
		})
	})
}

// restart stops p, with no time to upload anything, and makes another on its
// directory. Without a seal it does what a crash does.
func restart(t *testing.T, p *Pipeline, o Options, seal bool) *Pipeline {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if seal {
		_ = p.Stop(ctx) // what it left is the next one's
	} else {
		p.cancel()
		p.wg.Wait()
		if err := p.spool.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return start(t, o)
}
