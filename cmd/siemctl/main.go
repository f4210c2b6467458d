// Command siemctl is the administrator's side of siem-s3.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line. Each command is a struct with its flags and a Run
// method, in a file of its own.
type cli struct {
	Version versionCmd `cmd:"" help:"Print the version."`
	Demo    demoCmd    `cmd:"" help:"See the plugin at work against an S3 server on this machine."`
}

// streams are where a command reads and writes. Results go to out, everything
// else to err.
type streams struct {
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code: 0, 1 if the command
// did not succeed, 2 if it was not understood.
func run(ctx context.Context, args []string, s streams) int {
	var c cli
	code := -1
	parser, err := kong.New(&c,
		kong.Name("siemctl"),
		kong.Description("Set up, check and read what siem-s3 stores."),
		kong.Writers(s.out, s.err),
		kong.Exit(func(status int) { code = status }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if err != nil {
		panic(err) // the structs above are wrong
	}
	command, err := parser.Parse(args)
	if code >= 0 {
		return code // --help
	}
	if err != nil {
		parser.Errorf("%s", err)
		return 2
	}
	if err := command.Run(); err != nil {
		parser.Errorf("%s", err)
		return 1
	}
	return 0
}
