//go:build unix

package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	_ "modernc.org/sqlite" // to write into the database behind a server
)

const (
	bulkModels   = 50
	bulkVersions = 4 // of each
)

// fewRequests: 200 versions of 50 models cost few requests beside one for each
// MLmodel file.
func (d *doors) fewRequests(t *testing.T) {
	d.addBulk(t)
	counter := d.countRequests(t)
	manifest := filepath.Join(t.TempDir(), "bulk.yaml")
	text := fmt.Sprintf("version: 1\nhosts: {world: {tracking: %q}}\nmodels:\n  - select: {models: \"bulk_*\", versions: all}\n", counter.URL)
	if err := os.WriteFile(manifest, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	if _, stderr, code := command(t, t.TempDir(), nil, "-q", "run", manifest, "--out", out); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	files, others := 0, 0
	for path, n := range counter.counts {
		if strings.Contains(path, "/mlflow-artifacts/artifacts/") {
			files += n
		} else {
			others += n
		}
	}
	most := 40
	if d.Version != mlflowtest.MLflow3 {
		most += 2 * bulkModels // searches of others know no list of names
	}
	if strings.HasPrefix(d.Version, "1.") {
		most += bulkModels * bulkVersions // nor of runs
	}
	if files != bulkModels*bulkVersions || others > most {
		t.Errorf("%d requests for files, want %d; %d others, want at most %d: %s", files, bulkModels*bulkVersions, others, most, counter)
	}
	if said := requestsIn(t, filepath.Join(out, "run.json")); said != files+others {
		t.Errorf("run.json says %d requests, there were %d", said, files+others)
	}
	whole := 0
	for name, data := range readTree(t, out) {
		if strings.HasSuffix(name, "/report.json") && strings.Contains(data, `"run": {`) && strings.Contains(data, `"_experiment_name"`) && !strings.Contains(data, `"issues": [`) {
			whole++
		}
	}
	if whole != bulkModels*bulkVersions {
		t.Errorf("%d reports are whole, want %d", whole, bulkModels*bulkVersions)
	}
}

// A requestCounter stands before a server.
type requestCounter struct {
	*httptest.Server
	mu     sync.Mutex
	counts map[string]int // by path; all files are one
}

func (d *doors) countRequests(t *testing.T) *requestCounter {
	t.Helper()
	to, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := &requestCounter{counts: map[string]int{}}
	pass := httputil.NewSingleHostReverseProxy(to)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if i := strings.Index(path, "/mlflow-artifacts/artifacts/"); i >= 0 {
			path = path[:i] + "/mlflow-artifacts/artifacts/..."
		}
		c.mu.Lock()
		c.counts[path]++
		c.mu.Unlock()
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *requestCounter) String() string {
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(c.counts)) {
		lines = append(lines, fmt.Sprintf("%s: %d", path, c.counts[path]))
	}
	return strings.Join(lines, ", ")
}

func requestsIn(t *testing.T, name string) int {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var run struct {
		Requests int `json:"requests"`
	}
	if err := json.Unmarshal(data, &run); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return run.Requests
}

// addBulk writes models, versions, runs and their files into the store: through
// the API that would take minutes.
func (d *doors) addBulk(t *testing.T) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+d.Database+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bulk{doors: d, t: t, tx: tx}
	for e := range 4 {
		b.insert("experiments", "experiment_id", 7000+e, "name", fmt.Sprintf("bulk %d", e), "artifact_location", fmt.Sprintf("mlflow-artifacts:/%d", 7000+e),
			"lifecycle_stage", "active", "creation_time", 1700000000000, "last_update_time", 1700000000000)
	}
	for m := range bulkModels {
		name := fmt.Sprintf("bulk_%04d", m)
		b.insert("registered_models", "name", name, "creation_time", 1700000000000, "last_updated_time", 1700000000000, "description", "one of many")
		if !d.lacks("alias") {
			b.insert("registered_model_aliases", "name", name, "alias", "champion", "version", bulkVersions)
		}
		for v := range bulkVersions {
			b.version(name, m, v+1)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

type bulk struct {
	*doors
	t  *testing.T
	tx *sql.Tx
}

// insert adds a row; values are column, value, column, value.
func (b *bulk) insert(table string, values ...any) {
	b.t.Helper()
	var columns, places []string
	var bound []any
	for i := 0; i < len(values); i += 2 {
		columns, places, bound = append(columns, fmt.Sprint(values[i])), append(places, "?"), append(bound, values[i+1])
	}
	if _, err := b.tx.ExecContext(b.t.Context(), "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(places, ", ")+")", bound...); err != nil {
		b.t.Fatal(table, err)
	}
}

// version adds a version with its run and, on MLflow 3, its logged model.
func (b *bulk) version(name string, m, v int) {
	b.t.Helper()
	experiment, run := 7000+m%4, fmt.Sprintf("%024x%04x%04x", 0xb, m, v)
	b.insert("runs", "run_uuid", run, "name", fmt.Sprintf("%s-%d", name, v), "user_id", "tester", "status", "FINISHED", "start_time", 1700000000000+v, "end_time", 1700000001000,
		"lifecycle_stage", "active", "artifact_uri", fmt.Sprintf("mlflow-artifacts:/%d/%s/artifacts", experiment, run), "experiment_id", experiment, "source_type", "LOCAL", "source_name", "", "entry_point_name", "", "source_version", "")
	for k := range 5 {
		key := fmt.Sprint("k", k)
		b.insert("params", "key", key, "value", "v", "run_uuid", run)
		b.insert("tags", "key", key, "value", "v", "run_uuid", run)
		b.insert("latest_metrics", "key", key, "value", 0.5, "timestamp", 1700000000500, "step", 0, "is_nan", 0, "run_uuid", run)
	}
	source, files := fmt.Sprintf("mlflow-artifacts:/%d/%s/artifacts/model", experiment, run), fmt.Sprintf("%d/%s/artifacts/model", experiment, run)
	place := source
	if len(b.IDs.LoggedModels) > 0 {
		id := "m-" + run
		files = fmt.Sprintf("%d/models/%s/artifacts", experiment, id)
		source, place = "models:/"+id, "mlflow-artifacts:/"+files
		b.insert("logged_models", "model_id", id, "experiment_id", experiment, "name", "model", "artifact_location", place, "creation_timestamp_ms", 1700000000600,
			"last_updated_timestamp_ms", 1700000000700, "status", 2, "lifecycle_stage", "active", "model_type", "", "source_run_id", run)
		b.insert("inputs", "input_uuid", "o"+run[1:], "source_type", "RUN_OUTPUT", "source_id", run, "destination_type", "MODEL_OUTPUT", "destination_id", id, "step", 0)
	}
	version := []any{"name", name, "version", v, "creation_time", 1700000002000, "last_updated_time", 1700000002000, "description", "", "current_stage", "None",
		"source", source, "run_id", run, "status", "READY", "run_link", ""}
	if !b.lacks("alias") { // MLflow 2 came to have both
		version = append(version, "storage_location", place)
	}
	b.insert("model_versions", version...)
	dir := filepath.Join(b.Artifacts, filepath.FromSlash(files))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.t.Fatal(err)
	}
	text := fmt.Sprintf("artifact_path: model\nflavors:\n  sklearn:\n    sklearn_version: 1.5.1\nrun_id: %s\n", run)
	if err := os.WriteFile(filepath.Join(dir, "MLmodel"), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}
