package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"siem-s3/cmd/siemctl/logs"
	"siem-s3/event"
)

// logsCmd is the commands that read what is stored.
type logsCmd struct {
	Ls    logsLsCmd    `cmd:"" help:"List the objects of a range of time."`
	Get   logsGetCmd   `cmd:"" help:"Download objects."`
	Cat   logsCatCmd   `cmd:"" help:"Print events in the order of time."`
	Tail  logsTailCmd  `cmd:"" help:"Print the last events, and follow new ones."`
	Stats logsStatsCmd `cmd:"" help:"Count events by log type, time, device and admin."`
}

// Help is what the command's --help says beyond its flags.
func (logsCmd) Help() string {
	return `Where the objects are comes from the outputs siem_s3 in a configuration of Fluent Bit (-c), or from flags; flags win. Credentials are those of the configuration, or found as every AWS tool finds them. Reading needs s3:ListBucket on the bucket and s3:GetObject on the objects.

Times are UTC. A range is given with --since and --until as a duration back from now (90m, 2h, 7d), a date (2026-11-22), a time (2026-11-22T08:00:00Z), or now, today, yesterday.` + logsExitCodes
}

const logsExitCodes = `

Exit codes: 0 done, even if nothing was found; 1 something failed or could not be read; 2 wrong usage.`

// logsPlace is the flags that say where objects are.
type logsPlace struct {
	Config    string `short:"c" placeholder:"FILE" group:"Where" help:"Read bucket, key format and credentials from a configuration of Fluent Bit."`
	Output    string `placeholder:"N|ALIAS" group:"Where" help:"Only this output siem_s3 of the configuration, by its number from 1 or its alias. Otherwise all of them are read."`
	Bucket    string `placeholder:"NAME" group:"Where" help:"The bucket."`
	KeyFormat string `placeholder:"FORMAT" group:"Where" xor:"key" help:"How keys are made: s3_key_format of the output."`
	Prefix    string `placeholder:"PREFIX" group:"Where" xor:"key" help:"The default key format, but with this before category= in place of siem/."`
	Endpoint  string `placeholder:"URL" group:"Where" help:"An S3 server other than Amazon's."`
	Region    string `placeholder:"REGION" group:"Where" help:"The region of the bucket. Otherwise $$AWS_REGION, then us-east-1."`
	Profile   string `placeholder:"NAME" group:"Where" help:"The profile of ~/.aws to use, in place of the configuration's credentials."`
	PathStyle string `enum:"on,off," default:"" placeholder:"on|off" group:"Where" help:"Ask for URL/bucket/key. Otherwise on with an endpoint."`
}

// defaultKeys is the default key format behind its first folder.
const defaultKeys = `category=$CATEGORY/dt=%Y-%m-%d/hour=%H/%Y%m%dT%H%M%SZ-$UUID`

func (p *logsPlace) validate() error {
	switch {
	case p.Config == "" && p.Bucket == "":
		return errors.New("where are the objects? Give -c with a configuration of Fluent Bit, or --bucket")
	case p.Config == "" && p.Output != "":
		return errors.New("--output picks one of a configuration: give -c, too")
	}
	return nil
}

// sources returns the places, and says on err if they are several.
func (p *logsPlace) sources(s streams) ([]*logs.Source, error) {
	all := []logs.Settings{p.environment()}
	if p.Config != "" {
		var err error
		if all, err = logs.ReadSettings(p.Config, p.Output); err != nil {
			return nil, err
		}
	}
	for _, set := range all {
		p.override(set)
	}
	sources, err := logs.NewSources(all)
	if err == nil && len(sources) > 1 {
		fmt.Fprintf(s.err, "siemctl: reading %d outputs of %s; --output reads one\n", len(sources), p.Config)
	}
	return sources, err
}

