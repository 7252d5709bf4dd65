package mlflowtest

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A reading asks a door for objects by key.
type reading[K comparable] func(ctx context.Context, s fetch.Source, keys []K) (map[K]answer, error)

// A kind is one kind of object and the keys that are asked for.
type kind[K comparable] struct {
	name string
	keys []K
	read reading[K]
}

// An answer is an object or why there is none.
type answer struct {
	object *mlflow.Object
	place  string // of a version's files
	err    error
}

func answers[K comparable, V any](r fetch.Results[K, V], err error, of func(V) answer) (map[K]answer, error) {
	out := make(map[K]answer, len(r))
	for k, v := range r {
		out[k] = answer{err: v.Err}
		if v.Err == nil {
			out[k] = of(v.Value)
		}
	}
	return out, err
}

// byKey reads all kinds of objects by key.
func (k *comparison) byKey(ctx context.Context) {
	compareKind(ctx, k, kind[string]{"registered model", k.Keys.Models, readModels})
	compareKind(ctx, k, kind[string]{"experiment", k.Keys.Experiments, readExperiments})
	versions := kind[mlflow.VersionID]{"model version", k.Keys.Versions, readVersions}
	k.places(compareKind(ctx, k, versions))
	compareKind(ctx, k, kind[string]{"run", k.Keys.Runs, readRuns(nil)}, readRuns(k.Keys.Experiments))
	compareKind(ctx, k, kind[string]{"child runs", k.Keys.Runs, readChildRuns})
	compareKind(ctx, k, kind[string]{"metric history", k.Keys.Runs, readHistories(0)})
	compareKind(ctx, k, kind[string]{"metric history", k.Keys.Runs, readHistories(3)})
	compareKind(ctx, k, kind[string]{"logged model", k.Keys.LoggedModels, readLoggedModels(nil)}, readLoggedModels(k.Keys.Experiments))
}

func readModels(ctx context.Context, s fetch.Source, keys []string) (map[string]answer, error) {
	r, err := s.Models(ctx, keys)
	return answers(r, err, func(v mlflow.RegisteredModel) answer { return answer{object: v.Object} })
}

// readVersions also asks where the files of a single version are.
func readVersions(ctx context.Context, s fetch.Source, keys []mlflow.VersionID) (map[mlflow.VersionID]answer, error) {
	r, err := s.Versions(ctx, keys)
	return answers(r, err, func(v fetch.Version) answer {
		a := answer{object: v.Object, place: v.DownloadURI}
		if l, ok := s.(fetch.Locator); ok && len(keys) == 1 && a.place == "" && v.Object != nil {
			uri, err := l.DownloadURI(ctx, v.ID())
			if a.place = uri; err != nil {
				a.place = "error: " + string(reason(err))
			}
		}
		return a
	})
}

func readExperiments(ctx context.Context, s fetch.Source, keys []string) (map[string]answer, error) {
	r, err := s.Experiments(ctx, keys)
	return answers(r, err, func(v mlflow.Experiment) answer { return answer{object: v.Object} })
}

func readRuns(in []string) reading[string] {
	return func(ctx context.Context, s fetch.Source, keys []string) (map[string]answer, error) {
		r, err := s.Runs(ctx, keys, in)
		return answers(r, err, func(v mlflow.Run) answer { return answer{object: v.Object} })
	}
}

// readHistories reads the metric histories of runs; a run that is not there
// has none.
func readHistories(points int) reading[string] {
	return func(ctx context.Context, s fetch.Source, keys []string) (map[string]answer, error) {
		return ofRuns(ctx, s, keys, func(runs []mlflow.Run) (map[string]answer, error) {
			r, err := fetch.MetricHistories(ctx, s, runs, points)
			return answers(r, err, func(h mlflow.History) answer { return answer{object: h.Object()} })
		})
	}
}

// readChildRuns reads the child runs of runs.
func readChildRuns(ctx context.Context, s fetch.Source, keys []string) (map[string]answer, error) {
	return ofRuns(ctx, s, keys, func(runs []mlflow.Run) (map[string]answer, error) {
		r, err := fetch.ChildRuns(ctx, s, runs)
		return answers(r, err, func(children []mlflow.Run) answer {
			o := &mlflow.Object{}
			for _, c := range children {
				o.Append(c.ID(), c.Info())
			}
			return answer{object: o}
		})
	})
}

