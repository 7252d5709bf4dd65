package filestore

import (
	"context"
	"fmt"
	"path"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// LoggedModels implements fetch.Reader. Deleted ones are not found.
func (s *Store) LoggedModels(ctx context.Context, ids, in []string) (fetch.Results[string, mlflow.LoggedModel], error) {
	return located(ctx, s, kept{ids, in, modelsOf, "logged model "}, "", s.readLoggedModel)
}

func (s *Store) readLoggedModel(ctx context.Context, experiment, id string) (mlflow.LoggedModel, error) {
	var none mlflow.LoggedModel
	f, err := s.root.sub(experiment + "/" + modelsDir + "/" + id)
	if err != nil {
		return none, err
	}
	defer f.close()
	meta, err := f.meta(ctx)
	if err != nil {
		return none, err
	}
	if meta.Text("model_id") != id || meta.Text("experiment_id") != path.Base(experiment) {
		return none, fmt.Errorf("%s: %w (logged model %s of experiment %s)", f.path, errInvalid, meta.Text("model_id"), meta.Text("experiment_id"))
	}
	if lifecycle(meta) == "deleted" {
		return none, mlflow.Reason(mlflow.ErrNotFound, "logged model %s was deleted", id)
	}
	info, err := loggedModelInfo(f, meta)
	if err != nil {
		return none, err
	}
	data, err := loggedModelData(f, id)
	if err != nil {
		return none, err
	}
	return mlflow.LoggedModel{Object: mlflow.NewObject(mlflow.Member{Key: "info", Value: info}, mlflow.Member{Key: "data", Value: data})}, nil
}

func loggedModelInfo(f folder, meta *mlflow.Object) (*mlflow.Object, error) {
	const prefix = "LOGGED_MODEL_"
	status, err := named(meta, "status", 0, prefix+"STATUS_UNSPECIFIED", prefix+"PENDING", prefix+"READY", prefix+"UPLOAD_FAILED")
	if err != nil {
		return nil, err
	}
	tags, err := f.values("tags")
	if err != nil {
		return nil, err
	}
	o := mlflow.NewObject()
	put(o, "model_id", text(meta, "model_id"))
	put(o, "experiment_id", text(meta, "experiment_id"))
	put(o, "name", text(meta, "name"))
	put(o, "creation_timestamp_ms", number(meta, "creation_timestamp"))
	put(o, "last_updated_timestamp_ms", number(meta, "last_updated_timestamp"))
	put(o, "artifact_uri", text(meta, "artifact_location"))
	o.Append("status", status)
	put(o, "model_type", text(meta, "model_type"))
	put(o, "source_run_id", text(meta, "source_run_id"))
	put(o, "status_message", text(meta, "status_message"))
	putList(o, "tags", tags)
	return o, nil
}

func loggedModelData(f folder, id string) (*mlflow.Object, error) {
	params, err := f.values("params")
	if err != nil {
		return nil, err
	}
	metrics, err := modelMetrics(f, id)
	if err != nil {
		return nil, err
	}
	o := mlflow.NewObject()
	putList(o, "params", params)
	putList(o, "metrics", metrics)
	return o, nil
}
