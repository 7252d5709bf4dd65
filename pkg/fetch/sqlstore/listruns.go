package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"strconv"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// ListRuns implements fetch.Source. No index leads from an experiment to its
// runs, so their ids are read at once, the runs in pages.
func (s *Store) ListRuns(ctx context.Context, experimentID string) iter.Seq2[mlflow.Run, error] {
	return func(yield func(mlflow.Run, error) bool) {
		ids, err := s.activeRuns(ctx, experimentID)
		if err != nil {
			yield(mlflow.Run{}, err)
			return
		}
		for some := range slices.Chunk(ids, pageSize) {
			found, err := s.Runs(ctx, some, nil)
			if err != nil {
				yield(mlflow.Run{}, err)
				return
			}
			for _, id := range some {
				run, err := found[id].Value, found[id].Err
				if errors.Is(err, mlflow.ErrNotFound) || err == nil && run.Deleted() {
					continue // since its id was read
				}
				if !yield(run, err) || err != nil {
					return
				}
			}
		}
	}
}

// activeRuns reads the ids of an experiment's active runs, newest first.
func (s *Store) activeRuns(ctx context.Context, experimentID string) ([]string, error) {
	n, err := strconv.ParseInt(experimentID, 10, 64)
	if err != nil {
		return nil, nil // no experiment has such an id
	}
	r, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { s.ended(r.end()) }()
	only, values := s.dialect.name("lifecycle_stage")+" = ?", []any{"active"}
	if here, of := r.inWorkspace(); here != "" {
		only, values = only+" AND "+here, append(values, of...)
	}
	type run struct {
		id    string
		start int64
	}
	var runs []run
	err = r.find(ctx, search{
		table: "runs", keys: []string{"experiment_id"}, columns: []string{"run_uuid", "start_time"}, only: only, values: values,
	}, []any{n}, func(row []any) {
		start, ok := whole(row[1])
		if !ok {
			start = math.MinInt64 // last, as SQLite sorts NULL
		}
		runs = append(runs, run{firstText(row), start})
	})
	if err != nil {
		return nil, cutOr(ctx, s.fault(err))
	}
	slices.SortFunc(runs, func(a, b run) int { return cmp.Or(cmp.Compare(b.start, a.start), cmp.Compare(a.id, b.id)) })
	ids := make([]string, len(runs))
	for i, r := range runs {
		ids[i] = r.id
	}
	return ids, nil
}
