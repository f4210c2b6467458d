package schema

import "strings"

// trino writes tables of Trino's Hive connector (Trino documentation, "Hive
// connector", "Partition projection" and the format OPENX_JSON, which reads any
// JSON into a string, as records of any shape need).
func trino(w *writer, o *Options) error {
	w.line("-- Trino, in a schema of a catalog of the Hive connector. Times are UTC; queries")
	w.line("-- that say which partitions they want read no others.")
	w.line("")
	return hive(w, o, `from_iso8601_timestamp(%s)`, func(t *hiveTable) {
		t.line("CREATE TABLE %s (", t.name)
		all := each(`"%s" varchar`, t.columns)
		for i, p := range t.projections {
			all = append(all, `"`+t.partitions[i].name+`" varchar WITH (`+strings.Join(p.trinoProperties(), ", ")+")")
		}
		t.list(all)
		t.line(") WITH (")
		t.list([]string{
			"format = 'OPENX_JSON'",
			"external_location = " + t.root,
			"partitioned_by = " + array(partitionNames(t.partitions)),
			"partition_projection_enabled = true",
			"partition_projection_location_template = " + t.template,
		})
		t.line(");")
	})
}

func (p projection) trinoProperties() []string {
	all := []string{"partition_projection_type = " + quoted(p.kind)}
	switch p.kind {
	case "enum":
		all = append(all, "partition_projection_values = "+array(p.values))
	case "integer":
		all = append(all, "partition_projection_range = "+array(p.values), "partition_projection_digits = 2")
	case "date":
		all = append(all, "partition_projection_format = "+quoted(p.format), "partition_projection_range = "+array(p.values),
			"partition_projection_interval = 1", "partition_projection_interval_unit = "+quoted(p.unit))
	}
	return all
}

func array(texts []string) string { return "ARRAY['" + strings.Join(texts, "', '") + "']" }
