// Package event holds the schema of device and account events, and the mapping
// that makes events of records.
package event

import (
	"slices"
	"time"
)

// A Field is a column of the schema.
type Field uint8

// The fields of both schemas.
const (
	Timestamp Field = iota
	LogTypeName
	Name
	Details
	DeviceID
	DeviceName
	DeviceUsername
	DeviceGroup
	AdminName
	AdminEmail
	numFields
)

var fieldNames = [numFields]string{
	Timestamp:      "timestamp",
	LogTypeName:    "log_type",
	Name:           "event",
	Details:        "details",
	DeviceID:       "device_id",
	DeviceName:     "device_name",
	DeviceUsername: "device_username",
	DeviceGroup:    "device_group",
	AdminName:      "admin_name",
	AdminEmail:     "admin_email",
}

// String returns the field's name as it is written in events.
func (f Field) String() string { return fieldNames[f] }

// FieldByName returns the field of that name and whether there is one.
func FieldByName(name string) (Field, bool) {
	f := slices.Index(fieldNames[:], name)
	return Field(max(f, 0)), f >= 0
}

var (
	deviceFields  = []Field{Timestamp, LogTypeName, Details, DeviceID, DeviceName, DeviceUsername, DeviceGroup}
	accountFields = []Field{Timestamp, Name, Details, AdminName, AdminEmail, LogTypeName}
)

// Fields returns the columns of the category's events in their order, nil for
// Rejected. The slice is shared: do not change it.
func (c Category) Fields() []Field {
	switch c {
	case Device:
		return deviceFields
	case Account:
		return accountFields
	}
	return nil
}

// An Event is one event of the schema. Its values are valid UTF-8 and alias the
// record that it was mapped from or its Mapper: they are valid until the next Map.
type Event struct {
	Type LogType
	// Time is what the timestamp says, in UTC.
	Time   time.Time
	values [numFields][]byte
}

// Get returns the text of f, empty if the event does not carry it.
func (e *Event) Get(f Field) []byte { return e.values[f] }

// Set gives f a text, which must be valid UTF-8. Timestamp and LogTypeName
// should say the same as e.Time and e.Type.
func (e *Event) Set(f Field, text []byte) { e.values[f] = text }

// Category returns the category of the event's log type.
func (e *Event) Category() Category { return e.Type.Category() }
