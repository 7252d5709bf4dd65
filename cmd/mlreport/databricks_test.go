package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// atWorkspace are the variables that name a fake workspace.
func atWorkspace(f *mlflowtest.FakeWorkspace, more ...string) map[string]string {
	vars := map[string]string{
		"MLFLOW_TRACKING_URI": "databricks", "DATABRICKS_HOST": f.URL, "DATABRICKS_TOKEN": mlflowtest.WorkspaceToken,
		"SOURCE_DATE_EPOCH": samplesTime, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
	}
	for i := 0; i < len(more); i += 2 {
		vars[more[i]] = more[i+1]
	}
	return vars
}

// document runs a command and reads the JSON that it prints.
func document(t *testing.T, vars map[string]string, args ...string) map[string]any {
	t.Helper()
	stdout, stderr, code := command(t, t.TempDir(), vars, args...)
	if code != exitOK {
		t.Fatalf("%q: exit code %d: %s", args, code, stderr)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
		t.Fatalf("%q: %v: %s", args, err, stdout)
	}
	return doc
}

func at(doc any, path ...string) any {
	for _, key := range path {
		m, _ := doc.(map[string]any)
		doc = m[key]
	}
	return doc
}

func TestCommandsReadAWorkspace(t *testing.T) {
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{})
	doc := document(t, atWorkspace(f), "get-model-version", "--registered-model", "credit_risk", "--version", "2")
	org := "?o=" + f.World().Text("workspace_id")
	for _, c := range []struct{ key, want string }{
		{"_web_ui_link", f.URL + org + "#mlflow/models/credit_risk/versions/2"},
		{"_api_link", f.URL + "/api/2.0/mlflow/model-versions/get?name=credit_risk&version=2"},
		{"_reg_model_download_uri", f.World().Object("download_uris").Text("credit_risk/2")},
	} {
		if got := at(doc, "model_version", c.key); got != c.want {
			t.Errorf("%s: %v, not %s", c.key, got, c.want)
		}
	}
	doc = document(t, atWorkspace(f), "get-mlflow-model-wide", "--model-uri", "models:/credit_risk/Production")
	if got := at(doc, "run", "info", "_web_ui_link").(string); !strings.HasPrefix(got, f.URL+"/ml/experiments/1204733326915655/runs/") || !strings.HasSuffix(got, org) {
		t.Errorf("the run's link is %s", got)
	}
	if got := at(doc, "mlflow_model", "artifacts", "num_artifacts"); got != 4.0 {
		t.Errorf("%v files", got)
	}
	if got := at(doc, "manifest", "source"); got != "databricks" {
		t.Errorf("source: %v", got)
	}
}

func TestSamplesOfDatabricksAreWhatTheManifestMakes(t *testing.T) {
	const committed = "../../samples/databricks"
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{TooMany: 29, FilesAPI: true})
	fresh := filepath.Join(t.TempDir(), "databricks")
	if _, stderr, code := command(t, ".", atWorkspace(f), "run", "../../manifests/databricks.yaml", "--out", fresh); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for name, text := range readTree(t, fresh) {
		if strings.HasSuffix(name, "/report.json") {
			if err := mlflowtest.ValidateReport([]byte(text)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if strings.Contains(text, f.URL) || strings.Contains(text, f.StorageURL) || strings.Contains(text, mlflowtest.WorkspaceToken) {
			t.Errorf("%s tells where the workspace was, or how to get in", name)
		}
	}
	if *update {
		for _, part := range []string{"model_reports", "mlflow_objects", "index.json", "models.csv"} {
			if err := os.RemoveAll(filepath.Join(committed, part)); err != nil {
				t.Fatal(err)
			}
		}
		for _, part := range []string{"model_reports", "mlflow_objects"} {
			if err := os.CopyFS(filepath.Join(committed, part), os.DirFS(filepath.Join(fresh, part))); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"index.json", "models.csv"} {
			data, err := os.ReadFile(filepath.Join(fresh, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(committed, name), data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	want, got := readTree(t, committed), readTree(t, fresh)
	delete(want, "README.md")
	delete(got, ".mlreport.json")
	if d := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); d != "" {
		t.Fatalf("the files differ; `make golden` writes them anew (-committed +made):\n%s", d)
	}
	for name := range want {
		if d := cmp.Diff(want[name], got[name]); d != "" {
			t.Errorf("%s differs; `make golden` writes it anew (-committed +made):\n%s", name, d)
		}
	}
}

// Two workspaces in one manifest: each gets its own credentials, and none those
// of the environment, which are for another one.
func TestTwoWorkspacesShareNoCredentials(t *testing.T) {
	mine, theirs, named := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{}), mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{}), mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{})
	u := newUser(t)
	manifest := u.writes("two.yaml", `version: 1
hosts:
  service: {tracking: databricks, auth: {host: "`+mine.URL+`", client-id: "`+mlflowtest.WorkspaceClientID+`", client-secret: "${env:SECRET}"}}
  nobody: {tracking: databricks, auth: {host: "`+theirs.URL+`"}}
models:
  - {uri: models:/credit_risk/1, host: service}
  - {uri: models:/credit_risk/1, host: nobody}
`)
	vars := atWorkspace(named, "SECRET", mlflowtest.WorkspaceClientSecret)
	_, stderr, code := command(t, t.TempDir(), vars, "run", manifest, "--out", filepath.Join(t.TempDir(), "out"))
	if code != exitPartial || !strings.Contains(stderr, "logging in failed") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if len(theirs.Requests()) > 0 || len(named.Requests()) > 0 {
		t.Errorf("%d and %d requests to workspaces that nobody can log in to", len(theirs.Requests()), len(named.Requests()))
	}
	if mine.Count("model-versions/get") == 0 {
		t.Error("the first workspace was not read: " + stderr)
	}
	if strings.Contains(stderr, mlflowtest.WorkspaceClientSecret) {
		t.Error("a secret is shown: " + stderr)
	}
}

// A registry in Unity Catalog of a tracking server that is none of Databricks'.
func TestRegistryOfAWorkspaceBesideAnotherTrackingStore(t *testing.T) {
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{FilesAPI: true})
	vars := atWorkspace(f, "MLFLOW_TRACKING_URI", "sqlite:///"+filepath.ToSlash(mustAbs(t, "../../samples/store/mlflow.db")), "MLFLOW_REGISTRY_URI", "databricks-uc")
	doc := document(t, vars, "get-mlflow-model-wide", "--model-uri", "models:/main.risk.churn@champion", "--get-permissions")
	if got := at(doc, "mlflow_model", "model_flavor"); got != "sklearn" {
		t.Errorf("flavor: %v", got)
	}
	if at(doc, "registered_model", "permissions", "effective_permissions") == nil || at(doc, "registered_model", "_is_unity_catalog") != true {
		t.Errorf("registered model: %v", at(doc, "registered_model"))
	}
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
