//go:build unix

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// twoModels registers a model whose files go through the server, and one whose
// files MLflow's client writes to the object store itself.
const twoModels = `
import os, sys, tempfile, mlflow
from mlflow import MlflowClient
uri, bucket = sys.argv[1:]
client = MlflowClient(tracking_uri=uri)
folder = tempfile.mkdtemp()
os.makedirs(os.path.join(folder, "data", "deep er"))
for name, text in {"MLmodel": "flavors:\n  python_function: {loader_module: x}\n", "data/weights.bin": "0123456789", "data/deep er/ü 1.json": "{}", "empty": ""}.items():
    with open(os.path.join(folder, name), "w") as f: f.write(text)
for name, location in {"proxied": None, "direct": bucket + "/direct"}.items():
    experiment = client.create_experiment(name, artifact_location=location)
    run = client.create_run(experiment)
    client.log_artifacts(run.info.run_id, folder, "model")
    client.create_registered_model(name)
    client.create_model_version(name, run.info.artifact_uri + "/model", run.info.run_id)
`

func TestArtifactsInObjectStores(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers are slow")
	}
	for _, kind := range []string{"s3", "gs", "azure"} {
		t.Run(kind, func(t *testing.T) {
			store := mlflowtest.StartObjectStore(t, kind)
			for name, value := range store.Env {
				t.Setenv(name, value) // the vendors' libraries read their own
			}
			server := mlflowtest.StartServer(t, mlflowtest.ServerOptions{
				Python: store.Python, Env: store.Environ(), ExtraArgs: []string{"--artifacts-destination", store.Bucket + "/proxied"},
			})
			store.Run(t, twoModels, server.URL, store.Bucket)
			dir := t.TempDir()
			through := treeOf(t, dir, "through", "tracking: "+server.URL, store.Env)
			beside := treeOf(t, dir, "beside", fmt.Sprintf("tracking: sqlite:///%s\n    artifact-roots: {\"mlflow-artifacts:/\": %q}", server.Database, store.Bucket+"/proxied"), store.Env)
			if diff := cmp.Diff(through, beside); diff != "" {
				t.Errorf("files read through the server (-) and directly (+) differ:\n%s", diff)
			}
			for _, name := range []string{"proxied", "direct"} {
				report := through["model_reports/"+name+"/1/report.json"]
				for _, want := range []string{`"path": "data/deep er/ü 1.json"`, `"path": "empty"`, `"num_artifacts": 4`, `"model_size_bytes": `} {
					if !strings.Contains(report, want) {
						t.Errorf("%s: the report has no %s:\n%s", name, want, report)
					}
				}
			}
		})
	}
}

// treeOf makes reports of all models, without what the door changes.
func treeOf(t *testing.T, dir, name, host string, env map[string]string) map[string]string {
	t.Helper()
	manifest := filepath.Join(dir, name+".yaml")
	text := "version: 1\nhosts:\n  h:\n    " + host + "\n    ui: https://mlflow.example\ndefaults: {artifact-max-level: all}\nmodels:\n  - select: {models: \"*\", versions: all}\n"
	if err := os.WriteFile(manifest, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env = maps.Clone(env)
	env["SOURCE_DATE_EPOCH"] = "1790000000"
	_, stderr, code := command(t, dir, env, "run", manifest, "--out", filepath.Join(dir, name))
	if code != exitOK || strings.Contains(stderr, "partial") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	files := map[string]string{}
	for _, file := range []string{"proxied/1/report.json", "proxied/1/MLmodel", "direct/1/report.json", "direct/1/MLmodel"} {
		data, err := os.ReadFile(filepath.Join(dir, name, "model_reports", file))
		if err != nil {
			t.Fatal(err)
		}
		var kept []string
		for line := range strings.Lines(string(data)) {
			if !strings.Contains(line, `"source": "http`) && !strings.Contains(line, `"source": "sqlite`) && !strings.Contains(line, `"_tracking_uri"`) {
				kept = append(kept, line)
			}
		}
		files["model_reports/"+file] = strings.Join(kept, "")
	}
	return files
}
