package schema

import (
	"slices"
	"strings"
)

// clickhouse writes views of the table function s3. The partitions are taken from
// _path, by which ClickHouse too leaves out files: what it makes of Hive's folders
// itself differs between versions, tables and functions (its issue 74571).
func clickhouse(w *writer, o *Options) error {
	l, err := newLayout(o.KeyFormat)
	if err != nil {
		return err
	}
	w.line("-- ClickHouse. The server's own credentials are used (use_environment_credentials);")
	w.line("-- otherwise give s3() a key ID and a secret behind the URL, or NOSIGN.")
	for _, c := range o.Categories {
		glob, err := l.glob(c)
		if err != nil {
			return err
		}
		_, view := names(c)
		read := stored(c, l.partitions())
		w.line("")
		w.line("CREATE OR REPLACE VIEW %s AS", view)
		var path []string
		for _, p := range l.partitions() {
			path = append(path, "extract(_path, '/"+p.name+"=([^/]*)/') AS "+`"`+p.name+`"`)
		}
		w.selection(c, "parseDateTime64BestEffort(%s, 3, 'UTC')", read, "_path")
		if len(path) > 0 {
			w.line("    , %s", strings.Join(path, ",\n      "))
		}
		structure := strings.Join(each("`%s` String", slices.Clone(read)), ", ")
		w.line("  FROM s3(%s,\n    'JSONEachRow', %s);", quoted(objectURL(o)+glob), quoted(structure))
	}
	return nil
}

// objectURL returns the URL of the bucket, with a slash at its end.
func objectURL(o *Options) string {
	switch {
	case o.Endpoint != "":
		return strings.TrimSuffix(o.Endpoint, "/") + "/" + o.Bucket + "/"
	case o.Region != "":
		return "https://" + o.Bucket + ".s3." + o.Region + ".amazonaws.com/"
	}
	return "https://" + o.Bucket + ".s3.amazonaws.com/"
}
