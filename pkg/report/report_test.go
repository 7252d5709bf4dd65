package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

func decode(t *testing.T, text string) *mlflow.Object {
	t.Helper()
	o, err := mlflow.DecodeJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// version is a bundle of one version with run and experiment.
func version(t *testing.T) *mlflow.Bundle {
	t.Helper()
	return &mlflow.Bundle{
		URI:             mlflow.VersionID{Model: "wine", Version: 2}.Ref(),
		RegisteredModel: mlflow.RegisteredModel{Object: decode(t, `{"name": "wine", "latest_versions": [{"name": "wine", "version": "3"}]}`)},
		ModelVersion:    mlflow.ModelVersion{Object: decode(t, `{"name": "wine", "version": "2", "source": "models:/m-3ff6", "run_id": "efa3"}`)},
		DownloadURI:     "mlflow-artifacts:/1/models/m-3ff6/artifacts",
		LoggedModel: mlflow.LoggedModel{Object: decode(t, `{"info": {"model_id": "m-3ff6", "experiment_id": "1", "name": "model",
			"source_run_id": "efa3", "artifact_uri": "mlflow-artifacts:/1/models/m-3ff6/artifacts"}, "data": {}}`)},
		Run:        mlflow.Run{Object: decode(t, `{"info": {"run_id": "efa3", "experiment_id": "1", "artifact_uri": "mlflow-artifacts:/1/efa3/artifacts"}}`)},
		RunFoundBy: "model_version",
		Experiment: mlflow.Experiment{Object: decode(t, `{"experiment_id": "1", "name": "1"}`)},
		File: mlflow.ModelFile{URI: "mlflow-artifacts:/1/models/m-3ff6/artifacts", Content: decode(t, `{"run_id": "efa3",
			"artifact_path": "mlflow-artifacts:/1/models/m-3ff6/artifacts"}`)},
	}
}

func encoded(b *mlflow.Bundle, at time.Time) []byte {
	return report.Encode(report.New(enrich.Bundle(b, enrich.Options{}), report.Options{Source: "http://host", Timestamp: at}))
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestReportHasRunAndExperimentOfModelsOfMLflow3(t *testing.T) { // D1, D16
	doc := report.New(enrich.Bundle(version(t), enrich.Options{}), report.Options{})
	for _, s := range []string{"run", "experiment"} {
		if doc.Object(s) == nil {
			t.Errorf("no %s", s)
		}
	}
	if id, _ := doc.Object("experiment").Get("experiment_id"); id != "1" {
		t.Errorf("experiment_id is %v", id)
	}
}

func TestURIsNameTheModelHoweverMLflowKeepsIt(t *testing.T) { // D2, D16, D30
	const three = `{"model_uri":"models:/wine/2","run_uri":"runs:/efa3/model","reg_model_download_uri":"mlflow-artifacts:/1/models/m-3ff6/artifacts",` +
		`"run_model_download_uri":"mlflow-artifacts:/1/models/m-3ff6/artifacts"}`
	const two = `{"model_uri":"models:/wine/2","run_uri":"runs:/efa3/model","reg_model_download_uri":"mlflow-artifacts:/1/models/m-3ff6/artifacts",` +
		`"run_model_download_uri":"mlflow-artifacts:/1/efa3/artifacts/model"}`
	for _, c := range []struct {
		name   string
		change func(b *mlflow.Bundle)
		want   string
	}{
		{"MLflow 3", func(*mlflow.Bundle) {}, three},
		{"MLflow 3 without its file", func(b *mlflow.Bundle) { b.File = mlflow.ModelFile{} }, three},
		{"MLflow 2", func(b *mlflow.Bundle) {
			b.LoggedModel = mlflow.LoggedModel{}
			b.File.Content = decode(t, `{"run_id": "efa3", "artifact_path": "model"}`)
		}, two},
		{"without artifact_path", func(b *mlflow.Bundle) {
			b.LoggedModel = mlflow.LoggedModel{}
			b.File.Content = decode(t, `{"run_id": "efa3"}`)
			b.ModelVersion.Object = decode(t, `{"source": "runs:/efa3/model"}`)
		}, two},
		{"of a run that could not be read", func(b *mlflow.Bundle) {
			b.LoggedModel, b.Run = mlflow.LoggedModel{}, mlflow.Run{}
			b.File.Content = decode(t, `{"run_id": "efa3", "artifact_path": "model"}`)
		}, strings.Replace(two, `,"run_model_download_uri":"mlflow-artifacts:/1/efa3/artifacts/model"`, "", 1)},
		{"of a run whose artifacts are nowhere", func(b *mlflow.Bundle) {
			b.LoggedModel, b.File = mlflow.LoggedModel{}, mlflow.ModelFile{}
			b.Run.Object = decode(t, `{"info": {"run_id": "efa3"}}`)
			b.ModelVersion.Object = decode(t, `{"source": "/somewhere/model"}`)
		}, strings.Replace(three[:strings.Index(three, `,"run_model`)], `"run_uri":"runs:/efa3/model",`, "", 1) + "}"},
		{"of a run whose artifacts are nowhere, but named", func(b *mlflow.Bundle) {
			b.LoggedModel = mlflow.LoggedModel{}
			b.Run.Object = decode(t, `{"info": {"run_id": "efa3"}}`)
			b.File.Content = decode(t, `{"run_id": "efa3", "artifact_path": "model"}`)
		}, three[:strings.Index(three, `,"run_model`)] + "}"},
		{"of another run, says its file", func(b *mlflow.Bundle) {
			b.LoggedModel = mlflow.LoggedModel{}
			b.File.Content = decode(t, `{"run_id": "0000", "artifact_path": "model"}`)
			b.ModelVersion.Object = decode(t, `{"run_id": "efa3", "source": "mlflow-artifacts:/1/efa3/artifacts/model"}`)
		}, two},
		{"of another run, says its file, when its own could not be read", func(b *mlflow.Bundle) {
			b.LoggedModel, b.Run = mlflow.LoggedModel{}, mlflow.Run{}
			b.File.Content = decode(t, `{"run_id": "0000", "artifact_path": "model"}`)
		}, three[:strings.Index(three, `"run_uri"`)] + three[strings.Index(three, `"reg_`):strings.Index(three, `,"run_model`)] + "}"},
		{"of another run, says its logged model", func(b *mlflow.Bundle) {
			b.LoggedModel.Info().Set("source_run_id", "0000")
		}, three[:strings.Index(three, `"run_uri"`)] + three[strings.Index(three, `"reg_`):strings.Index(three, `,"run_model`)] + "}"},
		{"with nothing but the version", func(b *mlflow.Bundle) {
			*b = mlflow.Bundle{URI: b.URI, ModelVersion: b.ModelVersion}
		}, `{"model_uri":"models:/wine/2"}`},
		{"in a folder of a logged model", func(b *mlflow.Bundle) {
			b.URI = mlflow.Ref{Kind: mlflow.RunRef, RunID: "efa3", Path: "model/inner"}
		}, strings.NewReplacer("models:/wine/2", "runs:/efa3/model/inner", "runs:/efa3/model", "runs:/efa3/model/inner").
			Replace(strings.TrimSuffix(three, `"}`)) + `/inner"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := version(t)
			c.change(b)
			m := report.New(b, report.Options{}).Object("manifest")
			if got := string(mlflow.JSON{}.Append(nil, m.Object("model_uris"))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestANewVersionChangesNoReportOfAnOldOne(t *testing.T) {
	before := encoded(version(t), noon)
	b := version(t)
	b.RegisteredModel.Object = decode(t, `{"name": "wine", "latest_versions": [{"name": "wine", "version": "4"}]}`)
	if d := cmp.Diff(string(before), string(encoded(b, noon))); d != "" {
		t.Error(d)
	}
	if len(b.RegisteredModel.List("latest_versions")) != 1 {
		t.Error("the bundle was changed")
	}
}

func TestNoSectionIsSilentlyAbsent(t *testing.T) { // D25
	b := version(t)
	b.Run, b.Experiment = mlflow.Run{}, mlflow.Experiment{}
	b.AddIssue(mlflow.NewIssue("run", mlflow.RunNotFound, "efa3"))
	contradiction := mlflow.NewIssue("run", mlflow.LineageBroken, "model_version", "run efa3", "mlflow_model", "run 0000").AsNote()
	b.AddIssue(contradiction)
	if err := mlflowtest.ValidateReport(encoded(b, noon)); err != nil {
		t.Error(err)
	}
	got := report.Issues(b)
	if len(got) != 3 || got[0].Section != "experiment" || got[0].Code != mlflow.RunNotFound || got[1] != contradiction || len(b.Issues) != 2 {
		t.Errorf("got %v", got)
	}
	b.AddIssue(mlflow.NewIssue("experiment", mlflow.Denied, "experiment 1"))
	if got := report.Issues(b); len(got) != 3 || got[0].Code != mlflow.Denied {
		t.Errorf("got %v", got)
	}
	b.Issues = nil
	if err := mlflowtest.ValidateReport(encoded(b, noon)); err == nil {
		t.Error("nobody noticed that the run is missing")
	}
}

func TestTextOfUsersIsCopiedAsItIs(t *testing.T) { // D20
	const text = `<script>alert("1 & 2")</script> ☃`
	b := version(t)
	b.ModelVersion.Set("description", text)
	got, err := report.Decode(encoded(b, noon))
	if err != nil || got.Object("model_version").Text("description") != text {
		t.Errorf("%v, %v", got.Object("model_version").Text("description"), err)
	}
	if !bytes.Contains(encoded(b, noon), []byte(`<script>alert(\"1 & 2\")</script> ☃`)) {
		t.Error("more is escaped than has to be")
	}
}

func TestReportsThatDifferInTheTimestampAreTheSame(t *testing.T) {
	a, b := encoded(version(t), noon), encoded(version(t), noon.Add(time.Hour))
	if bytes.Equal(a, b) || !report.SameButTimestamp(a, b) || !report.SameButTimestamp(a, a) {
		t.Error("only the timestamp differs")
	}
	other := version(t)
	other.Experiment.Set("timestamp", "2026-11-23 12:00:00")
	c := encoded(other, noon)
	other.Experiment.Set("timestamp", "2026-11-23 13:00:00")
	if report.SameButTimestamp(c, encoded(other, noon)) {
		t.Error("a timestamp that is not the report's does not count")
	}
	withText := version(t)
	withText.URI = mlflow.Ref{Kind: mlflow.LocationRef, Location: "a\n    \"timestamp\": \"b"}
	d := encoded(withText, noon)
	withText.URI.Location = "a\n    \"timestamp\": \"c"
	if report.SameButTimestamp(d, encoded(withText, noon)) {
		t.Error("text that looks like a timestamp is not one")
	}
	const untimed = "{\n  \"manifest\": {\n    \"model_uri\": \"models:/a-name-that-is-long-enough/%s\"\n  }\n}\n"
	if report.SameButTimestamp(fmt.Appendf(nil, untimed, "1"), fmt.Appendf(nil, untimed, "2")) {
		t.Error("reports without a timestamp differ in something else")
	}
	for _, broken := range []string{"", "{", "{\n  \"manifest\": {\n", "{\n  \"manifest\": {\n    \"timestamp\": \"", "not JSON"} {
		if report.SameButTimestamp(a, []byte(broken)) || !report.SameButTimestamp([]byte(broken), []byte(broken)) {
			t.Errorf("%q", broken)
		}
	}
}

func TestReportsReadBack(t *testing.T) {
	data := encoded(version(t), noon)
	doc, err := report.Decode(data)
	if err != nil || !bytes.Equal(report.Encode(doc), data) {
		t.Errorf("%v", err)
	}
	compat := report.Encode(report.New(version(t), report.Options{Compat: true}))
	if _, err := report.Decode(compat); err != nil {
		t.Error(err)
	}
}

func TestOtherThanReportsAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`[]`:                            "not a report: it has no manifest",
		`{"run": {}}`:                   "not a report: it has no manifest",
		`{"manifest": {"format": 2}}`:   "not a report of format 1",
		`{"manifest": {"format": "1"}}`: "not a report of format 1",
	} {
		if _, err := report.Decode([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := report.Decode([]byte(`{"manifest": NaN}`)); err == nil {
		t.Error("took NaN")
	}
}
