package sqlstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Experiments implements fetch.Reader. An id is a whole number; anything else
// is not found.
func (r *reader) Experiments(ctx context.Context, ids []string) (fetch.Results[string, mlflow.Experiment], error) {
	return answer(ctx, r, "experiment %v", ids, r.experiments)
}

// ExperimentByName implements fetch.Source. The name is compared byte by byte.
func (s *Store) ExperimentByName(ctx context.Context, name string) (mlflow.Experiment, error) {
	r, err := s.snapshot(ctx)
	if err != nil {
		return mlflow.Experiment{}, err
	}
	defer func() { s.ended(r.end()) }()
	var id string
	err = r.find(ctx, search{table: "experiments", keys: []string{"name"}, columns: []string{"experiment_id", "name"}}, []any{name}, func(row []any) {
		if found, _ := text(row[1]); found == name {
			id, _ = text(row[0])
		}
	})
	if err != nil {
		return mlflow.Experiment{}, fmt.Errorf("experiment %q: %w", name, cutOr(ctx, s.fault(err)))
	}
	if id == "" {
		return mlflow.Experiment{}, mlflow.Reason(mlflow.ErrNotFound, "there is no experiment called %q", name)
	}
	found, err := r.Experiments(ctx, []string{id})
	if err == nil {
		err = found[id].Err
	}
	if err != nil {
		return mlflow.Experiment{}, fmt.Errorf("experiment %q: %w", name, err)
	}
	return found[id].Value, nil
}

// experimentFields are the columns of experiments in the order of the API; the
// workspace, which MLflow 3 has, stands behind the tags.
func experimentFields() []field {
	return []field{
		{"experiment_id", "experiment_id", asDigits},
		{"name", "name", asText},
		{"artifact_location", "artifact_location", asText},
		{"lifecycle_stage", "lifecycle_stage", asText},
		{"last_update_time", "last_update_time", ifNumber},
		{"creation_time", "creation_time", ifNumber},
		{"workspace", "workspace", asText},
	}
}

// experiments reads experiments in two queries.
func (r *reader) experiments(ctx context.Context, ids []string) (map[string]mlflow.Experiment, error) {
	asked := map[int64][]string{} // `1` and `01` are one experiment
	var keys []any
	for _, id := range ids {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			asked[n] = append(asked[n], id)
			keys = append(keys, n)
		}
	}
	tags, err := pairs(ctx, r, search{
		table: "experiment_tags", keys: []string{"experiment_id"}, columns: []string{"experiment_id", "key", "value"},
	}, keys, firstText)
	if err != nil {
		return nil, err
	}
	fields := experimentFields()
	last := len(fields) - 1
	found := make(map[string]mlflow.Experiment, len(ids))
	err = r.find(ctx, search{table: "experiments", keys: []string{"experiment_id"}, columns: columnsOf(fields)}, keys, func(row []any) {
		n, _ := whole(row[0])
		o := roomy(len(fields) + 1)
		put(o, fields[:last], row)
		putList(o, "tags", tags[strconv.FormatInt(n, 10)], byText("key"))
		put(o, fields[last:], row[last:])
		for _, id := range asked[n] {
			found[id] = mlflow.Experiment{Object: o}
		}
	})
	return found, err
}
