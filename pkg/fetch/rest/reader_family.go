package rest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// parentField is the tag of a child run in a filter.
const parentField = "tags." + mlflow.ParentTag

// ChildRuns implements fetch.Genealogist. Several runs of one experiment are
// answered with one search for all child runs in it, when these fit on a page;
// otherwise each run has a search of its own.
func (r *Reader) ChildRuns(ctx context.Context, parents []mlflow.Run) (fetch.Results[string, []mlflow.Run], error) {
	byExperiment := map[string][]string{}
	for _, p := range parents {
		byExperiment[p.ExperimentID()] = append(byExperiment[p.ExperimentID()], p.ID())
	}
	out := newAnswers[string, []mlflow.Run](len(parents))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.inFlight())
	for experiment, ids := range byExperiment {
		g.Go(func() error { return r.childRunsIn(gctx, experiment, fetch.Distinct(ids), out) })
	}
	err := g.Wait()
	return out.all, err
}

func (r *Reader) childRunsIn(ctx context.Context, experiment string, parents []string, out *answers[string, []mlflow.Run]) error {
	if len(parents) > 1 {
		found, whole, err := r.searchChildren(ctx, experiment, parentField+" LIKE '_%'", 1)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && whole {
			for _, id := range parents {
				out.put(id, found[id], nil)
			}
			return nil
		}
	}
	return singly(ctx, r, parents, out, func(ctx context.Context, id string) ([]mlflow.Run, error) {
		filter, ok := equals(parentField, id)
		if !ok {
			return nil, fmt.Errorf("the child runs of run %q: %w", id, mlflow.ErrInvalid)
		}
		found, _, err := r.searchChildren(ctx, experiment, filter, 0)
		if err != nil {
			return nil, fmt.Errorf("the child runs of run %s: %w", id, err)
		}
		return found[id], nil
	})
}

// searchChildren searches an experiment, deleted runs too, and sorts the
// children by their parents: the answer is not believed further than its tags
// say. whole is false when there were more than pages pages; 0: all are read.
func (r *Reader) searchChildren(ctx context.Context, experiment, filter string, pages int) (found map[string][]mlflow.Run, whole bool, err error) {
	body := mlflow.NewObject(
		mlflow.Member{Key: "experiment_ids", Value: []any{experiment}},
		mlflow.Member{Key: "filter", Value: filter},
		mlflow.Member{Key: "run_view_type", Value: "ALL"},
		mlflow.Member{Key: "max_results", Value: number(runsPage)},
	)
	found = map[string][]mlflow.Run{}
	for page, err := range r.postPages(ctx, "runs/search", body, "runs") {
		if err != nil {
			return nil, false, err
		}
		for _, o := range page.rows {
			run := mlflow.Run{Object: o}
			if id := run.ParentID(); id != "" {
				found[id] = append(found[id], mlflow.Run{Object: mlflow.NewObject(mlflow.Member{Key: "info", Value: run.Info()})})
			}
		}
		if pages--; pages == 0 && !page.last {
			return nil, false, nil
		}
	}
	for _, runs := range found {
		slices.SortFunc(runs, func(a, b mlflow.Run) int { return cmp.Compare(a.ID(), b.ID()) })
	}
	return found, true, nil
}
