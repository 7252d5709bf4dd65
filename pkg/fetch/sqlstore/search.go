package sqlstore

import (
	"context"
	"iter"
	"strconv"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// SearchExperiments implements fetch.Searcher, in order of their ids.
func (s *Store) SearchExperiments(ctx context.Context, q fetch.Search) iter.Seq2[mlflow.Experiment, error] {
	ids := func(r *reader) (string, []any) {
		return r.idsIn(r.scope("experiments", q.View), "experiment_id", s.dialect.name("experiment_id"))
	}
	all := byIDs(ctx, s, ids, s.Experiments)
	return fetch.Where(all, mlflow.ExperimentFilter, q.Filter, func(e mlflow.Experiment) *mlflow.Object { return e.Object })
}

// SearchRuns implements fetch.Searcher.
func (s *Store) SearchRuns(ctx context.Context, q fetch.Search) iter.Seq2[mlflow.Run, error] {
	ids := func(r *reader) (string, []any) {
		order := s.dialect.name("experiment_id") + ", " + s.dialect.name("start_time") + " DESC, " + s.dialect.byteOrder("run_uuid")
		return r.idsIn(r.searched("runs", q), "run_uuid", order)
	}
	all := byIDs(ctx, s, ids, func(ctx context.Context, ids []string) (fetch.Results[string, mlflow.Run], error) {
		return s.Runs(ctx, ids, nil)
	})
	return fetch.Where(all, mlflow.RunFilter, q.Filter, func(r mlflow.Run) *mlflow.Object { return r.Object })
}

// SearchLoggedModels implements fetch.Searcher, in order of their ids.
func (s *Store) SearchLoggedModels(ctx context.Context, q fetch.Search) iter.Seq2[mlflow.LoggedModel, error] {
	if !s.schema.hasLoggedModels() {
		return func(func(mlflow.LoggedModel, error) bool) {}
	}
	q.View = fetch.ActiveOnly
	ids := func(r *reader) (string, []any) {
		return r.idsIn(r.searched("logged_models", q), "model_id", s.dialect.byteOrder("model_id"))
	}
	all := byIDs(ctx, s, ids, func(ctx context.Context, ids []string) (fetch.Results[string, mlflow.LoggedModel], error) {
		return s.LoggedModels(ctx, ids, nil)
	})
	return fetch.Where(all, mlflow.LoggedModelFilter, q.Filter, func(m mlflow.LoggedModel) *mlflow.Object { return m.Object })
}

// searched is the scope of a search for what belongs to experiments: those that
// it names, or else all that its view shows. Deleted runs may be in experiments
// that are not deleted.
func (r *reader) searched(table string, q fetch.Search) scope {
	view := q.View
	if view == fetch.DeletedOnly || q.Experiments != nil {
		view = fetch.AllStages
	}
	experiments := r.scope("experiments", view)
	if q.Experiments != nil {
		var ids []any
		for _, id := range q.Experiments {
			if n, err := strconv.ParseInt(id, 10, 64); err == nil { // no experiment has another
				ids = append(ids, n)
			}
		}
		if len(ids) == 0 {
			ids = []any{int64(-1)}
		}
		experiments.where += " AND " + r.store.dialect.in([]string{"experiment_id"}, len(ids))
		experiments.values = append(experiments.values, ids...)
	}
	return r.scope(table, q.View).in(r, experiments)
}

// idsIn asks for the ids of a scope's rows.
func (r *reader) idsIn(s scope, column, order string) (string, []any) {
	d := r.store.dialect
	return "SELECT " + d.name(column) + " FROM " + d.name(s.table) + " WHERE " + s.where + " ORDER BY " + order, s.values
}
