package schema

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"siem-s3/event"
)

// duckdb writes views of read_json with Hive partitioning (DuckDB documentation,
// "JSON Loading" and "Hive Partitioning").
func duckdb(w *writer, o *Options) error {
	l, err := newLayout(o.KeyFormat)
	if err != nil {
		return err
	}
	w.line("-- DuckDB. A view can be made when there are objects for it. Queries that say which")
	w.line("-- partitions they want read no others.")
	root := strings.TrimSuffix(filepath.ToSlash(o.Dir), "/") + "/"
	if o.Dir == "" {
		w.duckdbSecret(o)
		root = "s3://" + o.Bucket + "/"
	}
	for _, c := range o.Categories {
		glob, err := l.glob(c)
		if err != nil {
			return err
		}
		w.duckdbView(c, root+glob, l.partitions())
	}
	return nil
}

// duckdbSecret makes DuckDB find credentials as AWS tools do.
func (w *writer) duckdbSecret(o *Options) {
	w.line("INSTALL httpfs; LOAD httpfs; INSTALL aws; LOAD aws;")
	secret := []string{"TYPE s3", "PROVIDER credential_chain"}
	if o.Region != "" {
		secret = append(secret, "REGION "+quoted(o.Region))
	}
	if u, err := url.Parse(o.Endpoint); err == nil && u.Host != "" {
		secret = append(secret, "ENDPOINT "+quoted(u.Host), "URL_STYLE 'path'")
		if u.Scheme == "http" {
			secret = append(secret, "USE_SSL false")
		}
	}
	w.line("CREATE OR REPLACE SECRET siem (%s);", strings.Join(secret, ", "))
}

func (w *writer) duckdbView(c event.Category, files string, partitions []partition) {
	_, view := names(c)
	w.line("")
	w.line("CREATE OR REPLACE VIEW %s AS", view)
	read := stored(c, partitions)
	w.selection(c, "CAST(%s AS TIMESTAMPTZ)", slices.Concat(read, partitionNames(partitions)), "filename")
	w.line("  FROM read_json(%s,", quoted(files))
	w.line("    format = 'newline_delimited',")
	var types, hiveTypes []string
	for _, name := range read {
		kind := "VARCHAR"
		if name == recordColumn {
			kind = "JSON"
		}
		types = append(types, `"`+name+`": `+quoted(kind))
	}
	hivePartitioning := "hive_partitioning = false"
	if len(partitions) > 0 {
		for _, p := range partitions {
			hiveTypes = append(hiveTypes, `"`+p.name+`": VARCHAR`)
		}
		hivePartitioning = "hive_partitioning = true, hive_types = {" + strings.Join(hiveTypes, ", ") + "}"
	}
	w.line("    filename = true,")
	w.line("    columns = {%s},", strings.Join(types, ", "))
	w.line("    %s);", hivePartitioning)
}
