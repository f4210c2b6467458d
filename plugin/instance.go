package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"siem-s3/pipeline"
	"siem-s3/spool"
	"siem-s3/wire"
)

// version is set by the linker.
var version = "devel"

// status is what a callback answers Fluent Bit (include/fluent-bit/flb_output.h).
type status int

const (
	statusOK    status = 1
	statusRetry status = 2
)

// instances makes and numbers the instances of one process.
type instances struct {
	stderr io.Writer

	mu   sync.Mutex
	next int
}

// renumber begins a new configuration.
func (s *instances) renumber() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = 0
}

// start makes the instance of one [OUTPUT] of the settings that get returns. It
// logs what keeps it from starting.
func (s *instances) start(get func(key string) string) (i *instance, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := newLogger(s.stderr, fmt.Sprintf("output:%s:%s.%d", name, name, s.next), hclog.Info)
	s.next++
	defer func() {
		if r := recover(); r != nil {
			log.Error("panic at start", "panic", r, "stack", string(debug.Stack()))
			i, ok = nil, false
		}
	}()
	i, err := newInstance(get, log)
	if err != nil {
		log.Error(err.Error())
		return nil, false
	}
	return i, true
}

// An instance is one [OUTPUT].
type instance struct {
	log      hclog.Logger
	pipeline *pipeline.Pipeline
	shutdown time.Duration
}

func newInstance(get func(key string) string, log hclog.Logger) (*instance, error) {
	cfg, stages, err := wire.Settings(get, func(notice string) { log.Warn(notice) })
	if err != nil {
		return nil, err
	}
	log.SetLevel(hclog.LevelFromString(cfg.Verbosity))
	stages.Log = log
	p, err := pipeline.New(stages)
	if errors.Is(err, spool.ErrLocked) {
		return nil, fmt.Errorf("%w; each [OUTPUT] needs a store_dir of its own", err)
	}
	if err != nil {
		return nil, err
	}
	log.Info("started", "version", version, "to", stages.Location, "format", cfg.Format.Encoding,
		"compression", cfg.Format.Compression, "every", stages.Window.String(), "store_dir", stages.StoreDir)
	p.Start()
	return &instance{log: log, pipeline: p, shutdown: cfg.Spool.ShutdownTimeout}, nil
}

// flush stores a chunk. Whatever keeps it from being stored asks Fluent Bit to
// send it again; the pipeline logs it.
func (i *instance) flush(tag string, chunk []byte) (st status) {
	st = statusRetry // what a panic leaves
	defer i.guard("flush")
	if err := i.pipeline.Write(tag, chunk); err != nil {
		return statusRetry
	}
	return statusOK
}

// exit seals, uploads what it can in the time that shutdown_timeout gives, and
// leaves the rest on disk.
func (i *instance) exit() {
	defer i.guard("exit")
	ctx, cancel := context.WithTimeout(context.Background(), i.shutdown)
	defer cancel()
	if err := i.pipeline.Stop(ctx); err != nil {
		i.log.Warn("stopped", "error", err)
		return
	}
	i.log.Info("stopped, everything is uploaded")
}

// guard, deferred, keeps a panic from ending Fluent Bit.
func (i *instance) guard(callback string) {
	if r := recover(); r != nil {
		i.log.Error("panic in "+callback, "panic", r, "stack", string(debug.Stack()))
	}
}
