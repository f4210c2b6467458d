package event

import "bytes"

// A Category says which of the two event schemas an event has, and so which
// objects it is stored in. Records that are no event are Rejected.
type Category uint8

// The categories, in the order in which they are listed everywhere.
const (
	Device Category = iota
	Account
	Rejected
)

// String returns the category as it is written in object keys.
func (c Category) String() string {
	return [...]string{"device", "account", "rejected"}[c]
}

// Severity is the RFC 5424 section 6.2.1 severity of a log type.
type Severity uint8

// The severities in use.
const (
	Alert    Severity = 1
	Critical Severity = 2
	Warning  Severity = 4
	Notice   Severity = 5
	Info     Severity = 6
)

// A LogType is one entry of the closed list of log types. The zero LogType is
// no log type: it belongs to the category Rejected and has no name.
type LogType uint8

type logTypeInfo struct {
	name     string
	category Category
	meaning  string
	severity Severity
}

// logTypes is the whole list; a LogType is an index into it.
var logTypes = [...]logTypeInfo{
	{"", Rejected, "", Notice},
	{"compliant", Device, "Device considered compliant", Info},
	{"noncompliant", Device, "Device considered non-compliant", Warning},
	{"allow_device_access", Device, "Device access allowed", Info},
	{"block_device_access", Device, "Device access blocked", Warning},
	{"deleted", Device, "Device deleted by an admin", Notice},
	{"added", Device, "Device enrolled to an account", Notice},
	{"critical_found", Device, "Device reported critical issues", Critical},
	{"process_scan_infection_found", Device, "Device reported threats", Alert},
	{"critical_cleared", Device, "Device reported no more critical issues", Notice},
	{"report_no_threat", Device, "Device reported no more threats", Notice},
	{"exempt_all", Device, "Device exempted by an admin", Notice},
	{"unexempt", Device, "Device unexempted by an admin", Notice},
	{"access_granted", Device, "Temporary access to a protected app granted", Notice},
	{"access_revoked", Device, "Temporary access to a protected app revoked", Notice},
	{"unknown_device_detected", Device, "Unknown device detected", Warning},
	{"unseen", Device, "Device deleted by the unseen setting", Notice},
	{"deleted_user", Device, "Device uninstalled by a user", Notice},
	{"config", Account, "Admin changed configuration", Notice},
	{"logon", Account, "Admin logged on", Info},
	{"logout", Account, "Admin logged off", Info},
	{"license_left", Account, "Account is running out of licenses", Warning},
}

// Valid reports whether t is one of the list.
func (t LogType) Valid() bool { return t > 0 && int(t) < len(logTypes) }

// String returns the name of t as it is written in events, "" for the zero LogType.
func (t LogType) String() string { return logTypes[t].name }

// Category returns the category that t belongs to.
func (t LogType) Category() Category { return logTypes[t].category }

// Meaning says in a phrase what happened, for people.
func (t LogType) Meaning() string { return logTypes[t].meaning }

// Severity returns the severity of t.
func (t LogType) Severity() Severity { return logTypes[t].severity }

// Types returns every log type, in the order of the schema.
func Types() []LogType {
	all := make([]LogType, 0, len(logTypes)-1)
	for i := 1; i < len(logTypes); i++ {
		all = append(all, LogType(i))
	}
	return all
}

var logTypeByName = func() map[string]LogType {
	byName := make(map[string]LogType, len(logTypes)-1)
	for _, t := range Types() {
		byName[t.String()] = t
	}
	return byName
}()

// Lookup returns the log type of that name, white space around it and the case
// of its letters aside, and whether there is one. It does not allocate for a
// name that is written as in the schema.
func Lookup(name []byte) (LogType, bool) {
	if t, ok := logTypeByName[string(name)]; ok {
		return t, true
	}
	t, ok := logTypeByName[string(bytes.ToLower(bytes.TrimSpace(name)))]
	return t, ok
}
