package databricks_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/databricks"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// selected resolves model URIs and patterns of names.
func selected(t *testing.T, w *databricks.Workspace, wants ...fetch.Want) (got []string) {
	t.Helper()
	f := &fetch.Fetcher{Source: w.Source(nil), Artifacts: w.Artifacts()}
	for i := range wants {
		wants[i].Entry = i
	}
	for s, err := range f.Select(t.Context(), wants) {
		if err != nil {
			t.Fatal(err)
		}
		text := s.Ref.String()
		if s.Failed != nil {
			text += ": " + s.Failed.Message
		}
		if s.Version != nil && s.Version.Partial {
			text += " is only partly there"
		}
		got = append(got, text)
	}
	slices.Sort(got)
	return got
}

func want(t *testing.T, uri string) fetch.Want { return fetch.Want{Ref: target(t, uri).Ref} }

func all(rule fetch.VersionRule) fetch.Want {
	return fetch.Want{Selector: &fetch.Selector{Text: "*", Match: func(string) bool { return true }, Versions: rule}}
}

func TestReadsUnityCatalog(t *testing.T) {
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{FilesAPI: true, TooMany: 4})
	w := open(t, f, true)
	b := bundle(t, w, target(t, "models:/main.risk.churn/2"))
	same(t, []string(nil), issues(b))
	same(t, "m-7d083f546d4a1f62319f03e41a4790ec", b.LoggedModel.ID())
	same(t, b.ModelVersion.Text("storage_location"), b.DownloadURI)
	same(t, []string{"MLmodel", "conda.yaml", "metadata", "metadata/MLmodel", "model.pkl"}, paths(b))
	alias, _ := b.ModelVersion.List("aliases")[0].(*mlflow.Object)
	same(t, "challenger", alias.Text("alias"))
	if f.Count("model-versions/get") > 0 || f.Count("transition-requests/list") > 0 {
		t.Error("the workspace's own registry was asked")
	}
}

func TestFindsVersionsOfUnityCatalog(t *testing.T) {
	w := open(t, mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{PageSize: 1}), true)
	for name, c := range map[string]struct {
		wants []fetch.Want
		got   []string
	}{
		"all":     {[]fetch.Want{all(fetch.VersionRule{})}, []string{"models:/main.risk.churn/1", "models:/main.risk.churn/2", "models:/main.risk.closed/1"}},
		"latest":  {[]fetch.Want{all(fetch.VersionRule{Latest: 1})}, []string{"models:/main.risk.churn/2", "models:/main.risk.closed/1"}},
		"aliases": {[]fetch.Want{all(fetch.VersionRule{Aliases: true})}, []string{"models:/main.risk.churn/1", "models:/main.risk.churn/2"}},
		"by name": {[]fetch.Want{want(t, "models:/main.risk.churn@champion"), want(t, "models:/main.risk.churn/latest")}, []string{"models:/main.risk.churn/1", "models:/main.risk.churn/2"}},
		"not there": {[]fetch.Want{want(t, "models:/main.risk.churn@gone"), want(t, "models:/main.risk.nobody/latest"), want(t, "models:/main.risk.churn/Production")}, []string{
			`models:/main.risk.churn/Production: registered model "main.risk.churn" has no version in stage "Production"`,
			`models:/main.risk.churn@gone: registered model "main.risk.churn" has no alias "gone"`,
			`models:/main.risk.nobody/latest: there is no registered model "main.risk.nobody"`,
		}},
	} {
		t.Run(name, func(t *testing.T) { same(t, c.got, selected(t, w, c.wants...)) })
	}
}

// A dot in a name says nothing about the registry: only its URI does.
func TestADotAloneIsNotUnityCatalog(t *testing.T) {
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{})
	found, err := open(t, f, false).Source(nil).Models(t.Context(), []string{"main.risk.churn"})
	if err != nil {
		t.Fatal(err)
	}
	why := found["main.risk.churn"].Err
	if !errors.Is(why, mlflow.ErrNotFound) || !strings.Contains(mlflow.Hint(why), "databricks-uc") {
		t.Errorf("%v, hint %q", why, mlflow.Hint(why))
	}
	for _, r := range f.Requests() {
		if strings.Contains(r.Path, "unity-catalog") {
			t.Errorf("asked Unity Catalog: %s", r.Path)
		}
	}
	found, err = open(t, f, true).Source(nil).Models(t.Context(), []string{"credit_risk"})
	if err != nil {
		t.Fatal(err)
	}
	if why := found["credit_risk"].Err; !errors.Is(why, mlflow.ErrNotFound) || !strings.Contains(mlflow.Hint(why), "catalog.schema.model") {
		t.Errorf("%v, hint %q", why, mlflow.Hint(why))
	}
}

func TestSaysThatFilesMayNotBeRead(t *testing.T) {
	for name, o := range map[string]mlflowtest.FakeWorkspaceOptions{"Files API": {FilesAPI: true}, "signed URLs": {DefaultMode: true}, "lent credentials": {}} {
		t.Run(name, func(t *testing.T) {
			b := bundle(t, open(t, mlflowtest.StartWorkspace(t, o), true), target(t, "models:/main.risk.closed/1"))
			got := strings.Join(issues(b), "\n")
			if !strings.Contains(got, "mlflow_model denied: ") || !strings.Contains(got, "run run-not-found: ") {
				t.Error(got)
			}
		})
	}
}
