package bucket

import (
	"bytes"
	"compress/gzip"
	"slices"
	"testing"
)

func zip(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGunzipTakesOneMemberAlone(t *testing.T) {
	one := zip(t, "hello\n")
	if got, err := gunzip(one); err != nil || string(got) != "hello\n" {
		t.Errorf("one member: %q, %v", got, err)
	}
	for name, body := range map[string][]byte{
		"two members": slices.Concat(one, one),
		"a byte more": append(slices.Clone(one), 0),
		"cut short":   one[:len(one)-1],
		"nothing":     nil,
	} {
		if got, err := gunzip(body); err == nil {
			t.Errorf("%s: read as %q", name, got)
		}
	}
}
