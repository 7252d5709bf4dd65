package filestore

import (
	"context"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// maxPoints is how many values of one metric are held in memory.
const maxPoints = 5_000_000

// MetricHistories implements fetch.Historian.
func (s *Store) MetricHistories(ctx context.Context, runs []mlflow.Run, points int) (fetch.Results[string, mlflow.History], error) {
	read := func(ctx context.Context, experiment, id string) (mlflow.History, error) {
		return s.readHistory(ctx, experiment, id, points)
	}
	return located(ctx, s, shown(runs), "the metric history of ", read)
}

func (s *Store) readHistory(ctx context.Context, experiment, id string, points int) (mlflow.History, error) {
	f, _, err := s.openRun(ctx, experiment, id)
	if err != nil {
		return nil, err
	}
	defer f.close()
	h := mlflow.History{}
	err = f.visit("metrics", func(m file) error {
		var all []mlflow.Point
		err := m.points(runPoint, func(p point) error {
			if len(all) == maxPoints {
				return mlflow.Reason(mlflow.ErrTooLarge, "more than %d values of one metric", maxPoints)
			}
			all = append(all, mlflow.Point{Step: p.step, Timestamp: p.timestamp, Value: p.value})
			return ctx.Err()
		})
		h[utf8(m.key)] = mlflow.Thin(all, points)
		return err
	})
	return h, err
}
