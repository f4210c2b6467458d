package conf

var mappingSection = Section{
	Title: "Mapping",
	Intro: "A field of an event comes from the key of the same name in the record. Where your records name it otherwise, " +
		"say where it is with a record accessor of Fluent Bit's syntax: `$device['id']`. A record without a known " +
		"`log_type` is stored, whole, in the category `rejected`.",
	Example: `
    map_device_id    $device['id']
    map_device_name  $device['hostname']
    map_log_type     $event_kind
    log_type_map     LOGIN=logon, ENROLLED=added`,
	Keys: []Key{
		mapped("timestamp", "when it happened: RFC 3339, or epoch seconds, milli-, micro- or nanoseconds. A record without "+
			"one gets Fluent Bit's event time"),
		mapped("log_type", "what happened: the log type, which decides whether it is a device event or an account event"),
		mapped("event", "what happened, in words (account events). Without one, it is the meaning of the log type"),
		mapped("details", "the details, in words"),
		mapped("device_id", "the identifier of the device (device events)"),
		mapped("device_name", "the name of the device (device events)"),
		mapped("device_username", "the user of the device (device events)"),
		mapped("device_group", "the group of the device (device events)"),
		mapped("admin_name", "the name of the admin (account events)"),
		mapped("admin_email", "the e-mail address of the admin (account events)"),
		{
			Name: "log_type_map", Unset: "none",
			Doc: "Your records' own names for log types, as `theirs=ours` with commas between. Case does not matter. Names " +
				"that the schema knows need no entry.",
			rule: reads("pairs", wantLogTypes, func(c *Config) *map[string]string { return &c.Mapping.LogTypes }, parseLogTypes),
		},
	},
}

// mapped is the key that says where in a record a field of the schema is.
func mapped(field, meaning string) Key {
	const want = "a record accessor, such as $device['id']"
	return Key{
		Name: "map_" + field, Unset: "`" + field + "`",
		Doc: "Where a record has " + meaning + ".",
		rule: rule{kind: "accessor", want: want, set: func(c *Config, text string) string {
			if !isLine(text) {
				return want
			}
			if c.Mapping.Fields == nil {
				c.Mapping.Fields = make(map[string]string)
			}
			c.Mapping.Fields[field] = text
			return ""
		}},
	}
}
