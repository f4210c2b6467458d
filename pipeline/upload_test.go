package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"siem-s3/spool"
)

const (
	cant      = "error: can't upload to s3://audit; events are kept in store_dir and it is tried again"
	again     = "info: uploading to s3://audit again"
	checked   = "info: checked the bucket, it can be used"
	unchecked = "warn: checked the bucket, it may not be usable; events are kept in store_dir until it is"
)

// bubble runs a test with a clock of its own, which starts at midnight.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// attempts notes when each Put began, by key.
type attempts struct {
	mu sync.Mutex
	at map[string][]time.Time
}

func (a *attempts) note(key string) (number int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at == nil {
		a.at = map[string][]time.Time{}
	}
	a.at[key] = append(a.at[key], time.Now())
	return len(a.at[key])
}

func (a *attempts) all() (at []time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, times := range a.at {
		at = append(at, times...)
	}
	slices.SortFunc(at, time.Time.Compare)
	return at
}

// sealed writes a chunk and ends its segment.
func sealed(t *testing.T, p *Pipeline, tag string, c []byte) {
	t.Helper()
	write(t, p, tag, c)
	if err := p.spool.Seal(); err != nil {
		t.Fatal(err)
	}
}

func TestUploadIsTriedUntilItSucceeds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const failures = 500
		var seen attempts
		b := &memory{before: func(_ context.Context, key string) error {
			if seen.note(key) <= failures {
				return errors.New("connection reset")
			}
			return nil
		}}
		p := start(t, options(t, b))
		sealed(t, p, "app", devices(0, 5))
		for len(b.keys()) == 0 {
			time.Sleep(time.Hour)
		}
		at := seen.all()
		if len(at) != failures+1 {
			t.Fatalf("%d attempts", len(at))
		}
		for i := 1; i < len(at); i++ {
			limit := min(minPause<<min(i-1, 16), maxPause)
			if d := at[i].Sub(at[i-1]); d < limit/10 || d >= limit {
				t.Errorf("pause %d is %v, want %v to %v", i, d, limit/10, limit)
			}
		}
		finish(t, p)
		sameLines(t, b.lines(t, ""), deviceLines(0, 5))
	})
}

func TestPauseBounds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		err       error
		attempt   int
		low, high time.Duration
	}{
		{"first", errors.New("x"), 0, 50 * time.Millisecond, 500 * time.Millisecond},
		{"third", errors.New("x"), 2, 200 * time.Millisecond, 2 * time.Second},
		{"late", errors.New("x"), 1 << 30, 6 * time.Second, time.Minute},
		{"first that an administrator has to mend", &failure{config: true}, 0, 800 * time.Millisecond, 8 * time.Second},
		{"late that an administrator has to mend", fmt.Errorf("wrapped: %w", &failure{config: true}), 9, 6 * time.Second, time.Minute},
		{"the server's wish", fmt.Errorf("wrapped: %w", &failure{after: 20 * time.Second}), 0, 20 * time.Second, 20*time.Second + 1},
		{"a wish shorter than ours", &failure{after: time.Millisecond}, 2, 200 * time.Millisecond, 2 * time.Second},
		{"a wish too long", &failure{after: 24 * time.Hour}, 0, time.Minute, time.Minute + 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 1000 {
				if d := pause(test.err, test.attempt); d < test.low || d >= test.high {
					t.Fatalf("got %v, want %v to %v", d, test.low, test.high)
				}
			}
		})
	}
}

func TestOutageIsLoggedOnceAndItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var down atomic.Bool
		n := 0
		log := &logged{}
		b := &memory{before: func(context.Context, string) error {
			if down.Load() {
				n++
				return &failure{text: fmt.Sprintf("request %d: slow down", n), kind: "SlowDown"}
			}
			return nil
		}}
		p := start(t, options(t, b, func(o *Options) { o.Log = log.logger() }))
		synctest.Wait()
		log.want(t, checked)

		sealed(t, p, "app", devices(0, 1))
		synctest.Wait()
		log.want(t)

		for outage := range 2 {
			down.Store(true)
			n = 0
			sealed(t, p, "app", devices(10*outage, 10*outage+5))
			sealed(t, p, "app", devices(10*outage+5, 10*outage+10))
			time.Sleep(9 * time.Minute)
			log.want(t, cant+" (request 1: slow down)")
			down.Store(false)
			time.Sleep(2 * time.Minute)
			log.want(t, again)
		}
		finish(t, p)
	})
}

