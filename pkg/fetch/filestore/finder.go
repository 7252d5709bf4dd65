package filestore

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A finder knows in which experiment folders a run or a logged model may be:
// MLflow asks for both by their id alone. Each experiment is listed at most
// once, those that the caller names first.
type finder struct {
	mu     sync.Mutex
	listed map[string]bool
	all    bool
	runs   map[string][]string // experiment folders by run id
	models map[string][]string // and by the id of a logged model
	failed error               // why an experiment could not be listed
}

// experimentFolders lists the folders that may hold an experiment: active
// ones first, then those in the bin.
func (s *Store) experimentFolders(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	active, err := s.root.dirs(".")
	if err != nil {
		return nil, failed("listing the experiments of "+s.dir, err)
	}
	active = slices.DeleteFunc(active, func(name string) bool { return !isExperimentID(name) })
	deleted, err := s.root.dirs(trashDir)
	if err != nil && !absent(err) {
		return nil, failed("listing the deleted experiments of "+s.dir, err)
	}
	for _, d := range deleted {
		if isExperimentID(d) {
			active = append(active, trashDir+"/"+d)
		}
	}
	return active, nil
}

func isExperimentID(id string) bool { return component(id) && id[0] != '.' && id != modelsDir }

// locate gives, for each id, the folders of experiments that hold an entry of
// that name. in: ids of experiments to look in before all others.
func (s *Store) locate(ctx context.Context, ids, in []string, of func(*finder) map[string][]string) (map[string][]string, error) {
	f := &s.find
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listed == nil {
		f.listed, f.runs, f.models = map[string]bool{}, map[string][]string{}, map[string][]string{}
	}
	for _, e := range in {
		if isExperimentID(e) {
			s.list(e)
			s.list(trashDir + "/" + e)
		}
	}
	if missing := func(id string) bool { return of(f)[id] == nil }; !f.all && slices.ContainsFunc(ids, missing) {
		experiments, err := s.experimentFolders(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range experiments {
			s.list(e)
		}
		f.all = true
	}
	found := make(map[string][]string, len(ids))
	for _, id := range ids {
		found[id] = slices.Clone(of(f)[id])
	}
	return found, nil
}

// list notes what is in the folder of an experiment.
func (s *Store) list(experiment string) {
	f := &s.find
	if f.listed[experiment] {
		return
	}
	f.listed[experiment] = true
	entries, err := s.root.dirs(experiment)
	if err != nil && !absent(err) {
		f.failed = err
	}
	for _, name := range entries {
		switch name {
		case "tags", "datasets", "traces":
		case modelsDir:
			models, err := s.root.dirs(experiment + "/" + modelsDir)
			if err != nil && !absent(err) {
				f.failed = err
			}
			for _, m := range models {
				f.models[m] = append(f.models[m], experiment)
			}
		default:
			f.runs[name] = append(f.runs[name], experiment)
		}
	}
}

// nowhere is the error for an id that no experiment holds.
func (s *Store) nowhere(what string) error {
	s.find.mu.Lock()
	defer s.find.mu.Unlock()
	if s.find.failed != nil { // it may be where we could not look
		return failed("looking for "+what, s.find.failed)
	}
	return notFound(what)
}

func runsOf(f *finder) map[string][]string   { return f.runs }
func modelsOf(f *finder) map[string][]string { return f.models }

// firstOf reads from the first of several experiment folders whose entry can
// be read.
func firstOf[V any](folders []string, read func(experiment string) (V, error), none func() error) (V, error) {
	var why error
	for _, e := range folders {
		v, err := read(e)
		if err == nil {
			return v, nil
		}
		if why == nil || errors.Is(why, errInvalid) { // a copy in the wrong place says less
			why = err
		}
	}
	if why == nil {
		why = none()
	}
	var zero V
	return zero, why
}

// Kept are objects that may lie below any of some experiments.
type kept struct {
	ids, in []string // in: their experiments, as far as they are known
	of      func(*finder) map[string][]string
	kind    string // for messages: `run `
}

// shown are runs that this store has shown before.
func shown(runs []mlflow.Run) kept {
	k := kept{ids: make([]string, len(runs)), in: make([]string, len(runs)), of: runsOf, kind: "run "}
	for i, r := range runs {
		k.ids[i], k.in[i] = r.ID(), r.ExperimentID()
	}
	return k
}

// located reads what lies in the folders of objects, or a part of it: each
// where it is found first. part is for messages: `the child runs of `.
func located[V any](ctx context.Context, s *Store, k kept, part string, read func(ctx context.Context, experiment, id string) (V, error)) (fetch.Results[string, V], error) {
	found, err := s.locate(ctx, k.ids, k.in, k.of)
	if err != nil {
		return cutOff[string, V](ctx, k.ids, err)
	}
	return fetch.Each(ctx, k.ids, inFlight, func(ctx context.Context, id string) (V, error) {
		at := func(experiment string) (V, error) {
			v, err := read(ctx, experiment, id)
			return v, failed("reading "+part+k.kind+id, err)
		}
		return firstOf(found[id], at, func() error { return s.nowhere(k.kind + id) })
	})
}

// cutOff answers when nothing could be looked for: as an error of each key,
// unless ctx ended.
func cutOff[K comparable, V any](ctx context.Context, keys []K, err error) (fetch.Results[K, V], error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	out := make(fetch.Results[K, V], len(keys))
	for _, k := range keys {
		out[k] = fetch.Result[V]{Err: err}
	}
	return out, nil
}
