package events

import (
	"slices"
	"strconv"
)

// A kind is what events of one log type are like.
type kind struct {
	logType string
	name    string // of an account event, "" for one of a device
	often   int    // of 100 events
	details []string
}

// kinds are all log types of the schema, in its order. They are spelt out here
// once more, so that tests have another source than the code that they test.
var kinds = []kind{
	{"compliant", "", 16, []string{"All 14 policies of the group are satisfied", "Compliant again after the update KB-90044"}},
	{"noncompliant", "", 14, []string{
		"Disk encryption is off on drive C:", "Antivirus definitions are 31 days old",
		"Operating system is 2 updates behind: KB-90021, KB-90044", "Firewall is off for public networks",
	}},
	{"allow_device_access", "", 14, []string{"Access to Salesforce was checked by the group's policy", "Access to Jira from 198.51.100.23"}},
	{"block_device_access", "", 7, []string{"Access to Salesforce: the device is not compliant", "Access to Workday from 203.0.113.9: unknown device"}},
	{"deleted", "", 2, []string{"Deleted by Alice Moreno (alice.moreno@example.com)"}},
	{"added", "", 4, []string{"Enrolled with the agent 7.6.312", "Enrolled by invitation of Priya Nair (priya.nair@example.com)"}},
	{"critical_found", "", 5, []string{"CVE-2026-1187 in OpenSSL 3.0.2, CVSS 9.8", "2 critical vulnerabilities in the browser"}},
	{"process_scan_infection_found", "", 3, []string{
		`Process "invoice_viewer.exe" was flagged by 4 of 30 engines: Trojan.Generic.EX-001`,
		`Process "updater.tmp" in C:\Users\Public was flagged by 11 of 30 engines`,
	}},
	{"critical_cleared", "", 4, []string{"OpenSSL was updated to 3.0.19", "No critical vulnerability is left"}},
	{"report_no_threat", "", 4, []string{"Scan of 41,220 files without a finding", "The quarantined file was removed"}},
	{"exempt_all", "", 2, []string{"Device was exempted by Alice Moreno (alice.moreno@example.com) for 24 hour(s)"}},
	{"unexempt", "", 2, []string{"The exemption has ended"}},
	{"access_granted", "", 4, []string{"Access to Salesforce for 8 hours, granted by Tomás Silva"}},
	{"access_revoked", "", 3, []string{"Access to Salesforce was revoked by Tomás Silva"}},
	{"unknown_device_detected", "", 3, []string{"Logon to Microsoft 365 from a device without the agent"}},
	{"unseen", "", 2, []string{"Not seen for 30 days"}},
	{"deleted_user", "", 1, []string{"The agent was uninstalled by a user of the device"}},
	{"config", "Admin changed configuration", 2, []string{
		`Policy "Disk encryption" changed: grace period 7 days -> 3 days`, "Notifications of critical issues were turned on",
	}},
	{"logon", "Admin logged on", 4, []string{"Signed in from 192.0.2.14 with two-factor authentication", "Signed in from 2001:db8::17"}},
	{"logout", "Admin logged off", 3, []string{"Signed out after 12 minutes without activity", "Signed out"}},
	{"license_left", "Account is running out of licenses", 1, []string{"Account has 5 % license(s) left", "Account has 10 % license(s) left"}},
}

var (
	groups = []string{"Default", "Sales EMEA", "Engineering", "Finance", "日本支社"}
	sites  = []string{"BERLIN", "TOKYO", "LAGOS", "RECIFE"}
	// people have a first name, a last name and, of both, an address.
	people = []person{
		{"Alice Moreno", "alice.moreno@example.com"},
		{"Tomás Silva", "tomas.silva@example.com"},
		{"Priya Nair", "priya.nair@example.com"},
		{"Ruth O'Connell", "ruth.oconnell@example.com"},
		{"佐藤 健", "ken.sato@example.com"},
	}
	families = []string{"abe", "adeyemi", "berg", "costa", "diallo", "fischer", "ito", "kaya", "lopez", "moreau", "novak", "okafor", "patel", "rossi", "silva", "tan"}
)

type person struct{ name, email string }

// devices is how many there are. Each has a name, a user and a group for good.
const devices = 5000

// LogTypes returns the log types that there are events of, in the schema's order.
func LogTypes() []string {
	all := make([]string, len(kinds))
	for i, k := range kinds {
		all[i] = k.logType
	}
	return all
}

// quoted holds the details of each kind as JSON has them, without the last quote.
var quoted = func() [][]string {
	all := make([][]string, len(kinds))
	for i, k := range kinds {
		for _, text := range k.details {
			q := strconv.Quote(text)
			all[i] = append(all[i], q[:len(q)-1])
		}
	}
	return all
}()

// urn has the index of each kind of the given log types, nil for all, as often as
// they are met.
func urn(logTypes []string) []uint8 {
	var all []uint8
	for i, k := range kinds {
		if logTypes == nil || slices.Contains(logTypes, k.logType) {
			all = append(all, slices.Repeat([]uint8{uint8(i)}, k.often)...)
		}
	}
	return all
}

var fullUrn = urn(nil)
