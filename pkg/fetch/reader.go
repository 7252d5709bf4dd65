package fetch

import (
	"context"
	"iter"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Result is one object or why it could not be had. Err wraps one of
// mlflow.ErrNotFound, ErrDenied, ErrUnsupported, ErrTooLarge, ErrUnavailable.
type Result[V any] struct {
	Value V
	Err   error
}

// Results holds a Result for each key that was answered.
type Results[K comparable, V any] map[K]Result[V]

// Reader reads objects of one store by key, many at a time, as MLflow's REST
// API shows them with its `get` calls: same members, same order of members.
//
// A nil error means that every key is in Results. A non-nil error means that
// the call was cut off because ctx ended: what is there is right; what is
// missing was never answered and must be neither recorded nor remembered.
//
// A call with one key may be answered with that object's `get`. Objects
// returned must not be changed by the store later, nor by the caller.
// Implementations are safe for concurrent use.
type Reader interface {
	// Models reads registered models, `latest_versions` and `aliases` included.
	Models(ctx context.Context, names []string) (Results[string, mlflow.RegisteredModel], error)

	// Versions reads model versions. They may lack `aliases`, which the caller
	// takes from the registered model.
	Versions(ctx context.Context, ids []mlflow.VersionID) (Results[mlflow.VersionID, Version], error)

	// LoggedModels reads MLflow 3's logged models. in holds experiment ids to
	// look in first; it may be empty or wrong. A store older than MLflow 3
	// answers ErrUnsupported.
	LoggedModels(ctx context.Context, ids, in []string) (Results[string, mlflow.LoggedModel], error)

	// Runs reads runs, deleted ones too. in is as with LoggedModels.
	Runs(ctx context.Context, ids, in []string) (Results[string, mlflow.Run], error)

	// Experiments reads experiments by id, deleted ones too.
	Experiments(ctx context.Context, ids []string) (Results[string, mlflow.Experiment], error)
}

// A Version is a model version with the place of its files.
type Version struct {
	mlflow.ModelVersion
	DownloadURI string // `storage_location`; "" where the store does not show it: derive it, else ask a Locator
	Partial     bool   // a listing that shows less than Versions does: whoever wants all of it reads it again
}

// Source is a Reader that can also be asked for what there is. Listings are
// complete (every page), streamed, ordered by name as the store sorts names and then by
// version, and hide what MLflow's searches hide: deleted versions, prompts,
// deleted runs. An error ends the iteration.
type Source interface {
	Reader
	ListModels(ctx context.Context, q Query) iter.Seq2[mlflow.RegisteredModel, error]
	ListVersions(ctx context.Context, q Query) iter.Seq2[Version, error]

	// ListRuns streams the active runs of one experiment, newest first as
	// `runs/search` orders them (start_time descending, then run id). Of an
	// experiment that is not there it streams nothing, or ErrNotFound.
	ListRuns(ctx context.Context, experimentID string) iter.Seq2[mlflow.Run, error]

	// ExperimentByName reads an experiment, deleted ones too.
	ExperimentByName(ctx context.Context, name string) (mlflow.Experiment, error)
}

// A Query narrows a listing. The zero value lists everything.
type Query struct {
	Models []string // only these registered models, by their exact names; nil: all
	Filter string   // without Models: MLflow's filter string, sent to servers unchanged; other stores know what mlflow.ParseFilter knows
	Names  bool     // only names of registered models, or names and numbers of versions, are wanted: a store may leave out what takes another read; such a Version is Partial
	Like   string   // without Filter: only names that match this SQL LIKE pattern, as far as the store can; a help, not a promise

	// Paged, when set, is called once when a second page has shown rows: they
	// are as of a later moment, so that a name may have slipped through.
	Paged func()
}

// Snapshotter is a Source whose objects can be read as of one moment (one SQL
// read transaction). The func ends it.
type Snapshotter interface {
	Snapshot(ctx context.Context) (Reader, func() error, error)
}

// Locator is a Source that must be asked where a version's files are.
type Locator interface {
	DownloadURI(ctx context.Context, id mlflow.VersionID) (string, error)
}

// Historian is a Reader that can tell all that was logged of metrics.
type Historian interface {
	// MetricHistories reads, for runs that this Reader has shown, every value of
	// each of their metrics, thinned to a number of points as mlflow.Thin does; 0
	// or less: all.
	MetricHistories(ctx context.Context, runs []mlflow.Run, points int) (Results[string, mlflow.History], error)
}

// MetricHistories asks a Reader that may be a Historian; one that is none
// answers ErrUnsupported.
func MetricHistories(ctx context.Context, r Reader, runs []mlflow.Run, points int) (Results[string, mlflow.History], error) {
	if h, ok := r.(Historian); ok {
		return h.MetricHistories(ctx, runs, points)
	}
	out := make(Results[string, mlflow.History], len(runs))
	for _, run := range runs {
		out[run.ID()] = Result[mlflow.History]{Err: mlflow.Reason(mlflow.ErrUnsupported, "this kind of store has no metric histories")}
	}
	return out, ctx.Err()
}

// Keeper is a Locator whose registry may keep files of its own: then a
// version's source tells where they came from, never where they are.
type Keeper interface {
	Locator
	KeepsFiles() bool
}

// Stageless is a Source whose registered models may show no latest versions:
// then versions are listed to find the latest (Unity Catalog).
type Stageless interface {
	HasNoStages() bool
}

// Stated is a Source that can tell, without reading them, whether all its
// objects are as they were.
type Stated interface {
	// State is a text that changes when any object does, so that as long as it
	// is the same all reads give the same; "" when that cannot be told.
	State() string
}

// StateOf asks a Source that may be Stated.
func StateOf(s Source) string {
	if t, ok := s.(Stated); ok {
		return t.State()
	}
	return ""
}

// WholeLister is a Source whose ListModels may show registered models as Models
// does, with nothing left out, so that they need not be read again.
type WholeLister interface {
	ListsWhole() bool
}

// ListsWhole asks a Source that may be a WholeLister.
func ListsWhole(s Source) bool {
	k, ok := s.(WholeLister)
	return ok && k.ListsWhole()
}

// HasNoStages asks a Source that may be Stageless.
func HasNoStages(s Source) bool {
	k, ok := s.(Stageless)
	return ok && k.HasNoStages()
}

func keepsFiles(s Source) bool {
	k, ok := s.(Keeper)
	return ok && k.KeepsFiles()
}
