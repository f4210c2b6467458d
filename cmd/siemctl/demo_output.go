package main

import (
	"path/filepath"
	"strings"

	"siem-s3/conf"
	"siem-s3/event"
)

// demoBucket is the bucket that the demo makes.
const demoBucket = "siem-demo"

// A demoOutput is one [OUTPUT] of the demo. Its keys begin with its format.
type demoOutput struct {
	format, compression string
	alerts              bool
}

var demoOutputs = []demoOutput{{"json", "gzip", true}, {"syslog", "zstd", false}}

// A setting is a line of an [OUTPUT].
type setting struct{ key, value string }

// settings are those of an output, without its credentials.
func (d *demo) settings(o demoOutput) []setting {
	keys, _ := conf.Lookup("s3_key_format")
	all := []setting{
		{"bucket", demoBucket},
		{"endpoint", d.server.Endpoint},
		{"format", o.format},
		{"compression", o.compression},
		{"s3_key_format", strings.Replace(keys.Default, "siem/", o.format+"/", 1)},
		{"upload_timeout", demoWindow.String()},
		{"store_dir", filepath.Join(d.dir, "store-"+o.format)},
	}
	if o.alerts {
		return append(all, d.alertSettings()...)
	}
	return append(all, setting{"notify", "off"})
}

// credentials are the environment of an engine: the plugin finds them there as
// every AWS tool does.
func (d *demo) credentials() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + d.server.AccessKey, "AWS_SECRET_ACCESS_KEY=" + d.server.SecretKey}
}

// lines are those that an output has stored in a category.
func (d *demo) lines(o demoOutput, c event.Category) []string {
	var all []string
	for _, object := range d.objects {
		if strings.HasPrefix(object.Key, o.format+"/category="+c.String()+"/") {
			all = append(all, strings.Split(strings.TrimSuffix(string(object.Text), "\n"), "\n")...)
		}
	}
	return all
}

// stored is how many lines an output has stored in all.
func (d *demo) stored(o demoOutput) int {
	n := 0
	for _, object := range d.objects {
		if strings.HasPrefix(object.Key, o.format+"/") {
			n += object.Number
		}
	}
	return n
}
