package sqlstore

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A dialect is how a database wants its SQL written. All SQL text that
// differs between databases is made here. Values stand in it as `?`, also
// where the driver wants something else: see bind.
type dialect struct {
	kind     string // for people: `SQLite `, or nothing where the name of a database says it
	quote    string // around names
	rows     string // what stands before the rows of an IN
	bytes    string // a text column, %, as something that compares and sorts byte by byte
	escapes  bool   // a LIKE has an escape character unless told otherwise
	tables   string // the question for the columns of some tables: a row has table and column; % is a list
	numbered bool   // values are $1, $2, ... with their type beside them
	prepares bool   // statements are worth keeping, and so are their connections
	anyText  bool   // text may hold any bytes
	noZero   bool   // text cannot hold the byte 0
	fragile  bool   // a statement that fails ends its transaction
	noTable  string // what to do when there is no table of MLflow
	noGrant  string // added to a hint about missing tables

	// start begins a transaction that only reads, as of one moment.
	start func(context.Context, *sql.Conn, limits) (*sql.Tx, error)
}

// name quotes the name of a table or column: `key` and `timestamp` are words
// of the language in some databases.
func (d dialect) name(s string) string { return d.quote + s + d.quote }

func (d dialect) names(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = d.name(s)
	}
	return strings.Join(quoted, ", ")
}

// in compares one column, or several together, with n values. Databases may
// find more than equal names, such as those in other letters: whoever reads
// the rows compares them again.
func (d dialect) in(columns []string, n int) string {
	if len(columns) == 1 {
		return d.name(columns[0]) + " IN (" + repeat("?", n) + ")"
	}
	return "(" + d.names(columns) + ") IN (" + d.rows + repeat("("+repeat("?", len(columns))+")", n) + ")"
}

// byteOrder is a text column that compares and sorts byte by byte.
func (d dialect) byteOrder(column string) string {
	return strings.ReplaceAll(d.bytes, "%", d.name(column))
}

// like compares a column with a pattern that has no escape character.
func (d dialect) like(column, pattern string) (condition string, value any) {
	if d.escapes { // some cannot do without one; a backslash means different things to them
		return d.name(column) + " LIKE ? ESCAPE '|'", strings.ReplaceAll(pattern, "|", "||")
	}
	return d.name(column) + " LIKE ?", pattern
}

// columnsOf asks for the columns of n tables: a row has table and column.
func (d dialect) columnsOf(n int) string { return strings.ReplaceAll(d.tables, "%", repeat("?", n)) }

// bind makes of a query and its values what the driver takes. Text that the
// database cannot hold becomes NULL, which equals nothing: as it is, it would
// fail the query, and with it all other keys.
func (d dialect) bind(query string, values []any) (string, []any) {
	if d.anyText {
		return query, values
	}
	bound := make([]any, len(values))
	for i, v := range values {
		if s, ok := v.(string); ok && (!utf8.ValidString(s) || d.noZero && strings.IndexByte(s, 0) >= 0) {
			v = nil
		}
		bound[i] = v
	}
	if d.numbered {
		query = numbered(query, values)
	}
	return query, bound
}

// numbered writes values as PostgreSQL wants them. With a type beside it, a
// number that is too large for a column is not found, and no mistake.
func numbered(query string, values []any) string {
	var b strings.Builder
	for i, part := range strings.Split(query, "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
			if _, ok := values[i-1].(string); ok {
				b.WriteString("::text")
			} else {
				b.WriteString("::bigint")
			}
		}
		b.WriteString(part)
	}
	return b.String()
}

// repeat repeats an item with commas between.
func repeat(item string, n int) string {
	return strings.TrimSuffix(strings.Repeat(item+",", n), ",")
}
