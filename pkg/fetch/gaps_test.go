package fetch_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// locating is a store that must be asked where the files of copies are, as
// MLflow's servers must.
type locating struct {
	*mlflowtest.Memory
	uris map[string]string // by version
	err  error
}

func (l locating) DownloadURI(_ context.Context, id mlflow.VersionID) (string, error) {
	return l.uris[id.String()], l.err
}

func bundleOf(t *testing.T, s fetch.Source, m *mlflowtest.Memory, u string) (*mlflow.Bundle, []error) {
	t.Helper()
	out, err := (&fetch.Fetcher{Source: s, Artifacts: m}).Fetch(context.Background(), []fetch.Target{{Ref: uri(t, u)}})
	if err != nil || out[0].Failed != nil {
		t.Fatal(err, out[0].Failed)
	}
	return out[0].Bundle, out[0].Errs
}

// failing makes every answer of a kind an error.
func failing(m *mlflowtest.Memory, kind string, err error, keys ...string) {
	m.Fail = func(k, key string) error {
		for _, want := range keys {
			if k == kind && strings.Contains(key, want) {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		return nil
	}
}

func TestACopyOfAVersionBelowARunIsFoundThere(t *testing.T) {
	m := world()
	addCopy(m, "copy", "models:/A/1")
	m.ModelVersions[len(m.ModelVersions)-1].DownloadURI = ""
	b, _ := bundleOf(t, locating{m, map[string]string{"models:/copy/1": "runs:/a-1/model"}, nil}, m, "models:/copy/1")
	wantIssues(t, b)
	if b.File.URI != "mlflow-artifacts:/1/a-1/artifacts/model" || b.DownloadURI != "runs:/a-1/model" {
		t.Errorf("files at %q, download URI %q", b.File.URI, b.DownloadURI)
	}
}

func TestFilesWhosePlaceCouldNotBeAskedForAreNotMissing(t *testing.T) {
	m := world()
	addCopy(m, "copy", "models:/A/1")
	m.ModelVersions[len(m.ModelVersions)-1].DownloadURI = ""
	b, errs := bundleOf(t, locating{m, nil, fmt.Errorf("503: %w", mlflow.ErrUnavailable)}, m, "models:/copy/1")
	wantIssues(t, b, "gap mlflow_model unavailable: the files of models:/copy/1 could not be read this time")
	if len(errs) != 1 {
		t.Errorf("got %v", errs)
	}
}

func TestFilesOfARunThatCouldNotBeReadAreNotMissing(t *testing.T) {
	for _, c := range []struct {
		err  error
		want []string
	}{
		{mlflow.ErrUnavailable, []string{
			"gap mlflow_model unavailable: the files of runs:/a-2/model could not be read this time",
			"gap run unavailable: run a-2 could not be read this time",
		}},
		{mlflow.ErrNotFound, []string{
			"gap mlflow_model artifact-missing: there is no file at runs:/a-2/model/MLmodel",
			"gap run run-not-found: there is no run a-2",
		}},
	} {
		m := world()
		m.ModelVersions[1].Set("source", "runs:/a-2/model")
		m.ModelVersions[1].DownloadURI = "runs:/a-2/model"
		failing(m, "Runs", c.err, "a-2")
		b, _ := bundleOf(t, m, m, "models:/A/2")
		wantIssues(t, b, c.want...)
	}
}

func TestAPlaceThatDoesNotAnswerIsNotPassedOver(t *testing.T) {
	m := withLoggedModel()
	failing(m, "ReadFile", mlflow.ErrUnavailable, "m-0123")
	b := one(t, m, "runs:/a-1/model")
	wantIssues(t, b, "gap mlflow_model unavailable: mlflow-artifacts:/1/models/m-0123/artifacts/MLmodel could not be read this time")
	if b.File.Data != nil {
		t.Errorf("the file at %s may be another model's", b.File.URI)
	}
}

func TestAModelThatIsNowhereIsMissingWhereItsRunSaysItIs(t *testing.T) {
	m := withLoggedModel()
	m.Files = nil
	wantIssues(t, one(t, m, "runs:/a-1/model"), "gap mlflow_model artifact-missing: there is no file at mlflow-artifacts:/1/models/m-0123/artifacts/MLmodel")
}

func TestARunWhoseLoggedModelsCannotBeReadHidesItsFiles(t *testing.T) {
	m := withLoggedModel()
	failing(m, "LoggedModels", mlflow.ErrUnavailable, "m-0123")
	b := one(t, m, "runs:/a-1/model")
	wantIssues(t, b,
		"gap logged_model unavailable: logged model m-0123 could not be read this time",
		"gap mlflow_model unavailable: the files of runs:/a-1/model could not be read this time")
	if b.File.Data != nil {
		t.Errorf("the file at %s may be another model's", b.File.URI)
	}
}

func TestWhatIsMissingOfACopyIsNamed(t *testing.T) {
	m := world()
	addCopy(m, "copy", "models:/A/2")
	failing(m, "Runs", mlflow.ErrUnavailable, "a-2")
	wantIssues(t, one(t, m, "models:/copy/1"), "gap copied_from unavailable: run a-2 could not be read this time")
	failing(m, "Runs", mlflow.ErrNotFound, "a-2")
	wantIssues(t, one(t, m, "models:/copy/1"), "gap copied_from run-not-found: there is no run a-2")
	failing(m, "Models", mlflow.ErrDenied, "A")
	wantIssues(t, one(t, m, "models:/copy/1"), `gap copied_from denied: the credentials may not read registered model "A"`)
}

func TestACopyFromAnotherRegistryIsNotLookedForInThisOne(t *testing.T) {
	m := world()
	addCopy(m, "copy", "models://prod@databricks/A/2")
	if b := one(t, m, "models:/copy/1"); len(b.CopiedFrom) != 0 {
		t.Errorf("got %v", b.CopiedFrom)
	}
}

func TestARunThatNobodyCouldNameIsNotCalledNone(t *testing.T) {
	m := withLoggedModel()
	addCopy(m, "new", "models:/m-0123")
	v := &m.ModelVersions[len(m.ModelVersions)-1]
	v.Delete("run_id")
	v.DownloadURI = "mlflow-artifacts:/1/models/m-0123/artifacts"
	m.Fail = func(kind, key string) error {
		if kind == "LoggedModels" || kind == "ReadFile" {
			return fmt.Errorf("%s: %w", key, mlflow.ErrUnavailable)
		}
		return nil
	}
	b, errs := bundleOf(t, m, m, "models:/new/1")
	wantIssues(t, b,
		"gap logged_model unavailable: logged model m-0123 could not be read this time",
		"gap mlflow_model unavailable: mlflow-artifacts:/1/models/m-0123/artifacts/MLmodel could not be read this time",
		"gap run unavailable: the training run of models:/new/1 could not be read this time")
	if len(errs) != 2 {
		t.Errorf("each error is to be said once, got %v", errs)
	}
}

func TestFilesAreNotListedBesideAnMLmodelThatIsNotThere(t *testing.T) {
	m := world()
	failing(m, "ReadFile", mlflow.ErrUnsupported, "MLmodel")
	out, err := (&fetch.Fetcher{Source: m, Artifacts: m}).Fetch(context.Background(), []fetch.Target{{Ref: uri(t, "models:/A/1"), MaxLevel: -1}})
	if err != nil {
		t.Fatal(err)
	}
	if b := out[0].Bundle; len(b.Issues) != 1 || b.Files != nil {
		t.Errorf("a report without MLmodel shows no files: %v %v", b.Issues, b.Files)
	}
}

func TestAVersionThatIsListedTwiceIsSelectedOnce(t *testing.T) {
	m := world()
	v := m.ModelVersions
	last := len(v) - 1
	m.ModelVersions = append(v[:last:last], v[last-1], v[last]) // the pages of a listing moved
	got := selected(t, m, "select fraud_eu all")
	want := []string{"models:/fraud_eu/1 [0]", "models:/fraud_eu/2 [0]", "models:/fraud_eu/3 [0]", "models:/fraud_eu/4 [0]"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q", got)
	}
}

func TestAChainOfCopiesThatIsCutOffSaysSo(t *testing.T) {
	m := world()
	addCopy(m, "c0", "models:/A/2")
	for i := 1; i <= 10; i++ {
		addCopy(m, fmt.Sprint("c", i), fmt.Sprintf("models:/c%d/1", i-1))
	}
	if b := one(t, m, "models:/c9/1"); len(b.CopiedFrom) != 10 || len(b.Issues) != 0 {
		t.Errorf("%d links, %v", len(b.CopiedFrom), b.Issues)
	}
	b := one(t, m, "models:/c10/1")
	if len(b.CopiedFrom) != 10 {
		t.Errorf("%d links", len(b.CopiedFrom))
	}
	wantIssues(t, b, "gap copied_from too-large: the chain of copies behind its link 10 is too large to be read")
}

// owned is a store that was moved; it notes whose files are looked for where.
type owned struct {
	*mlflowtest.Memory
	mu     sync.Mutex
	owners map[string][]string
}

func (o *owned) ReadFile(ctx context.Context, at fetch.Location, path string, limit int64, since fetch.Stamp) (fetch.File, error) {
	o.mu.Lock()
	o.owners[at.URI] = at.Owner
	o.mu.Unlock()
	f, err := o.Memory.ReadFile(ctx, at, path, limit, since)
	f.RelocatedFrom = at.URI
	return f, err
}

func TestFilesAreLookedForByTheRunInTheirPath(t *testing.T) {
	const run = "0123456789abcdef0123456789abcdef"
	for _, at := range []string{
		"file:///D:/My Work/mlruns/1/" + run + "/artifacts/model",
		`D:\mlruns\1\` + run + `\artifacts\model`,
		"mlflow-artifacts:/1/" + run + "/artifacts/model",
	} {
		m := world()
		v := &m.ModelVersions[0]
		v.Set("source", at)
		v.DownloadURI = at
		m.AddFile(at+"/MLmodel", "run_id: "+run+"\nflavors: {}\n")
		o := &owned{Memory: m, owners: map[string][]string{}}
		f := &fetch.Fetcher{Source: m, Artifacts: o}
		out, err := f.Fetch(context.Background(), []fetch.Target{{Ref: uri(t, "models:/A/1")}, {Ref: uri(t, at)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(o.owners[at]); !strings.Contains(got, run) {
			t.Errorf("%s: looked for %s", at, got)
		}
		wantIssues(t, out[0].Bundle,
			"note mlflow_model relocated: "+at+" is not there; its files were found beside the store",
			"note run lineage-broken: model_version says run a-1, but mlflow_model says run "+run)
		if out[1].Failed != nil {
			t.Error(out[1].Failed)
		}
	}
}

func TestAFileFoundElsewhereThatIsAnotherModelsIsNotShown(t *testing.T) {
	m := world()
	m.AddFile("mlflow-artifacts:/1/a-1/artifacts/model/MLmodel", "run_id: other\nflavors: {}\n")
	out, err := (&fetch.Fetcher{Source: m, Artifacts: &owned{Memory: m, owners: map[string][]string{}}}).Fetch(context.Background(), []fetch.Target{{Ref: uri(t, "models:/A/1")}})
	if err != nil {
		t.Fatal(err)
	}
	wantIssues(t, out[0].Bundle, "gap mlflow_model lineage-broken: models:/A/1 says a-1, but the MLmodel file that was found says run_id other")
	if out[0].Bundle.File.Data != nil {
		t.Error("another model's file is in the report")
	}
}

func TestIssuesHoldNoSecretsOfLocations(t *testing.T) {
	m := world()
	at := "https://me:secret@host/models/a?sig=secret"
	m.ModelVersions[0].Set("source", at)
	m.ModelVersions[0].DownloadURI = at
	for _, c := range []struct{ file, want string }{
		{"", "gap mlflow_model artifact-missing: there is no file at https://host/models/a/MLmodel"},
		{"just text", "gap mlflow_model mlmodel-not-a-mapping: https://host/models/a/MLmodel is YAML, but not a mapping"},
	} {
		if c.file != "" {
			m.AddFile(at+"/MLmodel", c.file)
		}
		wantIssues(t, one(t, m, "models:/A/1"), c.want)
	}
}

// breaking is a store whose listing of versions ends with an error.
type breaking struct {
	*mlflowtest.Memory
	after int
}

func (b breaking) ListVersions(ctx context.Context, q fetch.Query) iter.Seq2[fetch.Version, error] {
	return func(yield func(fetch.Version, error) bool) {
		left := b.after
		for v, err := range b.Memory.ListVersions(ctx, q) {
			if left--; left < 0 {
				yield(fetch.Version{}, fmt.Errorf("connection reset: %w", mlflow.ErrUnavailable))
				return
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

func TestWhatAListingThatBrokeOffShowedLastIsNotTheLatest(t *testing.T) {
	m := world()
	var got []string
	for s, err := range (&fetch.Fetcher{Source: breaking{m, 3}, Artifacts: m}).Select(context.Background(), wants(t, "select fraud_eu latest:2", "models:/fraud_eu/2")) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Failed != nil {
			got = append(got, fmt.Sprint(s.Entries, " ", s.Failed))
			continue
		}
		got = append(got, fmt.Sprint(s.Ref, " ", s.Entries))
	}
	want := []string{"[0] unavailable: select fraud_eu latest:2 could not be read this time", "models:/fraud_eu/2 [1]"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAListingThatBreaksOffFailsOnlyItsSelectors(t *testing.T) {
	m := &mlflowtest.Memory{}
	for i := range 50 { // as many as are listed at once, to begin with
		m.AddModel(fmt.Sprintf("a%03d", i), nil, "None")
	}
	m.AddModel("z", nil, "None")
	calls := 0
	m.Fail = func(kind, _ string) error {
		if kind == "ListVersions" {
			if calls++; calls == 2 {
				return fmt.Errorf("connection reset: %w", mlflow.ErrUnavailable)
			}
		}
		return nil
	}
	got := selected(t, m, "select a all", "select z all")
	if n := len(got); n != 51 || got[n-1] != "[1] unavailable: select z all could not be read this time" {
		t.Errorf("%d: %q", n, got[n-1])
	}
}

func TestARunOfACopyHasItsOwnExperiment(t *testing.T) {
	m := world()
	addCopy(m, "copy", "models:/A/2")
	m.AllExperiments = append(m.AllExperiments, mlflow.Experiment{Object: mlflowtest.JSON(`{"experiment_id":"2","name":"elsewhere"}`)})
	m.AllRuns[1].Info().Set("experiment_id", "2")
	b := one(t, m, "models:/copy/1")
	if b.Experiment.ID() != "1" || b.CopiedFrom[0].Experiment.Text("name") != "elsewhere" {
		t.Errorf("experiments %v and %v", b.Experiment, b.CopiedFrom[0].Experiment)
	}
}

// silent is a store that breaks its promise to answer about every key.
type silent struct{ *mlflowtest.Memory }

func (silent) Models(context.Context, []string) (fetch.Results[string, mlflow.RegisteredModel], error) {
	return nil, nil
}

func (silent) Runs(_ context.Context, _, _ []string) (fetch.Results[string, mlflow.Run], error) {
	return nil, nil
}

func TestWhatAStoreDoesNotAnswerIsNotAbsent(t *testing.T) {
	m := world()
	b, _ := bundleOf(t, silent{m}, m, "models:/A/1")
	wantIssues(t, b,
		`gap registered_model unavailable: registered model "A" could not be read this time`,
		"gap run unavailable: run a-1 could not be read this time")
	for s, err := range (&fetch.Fetcher{Source: silent{m}, Artifacts: m}).Select(context.Background(), wants(t, "select A latest")) {
		if err != nil || s.Failed == nil || s.Failed.Code != mlflow.Unavailable {
			t.Errorf("got %+v, %v", s, err)
		}
	}
}
