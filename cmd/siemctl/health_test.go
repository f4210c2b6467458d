package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			_, _ = io.WriteString(w, "ok")
		case "/ill":
			http.Error(w, "disk is full", http.StatusInternalServerError)
		case "/hangs":
			<-r.Context().Done()
		}
	}))
	defer server.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"healthy":      {[]string{server.URL + "/ok"}, 0, "ok"},
		"ill":          {[]string{server.URL + "/ill"}, 1, "disk is full"},
		"hangs":        {[]string{server.URL + "/hangs", "--timeout", "10ms"}, 1, "deadline exceeded"},
		"not there":    {[]string{gone.URL}, 1, "refused"},
		"no such flag": {[]string{"--verbose"}, 2, "--verbose"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run(t.Context(), append([]string{"health"}, test.args...), streams{&out, &errs})
			if code != test.code || !strings.Contains(out.String()+errs.String(), test.says) {
				t.Errorf("exit code %d, %s%s", code, &out, &errs)
			}
		})
	}
}
