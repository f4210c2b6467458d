package conf

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxSecretFile is the most bytes that a file with a secret may have.
const maxSecretFile = 64 << 10

// readSecretFiles reads the files that hold secrets, and gives each secret its
// file's content.
func (r *reader) readSecretFiles() {
	for _, key := range Keys() {
		if key.FileFor == "" || r.missing(key.Name) {
			continue
		}
		if !r.missing(key.FileFor) {
			r.refuse(key.Name, "either "+key.Name+" or "+key.FileFor+", not both")
			continue
		}
		of, _ := Lookup(key.FileFor)
		secret, want := readSecretFile(r.given[key.Name])
		if want == "" && of.rule.set(new(Config), secret) != "" {
			want = "a file that holds nothing but " + of.Want()
		}
		if want != "" {
			r.refuse(key.Name, want)
			continue
		}
		r.given[key.FileFor] = secret
	}
}

// readSecretFile returns what the file holds without white space around it, or
// what is wanted instead of such a file.
func readSecretFile(path string) (secret, want string) {
	if !strings.HasPrefix(path, "/") {
		return "", "the absolute path of a file"
	}
	// A pipe would block the start for ever: look before opening.
	info, err := os.Stat(path)
	if err != nil {
		return "", "a file that can be read: " + cause(err)
	}
	if !info.Mode().IsRegular() {
		return "", "a regular file"
	}
	file, err := os.Open(path)
	if err != nil {
		return "", "a file that can be read: " + cause(err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	switch {
	case err != nil:
		return "", "a file that can be read: " + cause(err)
	case len(content) > maxSecretFile:
		return "", "a file of at most 64 KB"
	}
	if secret = strings.TrimSpace(string(content)); secret == "" {
		return "", "a file that is not empty"
	}
	return secret, ""
}

// cause returns the reason of a file system's error without the path.
func cause(err error) string {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return err.Error()
}
