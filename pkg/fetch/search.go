package fetch

import (
	"context"
	"iter"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Searcher is a Source whose tracking store can be searched as MLflow's own
// searches do it: complete (every page), streamed; an error ends the iteration.
type Searcher interface {
	// SearchExperiments is `experiments/search`.
	SearchExperiments(ctx context.Context, q Search) iter.Seq2[mlflow.Experiment, error]

	// SearchRuns is `runs/search`, newest first in each experiment. The runs
	// may lack what a search does not show: inputs and outputs.
	SearchRuns(ctx context.Context, q Search) iter.Seq2[mlflow.Run, error]

	// SearchLoggedModels is `logged-models/search`; a store older than MLflow 3
	// has none.
	SearchLoggedModels(ctx context.Context, q Search) iter.Seq2[mlflow.LoggedModel, error]
}

// A Search narrows what is listed. The zero value finds all that is not deleted.
type Search struct {
	Filter      string   // MLflow's filter string, sent to servers unchanged; other stores know what mlflow.ParseFilter knows
	Experiments []string // ids of the experiments to look in, for runs and logged models; nil: all that View shows
	View        View     // of experiments and runs
}

// View says which stages of life are shown, as MLflow's `view_type`.
type View int

// The views.
const (
	ActiveOnly View = iota
	DeletedOnly
	AllStages
)

// String is the view as MLflow's API names it.
func (v View) String() string {
	switch v {
	case DeletedOnly:
		return "DELETED_ONLY"
	case AllStages:
		return "ALL"
	}
	return "ACTIVE_ONLY"
}

// Shows tells whether the view shows objects of this lifecycle stage.
func (v View) Shows(stage string) bool {
	return v == AllStages || (stage == "deleted") == (v == DeletedOnly)
}

// Where passes on what a filter string matches: for stores without a server.
func Where[V any](all iter.Seq2[V, error], kind mlflow.FilterKind, filter string, object func(V) *mlflow.Object) iter.Seq2[V, error] {
	if filter == "" {
		return all
	}
	return func(yield func(V, error) bool) {
		f, err := mlflow.ParseFilter(kind, filter)
		if err != nil {
			var none V
			yield(none, err)
			return
		}
		for v, err := range all {
			if (err != nil || f.Match(object(v))) && !yield(v, err) {
				return
			}
		}
	}
}

// SearchExperiments asks the tracking store, when it is a Searcher.
func (p Pair) SearchExperiments(ctx context.Context, q Search) iter.Seq2[mlflow.Experiment, error] {
	if s, ok := p.Tracking.(Searcher); ok {
		return s.SearchExperiments(ctx, q)
	}
	return unsupported[mlflow.Experiment]
}

// SearchRuns asks the tracking store, when it is a Searcher.
func (p Pair) SearchRuns(ctx context.Context, q Search) iter.Seq2[mlflow.Run, error] {
	if s, ok := p.Tracking.(Searcher); ok {
		return s.SearchRuns(ctx, q)
	}
	return unsupported[mlflow.Run]
}

// SearchLoggedModels asks the tracking store, when it is a Searcher.
func (p Pair) SearchLoggedModels(ctx context.Context, q Search) iter.Seq2[mlflow.LoggedModel, error] {
	if s, ok := p.Tracking.(Searcher); ok {
		return s.SearchLoggedModels(ctx, q)
	}
	return unsupported[mlflow.LoggedModel]
}
