package filestore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// families knows the children of runs, by experiment folder. Like a finder it
// looks into each experiment once.
type families struct {
	mu       sync.Mutex
	children map[string]map[string][]string // ids by experiment folder and parent
}

// ChildRuns implements fetch.Genealogist.
func (s *Store) ChildRuns(ctx context.Context, parents []mlflow.Run) (fetch.Results[string, []mlflow.Run], error) {
	return located(ctx, s, shown(parents), "the child runs of ", s.childRuns)
}

// childRuns reads the children of a run. A run that cannot be read as one is
// none, as for MLflow's search.
func (s *Store) childRuns(ctx context.Context, experiment, id string) ([]mlflow.Run, error) {
	children, err := s.familiesOf(ctx, experiment)
	if err != nil {
		return nil, err
	}
	var runs []mlflow.Run
	for _, child := range children[id] {
		run, err := s.readRun(ctx, experiment, child)
		switch {
		case err == nil:
			runs = append(runs, mlflow.Run{Object: mlflow.NewObject(mlflow.Member{Key: "info", Value: run.Info()})})
		case !absent(err) && !errors.Is(err, errInvalid):
			return nil, err
		}
	}
	slices.SortFunc(runs, func(a, b mlflow.Run) int { return cmp.Compare(a.ID(), b.ID()) })
	return runs, nil
}

// familiesOf reads which runs of an experiment have parents: one small file of
// each run.
func (s *Store) familiesOf(ctx context.Context, experiment string) (map[string][]string, error) {
	f := &s.families
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.children[experiment]; ok {
		return known, nil
	}
	runs, err := s.root.dirs(experiment)
	if err != nil {
		return nil, err
	}
	children := map[string][]string{}
	for _, run := range runs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		parent, err := s.parentOf(experiment, run)
		if err != nil && !absent(err) {
			return nil, err
		}
		if parent != "" {
			children[parent] = append(children[parent], run)
		}
	}
	if f.children == nil {
		f.children = map[string]map[string][]string{}
	}
	f.children[experiment] = children
	return children, nil
}

// maxParent is more than a run's id has bytes.
const maxParent = 1 << 10

func (s *Store) parentOf(experiment, run string) (string, error) {
	tags, err := s.root.sub(experiment + "/" + run + "/tags")
	if err != nil {
		return "", err
	}
	defer tags.close()
	data, err := tags.read(mlflow.ParentTag, maxParent)
	return utf8(string(data)), err
}
