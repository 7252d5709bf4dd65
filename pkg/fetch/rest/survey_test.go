package rest_test

import (
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Each generation of servers is surveyed with a handful of requests, however
// many runs there are.
func TestSurveysAServer(t *testing.T) {
	for _, version := range generations() {
		t.Run(version, func(t *testing.T) {
			w := &mlflowtest.FakeWorld{Experiments: []mlflowtest.FakeExperiment{{ID: "1", Name: "a"}, {ID: "2", Name: "gone", Deleted: true}}}
			for i := range 450 {
				r := mlflowtest.FakeRun{ID: string(rune('a'+i%26)) + string(rune('a'+i/26)), Experiment: "1", Status: "FINISHED"}
				if i == 7 {
					r.Tags = map[string]string{fetch.HistoryTag: `[{"artifact_path": "model"}]`}
				}
				w.Runs = append(w.Runs, r)
			}
			w.LoggedModels = []mlflowtest.FakeLoggedModel{{ID: "m-1", Experiment: "1", Name: "m"}, {ID: "m-2", Experiment: "1", Name: "m", Deleted: true}}
			f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: version})
			c, err := rest.NewClient(rest.Options{TrackingURI: f.URL})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			r := rest.NewReader(c, nil)
			got, err := r.Survey(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			models := 0
			if version[0] == '3' {
				models = 1
			}
			if got.Experiments.N != 1 || got.Runs.String() != "200 or more" || got.LoggedModels.N != models || f.Count("") > 5 {
				t.Errorf("%+v with %d requests", got, f.Count(""))
			}
			logged, err := names(r.ListLoggedModels(t.Context()), mlflow.LoggedModel.ID)
			if err != nil || len(logged) != models {
				t.Error(logged, err)
			}
			runs, err := names(r.ListModelRuns(t.Context()), mlflow.Run.ID) // the fake refuses the filter
			if err != nil || len(runs) != 1 || runs[0] != "ha" {
				t.Error(runs, err)
			}
		})
	}
}
