package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"siem-s3/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

func logType(t testing.TB, name string) event.LogType {
	t.Helper()
	lt, ok := event.Lookup([]byte(name))
	if !ok {
		t.Fatalf("no log type %q", name)
	}
	return lt
}

// newNotice makes a notice of count events of a log type, all with values but
// numbered device or admin names.
func newNotice(t testing.TB, name string, count int, values map[event.Field]string) *Notice {
	t.Helper()
	n := &Notice{
		ID: "01JD9T6E5S0N9V8Q4Z7X2C3B1A", Type: logType(t, name), Count: count,
		First: noon, Last: noon.Add(time.Duration(count-1) * 960 * time.Millisecond),
		Objects: []string{"s3://logs/siem/category=" + logType(t, name).Category().String() + "/dt=2026-11-22/"},
		Source:  "gw-1",
	}
	for i := range min(count, MaxEvents) {
		var e event.Event
		e.Type = n.Type
		for _, f := range n.Type.Category().Fields() {
			text := strings.ReplaceAll(values[f], "%d", fmt.Sprint(42+i))
			switch f {
			case event.Timestamp:
				text = noon.Add(time.Duration(i)*960*time.Millisecond - 1877*time.Millisecond).Format("2006-01-02T15:04:05.000Z")
			case event.LogTypeName:
				text = name
			}
			e.Set(f, []byte(text))
		}
		n.Events = append(n.Events, Take(&e))
	}
	return n
}

var deviceValues = map[event.Field]string{
	event.Details:        "Threat EICAR-Test-File found in C:\\Users\\bob\\Downloads\\invoice-%d.zip by 3 of 17 engines",
	event.DeviceID:       "5f2b1c0e-9a77-4f0e-8d53-0c1a6e00%d",
	event.DeviceName:     "LTES00%d",
	event.DeviceUsername: "bob",
	event.DeviceGroup:    "Sales",
}

var accountValues = map[event.Field]string{
	event.Name:       "Admin logged on",
	event.Details:    "Admin Alice logged on from 203.0.113.7",
	event.AdminName:  "Alice",
	event.AdminEmail: "alice@company.com",
}

var hostileValues = map[event.Field]string{
	event.Details: "line one\r\nBcc: victim@example.com\r\n\r\n.\r\nQUIT\r\n<script>alert(1)</script> & <img src=x onerror=alert(2)>\x00\x1b[31m " +
		strings.Repeat("0123456789abcdef ", 300),
	event.DeviceID:       "*bold* _it_ ~st~ `code` [link](https://evil.example) <!channel> <@U1> :boom: ${x} {{DATE(2026-01-01,SHORT)}}",
	event.DeviceName:     "PC\r\nX-Evil: 1 </td></table><b>\"'>\u202egpj.exe\u2069 שלום",
	event.DeviceUsername: "مرحبا بالعالم",
	event.DeviceGroup:    strings.Repeat("W", 200),
}

// notices are what every body is made of in the tests.
func notices(t testing.TB) map[string]*Notice {
	grouped := newNotice(t, "noncompliant", 312, map[event.Field]string{
		event.Details: "Disk encryption is off", event.DeviceID: "dev-%d", event.DeviceName: "LTES00%d", event.DeviceGroup: "Sales",
	})
	grouped.GroupBy, grouped.GroupKey = "device_group", "Sales"
	hostile := newNotice(t, "critical_found", 1, hostileValues)
	hostile.Objects = []string{"s3://logs/siem/<b>\r\n"}
	return map[string]*Notice{
		"one device":  newNotice(t, "process_scan_infection_found", 1, deviceValues),
		"one account": newNotice(t, "logon", 1, accountValues),
		"few":         newNotice(t, "process_scan_infection_found", 3, deviceValues),
		"many":        grouped,
		"hostile":     hostile,
		"bare":        newNotice(t, "license_left", 1, nil),
		"test":        NewTest("01JD9T6E5S0N9V8Q4Z7X2C3B1B", "gw-1", logType(t, "critical_found"), noon),
	}
}

