package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

var (
	_ fetch.Source      = (*Store)(nil)
	_ fetch.Snapshotter = (*Store)(nil)
)

// queries collects the SQL that a store logs.
type queries struct {
	slog.Handler
	mu  sync.Mutex
	sql []string
}

func (q *queries) Enabled(context.Context, slog.Level) bool { return true }

func (q *queries) Handle(_ context.Context, r slog.Record) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.Message == "query" {
		r.Attrs(func(a slog.Attr) bool {
			q.sql = append(q.sql, a.Value.String())
			return true
		})
	}
	return nil
}

// manyVersions fills a store with n models of one version and one run each.
func manyVersions(t testing.TB, version string, n int) (d *testDB, names []string, ids []mlflow.VersionID, runs []string) {
	d = newDB(t, version)
	d.add("experiments", "experiment_id name lifecycle_stage", 1, "e", "active")
	for _, fill := range []string{
		"runs (run_uuid, lifecycle_stage, start_time, experiment_id) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) SELECT printf('%032x', i), 'active', 5, 1 FROM n",
		"registered_models (name) SELECT printf('m%05d', rowid - 1) FROM runs WHERE ?",
		"registered_model_tags (name, key, value) SELECT name, 'k', 'v' FROM registered_models WHERE ?",
		"model_versions (name, version, current_stage, run_id) SELECT printf('m%05d', rowid - 1), 1, 'None', run_uuid FROM runs WHERE ?",
		"model_version_tags (name, version, key, value) SELECT name, 1, 'k', 'v' FROM registered_models WHERE ?",
		"tags (run_uuid, key, value) SELECT run_uuid, 'k', 'v' FROM runs WHERE ?",
		"params (run_uuid, key, value) SELECT run_uuid, 'k', 'v' FROM runs WHERE ?",
		"latest_metrics (run_uuid, key, value, timestamp, step, is_nan) SELECT run_uuid, 'k', 2.5, 1, 1, 0 FROM runs WHERE ?",
	} {
		d.exec("INSERT INTO "+fill, n)
	}
	for i := range n {
		name := fmt.Sprintf("m%05d", i)
		names, ids, runs = append(names, name), append(ids, mlflow.VersionID{Model: name, Version: 1}), append(runs, fmt.Sprintf("%032x", i))
	}
	return d, names, ids, runs
}

// readAll asks a reader for everything and counts what was found.
func readAll(t testing.TB, r fetch.Reader, names []string, ids []mlflow.VersionID, runs, logged []string) (found int) {
	t.Helper()
	ctx := t.Context()
	models, err := r.Models(ctx, names)
	found += good(t, models, err)
	versions, err := r.Versions(ctx, ids)
	found += good(t, versions, err)
	read, err := r.Runs(ctx, runs, nil)
	found += good(t, read, err)
	experiments, err := r.Experiments(ctx, []string{"1"})
	found += good(t, experiments, err)
	if logged != nil {
		models, err := r.LoggedModels(ctx, logged, nil)
		found += good(t, models, err)
	}
	return found
}

func good[K comparable, V any](t testing.TB, r fetch.Results[K, V], err error) (n int) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r {
		if v.Err == nil {
			n++
		}
	}
	return n
}

func TestNeedsTheSameNumberOfQueriesForOneAndForAThousand(t *testing.T) {
	for version, want := range map[string]int{mlflow130: 13, mlflow222: 18, mlflow317: 23} {
		d, names, ids, runs := manyVersions(t, version, 1000)
		var logged []string
		if version == mlflow317 {
			logged = make([]string, 1000)
			for i := range logged {
				logged[i] = fmt.Sprintf("m-%032x", i)
			}
			d.exec("INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_timestamp_ms, last_updated_timestamp_ms, status, lifecycle_stage) SELECT 'm-' || run_uuid, 1, 'm', '', 1, 1, 2, 'active' FROM runs")
		}
		if version != mlflow130 {
			d.exec("INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source) SELECT 'd' || run_uuid, 1, run_uuid, 'd', 's', 's' FROM runs")
			d.exec("INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id) SELECT 'i' || run_uuid, 'DATASET', 'd' || run_uuid, 'RUN', run_uuid FROM runs")
		}
		q := &queries{}
		s := d.done().open(Options{Log: slog.New(q)})
		if n := readAll(t, s, names[:1], ids[:1], runs[:1], logged[:min(1, len(logged))]); n < 4 {
			t.Fatalf("%s: found %d objects", version, n)
		}
		one := len(q.sql)
		if n := readAll(t, s, names, ids, runs, logged); n != 3001+len(logged) {
			t.Fatalf("%s: found %d objects", version, n)
		}
		if many := len(q.sql) - one; one != want || many != want {
			t.Errorf("%s: %d queries for one, %d for a thousand, want %d", version, one, many, want)
		}
	}
}

