package filestore

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Survey implements fetch.Surveyor. It reads the meta.yaml of each run.
func (s *Store) Survey(ctx context.Context) (fetch.Survey, error) {
	out := fetch.Survey{Version: "1.30 to 2.22"}
	newest := ""
	err := s.eachExperiment(ctx, func(e mlflow.Experiment) error {
		out.Experiments.N++
		if out.ArtifactURI == "" {
			out.ArtifactURI = e.Text("artifact_location")
		}
		models, err := s.countLoggedModels(ctx, e.ID())
		if err != nil {
			return err
		}
		out.LoggedModels.N += models
		at, ids, err := s.runsIn(ctx, e.ID(), fetch.ActiveOnly)
		if err != nil || len(ids) == 0 {
			return err
		}
		out.Runs.N += len(ids)
		start, err := s.startOf(ctx, at, ids[0], fetch.ActiveOnly) // newest first
		if err == nil && (start > out.NewestRun || newest == "") {
			out.NewestRun, newest = start, at+"/"+ids[0]
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	if newest != "" {
		experiment, id, _ := strings.Cut(newest, "/")
		if f, meta, err := s.openRun(ctx, experiment, id); err == nil {
			f.close()
			out.ArtifactURI = meta.Text("artifact_uri")
			if !meta.Has("run_uuid") { // which 2.x wrote, too
				out.Version = "3.0 or newer"
			}
		}
	}
	if out.LoggedModels.N > 0 {
		out.Version = "3.0 or newer"
	}
	return out, nil
}

// eachExperiment calls do with the active experiments.
func (s *Store) eachExperiment(ctx context.Context, do func(mlflow.Experiment) error) error {
	return s.eachIn(ctx, fetch.ActiveOnly, do)
}

// eachIn calls do with the experiments that a view shows, in byte order of
// their ids, deleted ones last; what cannot be read is passed over, with a
// warning.
func (s *Store) eachIn(ctx context.Context, view fetch.View, do func(mlflow.Experiment) error) error {
	folders, err := s.experimentFolders(ctx)
	if err != nil {
		return err
	}
	for _, at := range folders {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if view == fetch.ActiveOnly && strings.HasPrefix(at, trashDir+"/") {
			continue
		}
		e, err := s.readExperiment(ctx, at)
		if err != nil {
			if !absent(err) && !errors.Is(err, errNoMeta) {
				_ = s.passOver("experiment "+at, err, nil)
			}
			continue
		}
		if !view.Shows(e.Text("lifecycle_stage")) {
			continue
		}
		if err := do(e); err != nil {
			return err
		}
	}
	return nil
}

// loggedModelIDs lists what may be logged models of an experiment.
func (s *Store) loggedModelIDs(experiment string) ([]string, error) {
	names, err := s.root.dirs(experiment + "/" + modelsDir)
	if absent(err) {
		return nil, nil
	}
	return names, failed("listing the logged models of experiment "+experiment, err)
}

// countLoggedModels reads the meta.yaml of each, since deleted ones stay.
func (s *Store) countLoggedModels(ctx context.Context, experiment string) (int, error) {
	ids, err := s.loggedModelIDs(experiment)
	if err != nil {
		return 0, err
	}
	found, err := fetch.Each(ctx, ids, inFlight, func(ctx context.Context, id string) (bool, error) {
		f, err := s.root.sub(experiment + "/" + modelsDir + "/" + id)
		if err != nil {
			return false, err
		}
		defer f.close()
		meta, err := f.meta(ctx)
		return err == nil && meta.Text("model_id") == id && lifecycle(meta) != "deleted", err
	})
	n := 0
	for _, r := range found {
		if r.Value {
			n++
		}
	}
	return n, err
}

// ListLoggedModels implements fetch.Surveyor. What cannot be read is passed
// over, with a warning.
func (s *Store) ListLoggedModels(ctx context.Context) iter.Seq2[mlflow.LoggedModel, error] {
	return s.SearchLoggedModels(ctx, fetch.Search{})
}

var errStop = errors.New("nobody listens any more")

// ListModelRuns implements fetch.Surveyor.
func (s *Store) ListModelRuns(ctx context.Context) iter.Seq2[mlflow.Run, error] {
	return func(yield func(mlflow.Run, error) bool) {
		err := s.eachExperiment(ctx, func(e mlflow.Experiment) error {
			for r, err := range s.ListRuns(ctx, e.ID()) {
				if err != nil {
					return err
				}
				if hasTag(r, fetch.HistoryTag) && !yield(r, nil) {
					return errStop
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(mlflow.Run{}, err)
		}
	}
}

func hasTag(r mlflow.Run, key string) bool {
	for t := range r.Data().Objects("tags") {
		if t.Text("key") == key {
			return true
		}
	}
	return false
}
