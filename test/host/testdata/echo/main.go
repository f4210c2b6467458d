// Command echo is a Fluent Bit output that does nothing but tell of each call of
// its host, one line a call on standard error: what the C host does is held
// against what a real Fluent Bit does.
package main

import "C"

import (
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"time"
	"unsafe"

	"github.com/fluent/fluent-bit-go/output"
)

// say writes one line, in one write so that it is not torn.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "echo: "+format+"\n", args...)
}

//export FLBPluginPreRegister
func FLBPluginPreRegister(reloading C.int) C.int {
	say("pre-register %d", reloading)
	return 0
}

//export FLBPluginRegister
func FLBPluginRegister(def unsafe.Pointer) C.int {
	say("register")
	return C.int(output.FLBPluginRegister(def, "echo", "tells of the calls of its host"))
}

// probes are the settings that Init tells of where it sees a value.
var probes = []string{
	"camelcase", "empty", "port", "workers", "match", "net.keepalive",
	"storage.total_limit_size", "oauth2.scope", "tls_like", "unset",
}

//export FLBPluginInit
func FLBPluginInit(plugin unsafe.Pointer) C.int {
	id := output.FLBPluginConfigKey(plugin, "id")
	var seen strings.Builder
	for _, key := range probes {
		if value := output.FLBPluginConfigKey(plugin, key); value != "" {
			fmt.Fprintf(&seen, " %s=%q", key, value)
		}
	}
	say("init %s%s", id, seen.String())
	if output.FLBPluginConfigKey(plugin, "fail") != "" {
		return output.FLB_ERROR
	}
	output.FLBPluginSetContext(plugin, id)
	return output.FLB_OK
}

//export FLBPluginOutputPreRun
func FLBPluginOutputPreRun(reloadable C.int) C.int {
	say("pre-run %d", reloadable)
	return 0
}

//export FLBPluginFlushCtx
func FLBPluginFlushCtx(ctx, data unsafe.Pointer, length C.int, tag *C.char) C.int {
	chunk := unsafe.Slice((*byte)(data), int(length))
	name := C.GoString(tag)
	// A real input's chunks hold the time: their sums differ from run to run.
	switch {
	case strings.HasPrefix(name, "hex."):
		say("flush %v %q %x", id(ctx), name, chunk)
	case strings.HasPrefix(name, "sum."):
		say("flush %v %q len=%d crc=%08x", id(ctx), name, length, crc32.ChecksumIEEE(chunk))
	default:
		say("flush %v %q", id(ctx), name)
	}
	switch {
	case strings.HasSuffix(name, ".retry"):
		return output.FLB_RETRY
	case strings.HasSuffix(name, ".error"):
		return output.FLB_ERROR
	case strings.HasSuffix(name, ".nonsense"):
		return 77
	case strings.HasSuffix(name, ".stuck"):
		select {}
	case strings.HasSuffix(name, ".keep"):
		go func() {
			for {
				say("kept %d", chunk[0])
				time.Sleep(time.Millisecond)
			}
		}()
	case strings.HasSuffix(name, ".write"):
		chunk[0]++
	case strings.HasSuffix(name, ".beyond"):
		say("beyond %d", unsafe.Slice((*byte)(data), int(length)+1)[length])
	}
	return output.FLB_OK
}

//export FLBPluginOutputPreExit
func FLBPluginOutputPreExit(reloading C.int) {
	say("pre-exit %d", reloading)
}

//export FLBPluginExitCtx
func FLBPluginExitCtx(ctx unsafe.Pointer) C.int {
	say("exit-ctx %v", id(ctx))
	return output.FLB_OK
}

//export FLBPluginExit
func FLBPluginExit() C.int {
	say("exit")
	return output.FLB_OK
}

//export FLBPluginUnregister
func FLBPluginUnregister(def unsafe.Pointer) {
	say("unregister")
	output.FLBPluginUnregister(def)
}

// id is the setting of the same name of the instance that ctx belongs to.
func id(ctx unsafe.Pointer) any {
	if ctx == nil {
		return "of no context"
	}
	return output.FLBPluginGetContext(ctx)
}

func main() {}
