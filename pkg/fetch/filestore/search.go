package filestore

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// SearchExperiments implements fetch.Searcher.
func (s *Store) SearchExperiments(ctx context.Context, q fetch.Search) iter.Seq2[mlflow.Experiment, error] {
	all := inEach(ctx, s, q.View, nil, func(e mlflow.Experiment, yield func(mlflow.Experiment) error) error { return yield(e) })
	return fetch.Where(all, mlflow.ExperimentFilter, q.Filter, func(e mlflow.Experiment) *mlflow.Object { return e.Object })
}

// SearchRuns implements fetch.Searcher. Deleted runs may be in experiments that
// are not deleted.
func (s *Store) SearchRuns(ctx context.Context, q fetch.Search) iter.Seq2[mlflow.Run, error] {
	view := q.View
	if view == fetch.DeletedOnly || q.Experiments != nil {
		view = fetch.AllStages
	}
	all := inEach(ctx, s, view, q.Experiments, func(e mlflow.Experiment, yield func(mlflow.Run) error) error {
		for r, err := range s.listRuns(ctx, e.ID(), q.View) {
			if err == nil {
				err = yield(r)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return fetch.Where(all, mlflow.RunFilter, q.Filter, func(r mlflow.Run) *mlflow.Object { return r.Object })
}

// SearchLoggedModels implements fetch.Searcher. What cannot be read is passed
// over, with a warning.
func (s *Store) SearchLoggedModels(ctx context.Context, q fetch.Search) iter.Seq2[mlflow.LoggedModel, error] {
	all := inEach(ctx, s, fetch.ActiveOnly, q.Experiments, func(e mlflow.Experiment, yield func(mlflow.LoggedModel) error) error {
		ids, err := s.loggedModelIDs(e.ID())
		if err != nil {
			return err
		}
		found, err := fetch.Each(ctx, ids, inFlight, func(ctx context.Context, id string) (mlflow.LoggedModel, error) {
			return s.readLoggedModel(ctx, e.ID(), id)
		})
		if err != nil {
			return err
		}
		for _, id := range ids {
			switch m := found[id]; {
			case errors.Is(m.Err, mlflow.ErrNotFound): // deleted
			case m.Err != nil:
				_ = s.passOver("logged model "+id, m.Err, nil)
			default:
				if err := yield(m.Value); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return fetch.Where(all, mlflow.LoggedModelFilter, q.Filter, func(m mlflow.LoggedModel) *mlflow.Object { return m.Object })
}

// inEach streams what list finds in experiments: of these ids, or in all that
// the view shows.
func inEach[V any](ctx context.Context, s *Store, view fetch.View, ids []string, list func(mlflow.Experiment, func(V) error) error) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		pass := func(v V) error {
			if !yield(v, nil) {
				return errStop
			}
			return nil
		}
		err := s.eachIn(ctx, view, func(e mlflow.Experiment) error {
			if ids != nil && !slices.Contains(ids, e.ID()) {
				return nil
			}
			return list(e, pass)
		})
		if err != nil && !errors.Is(err, errStop) {
			var none V
			yield(none, err)
		}
	}
}