func TestLooksUpByIndex(t *testing.T) {
	// Before MLflow 3 no index led from a name to its tags; experiments are few.
	scans := map[string][]string{
		mlflow130: {"registered_model_tags", "model_version_tags", "experiment_tags"},
		mlflow222: {"registered_model_tags", "model_version_tags", "experiment_tags"},
		mlflow317: {"experiments", "experiment_tags"},
	}
	for version, allowed := range scans {
		d, names, ids, runs := manyVersions(t, version, pageSize+1)
		q := &queries{}
		s := d.open(Options{Log: slog.New(q)})
		var logged []string
		if version == mlflow317 {
			logged = []string{"m-1"}
		}
		readAll(t, s, names[:3], ids[:3], runs[:3], logged)
		for _, sql := range q.sql {
			for _, step := range plan(t, d, sql) {
				table, isScan := strings.CutPrefix(step, "SCAN ")
				table, _, _ = strings.Cut(table, " ")
				if isScan && s.schema.has(table) && !slices.Contains(allowed, table) {
					t.Errorf("%s: %s in\n%s", version, step, sql)
				}
			}
		}
		q.sql = nil
		listVersions(t, s, fetch.Query{})
		modelsOf(t, s)
		pages := 0
		for _, sql := range q.sql {
			if strings.Contains(sql, "LIMIT") {
				pages++
				if steps := strings.Join(plan(t, d, sql), "\n"); strings.Contains(steps, "TEMP B-TREE") {
					t.Errorf("%s: a page is sorted:\n%s\n%s", version, steps, sql)
				}
			}
		}
		if pages != 4 {
			t.Errorf("%s: %d pages", version, pages)
		}
	}
}

