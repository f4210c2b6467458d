// Package test drives the plugin from end to end: the built library, in a host
// that calls it as Fluent Bit does and in a real Fluent Bit, against a real S3
// server. What it stored is read back from the bucket.
package test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"siem-s3/test/plugin"
	"siem-s3/test/s3server"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// shared is what the tests have in common. Each part is made when it is first
// needed and ended by TestMain.
var shared struct {
	dir    string
	server *s3server.Server
}

var sharedPlugin = sync.OnceValues(func() (string, error) {
	return plugin.Build(context.Background(), shared.dir)
})

var sharedServer = sync.OnceValues(func() (*s3server.Server, error) {
	var err error
	shared.server, err = s3server.Run(context.Background(), shared.dir)
	return shared.server, err
})

func TestMain(m *testing.M) {
	var err error
	if shared.dir, err = os.MkdirTemp("", "siem-s3-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if shared.server != nil {
		shared.server.Stop()
	}
	if err := os.RemoveAll(shared.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// pluginPath returns the path of the plugin under test.
func pluginPath(t *testing.T) string {
	t.Helper()
	path, err := sharedPlugin()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
