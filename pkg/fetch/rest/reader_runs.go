package rest

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Runs implements fetch.Reader. Runs that are not in the experiments of in are
// looked for in all experiments, listed once.
func (r *Reader) Runs(ctx context.Context, ids, in []string) (fetch.Results[string, mlflow.Run], error) {
	keys := fetch.Distinct(ids)
	out := newAnswers[string, mlflow.Run](len(keys))
	if len(keys) > 1 {
		var err error
		if keys, err = r.searchRuns(ctx, keys, r.searchable(in), out); err != nil {
			return nil, err // nothing that was found is complete
		}
		if err = r.complete(ctx, out); err != nil {
			return out.all, err
		}
	}
	err := singly(ctx, r, keys, out, r.run)
	return out.all, err
}

func (r *Reader) run(ctx context.Context, id string) (mlflow.Run, error) {
	o, err := r.getOne(ctx, "runs/get", url.Values{"run_id": {id}}, "run", "run "+id, id, func(o *mlflow.Object) string { return mlflow.Run{Object: o}.ID() })
	return mlflow.Run{Object: o}, err
}

func (r *Reader) searchRuns(ctx context.Context, keys, in []string, out *answers[string, mlflow.Run]) (left []string, err error) {
	s := search[string, mlflow.Run]{
		r: r, what: "runs by id", can: &r.can.runsIn,
		plan: func(keys []string) ([][]string, []string) { return byCount(keys, anyKey) },
	}
	return r.widen(ctx, keys, in, &r.can.runsIn, func(keys, experiments []string) ([]string, error) {
		s.ask = func(ctx context.Context, ids []string) (map[string]mlflow.Run, error) {
			return r.askRuns(ctx, ids, experiments)
		}
		return s.run(ctx, keys, out)
	})
}

// widen searches the experiments of a hint, then all others.
func (r *Reader) widen(ctx context.Context, keys, in []string, can *ability, search func(keys, experiments []string) ([]string, error)) ([]string, error) {
	var err error
	if len(in) > 0 {
		if keys, err = search(keys, in); err != nil {
			return nil, err
		}
	}
	if can.no() {
		return keys, nil
	}
	scopes, err := r.scopes(ctx, len(keys), in)
	if err != nil {
		return nil, err
	}
	for _, experiments := range scopes {
		if keys, err = search(keys, experiments); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func (r *Reader) askRuns(ctx context.Context, ids, experiments []string) (map[string]mlflow.Run, error) {
	body := mlflow.NewObject(
		mlflow.Member{Key: "experiment_ids", Value: mlflow.Texts(experiments)},
		mlflow.Member{Key: "filter", Value: inList("attributes.run_id", ids)},
		mlflow.Member{Key: "run_view_type", Value: "ALL"},
		mlflow.Member{Key: "max_results", Value: number(len(ids) + 1)}, // MLflow 2 gives a full page a token
	)
	pages := r.postPages(ctx, "runs/search", body, "runs")
	return newPicked[string, mlflow.Run](ids, same).pick(pages, func(o *mlflow.Object) (string, mlflow.Run) {
		run := mlflow.Run{Object: o}
		return run.ID(), run
	})
}

// complete adds to runs from a search what only `runs/get` shows. A run whose
// rest cannot be had is not an answer.
func (r *Reader) complete(ctx context.Context, out *answers[string, mlflow.Run]) error {
	var runs []mlflow.Run
	for _, res := range out.all {
		if res.Err == nil {
			runs = append(runs, res.Value)
		}
	}
	slices.SortFunc(runs, func(a, b mlflow.Run) int { return strings.Compare(a.ID(), b.ID()) })
	failed, err := r.completeRuns(ctx, runs)
	for id, e := range failed {
		out.fail(id, e)
	}
	if err != nil {
		for _, run := range runs {
			if _, had := failed[run.ID()]; !had {
				delete(out.all, run.ID())
			}
		}
	}
	return err
}
