package schema

import "strings"

// athena writes tables with partition projection, which need no crawler and no
// MSCK REPAIR: Athena makes the partitions of the query's WHERE (Amazon Athena
// User Guide, "Use partition projection" and "OpenX JSON SerDe").
func athena(w *writer, o *Options) error {
	w.line("-- Amazon Athena. Run the statements one by one. Times are UTC; queries that say")
	w.line("-- which partitions they want read no others.")
	w.line("")
	return hive(w, o, `from_iso8601_timestamp(%s)`, func(t *hiveTable) {
		t.line("CREATE EXTERNAL TABLE %s (", t.name)
		t.list(each("`%s` string", t.columns))
		t.line(")")
		t.line("PARTITIONED BY (%s)", strings.Join(each("`%s` string", partitionNames(t.partitions)), ", "))
		t.line("ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'")
		t.line("LOCATION %s", t.root)
		t.line("TBLPROPERTIES (")
		t.list(t.athenaProperties())
		t.line(");")
	})
}

func (t *hiveTable) athenaProperties() []string {
	all := []string{"'projection.enabled' = 'true'"}
	for i, p := range t.projections {
		set := func(property, value string) {
			all = append(all, quoted("projection."+t.partitions[i].name+"."+property)+" = "+quoted(value))
		}
		set("type", p.kind)
		switch p.kind {
		case "enum":
			set("values", strings.Join(p.values, ","))
		case "integer":
			set("range", strings.Join(p.values, ","))
			set("digits", "2")
		case "date":
			set("format", p.format)
			set("range", strings.Join(p.values, ","))
			set("interval", "1")
			set("interval.unit", p.unit)
		}
	}
	return append(all, "'storage.location.template' = "+t.template)
}
