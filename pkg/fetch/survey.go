package fetch

import (
	"context"
	"iter"
	"strconv"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Surveyor is a Source that also tells what it holds beside registered models.
// All of it hides what MLflow's searches hide: deleted experiments, runs and
// logged models.
type Surveyor interface {
	// Survey counts, with a bounded number of requests to a server.
	Survey(ctx context.Context) (Survey, error)

	// ListLoggedModels streams the logged models of all experiments; none of a
	// store older than MLflow 3. An error ends the iteration.
	ListLoggedModels(ctx context.Context) iter.Seq2[mlflow.LoggedModel, error]

	// ListModelRuns streams the runs of all experiments that logged a model as
	// MLflow 1 and 2 note it: those with the tag `mlflow.log-model.history`.
	// The runs may lack inputs and outputs. An error ends the iteration.
	ListModelRuns(ctx context.Context) iter.Seq2[mlflow.Run, error]
}

// HistoryTag is the tag in which MLflow 1 and 2 note the models that a run
// logged: a JSON list of objects with `artifact_path` and `model_uuid`.
const HistoryTag = "mlflow.log-model.history"

// A Survey says in numbers what a store holds.
type Survey struct {
	Version      string // of MLflow, as far as the store tells: `3.17.2` of a server, `2.4 to 2.22` of a schema
	Experiments  Count
	Runs         Count
	LoggedModels Count
	NewestRun    int64  // when it started, in milliseconds since 1970; 0: no run
	ArtifactURI  string // where the newest run keeps its files, as MLflow stores it; without a run, an experiment's
}

// A Count is a number, or what it is at least.
type Count struct {
	N    int
	More bool // there are more; nobody counted them
}

func (c Count) String() string {
	if c.More {
		return strconv.Itoa(c.N) + " or more"
	}
	return strconv.Itoa(c.N)
}

// Survey asks the tracking store, when it is a Surveyor.
func (p Pair) Survey(ctx context.Context) (Survey, error) {
	if s, ok := p.Tracking.(Surveyor); ok {
		return s.Survey(ctx)
	}
	return Survey{}, mlflow.ErrUnsupported
}

// ListLoggedModels asks the tracking store, when it is a Surveyor.
func (p Pair) ListLoggedModels(ctx context.Context) iter.Seq2[mlflow.LoggedModel, error] {
	if s, ok := p.Tracking.(Surveyor); ok {
		return s.ListLoggedModels(ctx)
	}
	return unsupported[mlflow.LoggedModel]
}

// ListModelRuns asks the tracking store, when it is a Surveyor.
func (p Pair) ListModelRuns(ctx context.Context) iter.Seq2[mlflow.Run, error] {
	if s, ok := p.Tracking.(Surveyor); ok {
		return s.ListModelRuns(ctx)
	}
	return unsupported[mlflow.Run]
}

func unsupported[V any](yield func(V, error) bool) {
	var none V
	yield(none, mlflow.ErrUnsupported)
}
