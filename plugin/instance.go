package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"siem-s3/metrics"
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
	stderr  io.Writer
	metrics metrics.Hub

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
	label := fmt.Sprintf("%s.%d", name, s.next)
	log := newLogger(s.stderr, "output:"+name+":"+label, hclog.Info)
	s.next++
	defer func() {
		if r := recover(); r != nil {
			log.Error("panic at start", "panic", r, "stack", string(debug.Stack()))
			i, ok = nil, false
		}
	}()
	i, err := newInstance(get, label, log, &s.metrics)
	if err != nil {
		log.Error(err.Error())
		return nil, false
	}
	return i, true
}

// An instance is one [OUTPUT]. fluent-bit-go never forgets it, however often Fluent
// Bit reloads, so it lets go of what it holds when it exits.
type instance struct {
	log      hclog.Logger
	pipeline atomic.Pointer[pipeline.Pipeline] // nil after exit
	shutdown time.Duration
	unlisten func() // ends the metrics; nil if there are none
}

func newInstance(get func(key string) string, label string, log hclog.Logger, hub *metrics.Hub) (*instance, error) {
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
	store, alerts := whereTo(&stages)
	log.Info("started", "version", version, "to", store, "format", cfg.Format.Encoding, "compression", cfg.Format.Compression,
		"every", stages.Window.String(), "store_dir", stages.StoreDir, "alerts", alerts)
	p.Start()
	i := &instance{log: log, shutdown: cfg.Spool.ShutdownTimeout}
	i.pipeline.Store(p)
	i.listen(hub, cfg.MetricsListen, label)
	return i, nil
}

// whereTo says, for the log, where events are stored and by what they alert.
func whereTo(o *pipeline.Options) (store, alerts string) {
	store, alerts = o.Location, "off"
	if o.AlertsOnly {
		store = "nowhere"
	}
	if o.Alerts != nil {
		var channels []string
		for _, c := range o.Alerts.Channels {
			channels = append(channels, c.Name())
		}
		alerts = strings.Join(channels, ", ")
	}
	return store, alerts
}

// listen serves the metrics. Events matter more than their figures: an address
// that is taken keeps nothing from starting.
func (i *instance) listen(hub *metrics.Hub, address, label string) {
	if address == "" {
		return
	}
	p := i.pipeline.Load()
	unlisten, err := hub.Listen(address, metrics.Output{Name: label, Version: version, Stats: p.Stats, Ready: p.Ready})
	if err != nil {
		i.log.Error("can't serve metrics", "error", err)
		return
	}
	i.log.Info("serving metrics", "at", "http://"+address+"/metrics")
	i.unlisten = unlisten
}

// flush stores a chunk. Whatever keeps it from being stored asks Fluent Bit to
// send it again; the pipeline logs it.
func (i *instance) flush(tag string, chunk []byte) (st status) {
	st = statusRetry // what a panic leaves
	defer i.guard("flush")
	p := i.pipeline.Load()
	if p == nil || p.Write(tag, chunk) != nil {
		return statusRetry
	}
	return statusOK
}

// exit seals, uploads what it can in the time that shutdown_timeout gives, and
// leaves the rest on disk.
func (i *instance) exit() {
	defer i.guard("exit")
	p := i.pipeline.Swap(nil)
	if p == nil {
		return
	}
	if i.unlisten != nil {
		defer func() { i.unlisten(); i.unlisten = nil }()
	}
	ctx, cancel := context.WithTimeout(context.Background(), i.shutdown)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
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
