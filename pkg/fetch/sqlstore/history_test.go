package sqlstore

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func runNamed(id string) mlflow.Run {
	return mlflow.Run{Object: mlflow.NewObject(mlflow.Member{Key: "info", Value: mlflow.NewObject(mlflow.Member{Key: "run_id", Value: id})})}
}

func TestReadsMetricHistories(t *testing.T) {
	for _, version := range []string{mlflow130, mlflow222, mlflow317} {
		d := newDB(t, version)
		d.exec("PRAGMA foreign_keys=off")
		const columns = "run_uuid key value timestamp step is_nan"
		for i := range 11 {
			d.add("metrics", columns, "r", "loss", 1/float64(i+1), 1700000000000+i, 10-i, 0)
		}
		d.add("metrics", columns, "r", "odd/one", 0.0, 1, -5, 1)
		d.add("metrics", columns, "r", "odd/one", math.MaxFloat64, 1, -7, 0)
		d.add("metrics", columns, "R", "loss", 9.0, 1, 1, 0) // of another run
		s := d.done().open()
		got, err := s.MetricHistories(t.Context(), []mlflow.Run{runNamed("r"), runNamed("none")}, 3)
		if err != nil {
			t.Fatal(err)
		}
		want := fetch.Results[string, mlflow.History]{"none": {Value: mlflow.History{}}, "r": {Value: mlflow.History{
			"loss":    {{Step: 0, Timestamp: 1700000000010, Value: 1 / 11.0}, {Step: 5, Timestamp: 1700000000005, Value: 1 / 6.0}, {Step: 10, Timestamp: 1700000000000, Value: 1}},
			"odd/one": {{Step: -7, Timestamp: 1, Value: math.MaxFloat64}, {Step: -5, Timestamp: 1, Value: math.NaN()}},
		}}}
		if d := cmp.Diff(want, got, cmpopts.EquateNaNs()); d != "" {
			t.Errorf("%s: %s", version, d)
		}
	}
}

func TestMetricHistoriesThatMayNotBeReadCostNothingElse(t *testing.T) {
	d := newDB(t, mlflow317)
	d.exec("PRAGMA foreign_keys=off")
	d.exec("DROP TABLE metrics")
	s := d.done().open()
	got, err := s.MetricHistories(t.Context(), []mlflow.Run{runNamed("r")}, -1)
	if err != nil || !errors.Is(got["r"].Err, mlflow.ErrDenied) {
		t.Error(fmt.Sprint(got), err)
	}
}
