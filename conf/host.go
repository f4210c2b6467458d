package conf

import "strings"

// hostKeys are the settings of an [OUTPUT] that Fluent Bit keeps for itself
// (flb_output_set_property in its src/flb_output.c); no plugin can read them.
// One that ends in a dot stands for all that begin with it.
var hostKeys = []string{
	"name", "match", "match_regex", "alias", "log_level", "log_suppress_interval", "retry_limit", "workers",
	"host", "port", "ipv6", "net.", "tls", "tls.", "oauth2.", "storage.",
}

// HostKey reports whether Fluent Bit keeps the key of an [OUTPUT] for itself.
// Case does not matter.
func HostKey(name string) bool {
	name = strings.ToLower(name)
	for _, key := range hostKeys {
		if name == key || strings.HasSuffix(key, ".") && strings.HasPrefix(name, key) {
			return true
		}
	}
	return false
}

// advice is one setting of Fluent Bit that decides whether events can be lost.
type advice struct {
	section, setting, why string
}

var hostAdvice = []advice{
	{
		"[OUTPUT]", "workers 1",
		"Without it the plugin runs on the thread that also reads the inputs, and each write to disk holds them up. " +
			"More than 1 is safe.",
	},
	{
		"[OUTPUT]", "retry_limit no_limits",
		"Fluent Bit's default is to retry once and then drop the chunk. The plugin asks for a retry when its buffer is full.",
	},
	{
		"[OUTPUT]", "storage.total_limit_size",
		"Leave it out: at that size Fluent Bit deletes its oldest chunks.",
	},
	{
		"[INPUT]", "storage.type filesystem",
		"Keeps what the plugin has not taken yet on disk, not in memory, so that it survives a crash.",
	},
	{
		"[SERVICE]", "storage.path /var/lib/fluent-bit/storage",
		"Where these chunks are. It must not be the plugin's `store_dir`.",
	},
	{
		"[SERVICE]", "storage.sync full",
		"Writes these chunks through to the disk, so that they survive a power failure too.",
	},
	{
		"[SERVICE]", "scheduler.cap 30",
		"The longest wait between retries, in seconds. The default of 2000 makes a short outage a long one.",
	},
	{
		"[SERVICE]", "daemon off",
		"The plugin is written in Go and does not survive the fork into the background. Let systemd or the container do that.",
	},
}
