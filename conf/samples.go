package conf

import "embed"

// Samples holds what an administrator starts from: fluent-bit.conf and
// fluent-bit.yaml, the same configuration in both formats of Fluent Bit,
// alerts.conf, which also alerts by e-mail and webhook, parsers.conf and
// plugins.conf, which the classic ones read, and sample-events.ndjson, records
// of every kind to try them with.
//
//go:embed *.conf fluent-bit.yaml sample-events.ndjson
var Samples embed.FS
