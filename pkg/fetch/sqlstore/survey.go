package sqlstore

import (
	"context"
	"iter"
	"slices"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Survey implements fetch.Surveyor with one query for each number.
func (s *Store) Survey(ctx context.Context) (fetch.Survey, error) {
	out := fetch.Survey{Version: s.schema.version()}
	r, err := s.snapshot(ctx)
	if err != nil {
		return out, err
	}
	defer func() { s.ended(r.end()) }()
	experiments, runs := r.activeExperiments(), r.activeRuns()
	out.Experiments.N, err = r.countOf(ctx, experiments)
	if err == nil {
		out.Runs.N, err = r.countOf(ctx, runs)
	}
	if err == nil && s.schema.hasLoggedModels() {
		out.LoggedModels.N, err = r.countOf(ctx, r.activeLoggedModels())
	}
	if err == nil {
		err = r.newest(ctx, runs, "start_time", "artifact_uri", func(row []any) {
			out.NewestRun, _ = whole(row[0])
			out.ArtifactURI, _ = text(row[1])
		})
	}
	if err == nil && out.ArtifactURI == "" {
		err = r.newest(ctx, experiments, "experiment_id", "artifact_location", func(row []any) { out.ArtifactURI, _ = text(row[1]) })
	}
	return out, cutOr(ctx, s.fault(err))
}

// version is what the tables tell about the MLflow that made them.
func (s schema) version() string {
	switch {
	case s.hasColumn("experiments", "workspace"):
		return "3.9 or newer"
	case s.hasLoggedModels():
		return "3.0 to 3.8"
	case s.hasDatasets():
		return "2.4 to 2.22"
	case s.has("registered_model_aliases"):
		return "2.3"
	}
	return "1.30 to 2.2"
}

// A scope is the rows of a table that MLflow's searches show.
type scope struct {
	table, where string
	values       []any
}

func (r *reader) activeExperiments() scope { return r.scope("experiments", fetch.ActiveOnly) }
func (r *reader) activeRuns() scope        { return r.scope("runs", fetch.ActiveOnly).inActive(r) }

func (r *reader) activeLoggedModels() scope {
	return r.scope("logged_models", fetch.ActiveOnly).inActive(r)
}

func (r *reader) scope(table string, view fetch.View) scope {
	d := r.store.dialect
	s := scope{table: table, where: d.name("lifecycle_stage") + " = ?", values: []any{"active"}}
	switch view {
	case fetch.DeletedOnly:
		s.values[0] = "deleted"
	case fetch.AllStages:
		s.where, s.values = d.name("lifecycle_stage")+" IN (?,?)", append(s.values, "deleted")
	}
	if r.store.schema.hasColumn(table, "workspace") {
		s.where += " AND " + d.name("workspace") + " = ?"
		s.values = append(s.values, r.store.workspace)
	}
	return s
}

// inActive leaves out what belongs to a deleted experiment.
func (s scope) inActive(r *reader) scope { return s.in(r, r.activeExperiments()) }

// in leaves out what belongs to other experiments.
func (s scope) in(r *reader, e scope) scope {
	d := r.store.dialect
	s.where += " AND " + d.name("experiment_id") + " IN (SELECT " + d.name("experiment_id") + " FROM " + d.name(e.table) + " WHERE " + e.where + ")"
	s.values = append(slices.Clip(s.values), e.values...)
	return s
}

func (r *reader) countOf(ctx context.Context, s scope) (n int, err error) {
	err = r.scan(ctx, "SELECT COUNT(*) FROM "+r.store.dialect.name(s.table)+" WHERE "+s.where, s.values, 1, func(row []any) {
		i, _ := whole(row[0])
		n = int(i)
	})
	return n, err
}

// newest reads two columns of the row that is highest in the first.
func (r *reader) newest(ctx context.Context, s scope, by, column string, each func(row []any)) error {
	d := r.store.dialect
	return r.scan(ctx, "SELECT "+d.names([]string{by, column})+" FROM "+d.name(s.table)+" WHERE "+s.where+
		" ORDER BY "+d.name(by)+" DESC LIMIT 1", s.values, 2, each)
}

// ListLoggedModels implements fetch.Surveyor.
func (s *Store) ListLoggedModels(ctx context.Context) iter.Seq2[mlflow.LoggedModel, error] {
	return s.SearchLoggedModels(ctx, fetch.Search{})
}

// ListModelRuns implements fetch.Surveyor.
func (s *Store) ListModelRuns(ctx context.Context) iter.Seq2[mlflow.Run, error] {
	ids := func(r *reader) (string, []any) {
		d, from := s.dialect, r.activeRuns()
		tagged := " AND " + d.name("run_uuid") + " IN (SELECT " + d.name("run_uuid") + " FROM " + d.name("tags") + " WHERE " + d.name("key") + " = ?)"
		return "SELECT " + d.name("run_uuid") + " FROM " + d.name(from.table) + " WHERE " + from.where + tagged + " ORDER BY " + d.byteOrder("run_uuid"), append(from.values, fetch.HistoryTag)
	}
	return byIDs(ctx, s, ids, func(ctx context.Context, ids []string) (fetch.Results[string, mlflow.Run], error) {
		return s.Runs(ctx, ids, nil)
	})
}

// byIDs streams the objects whose ids a query gives: the ids are read at once,
// the objects in pages.
func byIDs[V any](ctx context.Context, s *Store, query func(*reader) (string, []any), read func(context.Context, []string) (fetch.Results[string, V], error)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var none V
		ids, err := s.idsOf(ctx, query)
		if err != nil {
			yield(none, err)
			return
		}
		for some := range slices.Chunk(ids, pageSize) {
			found, err := read(ctx, some)
			if err != nil {
				yield(none, err)
				return
			}
			for _, id := range some {
				v := found[id]
				if fetch.Final(v.Err) && v.Err != nil {
					continue // deleted since its id was read, or not readable by anybody
				}
				if !yield(v.Value, v.Err) || v.Err != nil {
					return
				}
			}
		}
	}
}

func (s *Store) idsOf(ctx context.Context, query func(*reader) (string, []any)) ([]string, error) {
	r, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { s.ended(r.end()) }()
	var ids []string
	text, values := query(r)
	err = r.scan(ctx, text, values, 1, func(row []any) { ids = append(ids, firstText(row)) })
	return ids, cutOr(ctx, s.fault(err))
}
