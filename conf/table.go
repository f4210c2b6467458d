package conf

import "time"

// table is every setting, in the order of the reference.
var table = []Section{
	bucketSection,
	credentialsSection,
	formatSection,
	syslogSection,
	spoolSection,
	objectSection,
	mappingSection,
	alertSection,
	smtpSection,
	webhookSection,
	metricsSection,
	logSection,
}

var formatSection = Section{
	Title: "What an object holds",
	Intro: "Each object holds the events of one window of time and one category: `device`, `account`, or `rejected` for " +
		"the records that are no event. JSON and SYSLOG carry the same contents.",
	Example: `
    format         json
    compression    gzip
    s3_key_format  siem/$CATEGORY/%Y/%m/%d/%H%M%S-$UUID`,
	Keys: []Key{
		{
			Name: "format", Default: "json",
			Doc:  "`json` writes one JSON object a line, `syslog` one RFC 5424 message a line.",
			rule: oneOf(func(c *Config) *string { return &c.Format.Encoding }, "json", "syslog"),
		},
		{
			Name: "compression", Default: "gzip",
			Doc: "How objects are compressed. `gzip` is read by everything; `zstd` is smaller and takes less CPU, if your SIEM " +
				"reads it. It shows in the end of the key: `.json.gz`, `.log.zst`, `.json`.",
			rule: oneOf(func(c *Config) *string { return &c.Format.Compression }, "gzip", "zstd", "none"),
		},
		{
			Name: "compression_level", Unset: "5 with `gzip`, 1 with `zstd`",
			Doc:  "Higher is smaller and slower: 1 to 9 with `gzip`, 1 to 22 with `zstd`. It has no meaning with `none`.",
			rule: number(1, maxLevel["zstd"], func(c *Config) *int { return &c.Format.Level }),
		},
		{
			Name: "s3_key_format", Default: "siem/category=$CATEGORY/dt=%Y-%m-%d/hour=%H/%Y%m%dT%H%M%SZ-$UUID",
			Doc: "The template of the objects' keys; the extension is added. `$CATEGORY` is the category, `$TAG` the tag of " +
				"Fluent Bit, `$TAG[0]` its first part, `$HOSTNAME` the host, `$UUID` (which must be there) is unique for each " +
				"object. `%Y`, `%m`, `%d`, `%H`, `%M` and `%S` are the start of the window in UTC, `$EVENT[%Y-%m-%d]` is the " +
				"event's own day. `$device_group` is a field of the event, `$site['name']` any part of the record: each value of " +
				"these gets an object of its own. The `name=value` folders of the default are what Athena, Spark and DuckDB read " +
				"as columns.",
			rule: checked("template", wantKeyFormat, func(c *Config) *string { return &c.Format.KeyFormat }, checkKeyFormat),
		},
	},
}

var syslogSection = Section{
	Title: "SYSLOG",
	Intro: "The parts of an RFC 5424 message that no event carries. With `format json` they are checked, and not used.",
	Example: `
    format                syslog
    syslog_hostname       siem-gw-1
    syslog_facility       local4
    syslog_enterprise_id  32473`,
	Keys: []Key{
		{
			Name: "syslog_hostname", Unset: "the name of the host",
			Doc: "HOSTNAME: the machine that the messages are said to come from.",
			rule: word(255, "up to 255 printable ASCII characters without spaces, such as gw-1",
				func(c *Config) *string { return &c.Format.Syslog.Hostname }),
		},
		{
			Name: "syslog_app_name", Default: "siem_s3",
			Doc: "APP-NAME: the program that the messages are said to come from.",
			rule: word(48, "up to 48 printable ASCII characters without spaces, such as siem_s3",
				func(c *Config) *string { return &c.Format.Syslog.AppName }),
		},
		{
			Name: "syslog_facility", Default: "audit",
			Doc: "The facility of every message, by number or name: `kern` is 0, `user` 1, `auth` 4, `audit` 13, `local0` to " +
				"`local7` are 16 to 23. The severity comes from the log type.",
			rule: facility(func(c *Config) *int { return &c.Format.Syslog.Facility }),
		},
		{
			Name: "syslog_enterprise_id", Default: "32473",
			Doc: "Your private enterprise number as IANA lists it; it names the structured data, as in `device@32473`. The " +
				"default is the number that RFC 5612 sets aside for documentation, and harms nothing.",
			rule: reads("number", "a private enterprise number, such as 32473 or 32473.1",
				func(c *Config) *string { return &c.Format.Syslog.EnterpriseID }, parseEnterpriseID),
		},
	},
}

