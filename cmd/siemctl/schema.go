package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"siem-s3/cmd/siemctl/fluentconf"
	"siem-s3/cmd/siemctl/schema"
	"siem-s3/conf"
	"siem-s3/event"
)

// schemaCmd prints the schema for other tools.
type schemaCmd struct {
	JSONSchema  bool `name:"json-schema" xor:"tool" required:"" group:"For" help:"JSON Schema, draft 2020-12."`
	Athena      bool `xor:"tool" required:"" group:"For" help:"Tables and views of Amazon Athena, with partition projection."`
	Trino       bool `xor:"tool" required:"" group:"For" help:"The same of Trino's Hive connector."`
	Clickhouse  bool `xor:"tool" required:"" group:"For" help:"Views of ClickHouse."`
	Duckdb      bool `xor:"tool" required:"" group:"For" help:"Views of DuckDB."`
	Grok        bool `xor:"tool" required:"" group:"For" help:"Grok patterns of lines of SYSLOG."`
	SplunkProps bool `xor:"tool" required:"" group:"For" help:"props.conf and transforms.conf of Splunk."`
	Elastic     bool `xor:"tool" required:"" group:"For" help:"An index template and an ingest pipeline of Elasticsearch, in one JSON object."`

	Config    string   `short:"c" placeholder:"FILE" group:"Where" help:"Read where objects are, and how, from a configuration of Fluent Bit."`
	Output    string   `placeholder:"N|ALIAS" group:"Where" help:"Which output siem_s3 of the configuration, if it has several, by its number from 1 or its alias."`
	Bucket    string   `placeholder:"NAME" group:"Where" help:"The bucket."`
	KeyFormat string   `placeholder:"FORMAT" group:"Where" help:"How keys are made: s3_key_format of the output."`
	Region    string   `placeholder:"REGION" group:"Where" help:"The region of the bucket."`
	Endpoint  string   `placeholder:"URL" group:"Where" help:"An S3 server other than Amazon's."`
	Dir       string   `placeholder:"DIR" group:"Where" help:"With --duckdb: read objects that were downloaded to here, by their keys, not the bucket."`
	From      string   `default:"2026-01-01" placeholder:"DATE" group:"Where" help:"With --athena and --trino: the first day to look at (${default}). Objects of days before are not found."`
	Category  []string `enum:"device,account,rejected" placeholder:"CATEGORY" help:"Only these: ${enum}. Separate several with commas."`
}

// Help is what the command's --help says beyond its flags.
func (schemaCmd) Help() string {
	return `Prints the schema of events and rejected records as a tool wants it, for the key format of a configuration (-c), of --key-format, or the default one. Nothing is asked of any server.

Examples:

  siemctl schema --athena -c /etc/fluent-bit/fluent-bit.conf
  siemctl schema --duckdb --bucket acme-siem-logs --region eu-central-1 --category device | duckdb logs.db
  siemctl schema --duckdb --dir ./logs > views.sql
  siemctl schema --json-schema > event.schema.json
  siemctl schema --elastic | jq .ingest_pipeline

Exit codes: 0 done, 1 the tool has no form for this layout, 2 wrong usage.`
}

// Validate says what kong can't tell of the flags.
func (c *schemaCmd) Validate() error {
	if _, err := time.Parse(time.DateOnly, c.From); err != nil {
		return fmt.Errorf("--from: %q is no date such as 2026-11-22", c.From)
	}
	if c.Dir != "" && !c.Duckdb {
		return errors.New("--dir: only --duckdb reads files")
	}
	if c.Output != "" && c.Config == "" {
		return errors.New("--output picks one of a configuration: give -c, too")
	}
	return nil
}

// Run prints.
func (c *schemaCmd) Run(s streams) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	return c.dialect().Write(s.out, options)
}

func (c *schemaCmd) dialect() schema.Dialect {
	chosen := map[string]bool{
		"json-schema": c.JSONSchema, "athena": c.Athena, "trino": c.Trino, "clickhouse": c.Clickhouse,
		"duckdb": c.Duckdb, "grok": c.Grok, "splunk-props": c.SplunkProps, "elastic": c.Elastic,
	}
	all := schema.Dialects()
	return all[slices.IndexFunc(all, func(d schema.Dialect) bool { return chosen[d.Name] })]
}

// schemaSettings are the settings that say what is stored where.
var schemaSettings = []string{"bucket", "region", "endpoint", "format", "s3_key_format"}

// options returns what the configuration says, and flags over it.
func (c *schemaCmd) options() (*schema.Options, error) {
	get := func(string) string { return "" }
	if c.Config != "" {
		o, err := c.output()
		if err != nil {
			return nil, err
		}
		get = o.get
	}
	flags := map[string]string{"bucket": c.Bucket, "region": c.Region, "endpoint": c.Endpoint, "s3_key_format": c.KeyFormat}
	cfg, err := conf.Parse(func(key string) string {
		if !slices.Contains(schemaSettings, key) {
			return ""
		}
		return cmp.Or(flags[key], get(key))
	})
	if err := c.problems(err); err != nil {
		return nil, err
	}
	from, err := time.Parse(time.DateOnly, c.From)
	return &schema.Options{
		Bucket: cfg.S3.Bucket, Region: cfg.S3.Region, Endpoint: cfg.S3.Endpoint, KeyFormat: cfg.Format.KeyFormat,
		Dir: c.Dir, Syslog: cfg.Format.Encoding == "syslog", From: from, Categories: c.categories(),
	}, err
}

// problems leaves out those with settings that do not matter here, and that a
// bucket is not given, which not every tool needs.
func (c *schemaCmd) problems(err error) error {
	var all, kept conf.Problems
	if !errors.As(err, &all) {
		return err
	}
	for _, p := range all {
		if slices.Contains(schemaSettings, p.Key) && (p.Key != "bucket" || p.Value != "") {
			kept.Add(p)
		}
	}
	return kept.Err()
}

// output returns the output of the configuration that is meant.
func (c *schemaCmd) output() (*output, error) {
	config, err := fluentconf.Load(c.Config, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	var found []*output
	var names []string
	for _, section := range config.Outputs {
		if !strings.EqualFold(section.Plugin(), pluginName) {
			continue
		}
		alias, number := section.Value("alias"), fmt.Sprint(len(names)+1)
		names = append(names, strings.TrimSpace(number+" "+alias))
		if c.Output == "" || c.Output == number || c.Output == alias {
			found = append(found, &output{section: section})
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(names) == 0:
		return nil, fmt.Errorf("%s has no output %s", c.Config, pluginName)
	}
	return nil, fmt.Errorf("%s has these outputs %s: %s; pick one with --output", c.Config, pluginName, strings.Join(names, ", "))
}

func (c *schemaCmd) categories() []event.Category {
	var all []event.Category
	for _, category := range []event.Category{event.Device, event.Account, event.Rejected} {
		if len(c.Category) == 0 || slices.Contains(c.Category, category.String()) {
			all = append(all, category)
		}
	}
	return all
}
