package filestore

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Experiments implements fetch.Reader.
func (s *Store) Experiments(ctx context.Context, ids []string) (fetch.Results[string, mlflow.Experiment], error) {
	return fetch.Each(ctx, ids, inFlight, s.experiment)
}

func (s *Store) experiment(ctx context.Context, id string) (mlflow.Experiment, error) {
	what := "experiment " + id
	if !isExperimentID(id) {
		return mlflow.Experiment{}, notFound(what)
	}
	for _, folder := range []string{id, trashDir + "/" + id} {
		e, err := s.readExperiment(ctx, folder)
		if !absent(err) {
			return e, failed("reading "+what, err)
		}
	}
	return mlflow.Experiment{}, notFound(what)
}

// readExperiment reads the experiment in a folder, such as `.trash/12`.
func (s *Store) readExperiment(ctx context.Context, at string) (mlflow.Experiment, error) {
	f, err := s.root.sub(at)
	if err != nil {
		return mlflow.Experiment{}, err
	}
	defer f.close()
	meta, err := f.meta(ctx)
	if err != nil {
		return mlflow.Experiment{}, err
	}
	id := strings.TrimPrefix(at, trashDir+"/")
	if meta.Text("experiment_id") != id { // old ones have a number
		return mlflow.Experiment{}, mlflow.Reason(mlflow.ErrNotFound, "folder %s holds experiment %s", at, meta.Text("experiment_id"))
	}
	tags, err := f.values("tags")
	if err != nil {
		return mlflow.Experiment{}, err
	}
	stage := lifecycle(meta)
	if id != at {
		stage = "deleted" // 1.x only moves the folder
	}
	o := mlflow.NewObject(mlflow.Member{Key: "experiment_id", Value: id})
	put(o, "name", text(meta, "name"))
	put(o, "artifact_location", text(meta, "artifact_location"))
	o.Append("lifecycle_stage", stage)
	put(o, "last_update_time", unlessEmpty(number(meta, "last_update_time")))
	put(o, "creation_time", unlessEmpty(number(meta, "creation_time")))
	putList(o, "tags", tags)
	put(o, "effective_trace_archival_retention", text(meta, "effective_trace_archival_retention"))
	put(o, "workspace", text(meta, "workspace"))
	return mlflow.Experiment{Object: o}, nil
}

func lifecycle(meta *mlflow.Object) string { return textOr(text(meta, "lifecycle_stage"), "active") }

// ExperimentByName implements fetch.Source.
func (s *Store) ExperimentByName(ctx context.Context, name string) (mlflow.Experiment, error) {
	folders, err := s.experimentFolders(ctx)
	if err != nil {
		return mlflow.Experiment{}, err
	}
	var broken error
	for _, at := range folders {
		e, err := s.readExperiment(ctx, at)
		switch {
		case ctx.Err() != nil:
			return mlflow.Experiment{}, ctx.Err()
		case err != nil:
			broken = s.passOver("experiment "+at, err, broken)
		case e.Text("name") == name:
			return e, nil
		}
	}
	if broken != nil { // it may be the one
		return mlflow.Experiment{}, failed(fmt.Sprintf("looking for an experiment called %q", name), broken)
	}
	return mlflow.Experiment{}, notFound(fmt.Sprintf("experiment %q", name))
}

// passOver notes that a listing leaves out an object that cannot be read. It
// returns the error unless the object is merely not one.
func (s *Store) passOver(what string, err, before error) error {
	s.log.Warn("passed over "+what, "store", s.dir, "error", err)
	if notOne(err) {
		return before
	}
	return err
}
