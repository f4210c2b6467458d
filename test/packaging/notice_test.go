package packaging

import (
	"debug/buildinfo"
	"strings"
	"testing"

	"siem-s3/test/plugin"
)

// NOTICE names every module that the plugin is linked of. If this fails, run "make
// notice".
func TestNoticeIsComplete(t *testing.T) {
	so, err := plugin.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(so)
	if err != nil {
		t.Fatal(err)
	}
	notice := read(t, "NOTICE")
	for _, m := range info.Deps {
		if !strings.Contains(notice, "\n"+m.Path+" (") {
			t.Errorf("%s is not there: make notice", m.Path)
		}
	}
}
