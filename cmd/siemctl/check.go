package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"

	"siem-s3/cmd/siemctl/fluentconf"
	"siem-s3/conf"
)

// pluginName is the name of the plugin in Fluent Bit.
const pluginName = "siem_s3"

// checkCmd looks for what is wrong before Fluent Bit is started.
type checkCmd struct {
	Config         string `short:"c" required:"" placeholder:"FILE" help:"The configuration of Fluent Bit, classic or YAML (.yaml, .yml)."`
	Online         bool   `help:"Try the bucket too: put, read and delete a small object as the plugin would." xor:"what"`
	PrintIAMPolicy bool   `name:"print-iam-policy" help:"Print the smallest IAM policy that the outputs need, and nothing else." xor:"what"`
	Output         string `short:"o" enum:"text,json" default:"text" placeholder:"text|json" help:"How to print findings."`
}

// Help is what the command's --help says beyond its flags.
func (checkCmd) Help() string {
	return `Reads a configuration as Fluent Bit does, with what it includes and its variables, and looks at every output named siem_s3: settings that nothing knows (Fluent Bit accepts them in silence) or that can't stand, and habits that lose events. Each finding is a line with its place:

  error    it will not start, or a setting will not hold
  warning  it runs, and can lose or hold up events
  note     worth knowing
  ok       what --online tried, and works

Run it as the user that Fluent Bit runs as, with the same environment and working directory.

Examples:

  siemctl check -c /etc/fluent-bit/fluent-bit.conf
  siemctl check -c fluent-bit.yaml --online
  siemctl check -c fluent-bit.yaml -o json | jq '.findings[].message'
  siemctl check -c fluent-bit.conf --print-iam-policy > policy.json

Exit codes: 0 no errors and no warnings, 1 some, 2 wrong usage.`
}

// A checker collects the findings about one configuration.
type checker struct {
	config  *fluentconf.Config
	outputs []*output
	report  *report
}

// An output is an output of the plugin.
type output struct {
	section *fluentconf.Section
	// settings are those that stand, with the default for the others.
	settings *conf.Config
	problems conf.Problems
	// stands is set if there is no problem.
	stands bool
}

// given returns the place of a setting, or of the output if it is not set.
func (o *output) given(keys ...string) fluentconf.Pos {
	for _, key := range keys {
		if p, ok := o.section.First(key); ok {
			return p.Pos
		}
	}
	return o.section.Pos
}

// Run checks, and fails if there are errors or warnings.
func (c *checkCmd) Run(ctx context.Context, s streams) error {
	checker := &checker{report: &report{File: c.Config}}
	checker.load(c.Config)
	if c.PrintIAMPolicy {
		return checker.printPolicy(s)
	}
	checker.offline()
	show := newPresenter(c.Output, s.out, checker.report)
	if err := show.begin(checker.places()); err != nil {
		return err
	}
	if c.Online {
		for _, o := range checker.outputs {
			if err := checker.online(ctx, o, show.each); err != nil {
				return err
			}
		}
	}
	if err := show.end(); err != nil {
		return err
	}
	if checker.report.Errors+checker.report.Warnings > 0 {
		return errReported
	}
	return nil
}

// load reads the configuration and the settings of its outputs. What keeps it
// from doing so is a finding.
func (c *checker) load(path string) {
	config, err := fluentconf.Load(path, os.LookupEnv)
	if e := (*fluentconf.Error)(nil); errors.As(err, &e) {
		c.report.add(levelError, e.Pos, "", "%s", e.Text())
		return
	}
	c.config = config
	c.report.files = config.Files
	for _, section := range config.Outputs {
		if strings.EqualFold(section.Plugin(), pluginName) {
			o := &output{section: section}
			c.outputs = append(c.outputs, o)
			c.settings(o)
		}
	}
	c.report.Outputs = len(c.outputs)
	if len(c.outputs) == 0 {
		c.report.add(levelError, fluentconf.Pos{File: path}, "", "no output has the name %s", pluginName)
	}
}

// offline looks for everything that needs no network.
func (c *checker) offline() {
	if len(c.outputs) > 0 {
		for _, o := range c.outputs {
			c.names(o)
			c.habits(o)
			c.storeDir(o)
		}
		c.inputs()
		c.filters()
		c.service()
		c.libraries()
	}
	c.report.sort()
}

// places are those of the outputs, which --online is about.
func (c *checker) places() (all []fluentconf.Pos) {
	for _, o := range c.outputs {
		all = append(all, o.section.Pos)
	}
	return all
}

// servicePos returns the place of a service's setting, or of the service.
func (c *checker) servicePos(key string) fluentconf.Pos {
	p, _ := c.config.Service.Last(key)
	return cmp.Or(p.Pos, c.config.Service.Pos)
}
