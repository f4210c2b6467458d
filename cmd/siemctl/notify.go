package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"siem-s3/cmd/siemctl/fluentconf"
	"siem-s3/conf"
	"siem-s3/event"
	"siem-s3/notify"
	"siem-s3/wire"
)

type notifyCmd struct {
	Test notifyTestCmd `cmd:"" help:"Send a test message by each channel of a configuration."`
}

// notifyTestCmd sends test messages and shows how that goes.
type notifyTestCmd struct {
	Config string `short:"c" required:"" help:"The configuration of Fluent Bit." placeholder:"FILE"`
	Output int    `help:"Only this siem_s3 output of the configuration, counted from 1." placeholder:"N"`
}

// Help is what the command's --help says beyond its flags.
func (notifyTestCmd) Help() string {
	return "The messages are marked as tests, and say so to everyone who reads them. Environment variables and files " +
		"of the configuration are those of this shell and its user, which may differ from Fluent Bit's. " +
		"The exit code is 0 only if every channel took its message."
}

// Run sends the messages.
func (c *notifyTestCmd) Run(ctx context.Context, s streams) error {
	outputs, err := c.outputs()
	if err != nil {
		return err
	}
	t := notifyTest{out: s.out}
	for _, output := range outputs {
		if err := t.output(ctx, output); err != nil {
			return err
		}
	}
	switch {
	case t.failed > 0:
		return fmt.Errorf("%d of %d test messages were not delivered", t.failed, t.sent)
	case t.sent == 0:
		return errors.New("notify is off: there is nothing to test")
	}
	return nil
}

// outputs returns the outputs to test, one at least.
func (c *notifyTestCmd) outputs() (all []*fluentconf.Section, err error) {
	config, err := fluentconf.Load(c.Config, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	for _, output := range config.Outputs {
		if strings.EqualFold(output.Plugin(), "siem_s3") {
			all = append(all, output)
		}
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("%s has no output with name siem_s3", c.Config)
	case c.Output < 0 || c.Output > len(all):
		return nil, fmt.Errorf("there is no output %d: %s has %d with name siem_s3", c.Output, c.Config, len(all))
	case c.Output > 0:
		return all[c.Output-1 : c.Output], nil
	}
	return all, nil
}

// A notifyTest is one run over several outputs.
type notifyTest struct {
	out          io.Writer
	sent, failed int // messages
}

// output sends a message by each channel of an output. Its error is one of the
// settings; what becomes of the messages is counted.
func (t *notifyTest) output(ctx context.Context, output *fluentconf.Section) error {
	cfg, err := conf.Parse(func(key string) string {
		property, _ := output.First(key)
		return property.Value
	})
	if err != nil {
		return fmt.Errorf("%s: %w", output.Pos, err)
	}
	fmt.Fprintf(t.out, "%s: siem_s3\n", output.Pos)
	if !cfg.Notify.On {
		fmt.Fprintln(t.out, "  notify is off")
		return nil
	}
	channels, err := wire.Channels(cfg)
	if err != nil {
		return fmt.Errorf("%s: %w", output.Pos, err)
	}
	logType := firstSelected(cfg)
	for _, channel := range channels {
		t.send(ctx, channel, testNotice(logType))
	}
	return nil
}

// firstSelected returns a log type that alerts, so that the test goes wherever
// the receivers sort such alerts to. There is one, or wire had complained.
func firstSelected(cfg *conf.Config) event.LogType {
	selected, _ := notify.ParseSelection(cfg.Notify.Events)
	for _, t := range event.Types() {
		if selected.Has(t) {
			return t
		}
	}
	return event.Types()[0]
}

// testNotice returns a notice of its own for each channel.
func testNotice(t event.LogType) *notify.Notice {
	var id [16]byte
	rand.Read(id[:]) // never fails
	source, _ := os.Hostname()
	return notify.NewTest("siem-test-"+hex.EncodeToString(id[:]), cmp.Or(source, "siemctl"), t, time.Now())
}

// send makes one attempt, and prints its steps as they happen.
func (t *notifyTest) send(ctx context.Context, channel notify.Channel, n *notify.Notice) {
	t.sent++
	fmt.Fprintf(t.out, "  %s\n", channel.Name())
	step := func(text string) { fmt.Fprintf(t.out, "    %s\n", text) }
	step("message " + n.ID)
	if err := channel.Send(notify.WithTrace(ctx, step), n, nil); err != nil {
		t.failed++
		step("FAILED: " + err.Error())
		return
	}
	step("delivered")
}
