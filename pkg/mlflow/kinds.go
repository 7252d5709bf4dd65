package mlflow

import (
	"iter"
	"strconv"
)

// A VersionID names one version of a registered model.
type VersionID struct {
	Model   string
	Version int64 // from 1
}

// String is the model URI of the version.
func (id VersionID) String() string {
	return "models:/" + id.Model + "/" + strconv.FormatInt(id.Version, 10)
}

// A RegisteredModel is what `registered-models/get` shows below
// `registered_model`.
type RegisteredModel struct{ *Object }

// Name of the registered model.
func (m RegisteredModel) Name() string { return m.Text("name") }

// Aliases ranges over alias and version number.
func (m RegisteredModel) Aliases() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for a := range m.Objects("aliases") {
			if v, err := strconv.ParseInt(a.Text("version"), 10, 64); err == nil && !yield(a.Text("alias"), v) {
				return
			}
		}
	}
}

// LatestVersions ranges over the highest version of each stage, as MLflow
// lists them in `latest_versions`.
func (m RegisteredModel) LatestVersions() iter.Seq[ModelVersion] {
	return func(yield func(ModelVersion) bool) {
		for v := range m.Objects("latest_versions") {
			if !yield(ModelVersion{v}) {
				return
			}
		}
	}
}

// IsPrompt tells whether the registered model is one of MLflow's prompts,
// which share the registry and are never selected.
func (m RegisteredModel) IsPrompt() bool {
	for t := range m.Objects("tags") {
		if t.Text("key") == "mlflow.prompt.is_prompt" {
			return t.Text("value") == "true"
		}
	}
	return false
}

// A ModelVersion is what `model-versions/get` shows below `model_version`.
type ModelVersion struct{ *Object }

// ID of the version; Version is 0 when it is not a number.
func (v ModelVersion) ID() VersionID {
	n, _ := strconv.ParseInt(v.Text("version"), 10, 64)
	return VersionID{v.Text("name"), n}
}

// Stage is `None`, `Staging`, `Production`, `Archived` or "" (Unity Catalog).
func (v ModelVersion) Stage() string { return v.Text("current_stage") }

// Source is where the creator of the version took the model from.
func (v ModelVersion) Source() string { return v.Text("source") }

// RunID is the training run, or "".
func (v ModelVersion) RunID() string { return v.Text("run_id") }

// A Run is what `runs/get` shows below `run`: info, data, inputs, outputs.
type Run struct{ *Object }

// Info is the member `info`.
func (r Run) Info() *Object { return r.Object.Object("info") }

// Data is the member `data`: metrics, params, tags.
func (r Run) Data() *Object { return r.Object.Object("data") }

// ID of the run.
func (r Run) ID() string { return r.Info().Text("run_id") }

// ExperimentID of the run.
func (r Run) ExperimentID() string { return r.Info().Text("experiment_id") }

// ArtifactURI is the root of the run's artifacts.
func (r Run) ArtifactURI() string { return r.Info().Text("artifact_uri") }

// Deleted tells whether the run is in MLflow's bin.
func (r Run) Deleted() bool { return r.Info().Text("lifecycle_stage") == "deleted" }

// Outputs ranges over the ids of the logged models that the run made, with
// their steps.
func (r Run) Outputs() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for m := range r.Object.Object("outputs").Objects("model_outputs") {
			step, _ := strconv.ParseInt(m.Text("step"), 10, 64)
			if !yield(m.Text("model_id"), step) {
				return
			}
		}
	}
}

// An Experiment is what `experiments/get` shows below `experiment`.
type Experiment struct{ *Object }

// ID of the experiment.
func (e Experiment) ID() string { return e.Text("experiment_id") }

// Deleted tells whether the experiment is in MLflow's bin.
func (e Experiment) Deleted() bool { return e.Text("lifecycle_stage") == "deleted" }

// A LoggedModel is what `logged-models/{id}` shows below `model` (MLflow 3):
// info and data.
type LoggedModel struct{ *Object }

// Info is the member `info`.
func (m LoggedModel) Info() *Object { return m.Object.Object("info") }

// Data is the member `data`: params, metrics.
func (m LoggedModel) Data() *Object { return m.Object.Object("data") }

// ID of the logged model, such as `m-3ff6...`.
func (m LoggedModel) ID() string { return m.Info().Text("model_id") }

// Name the model was logged under.
func (m LoggedModel) Name() string { return m.Info().Text("name") }

// ExperimentID of the logged model.
func (m LoggedModel) ExperimentID() string { return m.Info().Text("experiment_id") }

// SourceRunID is the run that logged the model, or "".
func (m LoggedModel) SourceRunID() string { return m.Info().Text("source_run_id") }

// ArtifactURI is the folder of the model's files.
func (m LoggedModel) ArtifactURI() string { return m.Info().Text("artifact_uri") }
