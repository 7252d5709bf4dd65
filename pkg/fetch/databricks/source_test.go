package databricks_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/databricks"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// open opens a fake workspace with its token.
func open(t *testing.T, f *mlflowtest.FakeWorkspace, unityCatalog bool) *databricks.Workspace {
	t.Helper()
	w, err := databricks.Open(databricks.Options{
		Login:        databricks.Login{Host: f.URL, Token: mlflowtest.WorkspaceToken},
		UnityCatalog: unityCatalog,
		Server:       rest.Options{Headers: map[string]string{"X-Team": "model-risk"}, Sleep: noSleep},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func target(t *testing.T, uri string) fetch.Target {
	t.Helper()
	ref, err := mlflow.ParseRef(uri)
	if err != nil {
		t.Fatal(err)
	}
	return fetch.Target{Ref: ref, MaxLevel: -1}
}

// bundle fetches all that belongs to one model.
func bundle(t *testing.T, w *databricks.Workspace, target fetch.Target) *mlflow.Bundle {
	t.Helper()
	f := &fetch.Fetcher{Source: w.Source(nil), Artifacts: w.Artifacts()}
	out, err := f.Fetch(t.Context(), []fetch.Target{target})
	if err != nil {
		t.Fatal(err)
	}
	if out[0].Bundle == nil {
		t.Fatal(out[0].Failed, out[0].Errs)
	}
	return out[0].Bundle
}

func issues(b *mlflow.Bundle) (list []string) {
	for _, i := range b.Issues {
		list = append(list, i.Section+" "+i.String())
	}
	return list
}

func paths(b *mlflow.Bundle) (list []string) {
	if b.Files == nil {
		return nil
	}
	for _, f := range b.Files.Files {
		list = append(list, f.Path)
	}
	return list
}

func same(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestReadsAVersionOfTheWorkspaceRegistry(t *testing.T) {
	for name, o := range map[string]mlflowtest.FakeWorkspaceOptions{"plain": {}, "too many requests": {TooMany: 3}, "URLs that end their life": {Expired: true}, "one row a page": {PageSize: 1}} {
		t.Run(name, func(t *testing.T) {
			f := mlflowtest.StartWorkspace(t, o)
			b := bundle(t, open(t, f, false), target(t, "models:/credit_risk/2"))
			same(t, []string(nil), issues(b))
			same(t, f.World().Object("download_uris").Text("credit_risk/2"), b.DownloadURI)
			same(t, "Production", b.ModelVersion.Stage())
			same(t, "credit_risk", b.RegisteredModel.Name())
			same(t, b.ModelVersion.RunID(), b.Run.ID())
			same(t, 1, len(b.Run.Object.Object("inputs").List("dataset_inputs")))
			same(t, "/Users/a.keller@bank.example/credit_risk", b.Experiment.Text("name"))
			same(t, b.Run.ID(), b.File.Content.Text("run_id"))
			same(t, []string{"MLmodel", "conda.yaml", "metadata", "metadata/MLmodel", "model.pkl"}, paths(b))
		})
	}
}
