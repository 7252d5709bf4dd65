package report

import (
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// What the commands that show one object print. Each document holds its object
// below the key that MLflow's API uses for it, what was asked for besides, and
// the issues. The objects are enriched, or raw when that was asked for.

// RunDocument is `get-run`: `run` and, when its files were listed, `artifacts`
// (see enrich.Files). Without issues it is also how other documents hold a run.
func RunDocument(r mlflow.Run, artifacts *mlflow.Object, issues []mlflow.Issue) *mlflow.Object {
	doc := &mlflow.Object{}
	addObject(doc, "run", r.Object)
	addObject(doc, "artifacts", artifacts)
	return closeDocument(doc, issues)
}

// ExperimentDocument is `get-experiment`: `experiment`, with its permissions
// when they were asked for, and `runs` (each a RunDocument) unless that is nil.
func ExperimentDocument(e mlflow.Experiment, runs []*mlflow.Object, permissions *mlflow.Object, issues []mlflow.Issue) *mlflow.Object {
	doc := &mlflow.Object{}
	addObject(doc, "experiment", withPermissions(e.Object, permissions))
	if runs != nil {
		doc.Append("runs", mlflow.List(runs, func(r *mlflow.Object) any { return r }))
	}
	return closeDocument(doc, issues)
}

// ModelVersionDocument is `get-model-version`: `model_version` and, unless it
// is nil, `run` (a RunDocument).
func ModelVersionDocument(v mlflow.ModelVersion, run *mlflow.Object, issues []mlflow.Issue) *mlflow.Object {
	doc := &mlflow.Object{}
	addObject(doc, "model_version", v.Object)
	addObject(doc, "run", run)
	return closeDocument(doc, issues)
}

// A VersionRun is the run of one version, as a RunDocument.
type VersionRun struct {
	Version string
	Run     *mlflow.Object
}

// RegisteredModelDocument is `get-registered-model`: `registered_model`, with
// its permissions when they were asked for, and `version_runs`, an object that
// holds a run for each version that has one, unless runs is nil.
func RegisteredModelDocument(m mlflow.RegisteredModel, runs []VersionRun, permissions *mlflow.Object, issues []mlflow.Issue) *mlflow.Object {
	doc := &mlflow.Object{}
	addObject(doc, "registered_model", withPermissions(m.Object, permissions))
	if runs != nil {
		byVersion := &mlflow.Object{}
		for _, r := range runs {
			byVersion.Set(r.Version, r.Run)
		}
		doc.Append("version_runs", byVersion)
	}
	return closeDocument(doc, issues)
}

// LoggedModelDocument is `get-logged-model`: `model`.
func LoggedModelDocument(m mlflow.LoggedModel, issues []mlflow.Issue) *mlflow.Object {
	doc := &mlflow.Object{}
	addObject(doc, "model", m.Object)
	return closeDocument(doc, issues)
}

// MLmodelDocument is `get-mlflow-model` of an enriched bundle: `mlflow_model`,
// `mlflow_model_raw` if there is one, and with getRun `run` and `experiment`.
// Of the bundle's issues it has those of these sections.
func MLmodelDocument(b *mlflow.Bundle, getRun, compat bool) *mlflow.Object {
	doc := &mlflow.Object{}
	addObject(doc, "mlflow_model", modelSection(b, compat))
	addObject(doc, "mlflow_model_raw", rawModelSection(b.RawModel))
	sections := []string{"mlflow_model", "mlflow_model_raw"}
	if getRun {
		addObject(doc, "run", runSection(b, compat))
		addObject(doc, "experiment", b.Experiment.Object)
		sections = append(sections, "run", "experiment")
	}
	issues := slices.DeleteFunc(Issues(b), func(i mlflow.Issue) bool { return !slices.Contains(sections, i.Section) })
	return closeDocument(doc, issues)
}

// RawRun is an enriched bundle with its run and experiment as they came, which
// is what `--get-raw` means for documents about a model.
func RawRun(enriched, raw *mlflow.Bundle) *mlflow.Bundle {
	out := *enriched
	out.Run, out.Experiment, out.RunFoundBy = raw.Run, raw.Experiment, ""
	return &out
}

func withPermissions(o, permissions *mlflow.Object) *mlflow.Object {
	if o == nil || permissions == nil {
		return o
	}
	return o.With("permissions", permissions)
}

func closeDocument(doc *mlflow.Object, issues []mlflow.Issue) *mlflow.Object {
	addIssues(doc, mlflow.SortIssues(slices.Clone(issues)))
	return doc
}
