package notify

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"siem-s3/event"
)

func names(s Selection) (selected []string) {
	for _, t := range event.Types() {
		if s.Has(t) {
			selected = append(selected, t.String())
		}
	}
	return selected
}

func TestParseSelection(t *testing.T) {
	var all, device, account []string
	for _, lt := range event.Types() {
		all = append(all, lt.String())
		if lt.Category() == event.Device {
			device = append(device, lt.String())
		} else {
			account = append(account, lt.String())
		}
	}
	without := func(from []string, names ...string) []string {
		return slices.DeleteFunc(slices.Clone(from), func(n string) bool { return slices.Contains(names, n) })
	}
	for _, c := range []struct {
		list string
		want []string
	}{
		{"critical_found", []string{"critical_found"}},
		{"critical_found,process_scan_infection_found", []string{"critical_found", "process_scan_infection_found"}},
		{" Critical_Found ,, LOGON,", []string{"critical_found", "logon"}},
		{"all", all},
		{"device", device},
		{"account", account},
		{"device,account", all},
		{"device,!compliant", without(device, "compliant")},
		{"!compliant,device", without(device, "compliant")},
		{"all, ! compliant, !unseen", without(all, "compliant", "unseen")},
		{"all,!account", device},
		{"logon,all,!account,!device,logon", nil},
		{"device,logon,!compliant,!deleted", append(without(device, "compliant", "deleted"), "logon")},
	} {
		s, err := ParseSelection(c.list)
		if !slices.Equal(names(s), c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("%q selects %v (%v)", c.list, names(s), err)
		}
	}
}

func TestParseSelectionExplains(t *testing.T) {
	for list, want := range map[string]string{
		"":                             "no log type is selected",
		" , ":                          "no log type is selected",
		"!compliant":                   "only exclusions",
		"compliant,!device":            "every selected log type is excluded again",
		"critical_fuond":               `unknown log type or group "critical_fuond": did you mean "critical_found"?`,
		"all,!complaint":               `"complaint": did you mean "compliant"?`,
		"devices":                      `did you mean "device"?`,
		"non-compliant":                `did you mean "noncompliant"?`,
		"infection_found":              `did you mean "process_scan_infection_found"?`,
		"login":                        `did you mean "logon"?`,
		"rejected":                     `unknown log type or group "rejected"`,
		"all,!":                        `unknown log type or group ""`,
		strings.Repeat("logon", 1<<16): "unknown log type or group",
	} {
		s, err := ParseSelection(list)
		if err == nil || s != 0 || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error is %.200v", list, err)
		}
	}
	if _, err := ParseSelection("logn,logoutt"); !strings.Contains(err.Error(), `"logon"`) || !strings.Contains(err.Error(), `"logout"`) {
		t.Errorf("not every unknown name is reported: %v", err)
	}
}

func TestSelectionFitsEveryLogType(t *testing.T) {
	s, err := ParseSelection("all")
	if err != nil {
		t.Fatal(err)
	}
	if s.Has(0) {
		t.Error("records that are no events are selected")
	}
	if types := event.Types(); int(types[len(types)-1]) >= 64 {
		t.Error("a log type has no bit")
	}
}

// A list of names, whatever their order, selects just them.
func TestParseSelectionOfAnyNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		picked := rapid.SliceOfNDistinct(rapid.SampledFrom(event.Types()), 1, -1, rapid.ID[event.LogType]).Draw(t, "picked")
		var list []string
		for _, lt := range picked {
			list = append(list, lt.String())
		}
		s, err := ParseSelection(strings.Join(list, ","))
		if err != nil {
			t.Fatal(err)
		}
		for _, lt := range event.Types() {
			if s.Has(lt) != slices.Contains(picked, lt) {
				t.Fatalf("%s is wrong in %v", lt, list)
			}
		}
	})
}

func FuzzParseSelection(f *testing.F) {
	f.Add("device,!compliant")
	f.Add("!,all,,LOGON")
	f.Fuzz(func(t *testing.T, list string) {
		s, err := ParseSelection(list)
		if (err == nil) != (s != 0) {
			t.Errorf("%q selects %v with error %v", list, names(s), err)
		}
	})
}

func TestHasDoesNotAllocate(t *testing.T) {
	s, err := ParseSelection("device")
	if err != nil {
		t.Fatal(err)
	}
	types := event.Types()
	selected := 0
	if n := testing.AllocsPerRun(100, func() {
		for _, lt := range types {
			if s.Has(lt) {
				selected++
			}
		}
	}); n != 0 || selected == 0 {
		t.Errorf("%v allocations, %d selected", n, selected)
	}
}

func BenchmarkSelectionHas(b *testing.B) {
	s, err := ParseSelection("device,!compliant")
	if err != nil {
		b.Fatal(err)
	}
	types := event.Types()
	selected := 0
	for i := range b.N {
		if s.Has(types[i%len(types)]) {
			selected++
		}
	}
}
