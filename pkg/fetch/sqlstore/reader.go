package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

const (
	// maxKeys is how many keys a query looks up. Databases take 32,766 bound
	// values and more.
	maxKeys = 1000

	maxLogged = 1000 // bytes of a query in the log

	rowBytes = 64 // what a row takes in memory beside its text, at least
)

// A reader reads in one transaction.
type reader struct {
	store *Store
	own   *session
	tx    *sql.Tx
	turn  chan struct{} // holds the one who reads: a connection serves one at a time
	bytes int           // read in this turn
}

// end ends the transaction and gives the connection back.
func (r *reader) end() error {
	err := r.tx.Rollback()
	closed := r.store.release(r.own, err)
	if errors.Is(err, sql.ErrTxDone) {
		err = nil // ctx ended it
	}
	return errors.Join(err, closed)
}

// Runs implements fetch.Reader.
func (r *reader) Runs(ctx context.Context, ids, _ []string) (fetch.Results[string, mlflow.Run], error) {
	return r.readRuns(ctx, ids)
}

// LoggedModels implements fetch.Reader.
func (r *reader) LoggedModels(ctx context.Context, ids, _ []string) (fetch.Results[string, mlflow.LoggedModel], error) {
	return r.readLoggedModels(ctx, ids)
}

// answer reads objects by key, maxKeys at a time, and turns what was found and
// what was not into results. what is the format of an object's name in errors.
func answer[K comparable, V any](ctx context.Context, r *reader, what string, keys []K, read func(context.Context, []K) (map[K]V, error)) (fetch.Results[K, V], error) {
	return fetch.Split(ctx, keys, maxKeys, func(ctx context.Context, keys []K) (fetch.Results[K, V], error) {
		out := make(fetch.Results[K, V], len(keys))
		found, err := inTurn(ctx, r, func() (map[K]V, error) { return read(ctx, keys) })
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		for _, k := range keys {
			v, ok := found[k]
			switch {
			case err != nil:
				out[k] = fetch.Result[V]{Err: fmt.Errorf("%s: %w", fmt.Sprintf(what, k), err)}
			case !ok:
				out[k] = fetch.Result[V]{Err: mlflow.Reason(mlflow.ErrNotFound, "there is no "+what, k)}
			default:
				out[k] = fetch.Result[V]{Value: v}
			}
		}
		return out, nil
	})
}

// inTurn runs f when nobody else reads in this transaction.
func inTurn[T any](ctx context.Context, r *reader, f func() (T, error)) (found T, err error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return found, ctx.Err()
	}
	r.bytes = 0
	found, err = f()
	if err != nil && r.store.dialect.fragile && ctx.Err() == nil {
		r.renew(ctx)
	}
	return found, r.store.fault(err)
}

// renew starts another transaction when a statement has failed and with it
// its transaction, so that what is asked next is read, if of a later moment.
func (r *reader) renew(ctx context.Context) {
	r.store.ended(r.tx.Rollback())
	tx, err := r.store.dialect.start(context.WithoutCancel(ctx), r.own.conn, r.store.limits)
	if err != nil {
		r.store.ended(err)
		return // the next query says so
	}
	r.tx = tx
}

// A search is a query for rows of one table by key.
type search struct {
	table   string
	keys    []string // the columns that are looked up, together
	columns []string // a column that the schema lacks gives NULL
	only    string   // a further condition, or ""
	values  []any    // of only
}

// find runs a search for any number of keys, given one after the other, and
// hands over its rows, which are overwritten by the next.
func (r *reader) find(ctx context.Context, s search, keys []any, each func(row []any)) error {
	for some := range slices.Chunk(keys, maxKeys*len(s.keys)) {
		query, values := r.sql(s, some)
		if err := r.scan(ctx, query, values, len(s.columns), each); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) sql(s search, keys []any) (string, []any) {
	d := r.store.dialect
	query := "SELECT " + r.columns(s.table, s.columns) + " FROM " + d.name(s.table) +
		" WHERE " + d.in(s.keys, len(keys)/len(s.keys))
	values := keys[:len(keys):len(keys)]
	if s.only != "" {
		query += " AND " + s.only
		values = append(values, s.values...)
	}
	if r.store.schema.hasColumn(s.table, "workspace") {
		query += " AND " + d.name("workspace") + " = ?"
		values = append(values, r.store.workspace)
	}
	return query, values
}

// columns lists columns of a table for a SELECT.
func (r *reader) columns(table string, columns []string) string {
	list := ""
	for i, c := range columns {
		if i > 0 {
			list += ", "
		}
		if r.store.schema.hasColumn(table, c) {
			list += r.store.dialect.name(c)
		} else {
			list += "NULL AS " + r.store.dialect.name(c)
		}
	}
	return list
}

// scan runs a query and hands over its rows.
func (r *reader) scan(ctx context.Context, query string, values []any, width int, each func(row []any)) error {
	r.store.log.Debug("query", "sql", query[:min(len(query), maxLogged)])
	query, values = r.store.dialect.bind(query, values)
	rows, err := r.own.query(ctx, r.tx, query, values)
	if err != nil {
		return err
	}
	defer rows.Close()
	row, into := make([]any, width), make([]any, width)
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		r.bytes += rowBytes
		for i, v := range row {
			if b, ok := v.([]byte); ok { // text, as MySQL's driver has it
				v = string(b)
				row[i] = v
			}
			if s, ok := v.(string); ok {
				r.bytes += len(s)
				if len(s) > r.store.limits.value {
					return mlflow.Reason(mlflow.ErrTooLarge, "a value in the database %s is too large to be read", r.store.path)
				}
			}
		}
		if r.bytes > r.store.limits.answer {
			return mlflow.ErrTooLarge
		}
		each(row)
	}
	return rows.Err()
}

// anys makes keys bound values.
func anys[T any](keys []T) []any {
	out := make([]any, len(keys))
	for i, k := range keys {
		out[i] = k
	}
	return out
}
