//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// seven are stores of seven kinds, and one more workspace of the last server.
type seven struct {
	*testing.T
	user       *user
	sqlite     string // folders
	folder     string
	postgres   *mlflowtest.DatabaseServer
	mariadb    *mlflowtest.DatabaseServer
	pgFiles    string
	mariaFiles string
	login      *mlflowtest.Server // MLflow 2 with basic authentication, and artifacts in S3
	spaces     *mlflowtest.Server // MLflow 3 with workspaces
	databricks *mlflowtest.FakeWorkspace
}

func startSeven(t *testing.T) *seven {
	t.Helper()
	s := &seven{T: t, user: newUser(t)}
	s.sqlite, _ = mlflowtest.WorldStore(t, mlflowtest.MLflow3, "sqlite")
	s.folder, _ = mlflowtest.WorldStore(t, mlflowtest.MLflow3, "folder")
	s.postgres, s.pgFiles, _ = mlflowtest.DatabaseWorld(t, "postgresql")
	s.mariadb, s.mariaFiles, _ = mlflowtest.DatabaseWorld(t, "mysql")
	dropTwin(t, s.mariadb)
	s3 := mlflowtest.StartObjectStore(t, "s3")
	s.login = startWithLogin(t, mlflowtest.MLflow2, s3.Environ(), "--artifacts-destination", s3.Bucket+"/scoring")
	s.login.RunPython(t, "-c", s.program("fill.py"), "guarded-b")
	s.spaces = mlflowtest.StartServer(t, mlflowtest.ServerOptions{ExtraArgs: []string{"--enable-workspaces"}})
	s.spaces.RunPython(t, "-c", s.program("fill.py"), "team-a:team-a", "team-b:team-b", "default:nobody-c")
	s.databricks = mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{TooMany: 29, FilesAPI: true})
	return s
}

func (s *seven) program(name string) string {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(mlflowtest.Root(s), "cmd", "mlreport", "testdata", name))
	if err != nil {
		s.Fatal(err)
	}
	return string(text)
}

