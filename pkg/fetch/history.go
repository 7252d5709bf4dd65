package fetch

import (
	"context"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// readHistories reads the metric histories of the runs that are known by now,
// once for all items that keep the same number of points.
func (c *chunk) readHistories(ctx context.Context) error {
	byPoints := map[int][]*item{}
	for it := range c.live {
		if it.History != 0 && it.b.Run.Object != nil && !it.historyDone {
			it.historyDone = true
			byPoints[it.History] = append(byPoints[it.History], it)
		}
	}
	for points, items := range byPoints {
		found, err := MetricHistories(ctx, c.reader, runsOf(items), points)
		if err != nil {
			return err
		}
		for _, it := range items {
			it.takeHistory(found)
		}
	}
	return nil
}

// runsOf lists the runs of items, each once, by id.
func runsOf(items []*item) []mlflow.Run {
	byID := map[string]mlflow.Run{}
	ids := map[string]bool{}
	for _, it := range items {
		byID[it.b.Run.ID()], ids[it.b.Run.ID()] = it.b.Run, true
	}
	var runs []mlflow.Run
	for _, id := range sorted(ids) {
		runs = append(runs, byID[id])
	}
	return slices.Clip(runs)
}

func (it *item) takeHistory(found Results[string, mlflow.History]) {
	const section = "metric_history"
	id := it.b.Run.ID()
	r, answered := found[id]
	switch {
	case !answered:
		r.Err = mlflow.Reason(mlflow.ErrUnavailable, "the metric history of run %s was not answered", id)
	case r.Err == nil && r.Value.Len() > maxPoints:
		r.Err = mlflow.Reason(mlflow.ErrTooLarge, "run %s has more than %d values of metrics; keep fewer of each with metric-history", id, maxPoints)
	case r.Err == nil:
		it.b.MetricHistory = r.Value
		return
	}
	gone := mlflow.NewIssue(section, mlflow.RunNotFound, id)
	it.lack(IssueOf(section, r.Err, gone, "the metric history of run "+id), r.Err)
}
