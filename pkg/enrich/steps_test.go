package enrich_test

import (
	"fmt"
	"testing"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func TestTimesAreRoundedHalfToEven(t *testing.T) {
	for ms, want := range map[string]string{
		`0`:                   ``,
		`""`:                  ``,
		`"soon"`:              ``,
		`1`:                   `null`,
		`500`:                 `null`,
		`501`:                 `"1970-01-01 00:00:01"`,
		`1500`:                `"1970-01-01 00:00:02"`,
		`2500`:                `"1970-01-01 00:00:02"`,
		`2501`:                `"1970-01-01 00:00:03"`,
		`3500`:                `"1970-01-01 00:00:04"`,
		`"1686872052388"`:     `"2023-06-15 23:34:12"`,
		`-500`:                `null`,
		`-1500`:               `"1969-12-31 23:59:58"`,
		`-2500`:               `"1969-12-31 23:59:58"`,
		`-1400`:               `"1969-12-31 23:59:59"`,
		`253402300799499`:     `"9999-12-31 23:59:59"`,
		`253402300799501`:     ``,
		`9223372036854775807`: ``,
		`9e30`:                ``,
	} {
		e := mlflow.Experiment{Object: object(t, `{"creation_time": `+ms+`}`)}
		got, ok := enrich.Experiment(e, enrich.Options{}).Get("_creation_time")
		if ok != (want != "") {
			t.Errorf("%s: %v", ms, got)
		} else if ok {
			wantJSON(t, want, got)
		}
	}
}

func TestDurationAlwaysHasADecimalPoint(t *testing.T) {
	for times, want := range map[[2]string]string{
		{"5000", "8000"}:                                "3.0",
		{"5000", "5000"}:                                "0.0",
		{"1695434319419", "1695434326706"}:              "7.287",
		{"5000", "5010"}:                                "0.01",
		{"5000", "4999"}:                                "-0.001",
		{"8000", "5000"}:                                "-3.0",
		{"5000", "0"}:                                   "",
		{"-9000000000000000000", "500000000"}:           "9000000000500000.0",
		{"-9000000000000000000", "9000000000000000000"}: "",
	} {
		run := mlflow.Run{Object: object(t, fmt.Sprintf(`{"info": {"start_time": %s, "end_time": %s}}`, times[0], times[1]))}
		if got := enrich.Run(run, "", enrich.Options{}).Info().Text("_duration"); got != want {
			t.Errorf("%v: got %q, want %q", times, got, want)
		}
	}
}

func TestLinksNameOtherWorkspacesOnly(t *testing.T) {
	for workspace, want := range map[string]string{"": "", "default": "", "team-a": "?workspace=team-a"} {
		e := mlflow.Experiment{Object: object(t, `{"experiment_id": "1"}`)}
		got := enrich.Experiment(e, enrich.Options{UI: "http://host", Workspace: workspace})
		wantJSON(t, `"http://host/#/experiments/1`+want+`"`, got.Text("_web_ui_link"))
	}
}

func TestNoUserInterfaceNoLinks(t *testing.T) {
	b := &mlflow.Bundle{
		Run:             mlflow.Run{Object: object(t, `{"info": {"run_id": "ab"}}`)},
		RegisteredModel: mlflow.RegisteredModel{Object: object(t, `{"name": "a.b.c"}`)},
	}
	out := enrich.Bundle(b, enrich.Options{Databricks: true, UnityCatalog: true})
	wantJSON(t, `{"info":{"run_id":"ab"}}`, out.Run.Object)
	wantJSON(t, `{"name":"a.b.c","tags":{},"_is_unity_catalog":true}`, out.RegisteredModel.Object)
}

func TestARunHasTheNameOfItsOwnExperiment(t *testing.T) {
	b := &mlflow.Bundle{
		Run:        mlflow.Run{Object: object(t, `{"info": {"run_id": "ab", "experiment_id": "1"}}`)},
		Experiment: mlflow.Experiment{Object: object(t, `{"experiment_id": "1", "name": "wine"}`)},
		CopiedFrom: []mlflow.Copied{{Run: mlflow.Run{Object: object(t, `{"info": {"run_id": "cd", "experiment_id": "2"}}`)}}},
	}
	out := enrich.Bundle(b, enrich.Options{})
	wantJSON(t, `"wine"`, out.Run.Info().Text("_experiment_name"))
	if out.CopiedFrom[0].Run.Info().Has("_experiment_name") {
		t.Error("a run has the name of another run's experiment")
	}
}

func TestPlacesOfLatestVersionsAreNotGuessed(t *testing.T) {
	m := mlflow.RegisteredModel{Object: object(t, `{"name": "a", "latest_versions": [{"name": "a", "version": "1", "source": "dbfs:/x"}]}`)}
	for _, databricks := range []bool{false, true} {
		for v := range enrich.RegisteredModel(m, enrich.Options{Databricks: databricks}).LatestVersions() {
			if v.Has("_reg_model_download_uri") == databricks {
				t.Errorf("databricks %t: %s", databricks, compact(v.Object))
			}
		}
	}
}

func TestCompatModelsWithoutRunOrFlavorAreAsInTheSeedTool(t *testing.T) {
	files := &mlflow.FileList{MaxLevel: -1, Files: []mlflow.FileInfo{{Path: "MLmodel", Bytes: 7}}}
	got := enrich.MLmodel(object(t, `{"model_size_bytes": 5, "python_version": "3.10"}`), files, enrich.Options{Compat: true})
	wantJSON(t, `{"model_size_bytes":-1,"python_version":3.1,"flavors":{"warning":"No flavors"}}`, got)
}

func TestCompatRawModelIsExplodedOnly(t *testing.T) {
	b := &mlflow.Bundle{RawModel: &mlflow.RawModel{Type: "feature_store", Content: object(t, `{"a": "1", "flavors": {}}`), FeatureSpec: object(t, `{"b": "[2]"}`)}}
	out := enrich.Bundle(b, enrich.Options{Compat: true}).RawModel
	wantJSON(t, `{"a":1,"flavors":{}}`, out.Content)
	wantJSON(t, `{"b":[2]}`, out.FeatureSpec)
	wantJSON(t, `{"b":"[2]"}`, enrich.Bundle(b, enrich.Options{}).RawModel.FeatureSpec)
}
