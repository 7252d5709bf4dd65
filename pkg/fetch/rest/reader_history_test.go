package rest_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// historyWorld has n runs that log a loss each; the first logs more.
func historyWorld(n int) (*mlflowtest.FakeWorld, []mlflow.Run) {
	w := &mlflowtest.FakeWorld{}
	var runs []mlflow.Run
	for i := range n {
		id := fmt.Sprintf("%032x", i)
		r := mlflowtest.FakeRun{ID: id, Experiment: "1", History: mlflow.History{"loss": {{Step: 1, Timestamp: 7, Value: float64(i)}, {Step: -1, Timestamp: 6, Value: 0.5}}}}
		metrics := `{"key": "loss"}`
		if i == 0 {
			r.History["odd & é\""] = []mlflow.Point{{Value: math.Inf(-1)}, {Value: math.NaN()}, {Value: math.Inf(1)}}
			metrics += `, {"key": "odd & é\""}`
		}
		w.Runs = append(w.Runs, r)
		runs = append(runs, mlflow.Run{Object: mlflowtest.JSON(fmt.Sprintf(`{"info": {"run_id": %q}, "data": {"metrics": [%s]}}`, id, metrics))})
	}
	return w, runs
}

// wantHistories wants what the world holds, sorted.
func wantHistories(t *testing.T, w *mlflowtest.FakeWorld, got fetch.Results[string, mlflow.History]) {
	t.Helper()
	for _, r := range w.Runs {
		want := mlflow.History{}
		for key, points := range r.History {
			want[key] = mlflow.Thin(append([]mlflow.Point(nil), points...), 0)
		}
		if d := cmp.Diff(want, got[r.ID].Value, cmpopts.EquateNaNs()); d != "" || got[r.ID].Err != nil {
			t.Errorf("run %s: %v\n%s", r.ID, got[r.ID].Err, d)
		}
	}
}

func TestHistoriesOfManyRunsCostARequestPerMetric(t *testing.T) {
	for version, want := range map[string][2]int{"1.30.1": {1, 201}, "2.22.1": {3, 1}, "3.17.2": {3, 1}} {
		t.Run(version, func(t *testing.T) {
			w, runs := historyWorld(200)
			f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: version})
			got, err := newReader(t, f, rest.Options{}).MetricHistories(t.Context(), runs, 0)
			if err != nil {
				t.Fatal(err)
			}
			wantHistories(t, w, got)
			counts := f.Counts()
			if bulk, single := counts["metrics/get-history-bulk"], counts["metrics/get-history"]; bulk != want[0] || single != want[1] {
				t.Errorf("%d and %d requests, want %v", bulk, single, want)
			}
			for _, r := range f.Requests() {
				if r.Line > 3900 {
					t.Errorf("a request line of %d bytes", r.Line)
				}
			}
		})
	}
}

func TestHistoriesThatAreCutOffAreAskedAgain(t *testing.T) {
	w, runs := historyWorld(5)
	for i, n := range []int{10_000, 10_000, 4_000, 30_000, 3} {
		points := make([]mlflow.Point, n)
		for k := range points {
			points[k].Step = int64(k)
		}
		w.Runs[i].History["loss"] = points
	}
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
	r := newReader(t, f, rest.Options{})
	got, err := r.MetricHistories(t.Context(), runs, 0)
	if err != nil {
		t.Fatal(err)
	}
	wantHistories(t, w, got)
	if got, err = r.MetricHistories(t.Context(), runs, 3); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]mlflow.Point{{Step: 0}, {Step: 15_000}, {Step: 29_999}}, got[runs[3].ID()].Value["loss"]); d != "" {
		t.Error(d)
	}
}

func TestAHistoryThatFailsFailsItsRunOnly(t *testing.T) {
	w, runs := historyWorld(3)
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
	f.Fail(mlflowtest.Fault{Endpoint: "metrics/get-history-bulk", Status: 500})
	f.Fail(mlflowtest.Fault{Endpoint: "metrics/get-history", Status: 403, If: func(r mlflowtest.FakeRequest) bool { return strings.HasSuffix(r.Query.Get("run_id"), "1") }})
	got, err := newReader(t, f, rest.Options{MaxRetries: -1}).MetricHistories(t.Context(), runs, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := got[runs[1].ID()].Err; !errors.Is(err, mlflow.ErrDenied) || !strings.Contains(err.Error(), `metric "loss" of run `+runs[1].ID()) {
		t.Error(err)
	}
	w.Runs = append(w.Runs[:1], w.Runs[2])
	wantHistories(t, w, got)
}

func TestAHistoryMayHavePages(t *testing.T) {
	w, runs := historyWorld(1)
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
	f.Fail(mlflowtest.Fault{Endpoint: "metrics/get-history", Times: 1, If: func(r mlflowtest.FakeRequest) bool { return r.Query.Get("metric_key") == "loss" },
		Body: `{"metrics": [{"key": "loss", "value": 9.5, "timestamp": 9, "step": 9}], "next_page_token": "more"}`})
	got, err := newReader(t, f, rest.Options{}).MetricHistories(t.Context(), runs, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.Runs[0].History["loss"] = append(w.Runs[0].History["loss"], mlflow.Point{Step: 9, Timestamp: 9, Value: 9.5})
	wantHistories(t, w, got)
}
