package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func outcomes(t *testing.T, m *mlflowtest.Memory, uris ...string) []fetch.Outcome {
	t.Helper()
	var targets []fetch.Target
	for _, u := range uris {
		targets = append(targets, fetch.Target{Ref: uri(t, u)})
	}
	out, err := (&fetch.Fetcher{Source: m, Artifacts: m}).Fetch(context.Background(), targets)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func one(t *testing.T, m *mlflowtest.Memory, u string) *mlflow.Bundle {
	t.Helper()
	o := outcomes(t, m, u)[0]
	if o.Failed != nil {
		t.Fatalf("%s failed: %s", u, o.Failed)
	}
	return o.Bundle
}

func texts(issues []mlflow.Issue) []string {
	out := []string{}
	for _, i := range issues {
		out = append(out, fmt.Sprintf("%s %s %s", i.Level, i.Section, i))
	}
	return out
}

func wantIssues(t *testing.T, b *mlflow.Bundle, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if d := cmp.Diff(want, texts(b.Issues)); d != "" {
		t.Error(d)
	}
}

func TestAChunkAsksOncePerKindOfObject(t *testing.T) {
	m := world()
	out := outcomes(t, m, "models:/A/1", "models:/A/2", "models:/A/3", "models:/fraud/1", "models:/fraud_eu/4")
	for _, o := range out {
		if o.Failed != nil || len(o.Bundle.Issues) > 0 {
			t.Errorf("%+v", o)
		}
	}
	for kind, n := range map[string]int{"Models": 1, "Versions": 1, "Runs": 1, "Experiments": 1, "LoggedModels": 0, "ReadFile": 5} {
		if m.Calls(kind) != n {
			t.Errorf("%s was called %d times, not %d", kind, m.Calls(kind), n)
		}
	}
	if m.Asked("Models") != 3 || m.Asked("Experiments") != 1 {
		t.Errorf("objects were asked for twice: %d models, %d experiments", m.Asked("Models"), m.Asked("Experiments"))
	}
}

func TestVersionsCarryTheAliasesOfTheirModel(t *testing.T) {
	m := world()
	b := one(t, m, "models:/A/2")
	if d := cmp.Diff([]any{"champion"}, b.ModelVersion.List("aliases")); d != "" {
		t.Error(d)
	}
	if m.ModelVersions[1].Has("aliases") {
		t.Error("the store's object was changed")
	}
}

func TestAVersionThatIsNotThereFails(t *testing.T) {
	for u, want := range map[string]string{
		"models:/A/9":       `version-not-found: registered model "A" has no version 9`,
		"models:/nope/1":    `model-not-found: there is no registered model "nope"`,
		"models:/m-00":      `logged-model-not-found: there is no logged model m-00`,
		"runs:/gone/model":  `run-not-found: there is no run gone`,
		"s3://bucket/model": `artifact-missing: there is no file at s3://bucket/model/MLmodel`,
	} {
		o := outcomes(t, world(), u)[0]
		if o.Failed == nil || o.Failed.String() != want || o.Failed.Section != "entry" {
			t.Errorf("%s: got %v, want %s", u, o.Failed, want)
		}
	}
}

func TestSectionsThatCannotBeReadAreNamed(t *testing.T) {
	for _, c := range []struct {
		kind string
		err  error
		want []string
	}{
		{"Models", mlflow.ErrDenied, []string{`gap registered_model denied: the credentials may not read registered model "A"`}},
		{"Runs", mlflow.ErrUnavailable, []string{`gap run unavailable: run a-1 could not be read this time`}},
		{"Runs", mlflow.ErrNotFound, []string{`gap run run-not-found: there is no run a-1`}},
		{"Experiments", mlflow.ErrDenied, []string{`gap experiment denied: the credentials may not read experiment 1`}},
		{"ReadFile", mlflow.ErrNotFound, []string{`gap mlflow_model artifact-missing: there is no file at mlflow-artifacts:/1/a-1/artifacts/model/MLmodel`}},
		{"ReadFile", mlflow.ErrOutside, []string{`gap mlflow_model artifact-outside: mlflow-artifacts:/1/a-1/artifacts/model/MLmodel lies outside of the store's folder and of every artifact root`}},
		{"ReadFile", mlflow.ErrUnsupported, []string{`gap mlflow_model artifact-unsupported: mlflow-artifacts:/1/a-1/artifacts/model/MLmodel lies in an artifact store that this entry's host does not serve`}},
		{"ReadFile", mlflow.ErrTooLarge, []string{`gap mlflow_model mlmodel-too-large: mlflow-artifacts:/1/a-1/artifacts/model/MLmodel is too large for an MLmodel file`}},
	} {
		t.Run(c.kind+" "+c.err.Error(), func(t *testing.T) {
			m := world()
			m.Fail = func(kind, _ string) error {
				if kind == c.kind {
					return fmt.Errorf("no: %w", c.err)
				}
				return nil
			}
			wantIssues(t, one(t, m, "models:/A/1"), c.want...)
		})
	}
}

func TestBrokenMLmodelFilesAreNamed(t *testing.T) {
	for data, code := range map[string]string{"": "mlmodel-empty", "{ this: is: not": "mlmodel-not-yaml", "just text": "mlmodel-not-a-mapping"} {
		m := world()
		m.AddFile("mlflow-artifacts:/1/a-1/artifacts/model/MLmodel", data)
		b := one(t, m, "models:/A/1")
		if len(b.Issues) != 1 || string(b.Issues[0].Code) != code {
			t.Errorf("%q: %v", data, b.Issues)
		}
		if b.File.Data == nil || string(b.File.Data) != data {
			t.Errorf("%q: the file must be kept as it is", data)
		}
	}
}

func TestReadsRunsThatWereDeleted(t *testing.T) {
	m := world()
	m.AllRuns[0].Info().Set("lifecycle_stage", "deleted")
	b := one(t, m, "models:/A/1")
	if b.Run.ID() != "a-1" {
		t.Error("a deleted run must still be shown")
	}
	wantIssues(t, b, "note run run-deleted: the training run a-1 was deleted on the server; its parameters are still shown")
}

func addCopy(m *mlflowtest.Memory, name, source string) {
	v := mlflowtest.JSON(fmt.Sprintf(`{"name":%q,"version":"1","current_stage":"None","source":%q,"run_id":"a-1"}`, name, source))
	m.ModelVersions = append(m.ModelVersions, fetch.Version{ModelVersion: mlflow.ModelVersion{Object: v}, DownloadURI: "mlflow-artifacts:/1/a-1/artifacts/model"})
	m.RegisteredModels = append(m.RegisteredModels, mlflow.RegisteredModel{Object: mlflowtest.JSON(fmt.Sprintf(`{"name":%q}`, name))})
}

func TestFollowsTheChainOfCopies(t *testing.T) {
	m := world()
	addCopy(m, "copy", "models:/A/2")
	addCopy(m, "copy of copy", "models:/copy/1")
	b := one(t, m, "models:/copy of copy/1")
	wantIssues(t, b)
	var chain []string
	for _, k := range b.CopiedFrom {
		chain = append(chain, fmt.Sprint(k.ModelVersion.ID(), " ", k.ModelVersion.List("aliases"), " ", k.Run.ID()))
	}
	if d := cmp.Diff([]string{"models:/copy/1 [] a-1", "models:/A/2 [champion] a-2"}, chain); d != "" {
		t.Error(d)
	}
}

func TestCopiesThatGoInCirclesOrIntoNothingEnd(t *testing.T) {
	m := world()
	addCopy(m, "x", "models:/y/1")
	addCopy(m, "y", "models:/x/1")
	addCopy(m, "z", "models:/A/77")
	if b := one(t, m, "models:/x/1"); len(b.CopiedFrom) != 1 {
		t.Errorf("got %d links", len(b.CopiedFrom))
	}
	wantIssues(t, one(t, m, "models:/z/1"), `gap copied_from version-not-found: registered model "A" has no version 77`)
}

const loggedModel = `{"info":{"model_id":"m-0123","experiment_id":"1","name":"model","creation_timestamp_ms":1700000000000,
	"artifact_uri":"mlflow-artifacts:/1/models/m-0123/artifacts","status":"LOGGED_MODEL_READY","source_run_id":"a-1"},"data":{}}`

func withLoggedModel() *mlflowtest.Memory {
	m := world()
	m.AllLoggedModels = []mlflow.LoggedModel{{Object: mlflowtest.JSON(loggedModel)}}
	m.AllRuns[0].Set("outputs", mlflowtest.JSON(`{"model_outputs":[{"model_id":"m-0123","step":0}]}`))
	m.AddFile("mlflow-artifacts:/1/models/m-0123/artifacts/MLmodel", "model_id: m-0123\nrun_id: a-1\nflavors: {}\n")
	return m
}

func TestAVersionWithoutRunIsFoundThroughItsLoggedModel(t *testing.T) {
	m := withLoggedModel()
	addCopy(m, "new", "models:/m-0123")
	v := &m.ModelVersions[len(m.ModelVersions)-1]
	v.Delete("run_id")
	v.DownloadURI = ""
	b := one(t, m, "models:/new/1")
	wantIssues(t, b)
	if b.LoggedModel.ID() != "m-0123" || b.Run.ID() != "a-1" || b.RunFoundBy != "logged_model" || b.Experiment.ID() != "1" {
		t.Errorf("logged model %s, run %s by %s", b.LoggedModel.ID(), b.Run.ID(), b.RunFoundBy)
	}
	if b.DownloadURI != "mlflow-artifacts:/1/models/m-0123/artifacts" || b.File.Content == nil {
		t.Errorf("download URI %q", b.DownloadURI)
	}
}

func TestAVersionWithoutAnythingIsFoundThroughItsMLmodel(t *testing.T) {
	m := withLoggedModel()
	addCopy(m, "bare", "s3://bucket/bare")
	v := &m.ModelVersions[len(m.ModelVersions)-1]
	v.Set("run_id", "")
	v.DownloadURI = "s3://bucket/bare"
	m.AddFile("s3://bucket/bare/MLmodel", "run_id: a-1\nmodel_id: m-0123\n")
	b := one(t, m, "models:/bare/1")
	wantIssues(t, b)
	if b.Run.ID() != "a-1" || b.RunFoundBy != "logged_model" || b.LoggedModel.ID() != "m-0123" {
		t.Errorf("run %s by %s, logged model %s", b.Run.ID(), b.RunFoundBy, b.LoggedModel.ID())
	}
}

func TestAVersionThatNeverHadARunSaysSo(t *testing.T) {
	m := world()
	addCopy(m, "bare", "s3://bucket/bare")
	m.ModelVersions[len(m.ModelVersions)-1].Set("run_id", "")
	m.ModelVersions[len(m.ModelVersions)-1].DownloadURI = ""
	m.AddFile("s3://bucket/bare/MLmodel", "flavors: {}")
	wantIssues(t, one(t, m, "models:/bare/1"), "note run no-run: MLflow knows no training run of models:/bare/1")
}

func TestRunsURIsFindLoggedModelsAndOldFolders(t *testing.T) {
	m := withLoggedModel()
	b := one(t, m, "runs:/a-1/model")
	if b.LoggedModel.ID() != "m-0123" || b.File.URI != "mlflow-artifacts:/1/models/m-0123/artifacts" {
		t.Errorf("MLflow 3: %s at %s", b.LoggedModel.ID(), b.File.URI)
	}
	b = one(t, m, "runs:/a-2/model")
	if b.LoggedModel.Object != nil || b.File.URI != "mlflow-artifacts:/1/a-2/artifacts/model" {
		t.Errorf("MLflow 2: %s", b.File.URI)
	}
	wantIssues(t, b)
}

func TestRunsThatContradictEachOtherAreNoted(t *testing.T) {
	m := world()
	m.AddFile("mlflow-artifacts:/1/a-1/artifacts/model/MLmodel", "flavors: {}\nrun_id: other\n")
	wantIssues(t, one(t, m, "models:/A/1"), "note run lineage-broken: model_version says run a-1, but mlflow_model says run other")
}

func TestFetchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	m := world()
	m.Fail = func(kind, _ string) error {
		if kind == "ReadFile" {
			cancel()
			return ctx.Err()
		}
		return nil
	}
	_, err := (&fetch.Fetcher{Source: m, Artifacts: m}).Fetch(ctx, []fetch.Target{{Ref: uri(t, "models:/A/1")}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
