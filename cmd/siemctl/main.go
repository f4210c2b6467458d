// Command siemctl is the administrator's side of siem-s3.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line. Each command is a struct with its flags and a Run
// method, in a file of its own.
type cli struct {
	Check   checkCmd   `cmd:"" help:"Look for what is wrong with a configuration of Fluent Bit."`
	Gen     genCmd     `cmd:"" help:"Print sample events."`
	Demo    demoCmd    `cmd:"" help:"See the plugin at work against an S3 server on this machine."`
	Health  healthCmd  `cmd:"" help:"Ask a running Fluent Bit whether it is healthy."`
	Logs    logsCmd    `cmd:"" help:"Find, read and count what is stored."`
	Notify  notifyCmd  `cmd:"" help:"Try out the alerts of a configuration."`
	Spool   spoolCmd   `cmd:"" help:"Look at what waits on disk, and get it out."`
	Schema  schemaCmd  `cmd:"" help:"Print the schema of what is stored, for databases and SIEMs."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

const description = `Set up, check and read what siem-s3 stores.

Results go to standard output, everything else to standard error. Colours are for terminals only, and not if NO_COLOR is set. Exit codes: 0 done, 1 not, 2 wrong usage.`

// errReported is the error of a command that has said itself what is wrong.
var errReported = errors.New("reported")

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
		kong.Description(description),
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
	err = command.Run()
	switch {
	case err == nil:
		return 0
	case !errors.Is(err, errReported):
		parser.Errorf("%s", err)
	}
	return 1
}
