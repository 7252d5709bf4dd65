package sqlstore

import (
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch"
)

// A survey counts what searches show: nothing deleted, nothing of a deleted
// experiment, nothing of another workspace.
func TestSurveysWhatIsNotDeleted(t *testing.T) {
	for version, told := range map[string]string{mlflow130: "1.30 to 2.2", mlflow222: "2.4 to 2.22", mlflow317: "3.9 or newer"} {
		t.Run(version, func(t *testing.T) {
			d := newDB(t, version)
			d.add("experiments", "experiment_id name artifact_location lifecycle_stage", 1, "a", "file:///C:/x/mlruns/1", "active")
			d.add("experiments", "experiment_id name artifact_location lifecycle_stage", 2, "b", "x", "deleted")
			for _, r := range []struct {
				id    string
				start int
				stage string
				in    int
			}{{"r1", 10, "active", 1}, {"r2", 30, "active", 1}, {"r3", 50, "deleted", 1}, {"r4", 70, "active", 2}} {
				d.add("runs", "run_uuid start_time lifecycle_stage experiment_id artifact_uri", r.id, r.start, r.stage, r.in, "file:///C:/x/mlruns/1/"+r.id)
				d.add("tags", "key value run_uuid", fetch.HistoryTag, `[{"artifact_path": "model"}]`, r.id)
			}
			d.add("runs", "run_uuid start_time lifecycle_stage experiment_id", "r5", 1, "active", 1)
			want := fetch.Survey{Version: told, Experiments: fetch.Count{N: 1}, Runs: fetch.Count{N: 3}, NewestRun: 30, ArtifactURI: "file:///C:/x/mlruns/1/r2"}
			if version == mlflow317 {
				d.add("logged_models", "model_id experiment_id name artifact_location creation_timestamp_ms last_updated_timestamp_ms status lifecycle_stage", "m-1", 1, "m", "x", 1, 1, 2, "active")
				d.add("logged_models", "model_id experiment_id name artifact_location creation_timestamp_ms last_updated_timestamp_ms status lifecycle_stage", "m-2", 1, "m", "x", 1, 1, 2, "deleted")
				want.LoggedModels.N = 1
			}
			d.done()
			s := d.open()
			got, err := s.Survey(t.Context())
			if err != nil || got != want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
			var runs, models []string
			for r, err := range s.ListModelRuns(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				runs = append(runs, r.ID())
			}
			for m, err := range s.ListLoggedModels(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				models = append(models, m.ID())
			}
			if len(runs) != 2 || runs[0] != "r1" || runs[1] != "r2" || len(models) != want.LoggedModels.N {
				t.Error(runs, models)
			}
		})
	}
}
