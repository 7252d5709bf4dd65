//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// adminPassword is of the user `admin` of a server that startWithLogin started.
const adminPassword = "password1234-or-longer"

// startWithLogin starts a server with MLflow's basic authentication. Programs
// that run beside it log in as its administrator.
func startWithLogin(t *testing.T, version string, env []string, args ...string) *mlflowtest.Server {
	t.Helper()
	dir := t.TempDir()
	ini := filepath.Join(dir, "auth.ini")
	text := "[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///" + filepath.Join(dir, "auth.db") + "\nadmin_username = admin\nadmin_password = " + adminPassword +
		"\nauthorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
	if err := os.WriteFile(ini, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env = append(env, "MLFLOW_AUTH_CONFIG_PATH="+ini, "MLFLOW_FLASK_SERVER_SECRET_KEY=of-a-test", "MLFLOW_TRACKING_USERNAME=admin", "MLFLOW_TRACKING_PASSWORD="+adminPassword)
	return mlflowtest.StartServer(t, mlflowtest.ServerOptions{Version: version, Env: env, ExtraArgs: append([]string{"--app-name", "basic-auth"}, args...)})
}

// twoUsers registers models of which bob may not read all. Ann may: READ is
// what everybody has who was not given, or denied, something else.
const twoUsers = `
import os, sys, tempfile, requests, mlflow
from mlflow import MlflowClient
uri = os.environ["MLFLOW_TRACKING_URI"]
admin = (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"])
client = MlflowClient()
folder = tempfile.mkdtemp()
with open(os.path.join(folder, "MLmodel"), "w") as f: f.write("flavors:\n  python_function: {loader_module: x}\n")
runs = {}
for name in ["open", "closed"]:
    experiment = client.create_experiment(name)
    run = client.create_run(experiment)
    client.log_artifacts(run.info.run_id, folder, "model")
    runs[name] = (experiment, run)
def call(version, path, **body):
    answer = requests.post(f"{uri}/api/{version}/mlflow/{path}", json=body, auth=admin)
    assert answer.status_code == 200, (path, answer.status_code, answer.text)
for name in ["ann", "bob"]: call("2.0", "users/create", username=name, password=name + "-s3cret-1234")
for name, run in {"open": "open", "closed": "open", "mixed": "closed"}.items():
    experiment, r = runs[run]
    client.create_registered_model(name)
    client.create_model_version(name, r.info.artifact_uri + "/model", r.info.run_id)
if mlflow.__version__ < "3":
    call("2.0", "experiments/permissions/create", experiment_id=runs["closed"][0], username="bob", permission="NO_PERMISSIONS")
    call("2.0", "registered-models/permissions/create", name="closed", username="bob", permission="NO_PERMISSIONS")
else:
    call("3.0", "users/permissions/grant", username="bob", resource_type="experiment", resource_id=runs["closed"][0], permission="DENY")
    call("3.0", "users/permissions/grant", username="bob", resource_type="registered_model", resource_id="closed", permission="DENY")
`

// Two users of one server in one manifest: what bob may not read is `denied`,
// as a whole or section by section, and it is said which permission is missing.
func TestWhatAUserMayNotReadIsDenied(t *testing.T) {
	for _, version := range []string{mlflowtest.MLflow2, mlflowtest.MLflow3} {
		t.Run(version, func(t *testing.T) {
			t.Parallel() // both wait for Python most of the time
			s := startWithLogin(t, version, nil)
			s.RunPython(t, "-c", twoUsers)
			u := newUser(t)
			u.env["ANN"], u.env["BOB"] = "ann-s3cret-1234", "bob-s3cret-1234"
			manifest := u.writes("m.yaml", `version: 1
hosts:
  ann: {tracking: "`+s.URL+`", auth: {username: ann, password: "${env:ANN}"}}
  bob: {tracking: "`+s.URL+`", auth: {username: bob, password: "${env:BOB}"}}
models:
  - {uri: models:/open/1, host: "*"}
  - {uri: models:/closed/1, host: "*"}
  - {uri: models:/mixed/1, host: "*"}
`)
			got := u.types("run", manifest, "--out", u.path("out"))
			if got.code != exitPartial {
				t.Errorf("exit code %d: %s", got.code, got.err)
			}
			want := map[string]string{
				"ann open": "ok", "ann closed": "ok", "ann mixed": "ok", "bob open": "ok",
				"bob closed": "failed, entry denied", "bob mixed": "partial, experiment denied, mlflow_model denied, run denied",
			}
			if diff := cmp.Diff(want, outcomes(readRows(t, u.path("out/index.json")))); diff != "" {
				t.Errorf("the index (-want +got):\n%s", diff)
			}
			for _, hint := range []string{"the permission READ on the registered model", "the permission READ on the run's experiment"} {
				if !strings.Contains(got.err, "hint: ask the server's administrator for "+hint) {
					t.Errorf("%q was not said: %s", hint, got.err)
				}
			}
			if strings.Contains(got.err, "s3cret") {
				t.Errorf("a password is shown: %s", got.err)
			}
		})
	}
}

// outcomes are status and issues by host and model.
func outcomes(rows map[string]map[string]row) map[string]string {
	all := map[string]string{}
	for host, models := range rows {
		for _, r := range models {
			all[host+" "+r.Model] = strings.Join(append([]string{r.Status}, r.codes()...), ", ")
		}
	}
	return all
}
