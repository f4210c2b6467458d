package main

import (
	"bytes"
	"strings"
	"testing"

	"siem-s3/test/receiver"
)

func TestDemoFailsWhenAlertsAreMissing(t *testing.T) {
	t.Parallel()
	mail := func(id string, n int) receiver.Message { return receiver.Message{ID: id, Count: n} }
	post := func(id string, n int) receiver.Post { return receiver.Post{ID: id, Count: n, Signed: true} }
	for _, tt := range []struct {
		name  string
		mails []receiver.Message
		posts []receiver.Post
		wrong string // "" if nothing is
	}{
		{"complete", []receiver.Message{mail("a", 2), mail("b", 1)}, []receiver.Post{post("c", 3)}, ""},
		{"twice with the same id", []receiver.Message{mail("a", 3), mail("a", 3)}, []receiver.Post{post("c", 3)}, ""},
		{"no e-mail", nil, []receiver.Post{post("c", 3)}, "3 events alert, the e-mails tell of 0"},
		{"a webhook missing", []receiver.Message{mail("a", 3)}, []receiver.Post{post("c", 2)}, "3 events alert, the webhooks tell of 2"},
		{"doubled", []receiver.Message{mail("a", 3), mail("b", 3)}, []receiver.Post{post("c", 3)}, "the e-mails tell of 6"},
		{"not signed", []receiver.Message{mail("a", 3)}, []receiver.Post{{ID: "c", Count: 3}}, "not signed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			d := &demo{out: newPrinter(&out)}
			err := d.checkAlerts(3, tt.mails, tt.posts)
			if (err != nil) != (tt.wrong != "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("got %v, want %q", err, tt.wrong)
			}
			if strings.Contains(out.String(), "All 3") != (tt.wrong == "") {
				t.Errorf("output:\n%s", &out)
			}
		})
	}
}

func TestDemoCountsTheEventsThatAlert(t *testing.T) {
	t.Parallel()
	d := &demo{events: []byte(`{"log_type": "critical_found"}
{"log_type": "logon"}
no JSON
{"log_type": "process_scan_infection_found"}
`)}
	if got := d.expected(); got != 2 {
		t.Errorf("got %d, want 2", got)
	}
}

func TestDemoShowsTheFirstEventOfABody(t *testing.T) {
	t.Parallel()
	const one = "\"events\": [\n  {\n    \"a\": \"]\"\n  }"
	if got := withoutFurtherEvents(one + "\n],\n"); got != one+"\n],\n" {
		t.Errorf("one event: got %s", got)
	}
	if got, want := withoutFurtherEvents(one+",\n  {\n    \"a\": \"2\"\n  }\n ],\n"), one+",\n   …\n ],\n"; got != want {
		t.Errorf("two events: got %q, want %q", got, want)
	}
}
