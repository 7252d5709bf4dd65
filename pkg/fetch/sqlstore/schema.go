package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A schema holds the columns of each of MLflow's tables that is there.
type schema map[string]map[string]bool

// oldTables have been there since before MLflow 1.30.
func oldTables() []string {
	return []string{
		"experiments", "experiment_tags", "runs", "tags", "params", "latest_metrics",
		"registered_models", "registered_model_tags", "model_versions", "model_version_tags",
	}
}

// newTables came later: aliases with 2.3, datasets with 2.4, logged models with 3.0.
func newTables() []string {
	return []string{
		"registered_model_aliases", "datasets", "inputs", "input_tags",
		"logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics",
	}
}

// probe looks which tables and columns there are.
func probe(ctx context.Context, db *sql.DB, d dialect) (schema, error) {
	tables := append(append(oldTables(), newTables()...), historyTable) // which is read on request only
	names := make([]any, len(tables))
	for i, t := range tables {
		names[i] = t
	}
	query, values := d.bind(d.columnsOf(len(tables)), names)
	rows, err := db.QueryContext(ctx, query, values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := schema{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		if found[table] == nil {
			found[table] = map[string]bool{}
		}
		found[table][column] = true
	}
	return found, rows.Err()
}

func (s schema) has(table string) bool          { return s[table] != nil }
func (s schema) hasColumn(table, c string) bool { return s[table][c] }

// hasLoggedModels tells whether the store is MLflow 3's.
func (s schema) hasLoggedModels() bool {
	return s.has("logged_models") && s.has("logged_model_params") && s.has("logged_model_tags") && s.has("logged_model_metrics")
}

// hasDatasets tells whether runs have inputs (2.4), hasOutputs whether they
// have outputs, too (3.0): servers show these members from then on, even empty.
func (s schema) hasDatasets() bool { return s.has("inputs") && s.has("datasets") }
func (s schema) hasOutputs() bool  { return s.hasColumn("inputs", "step") }

// check tells a person why this is not a database of MLflow, if it is not.
func (s schema) check(name string, d dialect) error {
	missing := slices.DeleteFunc(oldTables(), s.has)
	if len(missing) == 0 && d.noGrant != "" {
		missing = s.hidden()
	}
	switch {
	case len(missing) == 0:
		return nil
	case len(missing) == len(oldTables()):
		return refuse(mlflow.ErrInvalid, "the "+d.kind+"database "+name+" holds no MLflow tables", d.noTable)
	}
	if s.hasOutputs() {
		return refuse(mlflow.ErrUnsupported, "the database "+name+" lacks MLflow's tables "+strings.Join(missing, ", ")+", and is of a newer MLflow than this program knows",
			"read it through its server: mlflow server --backend-store-uri URI, then give --tracking-uri http://127.0.0.1:5000"+d.noGrant)
	}
	return refuse(mlflow.ErrUnsupported, "the database "+name+" lacks MLflow's tables "+strings.Join(missing, ", "),
		"it was left in the middle of an upgrade, or MLflow was older than 1.30: run `mlflow db upgrade` on a copy of it and read that"+d.noGrant)
}

// hidden lists tables that must be there because newer ones are. MySQL shows
// nobody a table that they may not read: without it, objects would look as if
// they had no aliases, say.
func (s schema) hidden() []string {
	tables := newTables()
	newest := 0
	for i, t := range tables {
		if s.has(t) || s.hasOutputs() {
			newest = i + 1
		}
	}
	return slices.DeleteFunc(tables[:newest], s.has)
}
