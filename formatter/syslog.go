package formatter

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"siem-s3/event"
)

// SyslogOptions are the parts of a syslog message that no event carries. None
// has a default.
type SyslogOptions struct {
	Hostname string // 1 to 255 printable ASCII characters without spaces; "-" says nothing
	AppName  string // the same, 1 to 48
	Facility int    // 0 to 23, RFC 5424 section 6.2.1; 13 is log audit
	// EnterpriseID is the private enterprise number, with or without a
	// sub-identifier, that makes the SD-IDs the sender's own (RFC 5424 section
	// 7.2.2): "32473", "32473.1". RFC 5612 keeps 32473 for documentation.
	EnterpriseID string
}

// maxEnterpriseID is what an SD-ID of 32 characters (RFC 5424 section 6.3.2) has
// left after "account@".
const maxEnterpriseID = 32 - len("account@")

var enterpriseID = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`)

// validate returns every problem, joined.
func (o *SyslogOptions) validate() error {
	var problems []error
	if !printableASCII(o.Hostname, 255) {
		problems = append(problems, fmt.Errorf("syslog hostname %q: 1 to 255 printable ASCII characters without spaces are allowed, or - for none", o.Hostname))
	}
	if !printableASCII(o.AppName, 48) {
		problems = append(problems, fmt.Errorf("syslog app name %q: 1 to 48 printable ASCII characters without spaces are allowed, or - for none", o.AppName))
	}
	if o.Facility < 0 || o.Facility > 23 {
		problems = append(problems, fmt.Errorf("syslog facility %d: 0 to 23 are allowed", o.Facility))
	}
	if len(o.EnterpriseID) > maxEnterpriseID || !enterpriseID.MatchString(o.EnterpriseID) {
		problems = append(problems, fmt.Errorf("syslog enterprise id %q: a number such as 32473 or 32473.1 is allowed, of at most %d characters", o.EnterpriseID, maxEnterpriseID))
	}
	return errors.Join(problems...)
}

// printableASCII reports whether s is 1*n PRINTUSASCII (RFC 5424 section 6).
func printableASCII(s string, n int) bool {
	if s == "" || len(s) > n {
		return false
	}
	for i := range len(s) {
		if s[i] < '!' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Syslog writes an event as an RFC 5424 message on a line of its own: MSGID is
// the log type, MSG the details, and every other field a parameter of the one
// SD-ELEMENT, present even if empty.
//
// MSG has no byte order mark. Section 6.4 wants one before UTF-8, but receivers
// and everything that reads logs from files take it for text (rsyslog's issue
// 284): it would stand between a search and the first word. A MSG without the
// mark is the section's MSG-ANY, of an encoding that it does not tell, and UTF-8
// is what its readers assume.
type Syslog struct {
	layouts []syslogLayout // of a log type at the index one below its number
}

// NewSyslog returns a Syslog with these options, or an error that names every
// option that is not allowed, its value and what would be.
func NewSyslog(o SyslogOptions) (*Syslog, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := new(Syslog)
	for _, t := range event.Types() {
		s.layouts = append(s.layouts, o.layout(t))
	}
	return s, nil
}

// Ext returns the extension of object names, without its dot.
func (*Syslog) Ext() string { return "log" }

// ContentType returns the media type of objects.
func (*Syslog) ContentType() string { return "text/plain; charset=utf-8" }

// Append appends e to dst as one line, ended by LF. The log type is e.Type,
// which must be valid; the timestamp is e's text of it, as a Mapper sets it.
// There is no other control character in the line, whatever the texts hold: see
// appendText.
func (s *Syslog) Append(dst []byte, e *event.Event) []byte {
	l := &s.layouts[e.Type-1]
	dst = append(dst, l.start...)
	dst = appendText(dst, e.Get(event.Timestamp))
	for i := range l.columns {
		dst = append(dst, l.columns[i].before...)
		dst = appendParamValue(dst, e.Get(l.columns[i].field))
	}
	dst = append(dst, l.end...)
	if details := e.Get(event.Details); len(details) > 0 {
		dst = append(dst, ' ')
		dst = appendText(dst, details)
	}
	return append(dst, '\n')
}

// A syslogLayout is a layout of the parameters, with what stands before the
// timestamp.
type syslogLayout struct {
	start []byte
	layout
}

// layout lays out HEADER and STRUCTURED-DATA (RFC 5424 section 6); PRI is the
// facility times eight plus the severity.
func (o *SyslogOptions) layout(t event.LogType) (l syslogLayout) {
	priority := o.Facility*8 + int(t.Severity())
	l.start = []byte("<" + strconv.Itoa(priority) + ">1 ")
	text := " " + o.Hostname + " " + o.AppName + " - " + t.String() +
		" [" + t.Category().String() + "@" + o.EnterpriseID
	for _, f := range t.Category().Fields() {
		switch f {
		case event.Timestamp, event.LogTypeName, event.Details:
			continue // HEADER and MSG carry them
		}
		l.columns = append(l.columns, column{[]byte(text + " " + f.String() + `="`), f})
		text = `"`
	}
	l.end = []byte(text + "]")
	return l
}
