package sqlstore

import (
	"context"
	"math"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

const historyTable = "metrics"

// MetricHistories implements fetch.Historian.
func (s *Store) MetricHistories(ctx context.Context, runs []mlflow.Run, points int) (fetch.Results[string, mlflow.History], error) {
	return once(ctx, s, idsOf(runs), func(r *reader, ctx context.Context, ids []string) (fetch.Results[string, mlflow.History], error) {
		return r.histories(ctx, ids, points)
	})
}

// MetricHistories implements fetch.Historian.
func (r *reader) MetricHistories(ctx context.Context, runs []mlflow.Run, points int) (fetch.Results[string, mlflow.History], error) {
	return r.histories(ctx, idsOf(runs), points)
}

func idsOf(runs []mlflow.Run) []string {
	ids := make([]string, len(runs))
	for i, run := range runs {
		ids[i] = run.ID()
	}
	return ids
}

// histories reads metrics in one query for all runs.
func (r *reader) histories(ctx context.Context, ids []string, points int) (fetch.Results[string, mlflow.History], error) {
	return answer(ctx, r, "the metric history of run %v", ids, func(ctx context.Context, ids []string) (map[string]mlflow.History, error) {
		if !r.store.schema.has(historyTable) {
			return nil, mlflow.Reason(mlflow.ErrDenied, "the database %s has no table %q, or it may not be read", r.store.path, historyTable)
		}
		found := make(map[string]mlflow.History, len(ids))
		for _, id := range ids {
			found[id] = mlflow.History{}
		}
		err := r.find(ctx, search{
			table: historyTable, keys: []string{"run_uuid"},
			columns: []string{"run_uuid", "key", "value", "timestamp", "step", "is_nan"},
		}, anys(ids), func(row []any) { addPoint(found, row) })
		for _, h := range found {
			for key := range h {
				h[key] = mlflow.Thin(h[key], points)
			}
		}
		return found, err
	})
}

// addPoint takes a row of metrics. MLflow stores NaN as a flag, and infinity
// as the largest number that there is: see reader.metrics.
func addPoint(found map[string]mlflow.History, row []any) {
	id, _ := text(row[0])
	h, ok := found[id]
	if !ok { // not byte by byte, as some databases compare
		return
	}
	var p mlflow.Point
	if nan, _ := whole(row[5]); nan != 0 {
		p.Value = math.NaN()
	} else {
		p.Value, ok = float(row[2])
	}
	p.Timestamp, _ = whole(row[3])
	p.Step, _ = whole(row[4])
	if key, named := text(row[1]); named && ok {
		h[key] = append(h[key], p)
	}
}
