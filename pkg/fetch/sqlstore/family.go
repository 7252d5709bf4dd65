package sqlstore

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// ChildRuns implements fetch.Genealogist.
func (s *Store) ChildRuns(ctx context.Context, parents []mlflow.Run) (fetch.Results[string, []mlflow.Run], error) {
	return once(ctx, s, idsOf(parents), func(r *reader, ctx context.Context, ids []string) (fetch.Results[string, []mlflow.Run], error) {
		return r.ChildRuns(ctx, parents)
	})
}

// ChildRuns implements fetch.Genealogist, with three queries for all parents:
// the tags that name them, and name and info of the runs that have these.
func (r *reader) ChildRuns(ctx context.Context, parents []mlflow.Run) (fetch.Results[string, []mlflow.Run], error) {
	experiments := make(map[string]string, len(parents))
	for _, p := range parents {
		experiments[p.ID()] = p.ExperimentID()
	}
	return answer(ctx, r, "the child runs of run %v", idsOf(parents), func(ctx context.Context, ids []string) (map[string][]mlflow.Run, error) {
		found := make(map[string][]mlflow.Run, len(ids))
		for _, id := range ids {
			found[id] = nil
		}
		parentOf, err := r.parentTags(ctx, found)
		if err != nil {
			return nil, err
		}
		err = r.runInfos(ctx, anys(slices.Sorted(maps.Keys(parentOf))), func(info *mlflow.Object) {
			run := mlflow.Run{Object: mlflow.NewObject(mlflow.Member{Key: "info", Value: info})}
			if parent := parentOf[run.ID()]; run.ExperimentID() == experiments[parent] {
				found[parent] = append(found[parent], run)
			}
		})
		for _, runs := range found {
			slices.SortFunc(runs, func(a, b mlflow.Run) int { return cmp.Compare(a.ID(), b.ID()) })
		}
		return found, err
	})
}

// parentTags reads which runs are children of those that found has as keys.
func (r *reader) parentTags(ctx context.Context, found map[string][]mlflow.Run) (parentOf map[string]string, err error) {
	var ids []any
	for id := range found {
		ids = append(ids, id)
	}
	parentOf = map[string]string{}
	err = r.find(ctx, search{
		table: "tags", keys: []string{"value"}, columns: []string{"value", "run_uuid"},
		only: r.store.dialect.name("key") + " = ?", values: []any{mlflow.ParentTag},
	}, ids, func(row []any) {
		parent, _ := text(row[0])
		child, _ := text(row[1])
		if _, asked := found[parent]; asked { // byte by byte, which some databases do not compare
			parentOf[child] = parent
		}
	})
	return parentOf, err
}

// runInfos hands over the `info` of runs.
func (r *reader) runInfos(ctx context.Context, ids []any, each func(info *mlflow.Object)) error {
	tags, err := pairs(ctx, r, search{
		table: "tags", keys: []string{"run_uuid"}, columns: []string{"run_uuid", "key", "value"},
		only: r.store.dialect.name("key") + " = ?", values: []any{"mlflow.runName"},
	}, ids, firstText)
	if err != nil {
		return err
	}
	return r.findRuns(ctx, ids, tags, func(_ string, info *mlflow.Object) { each(info) })
}
