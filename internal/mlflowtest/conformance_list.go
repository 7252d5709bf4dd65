package mlflowtest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A listing is one way to ask for what there is.
type listing[K comparable, V any] struct {
	kind, what string
	list       func(fetch.Source) iter.Seq2[V, error]
	key        func(V) K
	object     func(V) *mlflow.Object
	read       reading[K]
	counts     func(K) bool // which rows are compared; nil: all
}

// byListing wants both doors to list the same objects in the same order, each
// as it is when it is asked for by key.
func (k *comparison) byListing(ctx context.Context) {
	k.listRegistry(ctx, "all", fetch.Query{}, "")
	k.listRegistry(ctx, "by all names", fetch.Query{Models: k.Keys.Models}, "")
	k.listRegistry(ctx, "by some names", fetch.Query{Models: []string{"nowhere", "eleven", "Sklearn_Wine", "eleven"}}, "")
	k.listRegistry(ctx, "by no name", fetch.Query{Models: []string{}}, "")
	k.listRegistry(ctx, "like deleted%", fetch.Query{Like: "deleted%"}, "deleted")
	for _, id := range k.Keys.Experiments {
		if strings.Trim(id, "0123456789") != "" || len(id) > 19 {
			continue // servers refuse to search there
		}
		compareListing(ctx, k, listing[string, mlflow.Run]{
			kind: "runs", what: "of experiment " + id,
			list: func(s fetch.Source) iter.Seq2[mlflow.Run, error] { return s.ListRuns(ctx, id) },
			key:  mlflow.Run.ID, object: func(v mlflow.Run) *mlflow.Object { return v.Object }, read: readRuns(nil),
		})
	}
	for _, name := range k.names {
		a, errA := k.Server.ExperimentByName(ctx, name)
		b, errB := k.Store.ExperimentByName(ctx, name)
		k.compare("experiment", fmt.Sprintf("called %q", name), answer{object: a.Object, err: errA}, answer{object: b.Object, err: errB})
	}
}

// listRegistry lists models and versions. A pattern is a help, not a promise:
// only names that begin with prefix must be there.
func (k *comparison) listRegistry(ctx context.Context, what string, q fetch.Query, prefix string) {
	compareListing(ctx, k, listing[string, mlflow.RegisteredModel]{
		kind: "registered models", what: what,
		list: func(s fetch.Source) iter.Seq2[mlflow.RegisteredModel, error] { return s.ListModels(ctx, q) },
		key:  mlflow.RegisteredModel.Name, object: func(v mlflow.RegisteredModel) *mlflow.Object { return v.Object }, read: readModels,
		counts: func(name string) bool { return strings.HasPrefix(name, prefix) },
	})
	compareListing(ctx, k, listing[mlflow.VersionID, fetch.Version]{
		kind: "model versions", what: what,
		list: func(s fetch.Source) iter.Seq2[fetch.Version, error] { return s.ListVersions(ctx, q) },
		key:  func(v fetch.Version) mlflow.VersionID { return v.ID() }, object: func(v fetch.Version) *mlflow.Object { return v.Object }, read: readVersions,
		counts: func(id mlflow.VersionID) bool { return strings.HasPrefix(id.Model, prefix) },
	})
}

func compareListing[K comparable, V any](ctx context.Context, k *comparison, l listing[K, V]) {
	server, store := l.rows(ctx, k, "the server", k.Server), l.rows(ctx, k, "the store", k.Store)
	if !slices.Equal(server, store) {
		k.differ("listing of "+l.kind, l.what, delta{path: "rows", field: "rows", want: plain(fmt.Sprint(server)), got: plain(fmt.Sprint(store))})
	}
}

// rows lists at one door and returns the names of the rows.
func (l listing[K, V]) rows(ctx context.Context, k *comparison, door string, s fetch.Source) []string {
	what := door + ": listing of " + l.kind + " " + l.what
	var keys []K
	var rows []string
	found := map[K]answer{}
	for v, err := range l.list(s) {
		if reason(err) == plain(mlflow.ErrNotFound.Error()) {
			break // as good as nothing
		}
		if err != nil {
			return append(rows, "error: "+string(reason(err)))
		}
		id := l.key(v)
		if _, twice := found[id]; twice {
			k.fail("%s: %v is listed twice", what, id)
		}
		found[id] = answer{object: l.object(v)}
		keys = append(keys, id)
		if l.counts == nil || l.counts(id) {
			rows = append(rows, fmt.Sprint(id))
		}
	}
	one, err := l.read(ctx, s, keys)
	if err != nil {
		k.fail("%s: %v", what, err)
	}
	for _, id := range keys {
		k.same(fmt.Sprintf("%s: %s %v, listed", what, l.kind, id), one[id], found[id])
	}
	return rows
}
