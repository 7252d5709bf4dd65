package sqlstore

import (
	"context"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// readRuns reads runs, deleted ones too.
func (r *reader) readRuns(ctx context.Context, ids []string) (fetch.Results[string, mlflow.Run], error) {
	return answer(ctx, r, "run %v", ids, r.runs)
}

// runFields are the columns of runs in the order of the API. The first is
// shown again at the end, as run_id.
func runFields() []field {
	return []field{
		{"run_uuid", "run_uuid", asText},
		{"experiment_id", "experiment_id", asDigits},
		{"name", "run_name", asText},
		{"user_id", "user_id", asText},
		{"status", "status", asText},
		{"start_time", "start_time", asNumber},
		{"end_time", "end_time", ifNumber},
		{"artifact_uri", "artifact_uri", ifText},
		{"lifecycle_stage", "lifecycle_stage", asText},
	}
}

// runParts holds what belongs to runs, by run id.
type runParts struct {
	tags, params, metrics, datasets, models, outputs map[string][]any
}

// runs reads runs in eight queries (MLflow 3), seven (2.4) or four.
func (r *reader) runs(ctx context.Context, ids []string) (map[string]mlflow.Run, error) {
	keys := anys(ids)
	var parts runParts
	err := r.readRunParts(ctx, &parts, keys)
	if err != nil {
		return nil, err
	}
	found := make(map[string]mlflow.Run, len(ids))
	err = r.findRuns(ctx, keys, parts.tags, func(id string, info *mlflow.Object) {
		found[id] = mlflow.Run{Object: r.run(info, id, &parts)}
	})
	return found, err
}

// findRuns hands over the id and the `info` of runs; tags are those that may
// hold their names.
func (r *reader) findRuns(ctx context.Context, ids []any, tags map[string][]any, each func(id string, info *mlflow.Object)) error {
	fields := runFields()
	only, values := r.inWorkspace()
	return r.find(ctx, search{table: "runs", keys: []string{"run_uuid"}, columns: columnsOf(fields), only: only, values: values}, ids, func(row []any) {
		id, _ := text(row[0])
		info := roomy(len(fields) + 1)
		if name, _ := text(row[2]); name == "" {
			row[2] = nameFromTags(row[2], tags[id])
		}
		put(info, fields, row)
		info.Append("run_id", id)
		each(id, info)
	})
}

// inWorkspace is the condition on runs and logged models, whose workspace is
// that of their experiment. Those without an experiment are everybody's, as on
// a server without workspaces.
func (r *reader) inWorkspace() (string, []any) {
	if !r.store.schema.hasColumn("experiments", "workspace") {
		return "", nil
	}
	d := r.store.dialect
	id := d.name("experiment_id")
	return id + " NOT IN (SELECT " + id + " FROM " + d.name("experiments") + " WHERE " + d.name("workspace") + " <> ?)", []any{r.store.workspace}
}

// nameFromTags is the name of a run whose column for it is NULL or empty, as
// before MLflow 1.30, or that cell.
func nameFromTags(cell any, tags []any) any {
	for _, t := range tags {
		if tag := t.(*mlflow.Object); tag.Text("key") == "mlflow.runName" && tag.Text("value") != "" {
			return tag.Text("value")
		}
	}
	return cell
}

func (r *reader) run(info *mlflow.Object, id string, parts *runParts) *mlflow.Object {
	data := roomy(3)
	putList(data, "metrics", parts.metrics[id], byText("key"))
	putList(data, "params", parts.params[id], byText("key"))
	putList(data, "tags", parts.tags[id], byText("key"))
	run := roomy(4)
	run.Append("info", info)
	run.Append("data", data)
	if r.store.schema.hasDatasets() {
		inputs := roomy(2)
		putList(inputs, "dataset_inputs", parts.datasets[id], byDataset)
		putList(inputs, "model_inputs", parts.models[id], byText("model_id"))
		run.Append("inputs", inputs)
	}
	if r.store.schema.hasOutputs() {
		outputs := roomy(1)
		putList(outputs, "model_outputs", parts.outputs[id], byModelAndStep)
		run.Append("outputs", outputs)
	}
	return run
}

func (r *reader) readRunParts(ctx context.Context, parts *runParts, ids []any) (err error) {
	of := []string{"run_uuid"}
	columns := []string{"run_uuid", "key", "value"}
	if parts.tags, err = pairs(ctx, r, search{table: "tags", keys: of, columns: columns}, ids, firstText); err != nil {
		return err
	}
	if parts.params, err = pairs(ctx, r, search{table: "params", keys: of, columns: columns}, ids, firstText); err != nil {
		return err
	}
	if parts.metrics, err = r.metrics(ctx, ids); err != nil {
		return err
	}
	if r.store.schema.hasDatasets() {
		if parts.datasets, err = r.datasetInputs(ctx, ids); err != nil {
			return err
		}
	}
	if r.store.schema.hasOutputs() {
		parts.models, parts.outputs, err = r.runModels(ctx, ids)
	}
	return err
}

// metrics reads the latest value of each metric of runs. MLflow stores NaN as
// a flag; infinity as the largest number that there is, and so its server
// shows it.
func (r *reader) metrics(ctx context.Context, ids []any) (map[string][]any, error) {
	found := map[string][]any{}
	err := r.find(ctx, search{
		table: "latest_metrics", keys: []string{"run_uuid"},
		columns: []string{"run_uuid", "key", "value", "timestamp", "step", "is_nan"},
	}, ids, func(row []any) {
		run, _ := text(row[0])
		m := roomy(4)
		put(m, []field{{"", "key", asText}}, row[1:])
		if nan, _ := whole(row[5]); nan != 0 {
			m.Append("value", "NaN")
		} else if v, ok := double(row[2]); ok {
			m.Append("value", v)
		}
		put(m, []field{{"", "timestamp", asNumber}, {"", "step", asNumber}}, row[3:])
		found[run] = append(found[run], m)
	})
	return found, err
}
