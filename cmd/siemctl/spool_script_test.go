package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/rogpeppe/go-internal/testscript"

	"siem-s3/event"
	"siem-s3/formatter"
	"siem-s3/pipeline"
	"siem-s3/test/chunk"
)

// TestSpoolScripts runs testdata/spool, whose files read like a manual. Their
// store_dirs are made by the plugin's own pipeline.
func TestSpoolScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "spool"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds:                spoolCommands(t.Context()),
		Setup: func(env *testscript.Env) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			bin := filepath.Join(env.WorkDir, ".bin")
			if err := os.Mkdir(bin, 0o755); err != nil {
				return err
			}
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv(asSiemctl, "1")
			return os.Symlink(self, filepath.Join(bin, "siemctl"))
		},
	})
}

// spoolCommands are what the scripts of siemctl spool have beside testscript's own:
//
//	buffer DIR FORMAT COMPRESSION FILE [CUT]  stores the lines of a file as one
//	                                          chunk, for a bucket that is gone; with
//	                                          CUT the chunk lacks so many bytes
//	unreadable DIR FILE                       stores the lines as a chunk that starts
//	                                          with something unreadable
//	corrupt GLOB OFFSET                       changes a byte of a file; an offset
//	                                          below 0 counts from its end
//	tear GLOB BYTES                           takes bytes off the end of a file
func spoolCommands(ctx context.Context) map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"buffer": func(ts *testscript.TestScript, _ bool, args []string) {
			c := chunkOf(ts, args[3])
			if len(args) > 4 {
				c = c[:len(c)-number(ts, args[4])]
			}
			ts.Check(buffer(ctx, ts.MkAbs(args[0]), args[1], args[2], c))
		},
		"unreadable": func(ts *testscript.TestScript, _ bool, args []string) {
			c := append([]byte("\xc1no "), chunkOf(ts, args[1])...)
			ts.Check(buffer(ctx, ts.MkAbs(args[0]), "json", "gzip", c))
		},
		"corrupt": func(ts *testscript.TestScript, _ bool, args []string) {
			path := onlyFile(ts, args[0])
			b := []byte(ts.ReadFile(path))
			at := number(ts, args[1])
			b[(at+len(b))%len(b)] ^= 1
			ts.Check(os.WriteFile(path, b, 0o600))
		},
		"tear": func(ts *testscript.TestScript, _ bool, args []string) {
			path := onlyFile(ts, args[0])
			b := []byte(ts.ReadFile(path))
			ts.Check(os.WriteFile(path, b[:len(b)-number(ts, args[1])], 0o600))
		},
	}
}

// chunkOf is a chunk of the lines of a file, a second apart.
func chunkOf(ts *testscript.TestScript, file string) []byte {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	c, err := chunk.FromNDJSON(chunk.V2, strings.NewReader(ts.ReadFile(file)), at, time.Second)
	ts.Check(err)
	return c
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

func onlyFile(ts *testscript.TestScript, pattern string) string {
	found, err := filepath.Glob(ts.MkAbs(pattern))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%s is %d files", pattern, len(found))
	}
	return found[0]
}

// buffer stores a chunk in a store_dir as the plugin does, and uploads nothing.
func buffer(ctx context.Context, dir, format, compression string, c []byte) error {
	mapping, err := event.NewMapping(event.MappingOptions{})
	if err != nil {
		return err
	}
	key, err := pipeline.ParseKeyFormat("siem/category=$CATEGORY/%Y%m%dT%H%M%SZ-$UUID", "gw-1")
	if err != nil {
		return err
	}
	codec, err := formatter.NewCodec(compression, 0)
	if err != nil {
		return err
	}
	o := pipeline.Options{
		Log: hclog.NewNullLogger(), Mapping: mapping, Format: formatter.JSON{}, Codec: codec, Key: key,
		Bucket: goneBucket{}, Location: "s3://gone", Window: 5 * time.Minute,
		StoreDir: dir, StoreDirLimit: 1 << 30, SegmentBytes: 50 << 20,
	}
	if format == "syslog" {
		if o.Format, err = formatter.NewSyslog(formatter.SyslogOptions{Hostname: "gw-1", AppName: "siem", Facility: 13, EnterpriseID: "32473"}); err != nil {
			return err
		}
	}
	p, err := pipeline.New(o)
	if err != nil {
		return err
	}
	err = p.Write("app.prod", c)
	_ = p.Stop(ctx) // its error says that something is left, which is the point
	return err
}

// goneBucket is a bucket that somebody deleted.
type goneBucket struct{}

var errGone = errors.New("no such bucket")

func (goneBucket) Check(context.Context) error { return errGone }

func (goneBucket) Put(context.Context, string, io.ReadSeeker, int64, string, map[string]string) error {
	return errGone
}
