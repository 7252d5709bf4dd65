package sqlstore

import (
	"cmp"
	"context"
	"strconv"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// readLoggedModels reads logged models; deleted ones are not found, as on a
// server.
func (r *reader) readLoggedModels(ctx context.Context, ids []string) (fetch.Results[string, mlflow.LoggedModel], error) {
	return answer(ctx, r, "logged model %v", ids, r.loggedModels)
}

// loggedModelFields are the columns of logged_models in the order of the API.
func loggedModelFields() []field {
	return []field{
		{"model_id", "model_id", asText},
		{"experiment_id", "experiment_id", asDigits},
		{"name", "name", asText},
		{"creation_timestamp_ms", "creation_timestamp_ms", asNumber},
		{"last_updated_timestamp_ms", "last_updated_timestamp_ms", asNumber},
		{"artifact_location", "artifact_uri", asText},
		{"status", "status", asText},
		{"model_type", "model_type", asText},
		{"source_run_id", "source_run_id", asText},
		{"status_message", "status_message", asText},
	}
}

// statusColumn is the place of `status` in loggedModelFields.
const statusColumn = 6

// loggedModels reads logged models in four queries.
func (r *reader) loggedModels(ctx context.Context, ids []string) (map[string]mlflow.LoggedModel, error) {
	if !r.store.schema.hasLoggedModels() {
		return nil, mlflow.Reason(mlflow.ErrUnsupported, "the database has no logged models, which came with MLflow 3")
	}
	keys, of := anys(ids), []string{"model_id"}
	params, err := pairs(ctx, r, search{table: "logged_model_params", keys: of, columns: []string{"model_id", "param_key", "param_value"}}, keys, firstText)
	if err != nil {
		return nil, err
	}
	tags, err := pairs(ctx, r, search{table: "logged_model_tags", keys: of, columns: []string{"model_id", "tag_key", "tag_value"}}, keys, firstText)
	if err != nil {
		return nil, err
	}
	metrics, err := r.loggedModelMetrics(ctx, keys)
	if err != nil {
		return nil, err
	}
	d, fields := r.store.dialect, loggedModelFields()
	only, values := d.name("lifecycle_stage")+" <> ?", []any{"deleted"}
	if here, of := r.inWorkspace(); here != "" {
		only, values = only+" AND "+here, append(values, of...)
	}
	found := make(map[string]mlflow.LoggedModel, len(ids))
	err = r.find(ctx, search{table: "logged_models", keys: of, columns: columnsOf(fields), only: only, values: values}, keys, func(row []any) {
		id, _ := text(row[0])
		info, data := roomy(len(fields)+1), roomy(2)
		row[statusColumn] = statusName(row[statusColumn])
		put(info, fields, row)
		putList(info, "tags", tags[id], byText("key"))
		putList(data, "params", params[id], byText("key"))
		putList(data, "metrics", metrics[id], byMetric)
		found[id] = mlflow.LoggedModel{Object: mlflow.NewObject(mlflow.Member{Key: "info", Value: info}, mlflow.Member{Key: "data", Value: data})}
	})
	return found, err
}

// statusName is the API's name for the number that is stored.
func statusName(cell any) any {
	switch n, _ := whole(cell); n {
	case 1:
		return "LOGGED_MODEL_PENDING"
	case 2:
		return "LOGGED_MODEL_READY"
	case 3:
		return "LOGGED_MODEL_UPLOAD_FAILED"
	}
	return "LOGGED_MODEL_STATUS_UNSPECIFIED"
}

// loggedModelMetrics reads all metrics of logged models, not only the latest.
// NaN was lost when they were stored: it is 0.
func (r *reader) loggedModelMetrics(ctx context.Context, ids []any) (map[string][]any, error) {
	found := map[string][]any{}
	err := r.find(ctx, search{
		table: "logged_model_metrics", keys: []string{"model_id"},
		columns: []string{"metric_name", "metric_value", "metric_timestamp_ms", "metric_step", "dataset_name", "dataset_digest", "model_id", "run_id"},
	}, ids, func(row []any) {
		id, _ := text(row[6])
		m := roomy(len(row))
		put(m, []field{{"", "key", asText}}, row)
		if v, ok := double(row[1]); ok {
			m.Append("value", v)
		}
		put(m, []field{
			{"", "timestamp", asNumber}, {"", "step", asNumber}, {"", "dataset_name", ifText}, {"", "dataset_digest", ifText},
			{"", "model_id", ifText}, {"", "run_id", ifText},
		}, row[2:])
		found[id] = append(found[id], m)
	})
	return found, err
}

// byMetric orders metrics as reports do: by key, step, timestamp, value, run
// and dataset.
func byMetric(a, b *mlflow.Object) int {
	value := func(o *mlflow.Object) float64 {
		f, _ := strconv.ParseFloat(o.Text("value"), 64)
		return f
	}
	return cmp.Or(byText("key")(a, b), compareWhole(a, b, "step"), compareWhole(a, b, "timestamp"),
		cmp.Compare(value(a), value(b)), byText("run_id", "dataset_name", "dataset_digest")(a, b))
}
