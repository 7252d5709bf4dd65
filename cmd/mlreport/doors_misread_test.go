//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// misread makes a folder hold what its server misreads, as the table of
// differences says: an import from git, an editor, a Mac, MLflow itself.
func (d *doors) misread(t *testing.T, c *mlflowtest.Conformance) {
	keys := mlflowtest.Keys{Runs: []string{d.IDs.Runs["empty run"], d.IDs.Runs["killed"], d.IDs.Runs["child-0"], d.IDs.Runs["failed"]}}
	experiment := filepath.Join(d.Folder, d.IDs.Experiments["diabetes"])
	in := func(run string) string { return filepath.Join(experiment, d.IDs.Runs[run]) }
	for _, empty := range []string{"metrics", "params", "artifacts"} { // git keeps no empty folders
		if err := os.RemoveAll(filepath.Join(in("empty run"), empty)); err != nil {
			t.Fatal(err)
		}
	}
	appendTo(t, filepath.Join(in("killed"), "tags", ".DS_Store"), "\x00\x00\x00\x01Bud1")
	appendTo(t, filepath.Join(in("child-0"), "metrics", "rmse"), "\n")
	appendTo(t, filepath.Join(in("failed"), "tags", "latin"), "caf\xe9")
	copyTo(t, filepath.Join(d.Folder, "models", "hash#tag"), filepath.Join(d.Folder, "models", "a copy"))
	copyTo(t, filepath.Join(d.Folder, "models", "eleven", "version-1"), filepath.Join(d.Folder, "models", "eleven", "version-77"))
	keys.Models = []string{"a copy", "eleven"}
	keys.Versions = []mlflow.VersionID{{Model: "a copy", Version: 1}, {Model: "eleven", Version: 77}}
	if len(d.IDs.LoggedModels) > 0 {
		appendTo(t, filepath.Join(in("child-1"), "metrics", "rmse"), "1700000000000 1.5 3 my data 0123abcd\n")
		keys.Runs = append(keys.Runs, d.IDs.Runs["child-1"])
		linear := d.IDs.LoggedModels["linear"]
		appendTo(t, filepath.Join(experiment, "models", linear, "metrics", "drift"), "1700000000000 1.5 3 "+d.IDs.Runs["child-1"]+" my data 0123abcd\n")
		keys.LoggedModels = append(keys.LoggedModels, linear, d.modelOfDeletedExperiment(t))
		// As MLflow 2 would have written them.
		old := d.IDs.Runs["grandchild-0"]
		appendTo(t, filepath.Join(in("grandchild-0"), "meta.yaml"), "run_uuid: "+old+"\n")
		keys.Runs = append(keys.Runs, old)
		dropLine(t, filepath.Join(d.Folder, "0", "meta.yaml"), "workspace: ")
		keys.Experiments = append(keys.Experiments, "0")
	}
	for _, wrong := range c.CheckKeys(t.Context(), d.pair(t, keys)) {
		// A server that stumbles over one run of a folder can list no child runs
		// and no histories there: there is nothing to compare with.
		if strings.Contains(wrong, ": child runs ") || strings.Contains(wrong, ": metric history ") {
			continue
		}
		t.Error(wrong)
	}
}

func (d *doors) modelOfDeletedExperiment(t *testing.T) string {
	t.Helper()
	const program = `
import json, os, mlflow
c = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
e = c.create_experiment("deleted with a logged model")
m = c.create_logged_model(e, name="orphan").model_id
c.delete_experiment(e)
print(json.dumps(m))
`
	var id string
	if err := json.Unmarshal(d.RunPython(t, "-c", program), &id); err != nil {
		t.Fatal(err)
	}
	return id
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func dropLine(t *testing.T, name, prefix string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(slices.Collect(strings.Lines(string(data))), func(l string) bool { return strings.HasPrefix(l, prefix) })
	if err := os.WriteFile(name, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
