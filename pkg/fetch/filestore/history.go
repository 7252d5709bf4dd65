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
	ids, in := make([]string, len(runs)), make([]string, len(runs))
	for i, r := range runs {
		ids[i], in[i] = r.ID(), r.ExperimentID()
	}
	found, err := s.locate(ctx, ids, in, runsOf)
	if err != nil {
		return cutOff[string, mlflow.History](ctx, ids, err)
	}
	return fetch.Each(ctx, ids, inFlight, func(ctx context.Context, id string) (mlflow.History, error) {
		what := "the metric history of run " + id
		read := func(experiment string) (mlflow.History, error) {
			h, err := s.readHistory(ctx, experiment, id, points)
			return h, failed("reading "+what, err)
		}
		return firstOf(found[id], read, func() error { return s.nowhere("run " + id) })
	})
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
