//go:build crashpoints

package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// This file is in no build but those for crash tests: on SIGUSR1 the library
// says how many goroutines there are.
func init() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			fmt.Fprintf(os.Stderr, "goroutines=%d\n", runtime.NumGoroutine())
		}
	}()
}
