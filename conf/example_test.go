package conf_test

import (
	"fmt"

	"siem-s3/conf"
)

func ExampleParse() {
	settings := map[string]string{
		"bucket":                "s3://acme-logs",
		"notify":                "off",
		"upload_timeout":        "5 minutes",
		"format":                "jason",
		"aws_access_key_id":     "AKIAIOSFODNN7EXAMPLE",
		"aws_secret_access_key": "not a secret key",
	}
	_, err := conf.Parse(func(key string) string { return settings[key] })
	fmt.Println(err)
	// Output:
	// 4 settings need attention:
	//   - bucket "s3://acme-logs": want the bare name of the bucket: acme-logs
	//   - aws_secret_access_key [redacted]: want a secret access key: up to 256 characters without spaces
	//   - format "jason": want json or syslog; did you mean json?
	//   - upload_timeout "5 minutes": want a duration from 1s to 24h, such as 30s, 5m or 1h
}

func ExampleNearest() {
	if name, ok := conf.Nearest("s3_bucket"); ok {
		fmt.Println("did you mean", name+"?")
	}
	// Output: did you mean bucket?
}
