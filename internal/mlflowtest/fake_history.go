package mlflowtest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// getHistory is one metric of one run: all of it, as MLflow's protobuf writes
// it.
func (f *Fake) getHistory(r FakeRequest) fakeAnswer {
	var list []any
	for _, p := range f.historyOf(r.param("run_id"), r.param("metric_key")) {
		list = append(list, members("key", r.param("metric_key"), "value", mlflow.Double(p.Value), "timestamp", int(p.Timestamp), "step", int(p.Step)))
	}
	return jsonAnswer(members("metrics", list))
}

// getHistories is one metric of many runs, for MLflow's web interface: Python's
// JSON, by run and time, and never more than 25,000 rows.
func (f *Fake) getHistories(r FakeRequest) fakeAnswer {
	runs, key := r.params("run_id"), r.param("metric_key")
	most, err := strconv.Atoi(r.param("max_results"))
	if len(runs) == 0 || len(runs) > 100 || err != nil {
		return f.refuse(400, "INVALID_PARAMETER_VALUE", "GetMetricHistoryBulk request cannot specify more than 100 run_ids. Received %d run_ids.", len(runs))
	}
	var rows []string
	for _, id := range slices.Sorted(slices.Values(runs)) {
		for _, p := range f.historyOf(id, key) {
			rows = append(rows, fmt.Sprintf(`{"key": %q, "run_id": %q, "step": %d, "timestamp": %d, "value": %s}`, key, id, p.Step, p.Timestamp, pythonNumber(p.Value)))
		}
	}
	rows = rows[:min(len(rows), most, 25_000)]
	return fakeAnswer{200, "application/json", []byte(`{"metrics": [` + strings.Join(rows, ",\n") + "]}\n")}
}

// historyOf is the history of a metric, which is its one value when the world
// holds none.
func (f *Fake) historyOf(id, key string) []mlflow.Point {
	run := f.world.Run(id)
	if run == nil {
		return nil
	}
	if h, ok := run.History[key]; ok {
		return h
	}
	value, err := strconv.ParseFloat(run.Metrics[key], 64)
	if err != nil {
		return nil
	}
	return []mlflow.Point{{Value: value}}
}

func pythonNumber(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+") + "inity"
	}
	return string(mlflow.Double(v).(mlflow.Number))
}
