package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"siem-s3/test/s3server"
)

var update = flag.Bool("update", false, "write what the scripts print into them")

// fakeVolumes has siemctl find the volumes of its paths' names, whatever this
// machine keeps its temporary directories on.
const fakeVolumes = "SIEMCTL_TEST_VOLUMES"

func init() {
	if os.Getenv(asSiemctl) == "" || os.Getenv(fakeVolumes) == "" {
		return
	}
	volumeOf = func(dir string) (volume, error) {
		v := volume{free: 100e9}
		for name, kind := range map[string]fileSystem{"/tmpfs": inMemory, "/overlay": inContainer, "/nfs": onNetwork} {
			if strings.Contains(dir, name) {
				v.kind = kind
			}
		}
		v.readOnly = strings.Contains(dir, "/readonly")
		if strings.Contains(dir, "/full") {
			v.free = 1.5e9
		}
		return v, nil
	}
}

// TestScripts runs testdata/script, whose files read like a manual. siemctl is
// this test's program; S3 is a real server with a bucket named acme-siem-logs, and
// one with Object Lock, acme-siem-locked. The plugin is in the directory.
func TestScripts(t *testing.T) {
	t.Parallel()
	server := s3server.StartWithBucket(t, "acme-siem-logs")
	if err := server.CreateLockedBucket(t.Context(), "acme-siem-locked"); err != nil {
		t.Fatal(err)
	}
	library, err := builtPlugin()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds:                logsCommands(t.Context(), server),
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
			env.Setenv(fakeVolumes, "1")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("S3_ENDPOINT", server.Endpoint)
			env.Setenv("ACCESS_KEY", server.AccessKey)
			env.Setenv("SECRET_KEY", server.SecretKey)
			if err := os.Symlink(library, filepath.Join(env.WorkDir, "out_siem_s3.so")); err != nil {
				return err
			}
			return os.Symlink(self, filepath.Join(bin, "siemctl"))
		},
	})
}
