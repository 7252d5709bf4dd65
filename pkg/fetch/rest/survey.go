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
	var experiments []string
	for e, err := range r.SearchExperiments(ctx, fetch.Search{}) {
		if err != nil {
			return out, err
		}
		experiments = append(experiments, e.ID())
		out.Experiments.N++
		if out.ArtifactURI == "" {
			out.ArtifactURI = e.Text("artifact_location")
		}
	}
	for page, err := range r.runPages(ctx, experiments, fetch.Search{}) {
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
	for page, err := range r.loggedPages(ctx, experiments, "") {
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

// inScopes asks a search for maxScope experiments after the other. What page
// of all is the last one is marked.
func (r *Reader) inScopes(ctx context.Context, path, member string, experiments []string, body func(ids []any) *mlflow.Object) iter.Seq2[page, error] {
	scopes := slices.Collect(slices.Chunk(mlflow.Texts(experiments), maxScope))
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

// runPages lists runs, newest first within maxScope experiments.
func (r *Reader) runPages(ctx context.Context, experiments []string, q fetch.Search) iter.Seq2[page, error] {
	return r.inScopes(ctx, "runs/search", "runs", experiments, func(ids []any) *mlflow.Object {
		body := mlflow.NewObject(
			mlflow.Member{Key: "experiment_ids", Value: ids},
			mlflow.Member{Key: "run_view_type", Value: q.View.String()},
			mlflow.Member{Key: "max_results", Value: number(runsPage)},
			mlflow.Member{Key: "order_by", Value: []any{"attributes.start_time DESC", "attributes.run_id ASC"}},
		)
		addFilter(body, q.Filter)
		return body
	})
}

// loggedPages lists logged models; a server older than MLflow 3 has none.
func (r *Reader) loggedPages(ctx context.Context, experiments []string, filter string) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		if r.can.loggedModels.no() {
			return
		}
		pages := r.inScopes(ctx, "logged-models/search", "models", experiments, func(ids []any) *mlflow.Object {
			body := mlflow.NewObject(mlflow.Member{Key: "experiment_ids", Value: ids}, mlflow.Member{Key: "max_results", Value: number(runsPage)})
			addFilter(body, filter)
			return body
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
	return r.SearchLoggedModels(ctx, fetch.Search{})
}

// historyFilter finds the runs that have the tag at all.
const historyFilter = "tags.`" + fetch.HistoryTag + "` LIKE '%'"

// ListModelRuns implements fetch.Surveyor. A server that refuses the filter is
// asked for all runs.
func (r *Reader) ListModelRuns(ctx context.Context) iter.Seq2[mlflow.Run, error] {
	return func(yield func(mlflow.Run, error) bool) {
		for again, filter := true, historyFilter; again; filter = "" {
			again = r.modelRuns(ctx, filter, yield)
		}
	}
}

// modelRuns lists runs that have the tag. again says that the server refused
// the filter, before anything was listed.
func (r *Reader) modelRuns(ctx context.Context, filter string, yield func(mlflow.Run, error) bool) (again bool) {
	first := true
	for run, err := range r.SearchRuns(ctx, fetch.Search{Filter: filter}) {
		switch {
		case err != nil && first && filter != "" && errors.Is(err, mlflow.ErrInvalid):
			return true
		case err != nil:
			yield(mlflow.Run{}, err)
			return false
		}
		first = false
		if len(fetch.RunModels(run)) > 0 && !yield(run, nil) {
			return false
		}
	}
	return false
}
