package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// An output is one to be measured.
type output struct {
	name     string
	plugin   string            // its name in Fluent Bit
	settings map[string]string // but those that all outputs to S3 have
}

// outputs are those that are compared. The first is the cost of Fluent Bit itself.
func outputs() (all []output) {
	all = append(all, output{name: "null", plugin: "null"})
	for _, format := range []string{"json", "syslog"} {
		for _, compression := range []string{"gzip", "zstd", "none"} {
			all = append(all, output{
				name: "siem_s3 " + format + " " + compression, plugin: "siem_s3",
				settings: map[string]string{"format": format, "compression": compression},
			})
		}
	}
	for _, compression := range []string{"gzip", "zstd", "none"} {
		o := output{name: "s3 json " + compression, plugin: "s3", settings: map[string]string{}}
		if compression != "none" {
			o.settings["compression"] = compression
		}
		all = append(all, o)
	}
	return all
}

// ours tells the plugin from what it is compared with.
func (o output) ours() bool { return o.plugin == "siem_s3" }

// allSettings returns what o is configured with, for a run of its own directory
// and bucket. What both outputs have is the same for both.
func (b *bench) allSettings(o output, dir, bucket string) map[string]string {
	if o.plugin == "null" {
		return map[string]string{"workers": "1"} // as many as the others have
	}
	all := map[string]string{
		"bucket": bucket, "region": b.server.Region, "endpoint": b.server.Endpoint,
		"total_file_size": "50M", "upload_timeout": "10m", "store_dir": filepath.Join(dir, "store"),
	}
	if o.ours() {
		maps.Copy(all, map[string]string{
			"notify": "off", "syslog_hostname": "gw-1", "shutdown_timeout": "60s", "workers": "1",
			"store_dir_limit_size": "20G",
		})
	} else {
		all["use_put_object"] = "on"
		all["store_dir_limit_size"] = "0" // no limit
	}
	maps.Copy(all, o.settings)
	return all
}

// environment has the credentials, for both outputs, and keeps them from any
// other account of the machine.
func (b *bench) environment() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + b.server.AccessKey, "AWS_SECRET_ACCESS_KEY=" + b.server.SecretKey,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
}

// configuration is that of a Fluent Bit that tails the events into o; its metrics
// are on port.
func (b *bench) configuration(o output, dir, bucket, input string, port int) string {
	var text strings.Builder
	fmt.Fprintf(&text, `[SERVICE]
    flush 0.5
    grace 60
    log_level info
    parsers_file parsers.conf
    storage.path %s
    http_server on
    http_listen 127.0.0.1
    http_port %d
[INPUT]
    name tail
    tag siem.file
    path %s
    parser json
    read_from_head on
    storage.type %s
[OUTPUT]
    name %s
    match *
    retry_limit no_limits
`, filepath.Join(dir, "storage"), port, input, b.storage, o.plugin)
	settings := b.allSettings(o, dir, bucket)
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "    %s %s\n", key, settings[key])
	}
	return text.String()
}