func TestOutageThatGoesOnIsRememberedEveryTenMinutes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := &logged{}
		b := &memory{before: func(context.Context, string) error { return &failure{text: "access denied", config: true} }}
		p := start(t, options(t, b, func(o *Options) { o.Log = log.logger() }))
		sealed(t, p, "app", devices(0, 1))
		time.Sleep(6 * time.Hour)
		lines := log.take()
		// A reminder waits for the next attempt, which is at most a minute away.
		if n := len(lines) - 1; n < 6*60/11 || n > 6*60/10+1 || lines[1] != cant+" (access denied)" || lines[n] != lines[1] {
			t.Errorf("%d lines: %q", n, lines)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Stop(ctx); err == nil {
			t.Error("stopped without an error")
		}
	})
}

// Two objects can fail for two reasons, in turns, and a reason can hold what
// differs each time.
func TestLogStaysQuietWhateverTheFailures(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := &logged{}
		var n atomic.Int32
		b := &memory{before: func(_ context.Context, key string) error {
			switch n := n.Add(1); {
			case strings.HasPrefix(key, "0"):
				return fmt.Errorf("put %d: %w", n, &failure{text: "access denied", config: true})
			case strings.HasPrefix(key, "1"):
				return fmt.Errorf("put %d: %w", n, os.ErrDeadlineExceeded)
			case strings.HasPrefix(key, "2"):
				return errors.Join(fmt.Errorf("put %d: %w", n, spool.ErrFull), errors.New("more"))
			}
			return fmt.Errorf("put %d is unlike all others", n.Load())
		}}
		p := start(t, options(t, b, func(o *Options) { o.Log, o.Key = log.logger(), keys(t, "$TAG/$UUID") }))
		for tag := range 4 {
			sealed(t, p, fmt.Sprint(tag), devices(tag, tag+1))
		}
		time.Sleep(time.Hour)
		lines := log.take()
		if got := len(lines); n.Load() < 300 || got < 4 || got > 7*(maxKinds+1) {
			t.Errorf("%d lines for %d failures", got, n.Load())
		}
		for _, kind := range []string{"access denied", os.ErrDeadlineExceeded.Error(), spool.ErrFull.Error()} {
			told := 0
			for _, line := range lines {
				if strings.Contains(line, kind) {
					told++
				}
			}
			if told < 1 || told > 7 {
				t.Errorf("%s was told %d times", kind, told)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Stop(ctx); err == nil {
			t.Error("stopped without an error")
		}
	})
}

func TestFailureThatComesAndGoesIsLoggedOncePerMinute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := &logged{}
		h := newHealth(log.logger(), "bad", "good")
		for range 600 { // ten minutes
			h.failed("job", errors.New("x"))
			time.Sleep(500 * time.Millisecond)
			h.succeeded("job")
			time.Sleep(500 * time.Millisecond)
		}
		lines := log.take()
		if len(lines) != 20 || lines[0] != "error: bad (x)" || lines[1] != "info: good" {
			t.Errorf("%d lines: %q", len(lines), lines)
		}
		h.failed("job", errors.New("y"))
		log.want(t, "error: bad (y)")
	})
}