// environment returns the settings that AWS tools take from there and the SDK
// would not.
func (p *logsPlace) environment() logs.Settings {
	set := logs.Settings{}
	for key, names := range map[string][]string{
		"region":   {"AWS_REGION", "AWS_DEFAULT_REGION"},
		"endpoint": {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"},
	} {
		for _, name := range names {
			if set[key] == "" {
				set[key] = os.Getenv(name)
			}
		}
	}
	return set
}

func (p *logsPlace) override(set logs.Settings) {
	if p.Profile != "" {
		for key := range set {
			if strings.HasPrefix(key, "aws_") || key == "role_arn" || key == "external_id" || key == "sts_endpoint" {
				delete(set, key)
			}
		}
	}
	keyFormat := p.KeyFormat
	if p.Prefix != "" {
		keyFormat = strings.ReplaceAll(strings.TrimSuffix(p.Prefix, "/"), "%", "%%") + "/" + defaultKeys
	}
	for key, value := range map[string]string{
		"bucket": p.Bucket, "endpoint": p.Endpoint, "region": p.Region, "profile": p.Profile,
		"s3_key_format": keyFormat, "force_path_style": p.PathStyle,
	} {
		if value != "" {
			set[key] = value
		}
	}
}

// logsRange is the flags that say when.
type logsRange struct {
	Since    string   `default:"24h" placeholder:"WHEN" group:"When" help:"The start of the range (${default})."`
	Until    string   `default:"now" placeholder:"WHEN" group:"When" help:"The end of the range, which is not in it (${default})."`
	Category []string `enum:"device,account,rejected" placeholder:"CATEGORY" group:"What" help:"Only these: ${enum}. Separate several with commas."`
}

// span returns the range.
func (r *logsRange) span(now time.Time) (logs.Span, error) {
	since, err := logs.ParseWhen(r.Since, now)
	if err != nil {
		return logs.Span{}, fmt.Errorf("--since: %w", err)
	}
	until, err := logs.ParseWhen(r.Until, now)
	if err != nil {
		return logs.Span{}, fmt.Errorf("--until: %w", err)
	}
	if !since.Before(until) {
		return logs.Span{}, fmt.Errorf("nothing is between --since %s and --until %s", since.Format(time.RFC3339), until.Format(time.RFC3339))
	}
	return logs.Span{Start: since, End: until}, nil
}

func (r *logsRange) validate() error {
	_, err := r.span(time.Now())
	return err
}

// query returns what is looked for. of are the categories if no flag says which.
func (r *logsRange) query(slack time.Duration, of ...event.Category) (*logs.Query, error) {
	span, err := r.span(time.Now())
	if err != nil {
		return nil, err
	}
	if len(r.Category) > 0 {
		of = nil
		for _, c := range logs.Categories {
			for _, name := range r.Category {
				if c.String() == name {
					of = append(of, c)
				}
			}
		}
	}
	return &logs.Query{Range: span, Slack: slack, Categories: of}, nil
}

// logsFilter is the flags that say which events.
type logsFilter struct {
	LogType []string       `placeholder:"TYPE" group:"What" help:"Only these log types. Separate several with commas."`
	Device  []logs.Pattern `sep:"none" placeholder:"DEVICE" group:"What" help:"Only events of this device, by ID or name. Case does not matter; * stands for any text."`
	User    []logs.Pattern `sep:"none" placeholder:"USER" group:"What" help:"Only events of this user's devices; likewise."`
	Admin   []logs.Pattern `sep:"none" placeholder:"ADMIN" group:"What" help:"Only events of this admin, by name or e-mail address; likewise."`
	Grep    string         `placeholder:"REGEXP" group:"What" help:"Only events with a text that this matches (RE2 syntax; (?i) ignores case)."`
	Slack   logsDuration   `default:"1h" placeholder:"DURATION" group:"When" help:"How long after it happened an event may have arrived to be found (${default})."`
}

// maxSlack bounds slacks, which are no dates.
const maxSlack = 366 * 24 * time.Hour

// logsDuration is a duration as --since has it, such as 90m or 7d.
type logsDuration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *logsDuration) UnmarshalText(text []byte) error {
	now := time.Unix(1e9, 0)
	at, err := logs.ParseWhen(string(text), now)
	if err != nil || len(text) > 0 && strings.IndexByte("smhdw", text[len(text)-1]) < 0 || now.Sub(at) > maxSlack {
		return errors.New("want a duration of at most a year, such as 30s, 90m, 1h or 7d")
	}
	*d = logsDuration(now.Sub(at))
	return nil
}

func (f *logsFilter) validate() error {
	_, err := f.filter()
	return err
}

func (f *logsFilter) filter() (*logs.Filter, error) {
	filter := &logs.Filter{Devices: f.Device, Users: f.User, Admins: f.Admin}
	for _, name := range f.LogType {
		t, ok := event.Lookup([]byte(name))
		if !ok {
			return nil, fmt.Errorf("--log-type: %q is none; these are: %s", name, logTypeNames())
		}
		filter.Types = append(filter.Types, t)
	}
	if f.Grep != "" {
		if err := filter.SetGrep(f.Grep); err != nil {
			return nil, fmt.Errorf("--grep: %w", err)
		}
	}
	if len(filter.Categories(logs.Categories)) == 0 {
		return nil, errors.New("no event can match: --device and --user are about device events, --admin about account events")
	}
	return filter, nil
}

func logTypeNames() string {
	var all []string
	for _, t := range event.Types() {
		all = append(all, t.String())
	}
	return strings.Join(all, ", ")
}

// onTerminal reports whether w is a terminal that shows more than plain lines.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	return isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}

// inColour reports whether w is to have colours (https://no-color.org).
func inColour(w io.Writer) bool { return onTerminal(w) && os.Getenv("NO_COLOR") == "" }

// find lists objects, and explains on err when there are none.
func find(ctx context.Context, s streams, sources []*logs.Source, q *logs.Query) ([]*logs.Object, error) {
	found, err := logs.Find(ctx, sources, q)
	if err != nil {
		return nil, err
	}
	if found.Foreign > 0 {
		fmt.Fprintf(s.err, "siemctl: left out %s that the key format does not make\n", logs.Counted(found.Foreign, "key"))
	}
	if len(found.Objects) > 0 {
		return found.Objects, nil
	}
	fmt.Fprintf(s.err, "siemctl: no objects from %s to %s; these were listed:\n",
		q.Range.Start.Format(time.RFC3339), q.Range.End.Format(time.RFC3339))
	for _, place := range found.Listed {
		fmt.Fprintln(s.err, "  "+place)
	}
	places, err := found.Nearest(ctx)
	if err != nil || len(places) == 0 {
		fmt.Fprintln(s.err, "siemctl: nothing else is stored there: check --bucket, --key-format and --prefix")
		return nil, err
	}
	fmt.Fprintln(s.err, "siemctl: the nearest objects:")
	for _, place := range places {
		fmt.Fprintln(s.err, "  "+place)
	}
	return nil, nil
}

// report returns what tells err of problems.
func (s streams) report(text string) { fmt.Fprintln(s.err, "siemctl: "+text) }

// interrupted makes the end by a signal readable.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && err != nil {
		return errors.New("interrupted")
	}
	return err
}