var spoolSection = Section{
	Title: "Buffer and upload",
	Intro: "Every chunk of Fluent Bit is on disk in `store_dir` before Fluent Bit hears that it was taken, and stays there " +
		"until its objects are in S3. When S3 cannot be reached the buffer grows up to its limit; then Fluent Bit " +
		"keeps the chunks, and nothing is dropped.",
	Example: `
    store_dir             /var/lib/fluent-bit/siem_s3
    store_dir_limit_size  10G
    upload_timeout        5m
    total_file_size       50M`,
	Keys: []Key{
		{
			Name: "upload_timeout", Default: "5m",
			Doc: "How often objects go to S3, on the clock: `5m` uploads at 08:00, 08:05 and so on. A window without events " +
				"makes no object.",
			rule: duration(time.Second, 24*time.Hour, func(c *Config) *time.Duration { return &c.Spool.UploadTimeout }),
		},
		{
			Name: "total_file_size", Default: "50M",
			Doc:  "The size, compressed, at which what is buffered is uploaded without waiting for `upload_timeout`.",
			rule: size(minFileSize, maxFileSize, func(c *Config) *int64 { return &c.Spool.FileSize }),
		},
		{
			Name: "store_dir", Default: "/var/lib/fluent-bit/siem_s3",
			Doc: "The directory of the buffer, on a disk that survives a restart. It is made if it is not there. Each " +
				"`[OUTPUT]` needs one of its own.",
			rule: checked(kindPath, wantDir, func(c *Config) *string { return &c.Spool.Dir }, checkDir),
		},
		{
			Name: "store_dir_limit_size", Default: "2G",
			Doc: "The most that the buffer takes on disk, at least twice `total_file_size`. Size it for the longest outage " +
				"of S3 that the buffer should bridge.",
			rule: size(2*minFileSize, 0, func(c *Config) *int64 { return &c.Spool.DirLimit }),
		},
		{
			Name: "shutdown_timeout", Default: "15s",
			Doc: "How long a stop may take to upload what is buffered. What is not uploaded by then stays on disk and goes " +
				"out after the next start. Keep it below the time after which your service manager kills Fluent Bit: 90 s " +
				"with systemd, 30 s with Kubernetes unless you set another.",
			rule: duration(time.Second, 10*time.Minute, func(c *Config) *time.Duration { return &c.Spool.ShutdownTimeout }),
		},
	},
}

var metricsSection = Section{
	Title: "Metrics and health",
	Intro: "`/metrics` answers Prometheus, `/healthz` says that the process lives, and `/readyz` whether chunks are stored and " +
		"uploaded, with the reason if not. Nothing of the events is served.",
	Example: "\n    metrics_listen  2021",
	Keys: []Key{{
		Name: "metrics_listen", Unset: "nothing is served",
		Doc: "Where metrics are served: a port of this host's loopback interface, or an address and a port, such as " +
			"`0.0.0.0:2021` for a Prometheus elsewhere. Outputs with the same address share it, and are told apart by the " +
			"label `output`.",
		rule: reads("address", "a port such as 2021, or an address with a port such as 0.0.0.0:2021",
			func(c *Config) *string { return &c.MetricsListen }, parseListen),
	}},
}

var logSection = Section{
	Title:   "Log",
	Example: "\n    verbosity  debug",
	Keys: []Key{{
		Name: "verbosity", Default: "info",
		Doc: "The least severe messages that the plugin writes to Fluent Bit's standard error. Fluent Bit's own `log_level` " +
			"does not reach the plugin.",
		rule: oneOf(func(c *Config) *string { return &c.Verbosity }, "off", "error", "warn", "info", "debug"),
	}},
}
