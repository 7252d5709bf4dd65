package filestore

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/fetch"
)

func TestSurveysWhatIsNotDeleted(t *testing.T) {
	const history = `[{"artifact_path": "model"}]`
	s := open(t, files{
		"12/a/meta.yaml": run("a"), "12/a/tags/mlflow.log-model.history": history,
		"12/b/meta.yaml":                            run("b", "run_uuid: b"), // as 2.x wrote it
		"12/c/meta.yaml":                            "artifact_uri: x\nexperiment_id: '12'\nlifecycle_stage: deleted\nrun_id: c\nstart_time: 9\nstatus: 3\n",
		"12/c/tags/mlflow.log-model.history":        history,
		".trash/13/meta.yaml":                       "artifact_location: x\nexperiment_id: '13'\nlifecycle_stage: deleted\nname: gone\n",
		".trash/13/d/meta.yaml":                     run("d"),
		".trash/13/d/tags/mlflow.log-model.history": history,
		"12/models/m-2/meta.yaml":                   "artifact_location: x\nexperiment_id: '12'\nlifecycle_stage: deleted\nmodel_id: m-2\nname: m\nstatus: 2\ncreation_timestamp: 1\nlast_updated_timestamp: 1\n",
		"12/models/m-1/meta.yaml":                   "artifact_location: x\nexperiment_id: '12'\nlifecycle_stage: active\nmodel_id: m-1\nname: m\nstatus: 2\ncreation_timestamp: 1\nlast_updated_timestamp: 1\n",
	})
	got, err := s.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := fetch.Survey{
		Version: "3.0 or newer", Experiments: fetch.Count{N: 1}, Runs: fetch.Count{N: 2}, LoggedModels: fetch.Count{N: 1},
		NewestRun: 5, ArtifactURI: "mlflow-artifacts:/12/a/artifacts",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
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
	if d := cmp.Diff([]string{"a", "m-1"}, append(runs, models...)); d != "" {
		t.Error(d)
	}
}
