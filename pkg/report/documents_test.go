package report_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// document makes of a bundle what a command prints.
func document(t *testing.T, command string, b *mlflow.Bundle) *mlflow.Object {
	t.Helper()
	run := report.RunDocument(b.Run, nil, nil)
	switch command {
	case "get-run":
		return report.RunDocument(b.Run, enrich.Files(b.Files, enrich.Options{}), b.Issues)
	case "get-experiment":
		return report.ExperimentDocument(b.Experiment, []*mlflow.Object{run}, b.Permissions, b.Issues)
	case "get-model-version":
		return report.ModelVersionDocument(b.ModelVersion, run, b.Issues)
	case "get-registered-model":
		return report.RegisteredModelDocument(b.RegisteredModel, []report.VersionRun{{Version: "1", Run: run}}, nil, b.Issues)
	case "get-mlflow-model":
		return report.MLmodelDocument(b, true, false)
	case "get-logged-model":
		return report.LoggedModelDocument(b.LoggedModel, b.Issues)
	}
	t.Fatalf("no command %q", command)
	return nil
}

func TestDocumentsAreAsWrittenDown(t *testing.T) {
	schema, err := mlflowtest.NewReportSchema()
	if err != nil {
		t.Fatal(err)
	}
	for path, a := range cases(t, "documents") {
		command := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(command, func(t *testing.T) {
			b := enrich.Bundle(mlflowtest.ReadBundle(t, a), enrich.Options{})
			got := report.Encode(document(t, command, b))
			wantPart(t, path, a, got)
			if err := schema.ValidateDocument(command, got); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatWasNotAskedForIsNotInADocument(t *testing.T) {
	id := mlflow.NewObject(mlflow.Member{Key: "name", Value: "a"})
	for want, doc := range map[string]*mlflow.Object{
		`{"run":{"name":"a"}}`:                                report.RunDocument(mlflow.Run{Object: id}, nil, nil),
		`{"experiment":{"name":"a"}}`:                         report.ExperimentDocument(mlflow.Experiment{Object: id}, nil, nil, nil),
		`{"experiment":{"name":"a"},"runs":[]}`:               report.ExperimentDocument(mlflow.Experiment{Object: id}, []*mlflow.Object{}, nil, nil),
		`{"model_version":{"name":"a"}}`:                      report.ModelVersionDocument(mlflow.ModelVersion{Object: id}, nil, nil),
		`{"registered_model":{"name":"a"}}`:                   report.RegisteredModelDocument(mlflow.RegisteredModel{Object: id}, nil, nil, nil),
		`{"registered_model":{"name":"a"},"version_runs":{}}`: report.RegisteredModelDocument(mlflow.RegisteredModel{Object: id}, []report.VersionRun{}, nil, nil),
		`{"mlflow_model":{"name":"a"}}`:                       report.MLmodelDocument(&mlflow.Bundle{File: mlflow.ModelFile{Content: id}, Run: mlflow.Run{Object: id}}, false, false),
		`{"registered_model":{"name":"a","permissions":{}}}`:  report.RegisteredModelDocument(mlflow.RegisteredModel{Object: id}, nil, &mlflow.Object{}, nil),
		`{"mlflow_model":{"name":"a"},"run":{"name":"a"}}`:    report.MLmodelDocument(&mlflow.Bundle{File: mlflow.ModelFile{Content: id}, Run: mlflow.Run{Object: id}}, true, false),
	} {
		if got := string(mlflow.JSON{}.Append(nil, doc)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if id.Len() != 1 {
		t.Error("an object that bundles share was changed")
	}
}

func TestRawRunAndExperimentStayAsTheyCame(t *testing.T) {
	raw := &mlflow.Bundle{
		Run:        mlflow.Run{Object: decode(t, `{"info": {"run_id": "ab", "start_time": 5000}, "data": {"tags": [{"key": "a", "value": "{}"}]}}`)},
		RunFoundBy: "mlflow_model",
		Experiment: mlflow.Experiment{Object: decode(t, `{"experiment_id": "1", "creation_time": 5000}`)},
		File:       mlflow.ModelFile{Content: decode(t, `{"flavors": {"sklearn": {}}}`)},
	}
	got := report.MLmodelDocument(report.RawRun(enrich.Bundle(raw, enrich.Options{}), raw), true, false)
	const want = `{"mlflow_model":{"flavors":{"sklearn":{}},"model_flavor":"sklearn"},` +
		`"run":{"info":{"run_id":"ab","start_time":5000},"data":{"tags":[{"key":"a","value":"{}"}]}},` +
		`"experiment":{"experiment_id":"1","creation_time":5000}}`
	if got := string(mlflow.JSON{}.Append(nil, got)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestIssuesOfADocumentAreInOrder(t *testing.T) {
	issues := []mlflow.Issue{mlflow.NewIssue("run", mlflow.RunNotFound, "b"), mlflow.NewIssue("run", mlflow.RunNotFound, "a"), mlflow.NewIssue("run", mlflow.RunNotFound, "b")}
	doc := report.RunDocument(mlflow.Run{}, nil, issues)
	if got := doc.List("issues"); len(got) != 2 || got[0].(*mlflow.Object).Text("message") != "there is no run a" {
		t.Errorf("got %s", mlflow.JSON{}.Append(nil, doc))
	}
	if issues[0].Message != "there is no run b" || issues[2].Message == "" {
		t.Error("the caller's issues were changed")
	}
}
