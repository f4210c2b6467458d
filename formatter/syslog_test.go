package formatter_test

import (
	"bytes"
	"strings"
	"testing"

	"siem-s3/event"
	"siem-s3/formatter"
)

func TestSyslogOfEveryLogType(t *testing.T) {
	syslog := mustSyslog(t)
	var got []byte
	for _, e := range sampleEvents() {
		got = syslog.Append(got, e)
	}
	compareGolden(t, "events.log", got)
}

func TestSyslogHasNoMessageWithoutDetails(t *testing.T) {
	lt, _ := event.Lookup([]byte("logon"))
	got := string(mustSyslog(t).Append(nil, newEvent(lt, sampleTime, nil)))
	want := `<110>1 2026-11-22T08:00:00.123Z gw-1 siem_s3 - logon [account@32473 event="" admin_name="" admin_email=""]` + "\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A value cannot end its parameter, its element or its line, wherever it stands.
func TestSyslogValuesStayInTheirPlace(t *testing.T) {
	for _, row := range []struct{ name, value, param, message string }{
		{"plain", "LTES0042", `LTES0042`, `LTES0042`},
		{"end of the parameter", `x" admin="1`, `x\" admin=\"1`, `x" admin="1`},
		{"end of the element", `x"][exampleSDID@32473 a="b"]`, `x\"\][exampleSDID@32473 a=\"b\"\]`, `x"][exampleSDID@32473 a="b"]`},
		{"backslash last", `C:\`, `C:\\`, `C:\`},
		{"backslash before a quote", `\"`, `\\\"`, `\"`},
		{"new message", "x\n<8>1 - - - - - - forged", "x#012<8>1 - - - - - - forged", "x#012<8>1 - - - - - - forged"},
		{"CR LF", "x\r\ny", "x#015#012y", "x#015#012y"},
		{"NUL", "x\x00y", "x#000y", "x#000y"},
		{"tab", "x\ty", "x#011y", "x#011y"},
		{"DEL", "x\x7fy", "x#177y", "x#177y"},
		{"first and last of C1", "\u0080\u009f", "#200#237", "#200#237"},
		{"NEL ends a line for some", "x\u0085y", "x#205y", "x#205y"},
		{"CSI clears a terminal", "\u009b2J\x1b[2J", "#2332J#033[2J", "#2332J#033[2J"},
		{"neighbours of C1", "\u00a0\u00bf\u00c0é", "\u00a0\u00bf\u00c0é", "\u00a0\u00bf\u00c0é"},
		{"what looks like an escape", "#012", "#012", "#012"},
		{"spaces around", "  x  ", "  x  ", "  x  "},
		{"nil value", "-", "-", "-"},
		{"wide characters", "山田 🔒 ]", `山田 🔒 \]`, "山田 🔒 ]"},
		{"half a character, which no event has", "x\xc2", "x\xc2", "x\xc2"},
		{"half a character before a control", "\xc2\n\xc2\xc2\u0085", "\xc2#012\xc2\xc2#205", "\xc2#012\xc2\xc2#205"},
	} {
		t.Run(row.name, func(t *testing.T) {
			lt, _ := event.Lookup([]byte("config"))
			e := newEvent(lt, sampleTime, map[event.Field]string{
				event.Name: row.value, event.AdminName: row.value, event.AdminEmail: row.value, event.Details: row.value,
			})
			got := string(mustSyslog(t).Append(nil, e))
			want := `<109>1 2026-11-22T08:00:00.123Z gw-1 siem_s3 - config [account@32473 event="` + row.param +
				`" admin_name="` + row.param + `" admin_email="` + row.param + `"] ` + row.message + "\n"
			if got != want {
				t.Errorf("\n got %q\nwant %q", got, want)
			}
		})
	}
}

// Every special byte is found at every offset, in the words of eight bytes and
// in what is left behind them.
func TestSyslogEscapesAtEveryOffset(t *testing.T) {
	syslog := mustSyslog(t)
	lt, _ := event.Lookup([]byte("added"))
	for offset := range 20 {
		for c := range 0x100 {
			text := strings.Repeat("é", offset/2) + strings.Repeat("x", offset%2) + string(rune(c))
			for _, value := range []string{text, text + "tail of more than a word"} {
				e := newEvent(lt, sampleTime, map[event.Field]string{event.DeviceName: value})
				want := ` device_name="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`).Replace(withoutControls(value)) + `" device_username=`
				if got := syslog.Append(nil, e); !bytes.Contains(got, []byte(want)) {
					t.Fatalf("U+%04X at %d: got %q, want %q in it", c, offset, got, want)
				}
			}
		}
	}
}

func TestNewSyslogChecksItsOptions(t *testing.T) {
	valid := formatter.SyslogOptions{Hostname: "gw-1", AppName: "siem_s3", Facility: 13, EnterpriseID: "32473"}
	for _, row := range []struct {
		name string
		set  func(*formatter.SyslogOptions)
		want []string // in the error; none if there is to be no error
	}{
		{"valid", func(*formatter.SyslogOptions) {}, nil},
		{"nil values", func(o *formatter.SyslogOptions) { o.Hostname, o.AppName = "-", "-" }, nil},
		{"longest", func(o *formatter.SyslogOptions) {
			o.Hostname, o.AppName = strings.Repeat("h", 255), strings.Repeat("a", 48)
			o.Facility, o.EnterpriseID = 23, "32473."+strings.Repeat("1", 18)
		}, nil},
		{"kernel facility", func(o *formatter.SyslogOptions) { o.Facility = 0 }, nil},
		{"no hostname", func(o *formatter.SyslogOptions) { o.Hostname = "" }, []string{`hostname ""`, "1 to 255"}},
		{"hostname too long", func(o *formatter.SyslogOptions) { o.Hostname = strings.Repeat("h", 256) }, []string{"1 to 255"}},
		{"space in hostname", func(o *formatter.SyslogOptions) { o.Hostname = "gw 1" }, []string{`hostname "gw 1"`}},
		{"line end in hostname", func(o *formatter.SyslogOptions) { o.Hostname = "gw\n1" }, []string{`hostname "gw\n1"`}},
		{"hostname beyond ASCII", func(o *formatter.SyslogOptions) { o.Hostname = "münchen" }, []string{`hostname "münchen"`}},
		{"no app name", func(o *formatter.SyslogOptions) { o.AppName = "" }, []string{`app name ""`, "1 to 48"}},
		{"app name too long", func(o *formatter.SyslogOptions) { o.AppName = strings.Repeat("a", 49) }, []string{"1 to 48"}},
		{"DEL in app name", func(o *formatter.SyslogOptions) { o.AppName = "a\x7f" }, []string{`app name "a\x7f"`}},
		{"facility below", func(o *formatter.SyslogOptions) { o.Facility = -1 }, []string{"facility -1", "0 to 23"}},
		{"facility above", func(o *formatter.SyslogOptions) { o.Facility = 24 }, []string{"facility 24", "0 to 23"}},
		{"no enterprise id", func(o *formatter.SyslogOptions) { o.EnterpriseID = "" }, []string{`enterprise id ""`}},
		{"enterprise name", func(o *formatter.SyslogOptions) { o.EnterpriseID = "acme" }, []string{`enterprise id "acme"`, "32473"}},
		{"dot last", func(o *formatter.SyslogOptions) { o.EnterpriseID = "32473." }, []string{`"32473."`}},
		{"two dots", func(o *formatter.SyslogOptions) { o.EnterpriseID = "1..2" }, []string{`"1..2"`}},
		{"LF last", func(o *formatter.SyslogOptions) { o.EnterpriseID = "32473\n" }, []string{`"32473\n"`}},
		{"enterprise id too long", func(o *formatter.SyslogOptions) { o.EnterpriseID = strings.Repeat("1", 25) }, []string{"at most 24"}},
		{
			"everything wrong", func(o *formatter.SyslogOptions) { *o = formatter.SyslogOptions{Facility: 99} },
			[]string{"hostname", "app name", "facility 99", "enterprise id"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := valid
			row.set(&o)
			_, err := formatter.NewSyslog(o)
			if (err != nil) != (len(row.want) > 0) {
				t.Fatalf("got error %v", err)
			}
			for _, part := range row.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("got error %q, want %q in it", err, part)
				}
			}
		})
	}
}

func TestSyslogWritesItsOptions(t *testing.T) {
	syslog, err := formatter.NewSyslog(formatter.SyslogOptions{
		Hostname: "-", AppName: "mdm", Facility: 4, EnterpriseID: "32473.1.2",
	})
	if err != nil {
		t.Fatal(err)
	}
	lt, _ := event.Lookup([]byte("critical_found"))
	got := string(syslog.Append(nil, newEvent(lt, sampleTime, nil)))
	want := `<34>1 2026-11-22T08:00:00.123Z - mdm - critical_found [device@32473.1.2 device_id="" device_name="" device_username="" device_group=""]` + "\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
