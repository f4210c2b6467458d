package schema

import (
	"strings"
	"testing"

	"siem-s3/event"
)

func TestReferenceIsUpToDate(t *testing.T) {
	var b strings.Builder
	if err := WriteReference(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "../../../docs/schema.md", b.String())
	for _, lt := range event.Types() {
		if severityNames[lt.Severity()] == "" {
			t.Errorf("severity %d has no name", lt.Severity())
		}
	}
}
