package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"siem-s3/cmd/siemctl/fluentconf"
)

// habits reports the settings of an output that Fluent Bit keeps to itself and
// that decide whether events reach the plugin.
func (c *checker) habits(o *output) {
	at := func(key string) fluentconf.Pos {
		p, _ := o.section.Last(key)
		return cmp.Or(p.Pos, o.section.Pos)
	}
	switch limit := strings.ToLower(o.section.Value("retry_limit")); limit {
	case "no_limits", "false", "off":
	case "":
		c.report.add(levelWarning, at("retry_limit"), "retry_limit", " is not set: Fluent Bit drops what it could not hand over twice; set retry_limit no_limits")
	default:
		c.report.add(levelWarning, at("retry_limit"), "retry_limit", " %s: Fluent Bit drops what it could not hand over by then; set retry_limit no_limits", limit)
	}
	switch workers := o.section.Value("workers"); {
	case workers == "":
		c.report.add(levelWarning, at("workers"), "workers", " is not set: each write to disk holds up the inputs; set workers 1")
	case atoi(workers) < 1:
		c.report.add(levelWarning, at("workers"), "workers", " %s: each write to disk holds up the inputs; set workers 1", workers)
	}
	if limit := o.section.Value("storage.total_limit_size"); limit != "" && !isOff(limit) {
		c.report.add(levelWarning, at("storage.total_limit_size"), "storage.total_limit_size", ": at that size Fluent Bit deletes its oldest chunks; leave it out")
	}
	c.match(o)
}

// match reports an output that nothing reaches.
func (c *checker) match(o *output) {
	reaches := func(in *fluentconf.Section) bool { return c.config.Reaches(in, o.section) }
	if len(c.config.Inputs) == 0 || slices.ContainsFunc(c.config.Inputs, reaches) {
		return
	}
	p, given := o.section.Last("match")
	if !given {
		p, given = o.section.Last("match_regex")
	}
	if given {
		c.report.add(levelError, p.Pos, p.Key, ": no input has such a tag, so nothing reaches this output")
	} else {
		c.report.add(levelError, o.section.Pos, "match", " is not set: nothing reaches this output; set match *")
	}
}

// atoi reads a number as C does: what follows the digits does not count, and no
// digits are 0.
func atoi(text string) int {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	n, _ := strconv.Atoi(text[:end])
	return n
}

// isOff reads a boolean of Fluent Bit. What is none is not off.
func isOff(text string) bool {
	return slices.Contains([]string{"off", "false", "no"}, strings.ToLower(text))
}

func isOn(text string) bool {
	return slices.Contains([]string{"on", "true", "yes"}, strings.ToLower(text))
}

// inputs reports the inputs whose events are lost when Fluent Bit ends before the
// plugin has them.
func (c *checker) inputs() {
	for _, in := range c.config.Inputs {
		reaches := func(o *output) bool { return c.config.Reaches(in, o.section) }
		if slices.ContainsFunc(c.outputs, reaches) {
			c.input(in)
		}
	}
}

func (c *checker) input(in *fluentconf.Section) {
	name, at := in.Plugin(), in.Pos
	own, given := in.Last("storage.type")
	kind := own.Value
	if given {
		at = own.Pos
	} else if isOn(c.config.Service.Value("storage.inherit")) {
		kind = c.config.Service.Value("storage.type")
	}
	switch kind = strings.ToLower(kind); {
	case kind == "filesystem" && c.config.Service.Value("storage.path") == "":
		c.report.add(levelError, at, "storage.type", " filesystem needs storage.path in the service: Fluent Bit does not start without")
	case kind == "filesystem":
	case kind == "memrb":
		c.report.add(levelWarning, at, "storage.type", " memrb drops the oldest events of input %s when memory is full; set storage.type filesystem", name)
	default:
		c.report.add(levelWarning, at, "storage.type", ": input %s keeps in memory what the plugin has not taken yet, and a crash loses it; set storage.type filesystem", name)
	}
	if _, ok := in.Last("db"); !ok && strings.EqualFold(name, "tail") {
		c.report.add(levelWarning, in.Pos, "db", " is not set: input tail forgets at a restart how far it has read, and loses or repeats lines")
	}
}

// filters reports those that keep events in a buffer of their own.
func (c *checker) filters() {
	for _, f := range c.config.Filters {
		name := strings.ToLower(f.Plugin())
		buffers := name == "rewrite_tag" || name == "multiline" && !isOff(f.Value("buffer"))
		if p, _ := f.Last("emitter_storage.type"); buffers && !strings.EqualFold(p.Value, "filesystem") {
			c.report.add(levelWarning, cmp.Or(p.Pos, f.Pos), "emitter_storage.type", ": filter %s keeps events in memory, and a crash loses them; set emitter_storage.type filesystem", name)
		}
	}
}

// service reports the settings of Fluent Bit itself.
func (c *checker) service() {
	service := &c.config.Service
	if isOn(service.Value("daemon")) {
		c.report.add(levelError, c.servicePos("daemon"), "daemon", ": the plugin does not survive the fork into the background; set daemon off and leave that to systemd or the container")
	}
	if service.Value("storage.path") == "" {
		c.report.add(levelWarning, c.servicePos("storage.path"), "storage.path", " is not set in the service: what the plugin has not taken yet can't be kept on disk")
	} else if !strings.EqualFold(service.Value("storage.sync"), "full") {
		c.report.add(levelWarning, c.servicePos("storage.sync"), "storage.sync", " is not full: a power failure can lose what the plugin has not taken yet; set storage.sync full")
	}
	const usual = 300 // seconds; the default is 2000
	if limit := service.Value("scheduler.cap"); limit == "" || atoi(limit) > usual {
		c.report.add(levelNote, c.servicePos("scheduler.cap"), "scheduler.cap", ": Fluent Bit may wait half an hour before it hands over again what was refused; set scheduler.cap 30")
	}
	c.reload()
}

// reload reports a reload that Fluent Bit breaks off while the plugin uploads.
func (c *checker) reload() {
	service := &c.config.Service
	seconds := atoi(service.Value("hot_reload.timeout"))
	if seconds == 0 || !isOn(service.Value("hot_reload")) {
		return
	}
	for _, o := range c.outputs {
		if wait := o.settings.Spool.ShutdownTimeout; wait >= time.Duration(seconds)*time.Second {
			c.report.add(levelWarning, c.servicePos("hot_reload.timeout"), "hot_reload.timeout", ": after %d s Fluent Bit aborts, and shutdown_timeout lets the plugin take %s; make it longer", seconds, wait)
			return
		}
	}
}
