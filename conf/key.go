package conf

import "slices"

// A Key is one setting.
type Key struct {
	Name string
	// Default is the text that holds when the setting is not given, "" if there
	// is none. Unset then says in a phrase what happens instead.
	Default string
	Unset   string
	// Required says that the setting must be given.
	Required bool
	// Doc says in a sentence or two, in Markdown, what the setting does.
	Doc string
	// Secret says that the value is never shown. Each secret has a second key
	// that names a file which holds it: FileFor of that key is the secret's name.
	Secret  bool
	FileFor string

	rule rule
}

// Kind names the kind of value that the key takes, such as "duration".
func (k Key) Kind() string { return k.rule.kind }

// Want says in a phrase which values are allowed. It is what a Problem with the
// key wants, unless there is more to say.
func (k Key) Want() string { return k.rule.want }

// Allowed returns the only values that are allowed, nil if the list is not closed.
func (k Key) Allowed() []string { return slices.Clone(k.rule.allowed) }

// A Section is the settings of one concern, in the order of the reference.
type Section struct {
	Title string
	// Intro opens the section, in Markdown.
	Intro string
	// Example is lines of an [OUTPUT] of Fluent Bit's classic format.
	Example string
	Keys    []Key
}

// Sections returns the table: every setting, by concern. It is shared: do not
// change the keys.
func Sections() []Section { return table }

// Keys returns every setting, in the order of the table.
func Keys() []Key {
	var all []Key
	for _, section := range table {
		all = append(all, section.Keys...)
	}
	return all
}

// index holds each key of the table with its position in it.
var index = func() map[string]indexed {
	byName := make(map[string]indexed)
	for i, key := range Keys() {
		byName[key.Name] = indexed{key, i}
	}
	return byName
}()

type indexed struct {
	key      Key
	position int
}

// Lookup returns the key of that name, and whether there is one.
func Lookup(name string) (Key, bool) {
	found, ok := index[name]
	return found.key, ok
}

// position orders key names as the table does, unknown ones last.
func position(name string) int {
	if found, ok := index[name]; ok {
		return found.position
	}
	return len(index)
}

// withFiles returns the keys with a second one after each secret, which names
// the file that holds it.
func withFiles(keys ...Key) []Key {
	var all []Key
	for _, key := range keys {
		all = append(all, key)
		if key.Secret {
			all = append(all, Key{
				Name:    key.Name + "_file",
				Unset:   "none",
				Doc:     "The file that holds `" + key.Name + "`, read at start, so that the configuration need not. White space around it does not count.",
				FileFor: key.Name,
				rule:    rule{kind: kindPath, want: "the absolute path of a file"},
			})
		}
	}
	return all
}
