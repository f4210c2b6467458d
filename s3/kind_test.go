package s3_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"siem-s3/s3"
)

func TestKindLeavesOutWhatDiffersEachTime(t *testing.T) {
	t.Parallel()
	refused := func(port int) error {
		return &net.OpError{
			Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port},
			Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
		}
	}
	for _, test := range []struct {
		want string
		errs []*s3.Error
	}{
		{"put object: AccessDenied", []*s3.Error{
			{Op: "put object", Key: "a", Code: "AccessDenied", Status: 403, RequestID: "1", Err: errors.New("no access to a")},
			{Op: "put object", Key: "b", Code: "AccessDenied", Status: 403, RequestID: "2", Err: errors.New("no access to b")},
		}},
		{"head bucket: AccessDenied", []*s3.Error{{Op: "head bucket", Code: "AccessDenied", Status: 403}}},
		{"put object: 502", []*s3.Error{{Op: "put object", Status: 502, Err: errors.New("bad gateway")}}},
		{"put object: connection refused", []*s3.Error{
			{Op: "put object", Key: "a", Err: refused(80)},
			{Op: "put object", Key: "b", Err: refused(81)},
		}},
		{"put object: connection broken", []*s3.Error{
			{Op: "put object", Err: &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}},
			{Op: "put object", Err: &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}},
			{Op: "put object", Err: &net.OpError{Op: "write", Err: net.ErrClosed}},
			{Op: "put object", Err: io.ErrUnexpectedEOF},
		}},
	} {
		for _, err := range test.errs {
			if got := err.Kind(); got != test.want {
				t.Errorf("%v: got %s, want %s", err, got, test.want)
			}
		}
	}
}
