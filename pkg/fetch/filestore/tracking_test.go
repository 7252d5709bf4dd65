package filestore

import (
	"errors"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func fetchQuery() fetch.Query { return fetch.Query{} }

func TestReadsARunAsMLflow3ShowsIt(t *testing.T) {
	s := open(t, files{
		"12/r1/meta.yaml":           run("r1", "deleted_time: 7", "source_type: 4"),
		"12/r1/metrics/acc":         "10 0.5 0\n20 0.75 1\n",
		"12/r1/params/depth":        "3",
		"12/r1/params/a/b/c":        "x\n\ny\r\n",
		"12/r1/params/empty":        "",
		"12/r1/tags/mlflow.runName": "n",
		"12/r1/tags/.DS_Store":      "\x00\x01",
		"12/r1/tags/latin":          "caf\xe9",
		"12/r1/inputs/i1/meta.yaml": "destination_id: r1\ndestination_type: RUN\nsource_id: d1\nsource_type: DATASET\ntags:\n  mlflow.data.context: training\n  a: b\n",
		"12/r1/inputs/i2/meta.yaml": "destination_type: RUN\nsource_id: m-1\nsource_type: MODEL\ntags: {}\n",
		"12/r1/inputs/i3/meta.yaml": "destination_type: RUN\nsource_id: gone\nsource_type: DATASET\ntags: {}\n",
		"12/r1/inputs/i4/meta.yaml": "destination_type: RUN\nsource_id: ../../12\nsource_type: DATASET\ntags: {}\n",
		"12/r1/outputs/m/meta.yaml": "destination_id: m-2\ndestination_type: MODEL_OUTPUT\nsource_id: m-2\nsource_type: RUN_OUTPUT\nstep: 3\ntags: {}\n",
		"12/datasets/d1/meta.yaml":  "digest: 8217e29\nname: wine\nprofile: ''\nschema: '{\"a\": 1}'\nsource: s\nsource_type: code\n",
	})
	r, err := getRun(t, s, "r1")
	if err != nil {
		t.Fatal(err)
	}
	want(t, r.Object, `{
		"info": {"run_uuid": "r1", "experiment_id": "12", "run_name": "n", "user_id": "u", "status": "FINISHED", "start_time": 5,
			"artifact_uri": "mlflow-artifacts:/12/r1/artifacts", "lifecycle_stage": "active", "run_id": "r1"},
		"data": {
			"metrics": [{"key": "acc", "value": 0.75, "timestamp": 20, "step": 1, "run_id": "r1"}],
			"params": [{"key": "a/b/c", "value": "x\n\ny\r\n"}, {"key": "depth", "value": "3"}, {"key": "empty", "value": ""}],
			"tags": [{"key": "latin", "value": "caf\ufffd"}, {"key": "mlflow.runName", "value": "n"}]},
		"inputs": {
			"dataset_inputs": [{"tags": [{"key": "a", "value": "b"}, {"key": "mlflow.data.context", "value": "training"}],
				"dataset": {"name": "wine", "digest": "8217e29", "source_type": "code", "source": "s", "schema": "{\"a\": 1}"}}],
			"model_inputs": [{"model_id": "m-1"}]},
		"outputs": {"model_outputs": [{"model_id": "m-2", "step": 3}]}}`)
}

func TestReadsRunsOfOldVersionsOfMLflow(t *testing.T) {
	s := open(t, files{
		"0/meta.yaml": "artifact_location: /home/x/mlruns/0\nexperiment_id: 0\nname: Default\n",
		"0/old/meta.yaml": "artifact_uri: /home/x/mlruns/0/old/artifacts\nend_time: 1535000000000\nentry_point_name: ''\nexperiment_id: 0\nname: ''\n" +
			"run_uuid: old\nsource_name: t.py\nsource_type: 4\nsource_version: null\nstart_time: 1534000000000\nstatus: 3\ntags: []\nuser_id: me\n",
		"0/old/metrics/loss":        "1534000000 1e-07\n1534000001 5\n",
		"0/old/tags/mlflow.runName": "from the tag",
		"0/bare/meta.yaml":          "experiment_id: 0\nrun_uuid: bare\nrun_id: bare\nrun_name: ''\nuser_id: ''\n",
	})
	e, err := getExperiment(t, s, "0")
	if err != nil {
		t.Fatal(err)
	}
	want(t, e.Object, `{"experiment_id": "0", "name": "Default", "artifact_location": "/home/x/mlruns/0", "lifecycle_stage": "active"}`)
	r, err := getRun(t, s, "old")
	if err != nil {
		t.Fatal(err)
	}
	want(t, r.Object, `{
		"info": {"run_uuid": "old", "experiment_id": "0", "run_name": "from the tag", "user_id": "me", "status": "FINISHED", "start_time": 1534000000000,
			"end_time": 1535000000000, "artifact_uri": "/home/x/mlruns/0/old/artifacts", "lifecycle_stage": "active", "run_id": "old"},
		"data": {"metrics": [{"key": "loss", "value": 5.0, "timestamp": 1534000001, "step": 0}], "tags": [{"key": "mlflow.runName", "value": "from the tag"}]},
		"inputs": {}}`)
	r, err = getRun(t, s, "bare")
	if err != nil {
		t.Fatal(err)
	}
	want(t, r.Info(), `{"run_uuid": "bare", "experiment_id": "0", "run_name": "", "user_id": "", "status": "RUNNING", "lifecycle_stage": "active", "run_id": "bare"}`)
}

// The latest is the maximum by step, timestamp and value as Python's max finds
// it; the expected values were read from a server.
func TestTheLatestValueOfAMetricIsTheOneMLflowShows(t *testing.T) {
	for lines, expected := range map[string]string{
		"1 1.0 5\n2 9.0 2\n3 3.0 5\n":            `{"key": "k", "value": 3.0, "timestamp": 3, "step": 5}`,
		"1 1.0 5\n1 3.0 5\n1 2.0 5\n":            `{"key": "k", "value": 3.0, "timestamp": 1, "step": 5}`,
		"1 nan 1\n1 2.0 1\n":                     `{"key": "k", "value": "NaN", "timestamp": 1, "step": 1}`,
		"1 2.0 1\n1 nan 1\n1 3.0 1\n":            `{"key": "k", "value": 3.0, "timestamp": 1, "step": 1}`,
		"1 inf 1\n":                              `{"key": "k", "value": "Infinity", "timestamp": 1, "step": 1}`,
		"1 -inf -3\n":                            `{"key": "k", "value": "-Infinity", "timestamp": 1, "step": -3}`,
		"1 -0.0 0\n":                             `{"key": "k", "value": -0.0, "timestamp": 1, "step": 0}`,
		"1 1e16 0\n":                             `{"key": "k", "value": 1e+16, "timestamp": 1, "step": 0}`,
		"1 1e999 0\n":                            `{"key": "k", "value": "Infinity", "timestamp": 1, "step": 0}`,
		"1 3\n":                                  `{"key": "k", "value": 3.0, "timestamp": 1, "step": 0}`,
		"1 0.5 3\r\n\n2 0.25 7 ds 8217e29\r\n":   `{"key": "k", "value": 0.25, "timestamp": 2, "step": 7, "dataset_name": "ds", "dataset_digest": "8217e29"}`,
		"9 0.5 3 ds aa\n2 0.25 7 my data set aa": `{"key": "k", "value": 0.25, "timestamp": 2, "step": 7, "dataset_name": "my data set", "dataset_digest": "aa"}`,
	} {
		s := open(t, files{"12/r1/meta.yaml": run("r1", "run_uuid: r1"), "12/r1/metrics/k": lines})
		r, err := getRun(t, s, "r1")
		if err != nil {
			t.Errorf("%q: %v", lines, err)
			continue
		}
		want(t, r.Data().List("metrics")[0], expected)
	}
}

func TestABrokenMetricIsAnErrorOfItsRun(t *testing.T) {
	for lines, reason := range map[string]string{
		"":                         "12/r1/metrics/k: the file of a metric is empty",
		"1 0.5 0\nabc 1 2\n":       "12/r1/metrics/k: line 2: a line that is no metric",
		"1 0.5 0 x\n":              "line 1",
		"1\n":                      "line 1",
		"1 x 0\n":                  "line 1",
		"1 1 y\n":                  "line 1",
		strings.Repeat("1", 70000): "12/r1/metrics/k: bufio.Scanner: token too long",
	} {
		s := open(t, files{"12/r1/meta.yaml": run("r1"), "12/r1/metrics/k": lines, "12/r2/meta.yaml": run("r2")})
		r, err := s.Runs(t.Context(), []string{"r1", "r2"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, r["r1"].Err, mlflow.ErrUnavailable, "reading run r1", reason)
		if r["r2"].Err != nil {
			t.Errorf("another run: %v", r["r2"].Err)
		}
	}
}

func TestRunsAreFoundWithoutKnowingTheirExperiment(t *testing.T) {
	s := open(t, files{
		"12/r1/meta.yaml":        run("r1"),
		".trash/13/meta.yaml":    "experiment_id: '13'\nname: gone\nlifecycle_stage: active\n",
		".trash/13/r2/meta.yaml": "experiment_id: '13'\nrun_id: r2\nlifecycle_stage: deleted\nstatus: 5\n",
		"14/r3/meta.yaml":        "experiment_id: '14'\nrun_id: r3\n", // an experiment without meta.yaml
		"15/r1/meta.yaml":        run("r1"),                           // a copy in the wrong experiment
		"12/datasets/meta.yaml":  run("datasets"),
		"models/r4/meta.yaml":    model,
	})
	for _, in := range [][]string{nil, {"12", "13"}, {"nowhere", "../..", "", "12/r1", "models", ".trash"}, {"15"}} {
		r, err := s.Runs(t.Context(), []string{"r1", "r2", "r3", "r4", "datasets", "12", "", ".", "..", "../12/r1", "r1/"}, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"r1", "r2", "r3"} {
			if r[id].Err != nil || r[id].Value.ID() != id {
				t.Errorf("hints %q: run %s: %v", in, id, r[id].Err)
			}
			delete(r, id)
		}
		if len(r) != 8 {
			t.Errorf("hints %q: %d other answers", in, len(r))
		}
		for id, v := range r {
			wantError(t, v.Err, mlflow.ErrNotFound, "run "+id)
		}
	}
	if r, _ := getRun(t, s, "r2"); !r.Deleted() {
		t.Error("r2 is not deleted")
	}
}

func TestARunWhoseFileDescribesAnotherIsUnavailable(t *testing.T) {
	s := open(t, files{"12/r1/meta.yaml": run("r2"), "13/r3/meta.yaml": run("r3"), "12/r4/meta.yaml": strings.Replace(run("r4"), "status: 3", "status: 9", 1)})
	_, err := getRun(t, s, "r1")
	wantError(t, err, mlflow.ErrUnavailable, "12/r1: its meta.yaml describes another object (run r2 of experiment 12)")
	_, err = getRun(t, s, "r3")
	wantError(t, err, mlflow.ErrUnavailable, "run r3 of experiment 12")
	_, err = getRun(t, s, "r4")
	wantError(t, err, mlflow.ErrUnavailable, "status 9")
}

func TestDeletedExperimentsAreRead(t *testing.T) {
	s := open(t, files{
		"12/tags/mlflow.note.content": "two\nlines", "12/tags/a/b": "c",
		".trash/13/meta.yaml": "artifact_location: x\ncreation_time: 1\nexperiment_id: '13'\nlast_update_time: 2\nlifecycle_stage: active\nname: gone\nworkspace: default\n",
	})
	e, err := getExperiment(t, s, "13") // 1.x leaves lifecycle_stage as it was
	if err != nil {
		t.Fatal(err)
	}
	want(t, e.Object, `{"experiment_id": "13", "name": "gone", "artifact_location": "x", "lifecycle_stage": "deleted", "last_update_time": 2, "creation_time": 1, "workspace": "default"}`)
	if e, err = s.ExperimentByName(t.Context(), "gone"); err != nil || e.ID() != "13" {
		t.Errorf("by name: %v, %v", e.Object, err)
	}
	if e, err = getExperiment(t, s, "12"); err != nil {
		t.Fatal(err)
	}
	want(t, e.List("tags"), `[{"key": "a/b", "value": "c"}, {"key": "mlflow.note.content", "value": "two\nlines"}]`)
	_, err = s.ExperimentByName(t.Context(), "GONE")
	wantError(t, err, mlflow.ErrNotFound, `experiment "GONE"`)
}

func TestAnExperimentNameIsNotMissingWhileOneCannotBeRead(t *testing.T) {
	s := open(t, files{"13/meta.yaml": "{", "14/readme": "no experiment"})
	if e, err := s.ExperimentByName(t.Context(), "twelve"); err != nil || e.ID() != "12" {
		t.Errorf("an experiment beside a broken one: %v", err)
	}
	_, err := s.ExperimentByName(t.Context(), "thirteen")
	wantError(t, err, mlflow.ErrUnavailable, `looking for an experiment called "thirteen"`, "13/meta.yaml")
}

func TestRunsAreListedNewestFirst(t *testing.T) {
	at := func(id, start string) string {
		return strings.Replace(run(id), "start_time: 5", "start_time: "+start, 1)
	}
	s := open(t, files{
		"12/a/meta.yaml": at("a", "5"), "12/b/meta.yaml": at("b", "7"), "12/c/meta.yaml": at("c", "null"), "12/d/meta.yaml": at("d", "7"),
		"12/e/meta.yaml": strings.Replace(run("e"), "active", "deleted", 1), "12/f/meta.yaml": "{", "12/g/readme": "x", "12/h": "x",
		"12/models/m-1/meta.yaml": "x", "12/tags/t": "x", "12/datasets/d/meta.yaml": "x",
	})
	var ids []string
	for r, err := range s.ListRuns(t.Context(), "12") {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID())
	}
	if got := strings.Join(ids, " "); got != "b d a c" {
		t.Errorf("listed %s", got)
	}
	for _, id := range []string{"99", "../12", "models", ""} {
		for _, err := range s.ListRuns(t.Context(), id) {
			wantError(t, err, mlflow.ErrNotFound, "experiment "+id)
		}
	}
}

func TestReadsLoggedModels(t *testing.T) {
	meta := func(id, exp, more string) string {
		return "artifact_location: mlflow-artifacts:/" + exp + "/models/" + id + "/artifacts\ncreation_timestamp: 1\nexperiment_id: '" + exp + "'\nlast_updated_timestamp: 2\nmodel_id: " + id +
			"\nmodel_type: ''\nname: model\nsource_run_id: r1\nstatus_message: null\n" + more
	}
	s := open(t, files{
		"12/models/m-1/meta.yaml":        meta("m-1", "12", "status: 2\n"),
		"12/models/m-1/tags/a/b":         "c",
		"12/models/m-1/params/p":         "1",
		"12/models/m-1/metrics/acc":      "1 0.5 1 r1\n2 nan 2 r1\n3 0.75 9 r2 my data aa\n4 0.7 9 r2 my data aa\n5 1 0 r3 other bb\n",
		"12/models/m-2/meta.yaml":        meta("m-2", "12", "status: 1\nlifecycle_stage: deleted\n"),
		"12/models/m-3/meta.yaml":        meta("m-4", "12", "status: 1\n"),
		"12/models/m-5/meta.yaml":        meta("m-5", "12", "status: 2\n"),
		"12/models/m-5/metrics/bad":      "1 0.5 1 r1 x\n",
		".trash/13/meta.yaml":            "experiment_id: '13'\nname: gone\n",
		".trash/13/models/m-6/meta.yaml": meta("m-6", "13", "status: 3\n"),
	})
	m, err := getLoggedModel(t, s, "m-1")
	if err != nil {
		t.Fatal(err)
	}
	want(t, m.Object, `{
		"info": {"model_id": "m-1", "experiment_id": "12", "name": "model", "creation_timestamp_ms": 1, "last_updated_timestamp_ms": 2,
			"artifact_uri": "mlflow-artifacts:/12/models/m-1/artifacts", "status": "LOGGED_MODEL_READY", "model_type": "", "source_run_id": "r1", "tags": [{"key": "a/b", "value": "c"}]},
		"data": {"params": [{"key": "p", "value": "1"}], "metrics": [
			{"key": "acc", "value": "NaN", "timestamp": 2, "step": 2, "model_id": "m-1", "run_id": "r1"},
			{"key": "acc", "value": 0.7, "timestamp": 4, "step": 9, "dataset_name": "my data", "dataset_digest": "aa", "model_id": "m-1", "run_id": "r2"},
			{"key": "acc", "value": 1.0, "timestamp": 5, "step": 0, "dataset_name": "other", "dataset_digest": "bb", "model_id": "m-1", "run_id": "r3"}]}}`)
	_, err = getLoggedModel(t, s, "m-2")
	wantError(t, err, mlflow.ErrNotFound, "m-2")
	_, err = getLoggedModel(t, s, "m-3")
	wantError(t, err, mlflow.ErrUnavailable, "logged model m-4")
	_, err = getLoggedModel(t, s, "m-5")
	wantError(t, err, mlflow.ErrUnavailable, "12/models/m-5/metrics/bad: line 1")
	m, err = getLoggedModel(t, s, "m-6", "13")
	if err != nil || m.Info().Text("status") != "LOGGED_MODEL_UPLOAD_FAILED" {
		t.Errorf("of a deleted experiment: %v, %v", m.Object, err)
	}
	for _, id := range []string{"m-9", "../r1", "..", "meta.yaml"} {
		_, err = getLoggedModel(t, s, id)
		wantError(t, err, mlflow.ErrNotFound, "logged model "+id)
	}
}

func TestReadsMetricHistories(t *testing.T) {
	s := open(t, files{
		"12/r1/meta.yaml":        run("r1"),
		"12/r1/metrics/acc":      "20 0.75 1\n10 0.5 -1\n30 nan 1\n",
		"12/r1/metrics/val/loss": "1 inf\n2 1e-07 2 data set 8217e29\n3 -inf 9\n4 4 10\n5 5 11\n",
		"12/r2/meta.yaml":        run("r2"),
		"12/r3/meta.yaml":        run("r3"),
		"12/r3/metrics/broken":   "x\n",
	})
	var runs []mlflow.Run
	for _, id := range []string{"r1", "r2", "r3", "gone"} {
		runs = append(runs, mlflow.Run{Object: mlflow.NewObject(mlflow.Member{Key: "info", Value: mlflow.NewObject(mlflow.Member{Key: "run_id", Value: id})})})
	}
	got, err := s.MetricHistories(t.Context(), runs, 3)
	if err != nil {
		t.Fatal(err)
	}
	want(t, got["r1"].Value.Object(), `{
		"acc": [{"step": -1, "timestamp": 10, "value": 0.5}, {"step": 1, "timestamp": 20, "value": 0.75}, {"step": 1, "timestamp": 30, "value": "NaN"}],
		"val/loss": [{"step": 0, "timestamp": 1, "value": "Infinity"}, {"step": 9, "timestamp": 3, "value": "-Infinity"}, {"step": 11, "timestamp": 5, "value": 5.0}]}`)
	if h := got["r2"]; h.Err != nil || len(h.Value) != 0 {
		t.Errorf("a run without metrics: %v", h)
	}
	if err := got["r3"].Err; err == nil || !strings.Contains(err.Error(), "12/r3/metrics/broken: line 1") {
		t.Error(err)
	}
	if err := got["gone"].Err; !errors.Is(err, mlflow.ErrNotFound) {
		t.Error(err)
	}
}
