package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// rows writes objects into MLflow's tables, in one transaction.
type rows struct {
	tx     *sql.Tx
	insert map[string]*sql.Stmt // by table
}

// columns of the tables that are filled; `workspace` has a default.
func columns() map[string]string {
	return map[string]string{
		"experiments":              "experiment_id name artifact_location lifecycle_stage creation_time last_update_time",
		"registered_models":        "name creation_time last_updated_time description",
		"registered_model_tags":    "name key value",
		"registered_model_aliases": "name alias version",
		"model_versions":           "name version creation_time last_updated_time description current_stage source run_id status run_link storage_location",
		"model_version_tags":       "name version key value",
		"runs":                     "run_uuid name source_type source_name entry_point_name user_id status start_time end_time source_version lifecycle_stage artifact_uri experiment_id",
		"params":                   "run_uuid key value",
		"metrics":                  "run_uuid key value timestamp step is_nan",
		"latest_metrics":           "run_uuid key value timestamp step is_nan",
		"tags":                     "run_uuid key value",
	}
}

func newRows(ctx context.Context, db *sql.DB) (*rows, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	r := &rows{tx: tx, insert: map[string]*sql.Stmt{}}
	for table, names := range columns() {
		list := strings.Fields(names)
		values := strings.TrimSuffix(strings.Repeat("?, ", len(list)), ", ")
		r.insert[table], err = tx.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(list, ", "), values))
		if err != nil {
			return nil, errors.Join(err, tx.Rollback())
		}
	}
	return r, nil
}

func (r *rows) close(ok bool) error {
	if !ok {
		return r.tx.Rollback()
	}
	return r.tx.Commit()
}

func (r *rows) add(table string, values ...any) error {
	_, err := r.insert[table].Exec(values...)
	return err
}

func (r *rows) experiment(id int) error {
	return r.add("experiments", id, experimentName(id), fmt.Sprintf("mlflow-artifacts:/%d", id), "active", began+id, began+id)
}

func experimentName(id int) string { return fmt.Sprintf("/teams/team-%02d/training", id) }

func (r *rows) model(m model) error {
	name := m.name()
	return errors.Join(
		r.add("registered_models", name, m.created(), m.created()+5, m.description()),
		r.add("registered_model_tags", name, "owner", m.owner()),
		r.add("registered_model_tags", name, "policy", m.policy()),
		r.add("registered_model_aliases", name, "champion", 1),
	)
}

func (r *rows) version(v version) error {
	start, source := v.started(), v.root()+"/model"
	errs := []error{
		r.add("runs", v.run, v.runName(), "UNKNOWN", "", "", "svc", "FINISHED", start, start+61_234, "", "active", v.root(), v.experiment),
		r.add("model_versions", v.name(), v.number, start+70_000, start+71_000, "", "None", source, v.run, "READY", "", source),
		r.add("model_version_tags", v.name(), v.number, "validation", v.validation),
	}
	for i, value := range v.params {
		errs = append(errs, r.add("params", v.run, fmt.Sprintf("param_%02d", i), value))
	}
	for i, value := range v.metrics {
		key := fmt.Sprintf("metric_%d", i)
		errs = append(errs, r.add("metrics", v.run, key, value, start, 0, false), r.add("latest_metrics", v.run, key, value, start, 0, false))
	}
	for _, tag := range v.tags {
		errs = append(errs, r.add("tags", v.run, tag[0], tag[1]))
	}
	return errors.Join(errs...)
}
