package rest

import (
	"context"
	"fmt"
	"iter"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// SearchExperiments implements fetch.Searcher.
func (r *Reader) SearchExperiments(ctx context.Context, q fetch.Search) iter.Seq2[mlflow.Experiment, error] {
	body := mlflow.NewObject(
		mlflow.Member{Key: "max_results", Value: number(maxPage)},
		mlflow.Member{Key: "view_type", Value: q.View.String()},
	)
	addFilter(body, q.Filter)
	return rowsOf(r.postPages(ctx, "experiments/search", body, "experiments"), "experiments", func(o *mlflow.Object) mlflow.Experiment { return mlflow.Experiment{Object: o} })
}

// SearchRuns implements fetch.Searcher.
func (r *Reader) SearchRuns(ctx context.Context, q fetch.Search) iter.Seq2[mlflow.Run, error] {
	return inExperiments(ctx, r, q, func(ids []string) iter.Seq2[mlflow.Run, error] {
		return rowsOf(r.runPages(ctx, ids, q), "runs", func(o *mlflow.Object) mlflow.Run { return mlflow.Run{Object: o} })
	})
}

// SearchLoggedModels implements fetch.Searcher.
func (r *Reader) SearchLoggedModels(ctx context.Context, q fetch.Search) iter.Seq2[mlflow.LoggedModel, error] {
	q.View = fetch.ActiveOnly
	return inExperiments(ctx, r, q, func(ids []string) iter.Seq2[mlflow.LoggedModel, error] {
		return rowsOf(r.loggedPages(ctx, ids, q.Filter), "logged models", func(o *mlflow.Object) mlflow.LoggedModel { return mlflow.LoggedModel{Object: o} })
	})
}

// inExperiments lists in the experiments of a search, or in all that its view
// shows: deleted runs may be in experiments that are not deleted.
func inExperiments[V any](ctx context.Context, r *Reader, q fetch.Search, list func(ids []string) iter.Seq2[V, error]) iter.Seq2[V, error] {
	if q.Experiments != nil {
		return list(q.Experiments)
	}
	view := q.View
	if view == fetch.DeletedOnly {
		view = fetch.AllStages
	}
	return func(yield func(V, error) bool) {
		var ids []string
		for e, err := range r.SearchExperiments(ctx, fetch.Search{View: view}) {
			if err != nil {
				var none V
				yield(none, err)
				return
			}
			ids = append(ids, e.ID())
		}
		list(ids)(yield)
	}
}

// rowsOf streams the rows of pages.
func rowsOf[V any](pages iter.Seq2[page, error], what string, of func(*mlflow.Object) V) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for p, err := range pages {
			if err != nil {
				var none V
				yield(none, fmt.Errorf("listing %s: %w", what, err))
				return
			}
			for _, o := range p.rows {
				if !yield(of(o), nil) {
					return
				}
			}
		}
	}
}

func addFilter(body *mlflow.Object, filter string) {
	if filter != "" {
		body.Append("filter", filter)
	}
}
