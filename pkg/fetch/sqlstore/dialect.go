package sqlstore

import "strings"

// A dialect is how a database wants its SQL written. All SQL text that
// differs between databases is made here; this is SQLite's.
type dialect struct{}

// name quotes the name of a table or column: `key` and `timestamp` are words
// of the language in some databases.
func (dialect) name(s string) string { return `"` + s + `"` }

func (d dialect) names(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = d.name(s)
	}
	return strings.Join(quoted, ", ")
}

// in compares one column, or several together, with n values.
func (d dialect) in(columns []string, n int) string {
	if len(columns) == 1 {
		return d.name(columns[0]) + " IN (" + repeat("?", n) + ")"
	}
	return "(" + d.names(columns) + ") IN (VALUES " + repeat("("+repeat("?", len(columns))+")", n) + ")"
}

// byteOrder is a text column that compares and sorts byte by byte.
func (d dialect) byteOrder(column string) string { return d.name(column) + " COLLATE BINARY" }

// columnsOf asks for the columns of n tables: a row has table and column.
func (dialect) columnsOf(n int) string {
	return "SELECT m.name, c.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c" +
		" WHERE m.type IN ('table', 'view') AND m.name IN (" + repeat("?", n) + ")"
}

// repeat repeats an item with commas between.
func repeat(item string, n int) string {
	return strings.TrimSuffix(strings.Repeat(item+",", n), ",")
}