// manifest reads all of them, and the workspaces of MLflow 3 by both doors.
func (s *seven) manifest() string {
	u := s.user
	u.env["ADMIN"], u.env["DATABASE"] = adminPassword, s.postgres.Password
	maps.Copy(u.env, map[string]string{"DATABRICKS_SECRET": mlflowtest.WorkspaceClientSecret, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3"})
	return u.writes("seven.yaml", fmt.Sprintf(`version: 1
hosts:
  sqlite: {tracking: "sqlite:///%s/mlflow.db", artifact-roots: {"mlflow-artifacts:/": "%[1]s/artifacts"}}
  folder: {tracking: "%s/mlruns", artifact-roots: {"mlflow-artifacts:/": "%[2]s/artifacts"}}
  postgresql: {tracking: "postgresql://%s/%s", auth: {username: %s, password: "${env:DATABASE}"}, artifact-roots: {"mlflow-artifacts:/": "%s/artifacts"}}
  mariadb: {tracking: "mysql://%s/%s", auth: {username: %s, password: "${env:DATABASE}"}, artifact-roots: {"mlflow-artifacts:/": "%s/artifacts"}}
  guarded: {tracking: "%s", auth: {username: admin, password: "${env:ADMIN}"}}
  team-a: {tracking: "%s", workspace: team-a}
  team-b: {tracking: "%[12]s", workspace: team-b}
  team-b-database: {tracking: "sqlite:///%[13]s", workspace: team-b, artifact-roots: {"mlflow-artifacts:/": "%[14]s"}}
  no-team: {tracking: "%[12]s"}
  no-team-database: {tracking: "sqlite:///%[13]s", artifact-roots: {"mlflow-artifacts:/": "%[14]s"}}
  databricks: {tracking: databricks, auth: {host: "%[15]s", client-id: "%[16]s", client-secret: "${env:DATABRICKS_SECRET}"}, ui: https://workspace.example}
models:
  - {select: {models: "*", versions: all}, host: "*", artifact-max-level: all, permissions: true, serving: true, table-lineage: true}
`, s.sqlite, s.folder, s.postgres.Host, s.postgres.Name, s.postgres.User, s.pgFiles, s.mariadb.Host, s.mariadb.Name, s.mariadb.User, s.mariaFiles,
		s.login.URL, s.spaces.URL, s.spaces.Database, s.spaces.Artifacts, s.databricks.URL, mlflowtest.WorkspaceClientID))
}

// told asks MLflow's own client about all stores but Databricks'.
func (s *seven) told() map[string]map[string]any {
	s.Helper()
	type store struct {
		Host      string `json:"host"`
		URI       string `json:"uri"`
		Workspace string `json:"workspace,omitempty"`
	}
	ask := func(server *mlflowtest.Server, stores ...store) map[string]map[string]any {
		list, err := json.Marshal(stores)
		if err != nil {
			s.Fatal(err)
		}
		var told map[string]map[string]any
		if err := json.Unmarshal(server.RunPython(s, "-c", s.program("tell.py"), string(list)), &told); err != nil {
			s.Fatal(err)
		}
		return told
	}
	told := ask(s.spaces, store{"sqlite", "sqlite:///" + s.sqlite + "/mlflow.db", ""}, store{"folder", s.folder + "/mlruns", ""},
		store{"postgresql", s.postgres.URI(""), ""}, store{"mariadb", s.mariadb.URI(""), ""},
		store{"team-a", s.spaces.URL, "team-a"}, store{"team-b", s.spaces.URL, "team-b"}, store{"no-team", s.spaces.URL, "default"})
	maps.Copy(told, ask(s.login, store{"guarded", s.login.URL, ""}))
	told["team-b-database"], told["no-team-database"] = told["team-b"], told["no-team"] // the server's own store, without it
	return told
}

// Seven kinds of stores in one manifest, in one command: every version of every
// registered model is in the tree, and says what MLflow's own client, asked
// store by store, says; those of Databricks what the committed sample does.
func TestSevenKindsOfStoresInOneManifest(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers are slow")
	}
	s := startSeven(t)
	u, out := s.user, s.user.path("out")
	got := u.types("run", s.manifest(), "--out", out)
	if got.code != exitOK || strings.Contains(got.err, "s3cret") || strings.Contains(got.err, adminPassword) {
		t.Fatalf("exit code %d: %s", got.code, got.err)
	}
	rows := readRows(t, filepath.Join(out, "index.json"))
	for host, versions := range s.told() {
		found := map[string]any{}
		for name, row := range rows[host] {
			found[name] = s.shortly(filepath.Join(out, filepath.FromSlash("model_reports/"+row.Place+"/report.json")))
		}
		if diff := cmp.Diff(versions, found); diff != "" {
			t.Errorf("%s: MLflow's client (-) and the reports (+) differ:\n%s", host, diff)
		}
		if len(found) == 0 {
			t.Errorf("%s: nothing", host)
		}
	}
	s.sameFiles(out)
	s.sameIssues(rows)
	s.asInTheSample(out, rows["databricks"])
}

// shortly is what tell.py prints of a version, taken from its report.
func (s *seven) shortly(file string) any {
	s.Helper()
	var r struct {
		ModelVersion struct {
			Source, Status, Description string
			RunID                       string         `json:"run_id"`
			Created                     float64        `json:"creation_timestamp"`
			Stage                       string         `json:"current_stage"`
			Tags                        map[string]any `json:"tags"`
			Aliases                     []string
		} `json:"model_version"`
		Run *struct {
			Info map[string]any
			Data struct {
				Params, Metrics []struct {
					Key   string
					Value any
				}
				Tags map[string]any
			}
		}
		Experiment struct{ Name string }
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		s.Fatal(err)
	}
	v := r.ModelVersion
	told := map[string]any{
		"source": v.Source, "run_id": v.RunID, "status": v.Status, "description": v.Description, "created": v.Created, "stage": v.Stage,
		"tags": list(slices.Sorted(maps.Keys(v.Tags))), "aliases": list(v.Aliases), "run": nil,
	}
	if r.Run == nil || v.RunID == "" {
		return told
	}
	params, metrics := []string{}, map[string]any{}
	for _, p := range r.Run.Data.Params {
		params = append(params, p.Key)
	}
	for _, m := range r.Run.Data.Metrics {
		metrics[m.Key] = m.Value
	}
	run := map[string]any{"experiment": r.Experiment.Name, "params": list(params), "tags": list(slices.Sorted(maps.Keys(r.Run.Data.Tags))), "metrics": metrics}
	for _, key := range []string{"run_id", "experiment_id", "status", "start_time", "artifact_uri"} {
		run[key] = r.Run.Info[key]
	}
	told["run"] = run
	return told
}

// list is a list as JSON has it.
func list(texts []string) []any {
	all := make([]any, len(texts))
	for i, t := range texts {
		all[i] = t
	}
	return all
}

// sameFiles looks into the models that fill.py wrote: each store has its own.
func (s *seven) sameFiles(out string) {
	s.Helper()
	for host, label := range map[string]string{"guarded": "guarded-b", "team-a": "team-a", "team-b": "team-b", "team-b-database": "team-b", "no-team": "nobody-c", "no-team-database": "nobody-c"} {
		for _, version := range []string{"1", "2"} {
			dir := filepath.Join(out, "model_reports", "@"+host, "scoring", version)
			report, model := s.user.reads(filepath.Join(dir, "report.json")), s.user.reads(filepath.Join(dir, "MLmodel"))
			if !strings.Contains(model, "label: "+label+"}") || !strings.Contains(report, `"path": "data/weights.bin"`) || strings.Contains(report, `"issues"`) {
				s.Errorf("%s, version %s: %s\n%s", host, version, model, report)
			}
		}
	}
}

// sameIssues holds the four stores that hold one world against each other.
func (s *seven) sameIssues(rows map[string]map[string]row) {
	s.Helper()
	short := func(host string) map[string]string {
		all := map[string]string{}
		for name, r := range rows[host] {
			if !strings.HasPrefix(name, "casetwin/") && !strings.HasPrefix(name, "100%_sure/") { // MariaDB and folders cannot hold them
				all[name] = r.Status + fmt.Sprint(r.codes())
			}
		}
		return all
	}
	for _, host := range []string{"folder", "postgresql", "mariadb"} {
		if diff := cmp.Diff(short("sqlite"), short(host)); diff != "" {
			s.Errorf("sqlite (-) and %s (+) differ in what is missing:\n%s", host, diff)
		}
	}
}

// asInTheSample compares the reports of the fake workspace with those that are
// committed.
func (s *seven) asInTheSample(out string, rows map[string]row) {
	s.Helper()
	for name, sample := range map[string]string{"credit_risk/1": "credit_risk/1", "credit_risk/2": "credit_risk", "credit_risk/3": "credit_risk/3", "card_fraud_features/1": "card_fraud_features/1"} {
		if _, ok := rows[name]; !ok {
			s.Errorf("databricks: %s is not there", name)
			continue
		}
		read := func(file string) (doc map[string]any) {
			if err := json.Unmarshal([]byte(s.user.reads(file)), &doc); err != nil {
				s.Fatal(err)
			}
			return doc
		}
		committed := read(filepath.Join(mlflowtest.Root(s), "samples", "databricks", "model_reports", sample, "report.json"))
		if diff := cmp.Diff(committed, read(filepath.Join(out, "model_reports", "@databricks", name, "report.json"))); diff != "" {
			s.Errorf("databricks: %s (-sample +this):\n%s", name, diff)
		}
	}
}

// A row of an index, as tests look at it.
type row struct {
	Host, Model, Status, Place string
	Version                    int
	Issues                     []struct{ Section, Code string }
}

func (r row) codes() (all []string) {
	for _, i := range r.Issues {
		all = append(all, i.Section+" "+i.Code)
	}
	return all
}

// readRows reads an index: rows by host and `model/version`.
func readRows(t *testing.T, file string) map[string]map[string]row {
	t.Helper()
	var index struct{ Entries []row }
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]row{}
	for _, r := range index.Entries {
		if all[r.Host] == nil {
			all[r.Host] = map[string]row{}
		}
		all[r.Host][fmt.Sprintf("%s/%d", r.Model, r.Version)] = r
	}
	return all
}