func TestKeyThatIsTakenIsGivenUpForANewOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := &logged{}
		taken := 2
		b := &memory{}
		b.before = func(_ context.Context, key string) error {
			if len(b.keys()) < taken {
				b.mu.Lock()
				defer b.mu.Unlock()
				if b.objects == nil {
					b.objects = map[string]stored{}
				}
				b.objects[key] = stored{body: []byte("not ours")}
			}
			return nil
		}
		o := options(t, b, func(o *Options) { o.Log, o.Codec = log.logger(), codec(t, "none") })
		b.after = func(string) error { return errors.New("answer lost") }
		first := start(t, o)
		sealed(t, first, "app", devices(0, 5))
		time.Sleep(time.Minute)
		keys := b.keys()
		if len(keys) != 3 {
			t.Fatalf("objects %q", keys)
		}
		base := strings.TrimSuffix(keys[2], ".json")
		if keys[0] != base+"-2.json" || keys[1] != base+"-3.json" {
			t.Errorf("objects %q", keys)
		}
		log.want(t, checked,
			cant+" (the key holds another object; the next attempt is for the key "+base+"-2.json)",
			cant+" (answer lost)")

		// The same keys are tried after a restart, and what is there is ours.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := first.Stop(ctx); err == nil {
			t.Error("stopped without an error")
		}
		b.after = nil
		second := start(t, o)
		time.Sleep(time.Minute)
		finish(t, second)
		if again := b.keys(); !slices.Equal(again, keys) {
			t.Errorf("objects %q, then %q", keys, again)
		}
		sameLines(t, b.linesOf(t, keys[1]), deviceLines(0, 5))
	})
}

func TestObjectThatCannotBeUploadedHoldsUpNoOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var poison, puts atomic.Int32
		b := &memory{before: func(_ context.Context, key string) error {
			puts.Add(1)
			if strings.HasPrefix(key, "poison") {
				poison.Add(1)
				return errors.New("no such key")
			}
			return nil
		}}
		p := start(t, options(t, b, func(o *Options) { o.Key = keys(t, "$TAG/$UUID") }))
		for n := range maxBusy - 1 {
			sealed(t, p, "poison", devices(n, n+1))
		}
		synctest.Wait()
		began := time.Now()
		for n := range 100 {
			sealed(t, p, "app", devices(100+n, 101+n))
			synctest.Wait()
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the others took %v", took)
		}
		sameLines(t, b.lines(t, ""), deviceLines(100, 200))
		// The first success let them all try again; the others must not.
		if n := poison.Load(); n != 2*(maxBusy-1) {
			t.Errorf("%d attempts at %d objects that can't be uploaded", n, maxBusy-1)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Stop(ctx); err == nil {
			t.Error("stopped without an error")
		}
	})
}

func TestFirstSuccessLetsEverybodyTryAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var up atomic.Bool
		var seen attempts
		b := &memory{before: func(_ context.Context, key string) error {
			if !up.Load() {
				return &failure{text: "access denied", config: true}
			}
			seen.note(key)
			return nil
		}}
		p := start(t, options(t, b))
		for outage := range 2 { // the second must be no different
			up.Store(false)
			for n := range 10 {
				sealed(t, p, "app", devices(outage*10+n, outage*10+n+1))
			}
			time.Sleep(time.Hour)
			up.Store(true)
			time.Sleep(maxPause)
			at := seen.all()[10*outage:]
			if len(at) != 10 || at[0] != at[9] {
				t.Errorf("attempts at %v", at)
			}
		}
		finish(t, p)
		sameLines(t, b.lines(t, ""), deviceLines(0, 20))
	})
}

func TestPanicInTheBucketIsAFailedAttempt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var n atomic.Int32
		log := &logged{}
		b := &memory{
			before: func(context.Context, string) error {
				if n.Add(1) < 5 {
					panic("nil map")
				}
				return nil
			},
			check: func() error { panic("nil map") },
		}
		p := start(t, options(t, b, func(o *Options) { o.Log = log.logger() }))
		sealed(t, p, "app", devices(0, 5))
		time.Sleep(time.Minute)
		finish(t, p)
		sameLines(t, b.lines(t, ""), deviceLines(0, 5))
		var told []string
		for _, line := range log.take() {
			line, stack, _ := strings.Cut(line, "\n")
			if strings.Contains(line, "panic") && !strings.Contains(stack, "TestPanicInTheBucket") {
				t.Errorf("%s has the stack %s", line, stack)
			}
			told = append(told, line)
		}
		slices.Sort(told)
		if want := []string{cant + " (panic: nil map", again, unchecked + " (panic: nil map"}; !slices.Equal(told, want) {
			t.Errorf("logged %q", told)
		}
	})
}

func TestFourObjectsAreUploadedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var now, most atomic.Int32
		b := &memory{before: func(context.Context, string) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return nil
		}}
		p := start(t, options(t, b, func(o *Options) { o.Key = keys(t, "$device_id/$UUID") }))
		sealed(t, p, "app", devices(0, 6))
		sealed(t, p, "app", devices(6, 12))
		began := time.Now()
		finish(t, p)
		if took := time.Since(began); took != 3*time.Second || most.Load() != 4 {
			t.Errorf("12 objects took %v, %d at once", took, most.Load())
		}
	})
}

func TestSegmentsAreSealedAtMultiplesOfTheWindow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const window = 5 * time.Minute
		var seen attempts
		b := &memory{before: func(_ context.Context, key string) error {
			seen.note(key)
			return nil
		}}
		midnight := time.Now()
		time.Sleep(70 * time.Second) // the first window is shorter
		p := start(t, options(t, b, func(o *Options) { o.Window = window }))
		if !midnight.Equal(midnight.Truncate(24 * time.Hour)) {
			t.Fatalf("the clock starts at %v", midnight)
		}
		want := map[string]time.Duration{}
		for n, at := range []time.Duration{ // of a write
			2 * time.Minute, window - time.Second, window + time.Second, 17 * time.Minute, 20 * time.Minute,
		} {
			time.Sleep(time.Until(midnight.Add(at)))
			synctest.Wait() // at 20 minutes sharp the window before is sealed first
			write(t, p, "app", devices(n, n+1))
			start := at.Truncate(window)
			want["device/"+midnight.Add(start).UTC().Format("20060102T150405")] = start + window
		}
		time.Sleep(time.Hour)
		if n := len(b.keys()); n != len(want) {
			t.Errorf("%d objects, want %d: windows without events have none", n, len(want))
		}
		for key, at := range seen.at {
			prefix, _, _ := strings.Cut(key, "-")
			if len(at) != 1 || at[0].Sub(midnight) != want[prefix] {
				t.Errorf("%s was uploaded at %v, want %v", key, at, want[prefix])
			}
		}
		finish(t, p)
		sameLines(t, b.lines(t, ""), deviceLines(0, 5))
	})
}

func TestUnusableBucketIsToldOfAtStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := &logged{}
		b := &memory{check: func() error { return errors.New("no such bucket") }}
		p := start(t, options(t, b, func(o *Options) { o.Log = log.logger() }))
		synctest.Wait()
		log.want(t, unchecked+" (no such bucket)")
		finish(t, p)
		log.want(t)
	})
}

func TestSegmentThatCannotBeReadForAWhileIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b, log := &memory{}, &logged{}
		p := open(t, options(t, b, func(o *Options) { o.Log = log.logger() }))
		sealed(t, p, "app", devices(0, 5))
		path := p.spool.Sealed()[0].Path
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		p.Start()
		time.Sleep(5 * time.Minute)
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(maxPause)
		finish(t, p)
		sameLines(t, b.lines(t, ""), deviceLines(0, 5))
		lines := log.take()
		slices.Sort(lines)
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "error: can't read or remove a segment in store_dir; it stays there and is tried again (open segment: ") ||
			lines[1] != checked || lines[2] != "info: reading and removing segments again" {
			t.Errorf("logged %q", lines)
		}
	})
}

func TestDamageOnDiskCostsTheDamagedChunkOnly(t *testing.T) {
	t.Parallel()
	b, log := &memory{}, &logged{}
	p := open(t, options(t, b, func(o *Options) { o.Log, o.Codec = log.logger(), codec(t, "none") }))
	for n := range 3 {
		write(t, p, "app", devices(n, n+1))
	}
	if err := p.spool.Seal(); err != nil {
		t.Fatal(err)
	}
	path := p.spool.Sealed()[0].Path
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[strings.Index(string(content), `"d-1"`)] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Start()
	finish(t, p)
	sameLines(t, b.lines(t, ""), []string{deviceLine(0), deviceLine(2)})
	if told := strings.Join(log.take(), "\n"); !strings.Contains(told,
		"error: a segment is damaged; what can't be read of it is kept in quarantine, the rest is uploaded (") ||
		!strings.Contains(told, "bytes at offset") {
		t.Errorf("logged %s", told)
	}
}
