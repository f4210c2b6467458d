package conf

import (
	"os"
	"strings"
)

// Parse reads the settings that get returns by key, in Fluent Bit's manner: ""
// means that the key is not given.
//
// If some of them cannot stand the error is a Problems that names them all. The
// Config is never nil: with an error it is fit only for finding further
// problems, and has the default where a value was refused.
func Parse(get func(key string) string) (*Config, error) {
	r := reader{config: new(Config), given: make(map[string]string)}
	for _, key := range Keys() {
		if text := strings.TrimSpace(get(key.Name)); text != "" {
			r.given[key.Name] = text
		}
	}
	r.readSecretFiles()
	for _, key := range Keys() {
		if key.FileFor == "" {
			r.read(key)
		}
	}
	r.complete()
	for _, check := range checks {
		check(&r)
	}
	return r.config, r.problems.Err()
}

// reader is the state of one Parse.
type reader struct {
	config *Config
	// given holds what was given by key, and the contents of secret files under
	// the secret's key.
	given    map[string]string
	problems Problems
}

// read puts the value of a key, or its default, into the Config.
func (r *reader) read(key Key) {
	text, given := r.given[key.Name]
	if given {
		want := key.rule.set(r.config, text)
		if want == "" {
			return
		}
		r.refuse(key.Name, want)
	} else if key.Required && r.config.S3.On {
		r.refuse(key.Name, key.rule.want)
	}
	if key.Default != "" {
		key.rule.set(r.config, key.Default)
	}
}

// complete fills in the defaults that are not fixed texts.
func (r *reader) complete() {
	c := r.config
	if r.missing("force_path_style") {
		c.S3.ForcePathStyle = c.S3.Endpoint != "" && !isARN(c.S3.Bucket)
	}
	if c.Format.Syslog.Hostname == "" {
		c.Format.Syslog.Hostname = hostname()
	}
}

// hostname returns the host's name, "-" (RFC 5424's NILVALUE) if it has none
// that a message can carry.
func hostname() string {
	if name, err := os.Hostname(); err == nil && isWord(name, 255) {
		return name
	}
	return "-"
}

// missing reports whether none of the keys was given.
func (r *reader) missing(keys ...string) bool {
	for _, key := range keys {
		if r.given[key] != "" {
			return false
		}
	}
	return true
}

// stand reports whether all of the keys were given and are without a problem.
func (r *reader) stand(keys ...string) bool {
	for _, key := range keys {
		if r.given[key] == "" || r.problems.Has(key) {
			return false
		}
	}
	return true
}

// name returns the key under which a secret was given: its own, or that of its file.
func (r *reader) name(secret string) string {
	if file := secret + "_file"; !r.missing(file) {
		return file
	}
	return secret
}

// refuse notes the problem of a key, with the value that was given.
func (r *reader) refuse(key, want string) {
	r.problems.Add(Problem{Key: key, Value: r.given[key], Want: want})
}
