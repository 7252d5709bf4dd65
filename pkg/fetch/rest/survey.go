package rest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Survey implements fetch.Surveyor: runs and logged models are counted up to
// one page.
func (r *Reader) Survey(ctx context.Context) (fetch.Survey, error) {
	out := fetch.Survey{}
	experiments, err := r.activeExperiments(ctx)
	if err != nil {
		return out, err
	}
	for _, e := range experiments {
		out.Experiments.N++
		if out.ArtifactURI == "" {
			out.ArtifactURI = e.Text("artifact_location")
		}
	}
	for page, err := range r.runPages(ctx, experiments, "") {
		if err != nil {
			return out, fmt.Errorf("counting runs: %w", err)
		}
		for _, row := range page.rows {
			info := mlflow.Run{Object: row}.Info()
			if start, _ := strconv.ParseInt(info.Text("start_time"), 10, 64); start > out.NewestRun {
				out.NewestRun, out.ArtifactURI = start, info.Text("artifact_uri")
			}
		}
		out.Runs = fetch.Count{N: len(page.rows), More: !page.last}
		break
	}
	for page, err := range r.loggedPages(ctx, experiments) {
		if err != nil {
			return out, fmt.Errorf("counting logged models: %w", err)
		}
		out.LoggedModels = fetch.Count{N: len(page.rows), More: !page.last}
		break
	}
	if c, ok := r.c.(interface {
		Version(context.Context) (string, error)
	}); ok {
		if v, err := c.Version(ctx); err == nil { // a proxy may hide it
			out.Version = v
		}
	}
	return out, ctx.Err()
}

// activeExperiments lists the experiments that are not deleted.
func (r *Reader) activeExperiments(ctx context.Context) ([]mlflow.Experiment, error) {
	body := mlflow.NewObject(
		mlflow.Member{Key: "max_results", Value: number(maxPage)},
		mlflow.Member{Key: "view_type", Value: "ACTIVE_ONLY"},
	)
	var out []mlflow.Experiment
	for page, err := range r.postPages(ctx, "experiments/search", body, "experiments") {
		if err != nil {
			return nil, fmt.Errorf("listing experiments: %w", err)
		}
		for _, o := range page.rows {
			out = append(out, mlflow.Experiment{Object: o})
		}
	}
	return out, nil
}

// inScopes asks a search for maxScope experiments after the other. What page
// of all is the last one is marked.
func (r *Reader) inScopes(ctx context.Context, path, member string, experiments []mlflow.Experiment, body func(ids []any) *mlflow.Object) iter.Seq2[page, error] {
	ids := make([]any, len(experiments))
	for i, e := range experiments {
		ids[i] = e.ID()
	}
	scopes := slices.Collect(slices.Chunk(ids, maxScope))
	return func(yield func(page, error) bool) {
		for i, scope := range scopes {
			for p, err := range r.postPages(ctx, path, body(scope), member) {
				p.last = p.last && i == len(scopes)-1
				if !yield(p, err) || err != nil {
					return
				}
			}
		}
	}
}

// runPages lists active runs, newest first within maxScope experiments.
func (r *Reader) runPages(ctx context.Context, experiments []mlflow.Experiment, filter string) iter.Seq2[page, error] {
	return r.inScopes(ctx, "runs/search", "runs", experiments, func(ids []any) *mlflow.Object {
		body := mlflow.NewObject(
			mlflow.Member{Key: "experiment_ids", Value: ids},
			mlflow.Member{Key: "run_view_type", Value: "ACTIVE_ONLY"},
			mlflow.Member{Key: "max_results", Value: number(runsPage)},
			mlflow.Member{Key: "order_by", Value: []any{"attributes.start_time DESC", "attributes.run_id ASC"}},
		)
		if filter != "" {
			body.Append("filter", filter)
		}
		return body
	})
}

// loggedPages lists logged models; a server older than MLflow 3 has none.
func (r *Reader) loggedPages(ctx context.Context, experiments []mlflow.Experiment) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		if r.can.loggedModels.no() {
			return
		}
		pages := r.inScopes(ctx, "logged-models/search", "models", experiments, func(ids []any) *mlflow.Object {
			return mlflow.NewObject(mlflow.Member{Key: "experiment_ids", Value: ids}, mlflow.Member{Key: "max_results", Value: number(runsPage)})
		})
		for p, err := range pages {
			r.learnLogged(err)
			if errors.Is(err, mlflow.ErrUnsupported) {
				return
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// ListLoggedModels implements fetch.Surveyor.
func (r *Reader) ListLoggedModels(ctx context.Context) iter.Seq2[mlflow.LoggedModel, error] {
	return func(yield func(mlflow.LoggedModel, error) bool) {
		experiments, err := r.activeExperiments(ctx)
		if err != nil {
			yield(mlflow.LoggedModel{}, err)
			return
		}
		for page, err := range r.loggedPages(ctx, experiments) {
			if err != nil {
				yield(mlflow.LoggedModel{}, fmt.Errorf("listing logged models: %w", err))
				return
			}
			for _, o := range page.rows {
				if !yield(mlflow.LoggedModel{Object: o}, nil) {
					return
				}
			}
		}
	}
}

// historyFilter finds the runs that have the tag at all.
const historyFilter = "tags.`" + fetch.HistoryTag + "` LIKE '%'"

// ListModelRuns implements fetch.Surveyor. A server that refuses the filter is
// asked for all runs.
func (r *Reader) ListModelRuns(ctx context.Context) iter.Seq2[mlflow.Run, error] {
	return func(yield func(mlflow.Run, error) bool) {
		experiments, err := r.activeExperiments(ctx)
		if err != nil {
			yield(mlflow.Run{}, err)
			return
		}
		filter := historyFilter
		for again := true; again; {
			again, filter = r.modelRuns(ctx, experiments, filter, yield)
		}
	}
}

// modelRuns lists runs that have the tag. again says that the server refused
// the filter, before anything was listed.
func (r *Reader) modelRuns(ctx context.Context, experiments []mlflow.Experiment, filter string, yield func(mlflow.Run, error) bool) (again bool, next string) {
	first := true
	for page, err := range r.runPages(ctx, experiments, filter) {
		if err != nil {
			if first && filter != "" && errors.Is(err, mlflow.ErrInvalid) {
				return true, ""
			}
			yield(mlflow.Run{}, fmt.Errorf("listing runs: %w", err))
			return false, ""
		}
		first = false
		for _, o := range page.rows {
			run := mlflow.Run{Object: o}
			if len(fetch.RunModels(run)) > 0 && !yield(run, nil) {
				return false, ""
			}
		}
	}
	return false, ""
}
