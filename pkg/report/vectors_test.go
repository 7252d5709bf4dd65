package report_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// The public samples of the seed tool; they are not part of this repository.
const vectors = "../../../shared/vectors"

func vector(t *testing.T, path string) *mlflow.Object {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(vectors, path))
	if err != nil {
		t.Fatal(err)
	}
	o, err := mlflow.DecodeJSON(data)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return o
}

// drop takes members out at all levels.
func drop(v any, keys ...string) any {
	switch v := v.(type) {
	case *mlflow.Object:
		out := &mlflow.Object{}
		for k, m := range v.All() {
			if !slices.Contains(keys, k) {
				out.Append(k, drop(m, keys...))
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = drop(v[i], keys...)
		}
		return out
	}
	return v
}

// asPermitted is a registered model as Databricks shows it to those who ask for
// permissions, of which no raw answer is recorded: with two members more.
func asPermitted(raw, enriched *mlflow.Object) *mlflow.Object {
	out := &mlflow.Object{}
	for k, v := range raw.All() {
		if k == "tags" {
			out.Append("id", enriched.Text("id"))
			out.Append("permission_level", enriched.Text("permission_level"))
		}
		out.Append(k, v)
	}
	return out
}

func TestCompatReproducesTheWideReportOfTheSamples(t *testing.T) {
	if _, err := os.Stat(vectors); err != nil {
		fmt.Fprintln(os.Stderr, "SKIPPED: the samples of the seed tool are not here; its wide report is tested by our own cases only")
		t.Skip("no ", vectors)
	}
	want := vector(t, "08-wide-workspace/report.json")
	model := vector(t, "10-registered-model-workspace/raw.json").Object("registered_model")
	file, err := os.ReadFile(filepath.Join(vectors, "08-wide-workspace/MLmodel"))
	if err != nil {
		t.Fatal(err)
	}
	content, err := mlflow.DecodeYAML(file)
	if err != nil {
		t.Fatal(err)
	}
	b := &mlflow.Bundle{
		URI:             mlflow.Ref{Kind: mlflow.StageRef, Model: "credit_adjudication", Stage: "production"},
		RegisteredModel: mlflow.RegisteredModel{Object: model},
		ModelVersion:    mlflow.ModelVersion{Object: model.List("latest_versions")[1].(*mlflow.Object)},
		DownloadURI:     want.Object("model_version").Text("_reg_model_download_uri"),
		Run:             mlflow.Run{Object: vector(t, "01-run-workspace/raw.json").Object("run")},
		RunFoundBy:      "model_version",
		Experiment:      mlflow.Experiment{Object: vector(t, "07-experiment-notebook-raw/raw.json").Object("experiment")},
		File:            mlflow.ModelFile{Content: content.(*mlflow.Object)},
		Permissions:     want.Object("registered_model").Object("permissions"),
		PermittedModel:  mlflow.RegisteredModel{Object: asPermitted(model, want.Object("registered_model"))},
	}
	o := enrich.Options{Compat: true, Databricks: true, UI: "https://e2-demo-west.cloud.databricks.com", TrackingURI: "databricks://e2_demo"}
	doc := report.New(enrich.Bundle(b, o), report.Options{Source: "databricks://e2_demo", Compat: true, MLflowVersion: "2.4.1",
		Timestamp: time.Date(2023, 7, 6, 3, 38, 55, 0, time.UTC)})
	if err := mlflowtest.ValidateReport(report.Encode(doc)); err != nil {
		t.Error(err)
	}

	// What the tool wrote only later, and the error that it wrote in place of the
	// permissions of a notebook's experiment, which is an issue now.
	got := drop(doc, "_is_unity_catalog", "model_flavor")
	want.Object("experiment").Delete("permissions")
	if d := cmp.Diff(string(mlflow.EncodeReport(want)), string(mlflow.EncodeReport(got))); d != "" {
		t.Errorf("-sample +ours\n%s", d)
	}
}

func TestWhatRealServersAnsweredMakesReportsOfTheSchema(t *testing.T) { // D1, D2
	servers, _ := filepath.Glob(filepath.Join(vectors, "*-live-mlflow-*"))
	if len(servers) == 0 {
		fmt.Fprintln(os.Stderr, "SKIPPED: the recorded answers of real servers are not here")
		t.Skip("no ", vectors)
	}
	for _, dir := range servers {
		for _, name := range []string{"wine", "bulk"} {
			at := filepath.Base(dir) + "/" + name
			file, err := os.ReadFile(filepath.Join(vectors, at+".MLmodel"))
			if err != nil {
				t.Fatal(err)
			}
			content, err := mlflow.DecodeYAML(file)
			if err != nil {
				t.Fatal(err)
			}
			v := mlflow.ModelVersion{Object: vector(t, at+".model-version.raw.json").Object("model_version")}
			b := &mlflow.Bundle{
				URI:             v.ID().Ref(),
				RegisteredModel: mlflow.RegisteredModel{Object: vector(t, at+".registered-model.raw.json").Object("registered_model")},
				ModelVersion:    v,
				DownloadURI:     vector(t, at+".download-uri.raw.json").Text("artifact_uri"),
				Run:             mlflow.Run{Object: vector(t, at+".run.raw.json").Object("run")},
				RunFoundBy:      "model_version",
				Experiment:      mlflow.Experiment{Object: vector(t, at+".experiment.raw.json").Object("experiment")},
				File:            mlflow.ModelFile{Content: content.(*mlflow.Object)},
			}
			doc := report.New(enrich.Bundle(b, enrich.Options{UI: "http://127.0.0.1:5003"}), report.Options{Source: "http://127.0.0.1:5003"})
			if err := mlflowtest.ValidateReport(report.Encode(doc)); err != nil {
				t.Errorf("%s: %v", at, err)
			}
		}
	}
}