// plan is how SQLite would run a query.
func plan(t *testing.T, d *testDB, query string) []string {
	t.Helper()
	rows, err := d.db.Query("EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?"))...)
	if err != nil {
		t.Fatalf("%v: %s", err, query)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

func TestAnswersEveryKeyOfMany(t *testing.T) {
	d, names, _, _ := manyVersions(t, mlflow222, 2300)
	s := d.done().open()
	asked := append(slices.Clone(names), names[:500]...)
	for i := range 400 {
		asked = append(asked, fmt.Sprintf("no such model %d", i))
	}
	got, err := s.Models(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2700 {
		t.Errorf("%d keys were answered", len(got))
	}
	for _, n := range names {
		if r := got[n]; r.Err != nil || r.Value.Name() != n {
			t.Fatalf("%s: %v", n, r.Err)
		}
	}
	missing := got["no such model 7"].Err
	if !errors.Is(missing, mlflow.ErrNotFound) || missing.Error() != `there is no registered model "no such model 7"` {
		t.Errorf("got %v", missing)
	}
}

func TestSnapshotShowsOneMoment(t *testing.T) {
	for _, journal := range []string{"wal", "delete"} {
		d, names, ids, _ := manyVersions(t, mlflow317, 2)
		d.exec("PRAGMA journal_mode=" + journal)
		d.exec("UPDATE registered_models SET description = 'so that there is a log'")
		s := d.open()
		r, end, err := s.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := readAll(t, r, names, nil, nil, nil); n != 3 {
			t.Fatalf("found %d objects", n)
		}
		if _, err := d.db.Exec("UPDATE model_versions SET current_stage = 'Deleted_Internal'"); (err == nil) != (journal == "wal") {
			t.Errorf("%s: a writer gets %v", journal, err)
		}
		if n := readAll(t, r, nil, ids, nil, nil); n != 3 {
			t.Errorf("%s: the snapshot moved: %d objects", journal, n)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		d.exec("UPDATE model_versions SET current_stage = 'Deleted_Internal'")
		if n := readAll(t, s, nil, ids, nil, nil); n != 1 {
			t.Errorf("%s: after the snapshot %d objects", journal, n)
		}
	}
}

func TestManyMayReadAtOnce(t *testing.T) {
	d, names, ids, runs := manyVersions(t, mlflow317, 40)
	s := d.done().open()
	shared, end, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		var r fetch.Reader = s
		if i%2 == 0 {
			r = shared
		}
		wg.Go(func() {
			if n := readAll(t, r, names, ids, runs, nil); n != 121 {
				t.Errorf("found %d objects", n)
			}
		})
	}
	wg.Wait()
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestACallThatWasCutOffAnswersNothing(t *testing.T) {
	d, names, _, _ := manyVersions(t, mlflow222, 3)
	s := d.done().open()
	ctx, cancel := context.WithCancel(t.Context())
	r, end, err := s.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for what, reader := range map[string]fetch.Reader{"store": s, "snapshot": r} {
		got, err := reader.Models(ctx, names)
		if !errors.Is(err, context.Canceled) || len(got) != 0 {
			t.Errorf("%s: %d answers and %v", what, len(got), err)
		}
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	for _, err := range s.ListModels(ctx, fetch.Query{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("listing: %v", err)
		}
	}
	if got := modelsOf(t, s); got != "m00000 m00001 m00002" {
		t.Errorf("afterwards the store reads %q", got)
	}
}

func TestAQueryWithoutEndEndsWithItsContext(t *testing.T) {
	d := newDB(t, mlflow222)
	d.exec("DROP TABLE registered_models")
	d.exec("CREATE VIEW registered_models AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'x' AS name, i AS creation_time, i AS last_updated_time, '' AS description FROM n WHERE i < 0")
	s := d.done().open()
	ctx, cancel := context.WithTimeout(t.Context(), 50_000_000)
	defer cancel()
	if _, err := s.Models(ctx, []string{"x"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsTooLargeIsSaidOfThatObjectOnly(t *testing.T) {
	d, names, _, _ := manyVersions(t, mlflow222, 20)
	d.add("registered_model_tags", "name key value", names[3], "one", strings.Repeat("x", 30_000))
	for i := range 30 {
		d.add("registered_model_tags", "name key value", names[7], fmt.Sprint("many", i), strings.Repeat("x", 1000))
	}
	s := d.done().open()
	s.limits = limits{value: 20_000, answer: 20_000}
	got, err := s.Models(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range names {
		if large := i == 3 || i == 7; errors.Is(got[n].Err, mlflow.ErrTooLarge) != large || !large && got[n].Err != nil {
			t.Errorf("%s: %v", n, got[n].Err)
		}
	}
}

func TestLoggedModelsAreUnsupportedBeforeMLflow3(t *testing.T) {
	s := newDB(t, mlflow222).done().open()
	got, err := s.LoggedModels(t.Context(), []string{"m-1", "m-2"}, nil)
	if err != nil || len(got) != 2 || !errors.Is(got["m-1"].Err, mlflow.ErrUnsupported) {
		t.Fatalf("got %v, %v", got, err)
	}
	if got, want := got["m-1"].Err.Error(), "logged model m-1: the database has no logged models, which came with MLflow 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReadsSchemasBetweenTheReleases(t *testing.T) {
	d, names, ids, runs := manyVersions(t, mlflow222, 1)
	d.exec("ALTER TABLE model_versions DROP COLUMN storage_location")
	d.exec("ALTER TABLE experiments DROP COLUMN creation_time")
	d.exec("DROP TABLE registered_model_aliases")
	d.exec("DROP TABLE input_tags")
	d.exec("UPDATE model_versions SET source = 's3://b/k'")
	d.add("datasets", "dataset_uuid experiment_id name digest dataset_source_type dataset_source", "d", 1, "n", "g", "t", "s")
	d.add("inputs", "input_uuid source_type source_id destination_type destination_id", "i", "DATASET", "d", "RUN", runs[0])
	s := d.done().open()
	models, err := s.Models(t.Context(), names)
	if good(t, models, err) != 1 {
		t.Error(models)
	}
	versions, err := s.Versions(t.Context(), ids)
	if v := versions[ids[0]]; good(t, versions, err) != 1 || v.Value.DownloadURI != "s3://b/k" {
		t.Error(versions)
	}
	experiments, err := s.Experiments(t.Context(), []string{"1", "01", "x", ""})
	if good(t, experiments, err) != 2 || experiments["1"].Value.Has("creation_time") {
		t.Error(experiments)
	}
	found, err := s.Runs(t.Context(), runs, nil)
	if good(t, found, err) != 1 {
		t.Fatal(found)
	}
	want := `{"dataset_inputs":[{"dataset":{"name":"n","digest":"g","source_type":"t","source":"s"}}]}`
	if got := string(mlflow.JSON{}.Append(nil, found[runs[0]].Value.Object.Object("inputs"))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestReadsCellsOfAnyType(t *testing.T) {
	d := newDB(t, mlflow222)
	d.exec("DROP TABLE latest_metrics")
	d.exec("CREATE TABLE latest_metrics (run_uuid, key, value, timestamp, step, is_nan)") // no types: cells stay as they are put in
	d.add("runs", "run_uuid lifecycle_stage start_time experiment_id", "r", "active", "soon", 1)
	d.add("latest_metrics", "run_uuid key value timestamp step is_nan", "r", "a", 3, "17", 2.0, false)
	d.add("latest_metrics", "run_uuid key value timestamp step is_nan", "r", "b", nil, nil, 2.5, nil)
	d.add("latest_metrics", "run_uuid key value timestamp step is_nan", "r", "c", "text", 1, 1, true)
	d.exec("INSERT INTO tags (run_uuid, key, value) VALUES ('r', X'6b', X'76'), ('r', 'latin', CAST(X'e9' AS TEXT)), ('r', 'zero', CAST(X'610062' AS TEXT))")
	s := d.done().open()
	got, err := s.Runs(t.Context(), []string{"r"}, nil)
	if good(t, got, err) != 1 {
		t.Fatal(got, err)
	}
	want := `{"info":{"run_uuid":"r","experiment_id":"1","lifecycle_stage":"active","run_id":"r"},` +
		`"data":{"metrics":[{"key":"a","value":3.0,"timestamp":17,"step":2},{"key":"b"},{"key":"c","value":"NaN","timestamp":1,"step":1}],` +
		`"tags":[{"key":"k","value":"v"},{"key":"latin","value":"` + "\ufffd" + `"},{"key":"zero","value":"a\u0000b"}]},"inputs":{}}`
	if diff := gocmp.Diff(want, string(mlflow.JSON{}.Append(nil, got["r"].Value.Object))); diff != "" {
		t.Error(diff)
	}
}
