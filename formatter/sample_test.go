package formatter_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"siem-s3/event"
	"siem-s3/formatter"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// compareGolden compares got with a file of testdata.
func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := bytes.SplitAfter(got, []byte("\n")), bytes.SplitAfter(want, []byte("\n"))
	for i := range min(len(gotLines), len(wantLines)) {
		if !bytes.Equal(gotLines[i], wantLines[i]) {
			t.Errorf("line %d:\n got %s\nwant %s", i+1, gotLines[i], wantLines[i])
		}
	}
	if len(gotLines) != len(wantLines) {
		t.Errorf("got %d lines, want %d", len(gotLines)-1, len(wantLines)-1)
	}
}

// newEvent makes an event of its fields' texts.
func newEvent(lt event.LogType, at time.Time, texts map[event.Field]string) *event.Event {
	e := &event.Event{Type: lt, Time: at}
	e.Set(event.Timestamp, []byte(at.Format("2006-01-02T15:04:05.000Z")))
	e.Set(event.LogTypeName, []byte(lt.String()))
	for f, text := range texts {
		e.Set(f, []byte(text))
	}
	return e
}

var sampleTime = time.Date(2026, 11, 22, 8, 0, 0, 123e6, time.UTC)

// sampleEvents returns one event of every log type, a second apart.
func sampleEvents() []*event.Event {
	var events []*event.Event
	for i, lt := range event.Types() {
		at := sampleTime.Add(time.Duration(i) * time.Second)
		texts := map[event.Field]string{event.Details: lt.Meaning()}
		switch lt.Category() {
		case event.Device:
			texts[event.DeviceID] = fmt.Sprintf("5f3c9a4e-%04d", i)
			texts[event.DeviceName] = fmt.Sprintf("LTES%04d", i)
			texts[event.DeviceUsername] = `CORP\alice`
			texts[event.DeviceGroup] = "Vertrieb [Süd]"
		case event.Account:
			texts[event.Name] = lt.Meaning()
			texts[event.AdminName] = `Alice "Al" 山田`
			texts[event.AdminEmail] = "alice@company.com"
		}
		events = append(events, newEvent(lt, at, texts))
	}
	return events
}

// mustSyslog returns the Syslog of the tests.
func mustSyslog(t testing.TB) *formatter.Syslog {
	t.Helper()
	s, err := formatter.NewSyslog(formatter.SyslogOptions{
		Hostname: "gw-1", AppName: "siem_s3", Facility: 13, EnterpriseID: "32473",
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// traffic makes events as a fleet of devices would, the same for every run.
type traffic struct {
	r   *rand.Rand
	at  time.Time
	ids [2000]string
}

func newTraffic() *traffic {
	tr := &traffic{r: rand.New(rand.NewPCG(1, 2)), at: sampleTime}
	for i := range tr.ids {
		tr.ids[i] = fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", tr.r.Uint32(),
			tr.r.Uint32N(1<<16), tr.r.Uint32N(1<<12), tr.r.Uint32N(1<<12), tr.r.Uint64N(1<<48))
	}
	return tr
}

func (tr *traffic) next() *event.Event {
	tr.at = tr.at.Add(time.Duration(tr.r.IntN(200)) * time.Millisecond)
	types := event.Types()
	lt := types[tr.r.IntN(len(types))]
	user := fmt.Sprintf("user%03d", tr.r.IntN(900))
	details := []string{
		"Device is compliant with policy Default",
		"Real-time protection is disabled in Windows Defender",
		fmt.Sprintf(`Threat found: EICAR-Test-File in C:\Users\%s\Downloads\eicar_%d.com`, user, tr.r.IntN(1e4)),
		fmt.Sprintf("Patch KB%d is missing", 5_000_000+tr.r.IntN(90_000)),
		"Disk encryption is off on volume C:",
	}[tr.r.IntN(5)]
	if lt.Category() == event.Account {
		return newEvent(lt, tr.at, map[event.Field]string{
			event.Name: lt.Meaning(), event.Details: details,
			event.AdminName: user, event.AdminEmail: user + "@corp.example",
		})
	}
	device := tr.r.IntN(len(tr.ids))
	return newEvent(lt, tr.at, map[event.Field]string{
		event.Details: details, event.DeviceID: tr.ids[device],
		event.DeviceName: fmt.Sprintf("LTES%04d", device), event.DeviceUsername: user + "@corp.example",
		event.DeviceGroup: []string{"Default", "Sales EMEA", "Engineering", "日本支社"}[tr.r.IntN(4)],
	})
}

// lines returns at least n bytes of events as JSON, in whole lines.
func (tr *traffic) lines(n int) []byte {
	var raw []byte
	for len(raw) < n {
		raw = formatter.JSON{}.Append(raw, tr.next())
	}
	return raw
}
