package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"siem-s3/event"
)

// quoted returns a string literal of SQL.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// names returns what tables and views of a category are called.
func names(c event.Category) (table, view string) {
	return "siem_" + c.String() + "_raw", "siem_" + c.String()
}

// stored returns the columns of a category that tables read from objects: not
// those that have the name of a partition, which takes their place.
func stored(c event.Category, partitions []partition) []string {
	return slices.DeleteFunc(slices.Clone(columns(c)), func(name string) bool {
		return slices.ContainsFunc(partitions, func(p partition) bool { return p.name == name })
	})
}

// severity returns the expression that tells the severity of a log type.
func severity(c event.Category) string {
	of := map[event.Severity][]string{}
	for _, t := range event.Types() {
		if t.Category() == c {
			of[t.Severity()] = append(of[t.Severity()], quoted(t.String()))
		}
	}
	text := "CASE"
	for s := event.Severity(0); s <= 7; s++ {
		if len(of[s]) > 0 {
			text += "\n      WHEN log_type IN (" + strings.Join(of[s], ", ") + ") THEN " + strconv.Itoa(int(s))
		}
	}
	return text + "\n    END"
}

// selection writes the view's list: the time by an expression in which %s is the
// column of its text, the severity, all columns there are, quoted, and the object
// that a line is from, for those who have to prove it.
func (w *writer) selection(c event.Category, when string, all []string, object string) {
	w.line("  SELECT")
	w.line("    "+when+" AS time,", `"`+timeColumn(c)+`"`)
	if isEvents(c) && slices.Contains(all, event.LogTypeName.String()) {
		w.line("    %s AS severity,", severity(c))
	}
	w.line(`    "%s",`, strings.Join(all, `", "`))
	w.line("    %s AS object", object)
}

// partitionNames returns the names of partitions.
func partitionNames(partitions []partition) (names []string) {
	for _, p := range partitions {
		names = append(names, p.name)
	}
	return names
}

// hive writes the tables and views of a tool that has partitions as Hive does.
func hive(w *writer, o *Options, when string, table func(t *hiveTable)) error {
	l, err := newLayout(o.KeyFormat)
	if err != nil {
		return err
	}
	for _, c := range o.Categories {
		template, root, err := l.location(c)
		if err != nil {
			return err
		}
		t := &hiveTable{writer: w, category: c, partitions: l.partitions()}
		t.name, t.view = names(c)
		t.columns = stored(c, t.partitions)
		bucket := "s3://" + o.Bucket + "/"
		t.template, t.root = quoted(bucket+template+"/"), quoted(bucket+root)
		for _, p := range t.partitions {
			t.projections = append(t.projections, p.project(c, o.From))
		}
		t.injected()
		table(t)
		w.line("")
		w.line("CREATE OR REPLACE VIEW %s AS", t.view)
		w.selection(c, when, slices.Concat(t.columns, partitionNames(t.partitions)), `"$path"`)
		w.line("  FROM %s;\n", t.name)
	}
	return nil
}

// A hiveTable is the table of one category.
type hiveTable struct {
	*writer
	category       event.Category
	name, view     string
	columns        []string
	partitions     []partition
	projections    []projection // of each partition
	template, root string       // string literals
}

// injected says which partitions queries have to give.
func (t *hiveTable) injected() {
	for i, p := range t.projections {
		if p.kind == "injected" {
			t.line("-- Each query of %s has to say which %s: WHERE %[2]s = '…'.", t.view, t.partitions[i].name)
		}
	}
}

// list writes items with a comma after each but the last.
func (w *writer) list(items []string) {
	for i, item := range items {
		comma := ","
		if i == len(items)-1 {
			comma = ""
		}
		w.line("  %s%s", item, comma)
	}
}

// each returns format with each of the names in it.
func each(format string, names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, fmt.Sprintf(format, name))
	}
	return all
}
