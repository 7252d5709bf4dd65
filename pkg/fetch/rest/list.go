package rest

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// ListsWhole implements fetch.WholeLister: a search shows of registered models
// what `get` shows.
func (r *Reader) ListsWhole() bool { return true }

// ListModels implements fetch.Source. The order is the server's: a database
// whose collation is not that of bytes has its own.
func (r *Reader) ListModels(ctx context.Context, q fetch.Query) iter.Seq2[mlflow.RegisteredModel, error] {
	if q.Models != nil {
		return r.namedModels(ctx, q.Models)
	}
	return func(yield func(mlflow.RegisteredModel, error) bool) {
		params := url.Values{"max_results": {fmt.Sprint(maxPage)}, "order_by": {"name"}}
		narrow(params, q)
		pages := 0 // that show rows
		for page, err := range r.getPages(ctx, "registered-models/search", params, "registered_models") {
			if err != nil {
				yield(mlflow.RegisteredModel{}, fmt.Errorf("listing registered models: %w", err))
				return
			}
			if len(page.rows) > 0 {
				if pages++; pages == 2 && q.Paged != nil {
					q.Paged()
				}
			}
			for _, o := range page.rows {
				if m := asModel(o); !m.IsPrompt() && !yield(m, nil) {
					return
				}
			}
		}
	}
}

// narrow sends the filter of a query, unchanged, or else its pattern.
func narrow(params url.Values, q fetch.Query) {
	if q.Filter != "" {
		params.Set("filter", q.Filter)
	} else if like, ok := equals("name", q.Like); ok {
		params.Set("filter", strings.Replace(like, "=", "LIKE", 1))
	}
}

// namedModels reads models by name; those that are not there are left out.
func (r *Reader) namedModels(ctx context.Context, names []string) iter.Seq2[mlflow.RegisteredModel, error] {
	return func(yield func(mlflow.RegisteredModel, error) bool) {
		for some := range slices.Chunk(sortedNames(names), maxPage) {
			found, err := r.Models(ctx, some)
			if err != nil {
				yield(mlflow.RegisteredModel{}, err)
				return
			}
			for _, name := range some {
				m := found[name]
				switch {
				case m.Err != nil && !fetch.Final(m.Err):
					yield(mlflow.RegisteredModel{}, m.Err)
					return
				case m.Err == nil && !m.Value.IsPrompt() && !yield(m.Value, nil):
					return
				}
			}
		}
	}
}

func sortedNames(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

// ListRuns implements fetch.Source.
func (r *Reader) ListRuns(ctx context.Context, experimentID string) iter.Seq2[mlflow.Run, error] {
	body := mlflow.NewObject(
		mlflow.Member{Key: "experiment_ids", Value: []any{experimentID}},
		mlflow.Member{Key: "run_view_type", Value: "ACTIVE_ONLY"},
		mlflow.Member{Key: "max_results", Value: number(runsPage)},
		mlflow.Member{Key: "order_by", Value: []any{"attributes.start_time DESC", "attributes.run_id ASC"}},
	)
	return func(yield func(mlflow.Run, error) bool) {
		fail := func(err error) {
			yield(mlflow.Run{}, fmt.Errorf("listing the runs of experiment %s: %w", experimentID, err))
		}
		for page, err := range r.postPages(ctx, "runs/search", body, "runs") {
			if err != nil {
				fail(err)
				return
			}
			runs := make([]mlflow.Run, len(page.rows))
			for i, o := range page.rows {
				runs[i] = mlflow.Run{Object: o}
			}
			failed, err := r.completeRuns(ctx, runs)
			if err != nil {
				fail(err)
				return
			}
			for _, run := range runs {
				if err := failed[run.ID()]; err != nil {
					fail(err)
					return
				}
				if !yield(run, nil) {
					return
				}
			}
		}
	}
}
