// Package main is out_siem_s3.so, the output plugin siem_s3 of Fluent Bit. It is
// built with -buildmode=c-shared.
package main

import "C"

import (
	"os"
	"unsafe"

	"github.com/fluent/fluent-bit-go/output"
)

// This file is the whole C ABI (Fluent Bit's src/proxy/go/go.c): each callback
// copies what it needs from C, never lets a panic out, and returns a status.
// The bytes of a chunk are read in place, and not after the flush has returned.
//
// No goroutine may start before FLBPluginInit: with -e Fluent Bit loads the
// library before it forks to become a daemon, and threads do not survive that.

const (
	name        = "siem_s3"
	description = "Device and account events to S3 as JSON or SYSLOG"
)

// outputs are the instances of this process, of which a hot reload makes new ones.
var outputs = instances{stderr: os.Stderr}

// FLBPluginRegister is called once per configuration, so once more by a hot
// reload, and then before the old instances exit.
//
//export FLBPluginRegister
func FLBPluginRegister(def unsafe.Pointer) C.int {
	outputs.renumber()
	return C.int(output.FLBPluginRegister(def, name, description))
}

// FLBPluginInit is called once per [OUTPUT]. Its answer is 1, or 0 to fail the start.
//
//export FLBPluginInit
func FLBPluginInit(plugin unsafe.Pointer) C.int {
	i, ok := outputs.start(func(key string) string { return output.FLBPluginConfigKey(plugin, key) })
	if !ok {
		return 0
	}
	output.FLBPluginSetContext(plugin, i)
	return 1
}

// FLBPluginFlushCtx is called with a chunk, on the engine's thread or on several
// worker threads at once.
//
//export FLBPluginFlushCtx
func FLBPluginFlushCtx(ctx, data unsafe.Pointer, length C.int, tag *C.char) C.int {
	i := output.FLBPluginGetContext(ctx).(*instance)
	return C.int(i.flush(C.GoString(tag), unsafe.Slice((*byte)(data), int(length))))
}

// FLBPluginExitCtx is called once per instance, and with NULL for each [OUTPUT]
// behind one that kept Fluent Bit from starting. Fluent Bit does not limit its time.
//
//export FLBPluginExitCtx
func FLBPluginExitCtx(ctx unsafe.Pointer) C.int {
	if i, ok := output.FLBPluginGetContext(ctx).(*instance); ok {
		i.exit()
	}
	return output.FLB_OK
}

// FLBPluginUnregister frees what FLBPluginRegister made.
//
//export FLBPluginUnregister
func FLBPluginUnregister(def unsafe.Pointer) {
	output.FLBPluginUnregister(def)
}

func main() {}
