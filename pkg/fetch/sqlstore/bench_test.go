package sqlstore

import (
	"fmt"
	"testing"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// BenchmarkSnapshot reads what a chunk of 1,000 versions of 100 models needs,
// as a batch does: models, versions, runs with 20 params, 10 metrics and 8
// tags each, and experiments.
func BenchmarkSnapshot(b *testing.B) {
	for _, version := range []string{mlflow222, mlflow317} {
		b.Run(version, func(b *testing.B) {
			s, names, ids, runs := scaleStore(b, version)
			b.ReportAllocs()
			for b.Loop() {
				readChunk(b, s, names, ids, runs)
			}
			b.ReportMetric(float64(len(ids)*b.N)/b.Elapsed().Seconds(), "versions/s")
		})
	}
}

func readChunk(b *testing.B, s *Store, names []string, ids []mlflow.VersionID, runs []string) {
	ctx := b.Context()
	r, end, err := s.Snapshot(ctx)
	if err != nil {
		b.Fatal(err)
	}
	models, err := r.Models(ctx, names)
	allRead(b, len(models), len(names), err)
	versions, err := r.Versions(ctx, ids)
	allRead(b, len(versions), len(ids), err)
	found, err := r.Runs(ctx, runs, nil)
	allRead(b, len(found), len(runs), err)
	experiments, err := r.Experiments(ctx, []string{"1"})
	allRead(b, len(experiments), 1, err)
	if v, run := versions[ids[0]].Value, found[runs[0]].Value; v.RunID() != run.ID() || len(run.Data().List("params")) != 20 {
		b.Fatal("not what was stored")
	}
	if err := end(); err != nil {
		b.Fatal(err)
	}
}

func allRead(b *testing.B, got, want int, err error) {
	b.Helper()
	if err != nil || got != want {
		b.Fatalf("%d of %d objects, error %v", got, want, err)
	}
}

// scaleStore fills a store with 10,000 versions of 1,000 models, and names a
// tenth of it.
func scaleStore(b *testing.B, version string) (s *Store, names []string, ids []mlflow.VersionID, runs []string) {
	d := newDB(b, version)
	d.add("experiments", "experiment_id name artifact_location lifecycle_stage", 1, "e", "mlflow-artifacts:/1", "active")
	const numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999), k(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM k WHERE j < 19) "
	for _, fill := range []string{
		"registered_models (name, creation_time, description) " + numbers + "SELECT printf('model-%06d', i), 1, 'of the scale store' FROM n WHERE i < 1000",
		"registered_model_tags (name, key, value) SELECT name, 'owner', 'team' FROM registered_models",
		"registered_model_aliases (name, alias, version) SELECT name, 'champion', 10 FROM registered_models",
		"runs (run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id) " + numbers +
			"SELECT printf('%032x', i), 'run', 'svc', 'FINISHED', 1700000000000 + i, 1700000061234 + i, 'active', printf('mlflow-artifacts:/1/%032x/artifacts', i), 1 FROM n",
		"model_versions (name, version, creation_time, last_updated_time, description, current_stage, source, run_id, status, run_link, storage_location) " + numbers +
			"SELECT printf('model-%06d', i / 10), i % 10 + 1, 1700000000000, 1700000000001, '', 'None', printf('mlflow-artifacts:/1/%032x/artifacts/model', i), printf('%032x', i), 'READY', '', printf('mlflow-artifacts:/1/%032x/artifacts/model', i) FROM n",
		"model_version_tags (name, version, key, value) SELECT name, version, 'validation', 'passed' FROM model_versions",
		"params (run_uuid, key, value) " + numbers + "SELECT printf('%032x', i), printf('param_%02d', j), i / (j + 3.0) FROM n, k",
		"latest_metrics (run_uuid, key, value, timestamp, step, is_nan) " + numbers + "SELECT printf('%032x', i), printf('metric_%d', j), i / (j + 3.0), 1700000000000, 0, 0 FROM n, k WHERE j < 10",
		"tags (run_uuid, key, value) " + numbers + "SELECT printf('%032x', i), printf('tag_%d', j), '{\"layers\": [64, 32], \"dropout\": 0.1}' FROM n, k WHERE j < 8",
	} {
		d.exec("INSERT INTO " + fill)
	}
	for i := range 1000 {
		m := i / 10 * 10
		ids = append(ids, mlflow.VersionID{Model: fmt.Sprintf("model-%06d", m), Version: int64(i%10 + 1)})
		runs = append(runs, fmt.Sprintf("%032x", m*10+i%10))
		if i%10 == 0 {
			names = append(names, fmt.Sprintf("model-%06d", m))
		}
	}
	return d.done().open(), names, ids, runs
}