// ofRuns reads runs, and then what belongs to those that are there.
func ofRuns(ctx context.Context, s fetch.Source, keys []string, read func([]mlflow.Run) (map[string]answer, error)) (map[string]answer, error) {
	found, err := s.Runs(ctx, keys, nil)
	if err != nil {
		return nil, err
	}
	var runs []mlflow.Run
	for _, key := range keys {
		if found[key].Err == nil {
			runs = append(runs, found[key].Value)
		}
	}
	out, err := read(runs)
	for key, run := range found {
		if run.Err != nil {
			out[key] = answer{err: run.Err}
		}
	}
	return out, err
}

func readLoggedModels(in []string) reading[string] {
	return func(ctx context.Context, s fetch.Source, keys []string) (map[string]answer, error) {
		r, err := s.LoggedModels(ctx, keys, in)
		return answers(r, err, func(v mlflow.LoggedModel) answer { return answer{object: v.Object} })
	}
}

// compareKind reads all objects of a kind at both doors: one by one, which
// must be equal, and all at once, which must be what one by one gave. more are
// other ways to read all at once. It returns what one by one gave.
func compareKind[K comparable](ctx context.Context, k *comparison, kd kind[K], more ...reading[K]) (server, store map[K]answer) {
	server = kd.bothWays(ctx, k, "the server", k.Server, more)
	store = kd.bothWays(ctx, k, "the store", k.Store, more)
	for _, key := range kd.keys {
		k.compare(kd.name, fmt.Sprint(key), server[key], store[key])
	}
	return server, store
}

func (kd kind[K]) bothWays(ctx context.Context, k *comparison, door string, s fetch.Source, more []reading[K]) map[K]answer {
	one := map[K]answer{}
	for _, key := range kd.keys {
		r, err := kd.read(ctx, s, []K{key})
		a, ok := r[key]
		if err != nil || !ok || len(r) != 1 {
			k.fail("%s: %s %v alone: %d answers, error %v", door, kd.name, key, len(r), err)
		}
		one[key] = a
	}
	for _, read := range append(more, kd.read) {
		all, err := read(ctx, s, kd.keys)
		if err != nil || len(all) != len(one) {
			k.fail("%s: all %d %ss: %d answers, error %v", door, len(one), kd.name, len(all), err)
		}
		for key, a := range one {
			k.same(fmt.Sprintf("%s: %s %v, asked with all others", door, kd.name, key), a, all[key])
		}
	}
	return one
}

// compare compares what the two doors say of one object.
func (k *comparison) compare(kind, name string, server, store answer) {
	if reason(server.err) != reason(store.err) {
		k.differ(kind, name, delta{path: "error", field: "error", want: reason(server.err), got: reason(store.err)})
		return
	}
	if server.err != nil {
		return
	}
	for _, d := range deltas(server.object, store.object) {
		k.differ(kind, name, d)
	}
}

// same wants one door to say the same in two ways. The aliases of versions may
// be missing where many are read (see fetch.Reader).
func (k *comparison) same(what string, one, other answer) {
	if reason(one.err) != reason(other.err) {
		k.fail("%s: %s becomes %s (%v, %v)", what, reason(one.err), reason(other.err), one.err, other.err)
		return
	}
	for _, d := range deltas(one.object, other.object) {
		if _, none := d.got.(absent); d.field == "aliases" && none && strings.Contains(what, "version") {
			continue
		}
		k.fail("%s: %s: %s becomes %s", what, d.path, brief(d.want), brief(d.got))
	}
}

// places wants both doors to know where the files of each version are.
func (k *comparison) places(server, store map[mlflow.VersionID]answer) {
	for _, id := range k.Keys.Versions {
		a, b := server[id], store[id]
		if a.err == nil && b.err == nil && a.place != b.place {
			k.differ("model version", id.String(), delta{path: "download URI", field: "download URI", want: plain(a.place), got: plain(b.place)})
		}
	}
}
