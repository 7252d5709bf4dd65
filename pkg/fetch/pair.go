package fetch

import (
	"context"
	"iter"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Pair is one Source made of two: MLflow's registry and its tracking store may
// be different servers or databases.
type Pair struct {
	Registry, Tracking Source
}

// Models asks the registry.
func (p Pair) Models(ctx context.Context, names []string) (Results[string, mlflow.RegisteredModel], error) {
	return p.Registry.Models(ctx, names)
}

// Versions asks the registry.
func (p Pair) Versions(ctx context.Context, ids []mlflow.VersionID) (Results[mlflow.VersionID, Version], error) {
	return p.Registry.Versions(ctx, ids)
}

// LoggedModels asks the tracking store.
func (p Pair) LoggedModels(ctx context.Context, ids, in []string) (Results[string, mlflow.LoggedModel], error) {
	return p.Tracking.LoggedModels(ctx, ids, in)
}

// Runs asks the tracking store.
func (p Pair) Runs(ctx context.Context, ids, in []string) (Results[string, mlflow.Run], error) {
	return p.Tracking.Runs(ctx, ids, in)
}

// Experiments asks the tracking store.
func (p Pair) Experiments(ctx context.Context, ids []string) (Results[string, mlflow.Experiment], error) {
	return p.Tracking.Experiments(ctx, ids)
}

// ChildRuns asks the tracking store.
func (p Pair) ChildRuns(ctx context.Context, parents []mlflow.Run) (Results[string, []mlflow.Run], error) {
	return ChildRuns(ctx, p.Tracking, parents)
}

// MetricHistories asks the tracking store.
func (p Pair) MetricHistories(ctx context.Context, runs []mlflow.Run, points int) (Results[string, mlflow.History], error) {
	return MetricHistories(ctx, p.Tracking, runs, points)
}

// ListModels lists the registry.
func (p Pair) ListModels(ctx context.Context, q Query) iter.Seq2[mlflow.RegisteredModel, error] {
	return p.Registry.ListModels(ctx, q)
}

// ListVersions lists the registry.
func (p Pair) ListVersions(ctx context.Context, q Query) iter.Seq2[Version, error] {
	return p.Registry.ListVersions(ctx, q)
}

// ListRuns lists the tracking store.
func (p Pair) ListRuns(ctx context.Context, experimentID string) iter.Seq2[mlflow.Run, error] {
	return p.Tracking.ListRuns(ctx, experimentID)
}

// ExperimentByName asks the tracking store.
func (p Pair) ExperimentByName(ctx context.Context, name string) (mlflow.Experiment, error) {
	return p.Tracking.ExperimentByName(ctx, name)
}

// DownloadURI asks the registry, when it is a Locator.
func (p Pair) DownloadURI(ctx context.Context, id mlflow.VersionID) (string, error) {
	if l, ok := p.Registry.(Locator); ok {
		return l.DownloadURI(ctx, id)
	}
	return "", mlflow.ErrUnsupported
}

// ListsWhole asks the registry.
func (p Pair) ListsWhole() bool { return ListsWhole(p.Registry) }

// HasNoStages asks the registry.
func (p Pair) HasNoStages() bool { return HasNoStages(p.Registry) }

// KeepsFiles asks the registry.
func (p Pair) KeepsFiles() bool { return keepsFiles(p.Registry) }
