package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"siem-s3/event"
	"siem-s3/formatter"
)

// validate returns a validator of lines by the printed schema.
func validate(t *testing.T, o *Options) func(line string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(written(t, "json-schema", o)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("event.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("event.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(line string) error {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		return s.Validate(v)
	}
}

func TestJSONSchemaTakesWhatIsStored(t *testing.T) {
	valid := validate(t, options())
	for _, lt := range event.Types() {
		for _, e := range []*event.Event{sample(lt), sample(lt, lt.Category().Fields()...)} {
			line := string(formatter.JSON{}.Append(nil, e))
			if err := valid(line); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	for _, record := range []string{"\xc0", "\x07", "\xa1x", "\x80", "\x81\xa1a\x91\x01"} {
		if err := valid(rejected(record)); err != nil {
			t.Errorf("%s: %v", rejected(record), err)
		}
	}
}

func TestJSONSchemaRefusesWhatIsNotStored(t *testing.T) {
	valid := validate(t, options())
	line := string(formatter.JSON{}.Append(nil, sample(event.Types()[0])))
	for name, change := range map[string][2]string{
		"an unknown log type":              {`"compliant"`, `"complaint"`},
		"a log type of the other category": {`"compliant"`, `"logon"`},
		"a missing column":                 {`"device_id":`, `"device":`},
		"a further column":                 {`{`, `{"severity":"6",`},
		"a number":                         {`"compliant"`, `7`},
		"a time without zone":              {`00.123Z`, `00.123`},
		"a time without milliseconds":      {`00.123Z`, `00Z`},
		"a day that is none":               {`2026-11-22`, `2026-11-31`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(line, change[0], change[1], 1)
			if changed == line {
				t.Fatal("nothing changed")
			}
			if err := valid(changed); err == nil {
				t.Errorf("taken: %s", changed)
			}
		})
	}
}

func TestJSONSchemaOfOneCategory(t *testing.T) {
	o := options()
	o.Categories = []event.Category{event.Account}
	valid := validate(t, o)
	for _, lt := range event.Types() {
		err := valid(string(formatter.JSON{}.Append(nil, sample(lt))))
		if (err == nil) != (lt.Category() == event.Account) {
			t.Errorf("%s: %v", lt, err)
		}
	}
}

// Rejected records have no columns in the schema of events: this holds those of
// this package to what is written.
func TestRejectedColumnsAreThoseWritten(t *testing.T) {
	var line map[string]any
	if err := json.Unmarshal([]byte(rejected("\x80")), &line); err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(line)), slices.Sorted(slices.Values(rejectedColumns)); !slices.Equal(got, want) {
		t.Errorf("written are %v, the schema has %v", got, want)
	}
}

func TestEveryColumnIsDescribed(t *testing.T) {
	known := map[string]bool{}
	for _, c := range allCategories {
		for _, name := range columns(c) {
			known[name] = true
			if descriptions[name] == "" {
				t.Errorf("%s has no description", name)
			}
		}
	}
	if len(known) != len(descriptions) {
		t.Errorf("%d columns, %d descriptions", len(known), len(descriptions))
	}
}
