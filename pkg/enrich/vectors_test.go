package enrich_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// The public samples of the seed tool, as it wrote them in 2023 and 2024. They
// are not part of this repository.
const vectors = "../../../shared/vectors"

func needVectors(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(vectors, "index.json")); err != nil {
		fmt.Fprintln(os.Stderr, "SKIPPED: the samples of the seed tool are not here; the seed's format is tested by our own cases only")
		t.Skip("no ", vectors)
	}
}

func vector(t *testing.T, path string) *mlflow.Object {
	t.Helper()
	o, err := mlflow.DecodeJSON(read(t, filepath.Join(vectors, path)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return o
}

func vectorYAML(t *testing.T, path string) *mlflow.Object {
	t.Helper()
	v, err := mlflow.DecodeYAML(read(t, filepath.Join(vectors, path)))
	o, ok := v.(*mlflow.Object)
	if err != nil || !ok {
		t.Fatalf("%s: %T, %v", path, v, err)
	}
	return o
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// aside are the attributes that are not compared: links, whose encoding changed
// over the years.
var aside = []string{"_web_ui_link", "_api_link"}

// without copies an object less some members and the links, at all levels.
func without(o *mlflow.Object, keys ...string) *mlflow.Object {
	out := mlflow.NewObject()
	for k, v := range o.All() {
		if slices.Contains(aside, k) || slices.Contains(keys, k) {
			continue
		}
		if c, ok := v.(*mlflow.Object); ok {
			v = without(c)
		}
		if l, ok := v.([]any); ok {
			l = slices.Clone(l)
			for i := range l {
				if c, ok := l[i].(*mlflow.Object); ok {
					l[i] = without(c)
				}
			}
			v = l
		}
		out.Append(k, v)
	}
	return out
}

// same compares values, types and the order of members.
func same(t *testing.T, want, got *mlflow.Object) {
	t.Helper()
	if d := cmp.Diff(string(mlflow.EncodeReport(want)), string(mlflow.EncodeReport(got))); d != "" {
		t.Errorf("-sample +ours\n%s", d)
	}
}

func seedOptions() enrich.Options {
	return enrich.Options{Compat: true, Databricks: true, UI: "https://e2-demo-west.cloud.databricks.com", TrackingURI: "databricks://e2_demo"}
}

func TestCompatReproducesTheRunsOfTheSamples(t *testing.T) {
	needVectors(t)
	for _, v := range []struct{ raw, enriched, experiment string }{
		{"01-run-workspace/raw.json", "01-run-workspace/enriched.json", "/Repos/antoine.amend@databricks.com/mrm-generation/templates/Credit Adjudication - Example"},
		{"02-run-workspace-spark/raw.json", "02-run-workspace-spark/enriched.json", "/Users/andre@mycompany.com/experiments/best/Sklearn_Wine_repo"},
		{"04-run-oss/raw.json", "04-run-oss/enriched.json", "sklearn_wine"},
		{"01-run-workspace/raw.json", "08-wide-workspace/report.json", "/Repos/antoine.amend@databricks.com/mrm-generation/templates/Credit Adjudication - Example"},
		{"01-run-workspace/raw.json", "26-mlflow-model-get-run/workspace.json", "/Repos/antoine.amend@databricks.com/mrm-generation/templates/Credit Adjudication - Example"},
	} {
		t.Run(v.enriched, func(t *testing.T) {
			raw, want := vector(t, v.raw), vector(t, v.enriched).Object("run")
			got := enrich.Run(mlflow.Run{Object: raw.Object("run")}, v.experiment, seedOptions())
			same(t, without(want), without(got.Object))
		})
	}
}

func TestCompatLinksAreThoseOfTheSamples(t *testing.T) {
	needVectors(t)
	for file, ui := range map[string]string{"01-run-workspace": "https://e2-demo-west.cloud.databricks.com", "04-run-oss": "http://localhost:5020"} {
		o := seedOptions()
		o.UI, o.Databricks = ui, file == "01-run-workspace"
		raw, want := vector(t, file+"/raw.json").Object("run"), vector(t, file+"/enriched.json").Object("run")
		got := enrich.Run(mlflow.Run{Object: raw}, want.Object("info").Text("_experiment_name"), o)
		same(t, want, got.Object)
	}
}

func TestCompatReproducesTheExperimentsOfTheSamples(t *testing.T) {
	needVectors(t)
	for raw, enriched := range map[string]string{
		"06-experiment-workspace/raw.json":    "06-experiment-workspace/enriched.json",
		"07-experiment-notebook-raw/raw.json": "08-wide-workspace/report.json",
	} {
		t.Run(enriched, func(t *testing.T) {
			want := vector(t, enriched).Object("experiment")
			got := enrich.Experiment(mlflow.Experiment{Object: vector(t, raw).Object("experiment")}, seedOptions())
			same(t, without(want, "permissions"), without(got.Object)) // of Databricks, asked for apart
		})
	}
}

func TestCompatReproducesTheVersionsOfTheSamples(t *testing.T) {
	needVectors(t)
	production := vector(t, "10-registered-model-workspace/raw.json").Object("registered_model").List("latest_versions")[1].(*mlflow.Object)
	for _, v := range []struct {
		raw      *mlflow.Object
		enriched string
		later    string // attribute that the tool wrote only later
		extra    string // attribute of Databricks, asked for apart
	}{
		{vector(t, "14-version-uc/raw.json").Object("model_version"), "14-version-uc/enriched.json", "", ""},
		{vector(t, "16-version-uc-tensorflow/raw.json").Object("model_version"), "16-version-uc-tensorflow/enriched.json", "", ""},
		{vector(t, "13-version-workspace-transitions/raw.json").Object("model_version"), "13-version-workspace-transitions/enriched.json", "", "transition_requests"},
		{production, "08-wide-workspace/report.json", "_is_unity_catalog", ""},
	} {
		t.Run(v.enriched, func(t *testing.T) {
			want := vector(t, v.enriched).Object("model_version")
			o := seedOptions()
			o.UnityCatalog = want.Has("storage_location")
			got := enrich.ModelVersion(mlflow.ModelVersion{Object: v.raw}, want.Text("_reg_model_download_uri"), o)
			same(t, without(want, v.extra), without(got.Object, v.later))
		})
	}
}

// The key was transition_requests in 2023, before tags; the newest code of the
// tool has it behind them.
func TestCompatShowsTheTransitionRequestsOfTheSamples(t *testing.T) {
	needVectors(t)
	raw, want := vector(t, "13-version-workspace-transitions/raw.json").Object("model_version"), vector(t, "13-version-workspace-transitions/enriched.json").Object("model_version")
	requests := want.List("transition_requests")
	if len(requests) != 1 {
		t.Fatal("the sample has no request")
	}
	got := enrich.RequestedVersion(mlflow.ModelVersion{Object: raw}, want.Text("_reg_model_download_uri"), requests, seedOptions())
	want.Delete("transition_requests")
	want.SetAfter("tags", "_transition_requests", requests)
	same(t, without(want), without(got.Object))
}

func TestCompatReproducesTheRegisteredModelsOfTheSamples(t *testing.T) {
	needVectors(t)
	for raw, enriched := range map[string]string{
		"10-registered-model-workspace/raw.json":   "10-registered-model-workspace/enriched-2023-07.json",
		"11-registered-model-workspace-2/raw.json": "11-registered-model-workspace-2/enriched.json",
	} {
		t.Run(enriched, func(t *testing.T) {
			model := vector(t, raw).Object("registered_model")
			want := vector(t, enriched).Object("registered_model")
			got := enrich.RegisteredModel(mlflow.RegisteredModel{Object: model}, seedOptions())
			// id, permission_level and permissions come with Databricks' own call.
			same(t, without(want, "latest_versions", "id", "permission_level", "permissions"), without(got.Object, "latest_versions"))
			for i, w := range want.List("latest_versions") {
				w := w.(*mlflow.Object)
				version := mlflow.ModelVersion{Object: model.List("latest_versions")[i].(*mlflow.Object)}
				same(t, without(w, "transition_requests"), without(enrich.ModelVersion(version, w.Text("_reg_model_download_uri"), seedOptions()).Object))
			}
		})
	}
}

func TestCompatReproducesTheMLmodelsOfTheSamples(t *testing.T) {
	needVectors(t)
	for _, v := range []struct {
		file, enriched string
		section        string
		later          []string // attributes that the tool wrote only later, or in other commands
	}{
		{"08-wide-workspace/MLmodel", "08-wide-workspace/report.json", "mlflow_model", []string{"model_flavor"}},
		{"16-version-uc-tensorflow/MLmodel", "16-version-uc-tensorflow/enriched.json", "mlflow_model", []string{"model_flavor"}},
		{"17-wide-feature-store/MLmodel", "17-wide-feature-store/report.json", "mlflow_model", []string{"model_flavor"}},
		{"22-wide-automl/MLmodel", "22-wide-automl/report.json", "mlflow_model", []string{"model_flavor", "model_size_bytes", "artifacts"}},
		{"24-wide-job-space-in-name/MLmodel", "24-wide-job-space-in-name/report.json", "mlflow_model", []string{"model_flavor"}},
		{"25-wide-transformers/MLmodel", "25-wide-transformers/report-ws.json", "mlflow_model", []string{"model_size_bytes", "artifacts"}},
	} {
		t.Run(v.enriched, func(t *testing.T) {
			got := enrich.MLmodel(vectorYAML(t, v.file), nil, seedOptions())
			same(t, without(vector(t, v.enriched).Object(v.section), v.later...), without(got, v.later...))
		})
	}
}

// fileList is the list of files that a tree of the seed's first layout was made of.
func fileList(files []any, below string, list *mlflow.FileList) {
	for _, v := range files {
		f := v.(*mlflow.Object)
		info := mlflow.FileInfo{Path: f.Text("path")[len(below):], Dir: f.Has("artifacts")}
		fmt.Sscan(f.Text("file_size"), &info.Bytes)
		list.Files = append(list.Files, info)
		fileList(f.Object("artifacts").List("files"), below, list)
	}
}

func TestCompatReproducesTheArtifactTreesOfTheSamples(t *testing.T) {
	needVectors(t)
	for _, path := range []string{"01-run-workspace/enriched.json", "02-run-workspace-spark/enriched.json", "04-run-oss/enriched.json"} {
		want := vector(t, path).Object("artifacts")
		list := mlflow.FileList{}
		fmt.Sscan(want.Object("summary").Text("artifact_max_level"), &list.MaxLevel)
		fileList(want.List("files"), "", &list)
		o := seedOptions()
		o.ArtifactRoot = want.Text("root_uri")
		same(t, want, enrich.Files(&list, o))
	}
}

func TestCompatReproducesTheSizeAndFilesOfAModel(t *testing.T) {
	needVectors(t)
	want := vector(t, "26-mlflow-model-get-run/workspace.json").Object("mlflow_model")
	list := mlflow.FileList{MaxLevel: -1}
	fileList(want.Object("artifacts").List("files"), "model/", &list)
	o := seedOptions()
	o.ArtifactRoot = want.Object("artifacts").Text("root_uri")
	got := enrich.MLmodel(vectorYAML(t, "08-wide-workspace/MLmodel"), &list, o)
	same(t, want, without(got, "model_flavor"))
}
