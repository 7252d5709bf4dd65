package rest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// fewKeys is how many keys are rather asked one by one than by way of a list
// of all experiments.
const fewKeys = 3

// Experiments implements fetch.Reader.
func (r *Reader) Experiments(ctx context.Context, ids []string) (fetch.Results[string, mlflow.Experiment], error) {
	keys := fetch.Distinct(ids)
	out := newAnswers[string, mlflow.Experiment](len(keys))
	if len(keys) > 1 {
		s := search[string, mlflow.Experiment]{
			r: r, what: "experiments by id", can: &r.can.experimentsIn, ask: r.searchExperiments,
			plan: func(keys []string) ([][]string, []string) { return byCount(keys, r.isExperiment) },
		}
		var err error
		if keys, err = s.run(ctx, keys, out); err != nil {
			return out.all, err
		}
		if r.can.experimentsIn.no() && len(keys) > fewKeys {
			if keys, err = r.findExperiments(ctx, keys, out); err != nil {
				return out.all, err
			}
		}
	}
	err := singly(ctx, r, keys, out, r.experiment)
	return out.all, err
}

func (r *Reader) experiment(ctx context.Context, id string) (mlflow.Experiment, error) {
	if !r.isExperiment(id) { // such as a name
		return mlflow.Experiment{}, fmt.Errorf("experiment %s: %w", id, mlflow.ErrNotFound)
	}
	o, err := r.getOne(ctx, "experiments/get", url.Values{"experiment_id": {id}}, "experiment", "experiment "+id, id, textAt("experiment_id"))
	return mlflow.Experiment{Object: o}, err
}

// ExperimentByName implements fetch.Source.
func (r *Reader) ExperimentByName(ctx context.Context, name string) (mlflow.Experiment, error) {
	o, err := r.getOne(ctx, "experiments/get-by-name", url.Values{"experiment_name": {name}}, "experiment", fmt.Sprintf("experiment %q", name), name, textAt("name"))
	return mlflow.Experiment{Object: o}, err
}

func (r *Reader) searchExperiments(ctx context.Context, ids []string) (map[string]mlflow.Experiment, error) {
	body := mlflow.NewObject(
		mlflow.Member{Key: "max_results", Value: number(len(ids) + 1)},
		mlflow.Member{Key: "filter", Value: inList("experiment_id", ids)},
		mlflow.Member{Key: "view_type", Value: "ALL"},
	)
	pages := r.postPages(ctx, "experiments/search", body, "experiments")
	return newPicked[string, mlflow.Experiment](ids, same).pick(pages, func(o *mlflow.Object) (string, mlflow.Experiment) {
		return o.Text("experiment_id"), mlflow.Experiment{Object: o}
	})
}

// findExperiments looks for experiments in the list of all, as long as reading
// on costs less than a request each.
func (r *Reader) findExperiments(ctx context.Context, keys []string, out *answers[string, mlflow.Experiment]) (left []string, err error) {
	open := make(map[string]bool, len(keys))
	for _, k := range keys {
		open[k] = true
	}
	pages := 0
	for page, err := range r.allExperiments(ctx) {
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			break
		}
		for _, o := range page.rows {
			if id := o.Text("experiment_id"); open[id] {
				delete(open, id)
				out.put(id, mlflow.Experiment{Object: o}, nil)
			}
		}
		if pages++; len(open) <= pages {
			break
		}
	}
	return slices.DeleteFunc(keys, func(k string) bool { return !open[k] }), nil
}

func (r *Reader) allExperiments(ctx context.Context) func(yield func(page, error) bool) {
	body := mlflow.NewObject(
		mlflow.Member{Key: "max_results", Value: number(maxPage)},
		mlflow.Member{Key: "view_type", Value: "ALL"},
	)
	return r.postPages(ctx, "experiments/search", body, "experiments")
}

// An experimentList remembers the ids of all experiments. It may be old: an id
// that it lacks only costs a request.
type experimentList struct {
	mu  sync.Mutex
	ids []string
	had bool
}

// experimentIDs lists the ids of all experiments, once. A server that does not
// tell gives none.
func (r *Reader) experimentIDs(ctx context.Context) ([]string, error) {
	l := &r.seen
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.had {
		return l.ids, nil
	}
	var ids []string
	for page, err := range r.allExperiments(ctx) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			l.had = !errors.Is(err, mlflow.ErrUnavailable)
			return nil, nil
		}
		for _, o := range page.rows {
			if id := o.Text("experiment_id"); r.isExperiment(id) {
				ids = append(ids, id)
			}
		}
	}
	l.ids, l.had = ids, true
	return ids, nil
}

// maxScope is how many experiments one search of runs or logged models names.
const maxScope = 500

// scopes are lists of experiments to search for n keys beyond those that were
// searched already; none, when asking for each key costs less.
func (r *Reader) scopes(ctx context.Context, n int, searched []string) ([][]string, error) {
	if n <= fewKeys {
		return nil, nil
	}
	all, err := r.experimentIDs(ctx)
	if err != nil {
		return nil, err
	}
	others := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(searched, id) })
	scopes := slices.Collect(slices.Chunk(others, maxScope))
	if len(scopes)*((n+maxIDs-1)/maxIDs) >= n {
		return nil, nil
	}
	return scopes, nil
}

// searchable are the experiments of a hint that can be searched.
func (r *Reader) searchable(in []string) []string {
	ids := slices.DeleteFunc(fetch.Distinct(in), func(id string) bool { return !r.isExperiment(id) })
	return ids[:min(len(ids), maxScope)]
}