func TestTakeCopies(t *testing.T) {
	name := []byte("LTES0042")
	e := event.Event{Type: logType(t, "added")}
	e.Set(event.DeviceName, name)
	taken := Take(&e)
	copy(name, "XXXXXXXX")
	n := &Notice{Type: e.Type}
	if got := n.get(taken, event.DeviceName); got != "LTES0042" {
		t.Errorf("device name is %q after its buffer was reused", got)
	}
	if len(taken) != len(event.Device.Fields()) {
		t.Errorf("%d values of %d fields", len(taken), len(event.Device.Fields()))
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 5, ""},
		{"12345", 5, "12345"},
		{"123456", 5, "12…"},
		{"ääää", 7, "ää…"},
		{"ääää", 6, "ä…"},
		{"日本", 3, "…"},
	} {
		got := clip(c.text, c.limit)
		if got != c.want || len(got) > c.limit || !utf8.ValidString(got) {
			t.Errorf("clip(%q, %d) is %q, not %q", c.text, c.limit, got, c.want)
		}
	}
}

func TestTitle(t *testing.T) {
	named := func(name, email string) *Notice {
		return newNotice(t, "logon", 1, map[event.Field]string{event.AdminName: name, event.AdminEmail: email})
	}
	onlyID := newNotice(t, "added", 1, map[event.Field]string{event.DeviceID: "dev-1"})
	for _, c := range []struct {
		name, want string
		n          *Notice
	}{
		{"device", "[SIEM] Device reported threats: LTES0042", notices(t)["one device"]},
		{"device without a name", "[SIEM] Device enrolled to an account: dev-1", onlyID},
		{"account", "[SIEM] Admin logged on: Alice (alice@company.com)", notices(t)["one account"]},
		{"account without e-mail", "[SIEM] Admin logged on: Alice", named("Alice", "")},
		{"account without name", "[SIEM] Admin logged on: a@b.c", named("", "a@b.c")},
		{"nobody", "[SIEM] Account is running out of licenses", notices(t)["bare"]},
		{"several", "[SIEM] 3 × Device reported threats", notices(t)["few"]},
		{"several of a group", "[SIEM] 312 × Device considered non-compliant: Sales", notices(t)["many"]},
		{"hostile", `[SIEM] Device reported critical issues: PC X-Evil: 1 </td></table><b>"'>gpj.exe שלום`, notices(t)["hostile"]},
		{"test", "[SIEM] [TEST] Device reported critical issues: TEST-DEVICE", notices(t)["test"]},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.n.subject(); got != c.want {
				t.Errorf("subject is\n%s, not\n%s", got, c.want)
			}
		})
	}
}

func TestWindow(t *testing.T) {
	for _, c := range []struct {
		length time.Duration
		want   string
	}{
		{0, "2026-11-22 08:00:00 UTC"},
		{299 * time.Second, "2026-11-22 08:00:00 to 08:04:59 UTC"},
		{24 * time.Hour, "2026-11-22 08:00:00 to 2026-11-23 08:00:00 UTC"},
	} {
		if got := window(noon, noon.Add(c.length)); got != c.want {
			t.Errorf("window of %s is %q, not %q", c.length, got, c.want)
		}
	}
}

func TestMalformedNoticeIsFoundOut(t *testing.T) {
	for name, spoil := range map[string]func(*Notice){
		"no log type":                  func(n *Notice) { n.Type = 0 },
		"unknown log type":             func(n *Notice) { n.Type = 255 },
		"no id":                        func(n *Notice) { n.ID = "" },
		"id with a line break":         func(n *Notice) { n.ID = "a\r\nBcc: x" },
		"id with a bracket":            func(n *Notice) { n.ID = "a>" },
		"id with a letter beyond 7bit": func(n *Notice) { n.ID = "ä" },
		"long id":                      func(n *Notice) { n.ID = strings.Repeat("a", 129) },
		"no events":                    func(n *Notice) { n.Count = 0; n.Events = nil },
		"more events than counted":     func(n *Notice) { n.Events = append(n.Events, n.Events[0]) },
		"event of the other category":  func(n *Notice) { n.Type = logType(t, "logon") },
	} {
		t.Run(name, func(t *testing.T) {
			n := notices(t)["one device"]
			if err := n.check(); err != nil {
				t.Fatalf("unspoilt: %v", err)
			}
			spoil(n)
			if n.check() == nil {
				t.Error("passes the check")
			}
		})
	}
}
