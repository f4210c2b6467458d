//go:build crashpoints

package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

// This file is in no build but those for crash tests: on SIGUSR1 the library
// says what it holds, and gives back to the system what it does not use.
func init() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			debug.FreeOSMemory()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			fmt.Fprintf(os.Stderr, "goroutines=%d heap=%d\n", runtime.NumGoroutine(), m.HeapAlloc)
		}
	}()
}
