package s3server

import "context"

// TB is what Start needs of a testing.TB. This package does not import testing,
// so that programs may use it.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Context() context.Context
	Fatal(args ...any)
}

// Start runs a server for the test, in a directory of its own, and stops it when
// the test is over.
func Start(t TB, opts ...Option) *Server {
	t.Helper()
	s, err := Run(t.Context(), t.TempDir(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// StartWithBucket is Start followed by CreateBucket.
func StartWithBucket(t TB, bucket string, opts ...Option) *Server {
	t.Helper()
	s := Start(t, opts...)
	if err := s.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	return s
}
