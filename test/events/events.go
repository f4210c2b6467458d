// Package events makes device and account events as a service would report them:
// numbered, in any quantity, and the same in every run. So a test can tell which of
// a million events are missing or stored twice.
package events

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// Mean is about how many bytes a record has, its LF included.
const Mean = 276

// A Set is an endless sequence of events, numbered from 0. Sets of different
// numbers have different events.
type Set uint64

// first is the time of the first event of every Set.
var first = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

var (
	deviceTypes = []string{
		"compliant", "noncompliant", "allow_device_access", "block_device_access", "critical_found",
		"critical_cleared", "process_scan_infection_found", "report_no_threat", "added", "unseen",
	}
	accountTypes = map[string]string{
		"logon": "Admin logged on", "logout": "Admin logged off", "config": "Admin changed configuration",
	}
	accountNames = []string{"logon", "logout", "config"}
	findings     = []string{
		"All 14 policies are satisfied",
		"Disk encryption is off on drive C:",
		"Antivirus definitions are 31 days old",
		`Process "invoice_viewer.exe" was flagged by 4 of 30 engines`,
		"Operating system is 2 updates behind: KB-90021, KB-90044",
		"Access to Salesforce was checked by the group's policy",
	}
	actions = []string{
		"Signed in from 192.0.2.14 with two-factor authentication",
		"Signed out after 12 minutes without activity",
		`Policy "Disk encryption" changed: grace period 7 days -> 3 days`,
	}
	groups = []string{"Default", "Sales EMEA", "Engineering", "Finance", "日本支社"}
	sites  = []string{"BERLIN", "TOKYO", "LAGOS", "RECIFE"}
)

// An event is its texts. All stand in JSON as they are, or are quoted here.
type event struct {
	time, logType, name, details string
	id, device, user, group      string
}

// at returns the event with that number.
func (s Set) at(n int) event {
	r := rand.New(rand.NewPCG(uint64(s), uint64(n)))
	e := event{
		time: first.Add(time.Duration(n) * 37 * time.Millisecond).Format("2006-01-02T15:04:05.000Z"),
		user: fmt.Sprintf("user%04d@corp.example", r.IntN(3000)),
	}
	if r.IntN(10) == 0 {
		e.logType = accountNames[r.IntN(len(accountNames))]
		e.name = accountTypes[e.logType]
		e.details = actions[r.IntN(len(actions))]
	} else {
		e.logType = deviceTypes[r.IntN(len(deviceTypes))]
		e.details = findings[r.IntN(len(findings))]
		device := r.IntN(5000)
		e.id = fmt.Sprintf("7f3a-%08x-%04d", uint32(device)*2654435761, device)
		e.device = fmt.Sprintf("LT-%s-%04d", sites[device%len(sites)], device)
		e.group = groups[device%len(groups)]
	}
	e.details = strconv.Quote(fmt.Sprintf("%s; %s%09d", e.details, mark, n))
	return e
}

// AppendRecord appends the event with that number as it is reported: a JSON object
// on a line, its keys in another order than the schema's, and some that the schema
// does not know.
func (s Set) AppendRecord(dst []byte, n int) []byte {
	e := s.at(n)
	if e.name != "" {
		return fmt.Appendf(dst, `{"log_type":"%s","admin_email":"%s","admin_name":"%s","details":%s,"timestamp":"%s"}`+"\n",
			e.logType, e.user, e.user, e.details, e.time)
	}
	return fmt.Appendf(dst, `{"device_id":"%s","device_name":"%s","log_type":"%s","os":7,"details":%s,"device_group":"%s","device_username":"%s","timestamp":"%s"}`+"\n",
		e.id, e.device, e.logType, e.details, e.group, e.user, e.time)
}

// AppendStored appends the event with that number as an object in JSON must hold
// it, with its LF.
func (s Set) AppendStored(dst []byte, n int) []byte {
	e := s.at(n)
	if e.name != "" {
		return fmt.Appendf(dst, `{"timestamp":"%s","event":"%s","details":%s,"admin_name":"%s","admin_email":"%s","log_type":"%s"}`+"\n",
			e.time, e.name, e.details, e.user, e.user, e.logType)
	}
	return fmt.Appendf(dst, `{"timestamp":"%s","log_type":"%s","details":%s,"device_id":"%s","device_name":"%s","device_username":"%s","device_group":"%s"}`+"\n",
		e.time, e.logType, e.details, e.id, e.device, e.user, e.group)
}

// Records returns the records from number from up to, not including, to.
func (s Set) Records(from, to int) []byte {
	var b []byte
	for n := from; n < to; n++ {
		b = s.AppendRecord(b, n)
	}
	return b
}

const mark = "ref="

// Number returns the number of the event in a stored line of any format, or -1.
func Number(line []byte) int {
	_, after, ok := bytes.Cut(line, []byte(mark))
	if !ok || len(after) < 9 {
		return -1
	}
	n, err := strconv.Atoi(string(after[:9]))
	if err != nil {
		return -1
	}
	return n
}
