package mlflowtest

import (
	"fmt"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// members makes an object of keys and values; one with the value nil is left
// out, as MLflow leaves out what is not set.
func members(pairs ...any) *mlflow.Object {
	o := &mlflow.Object{}
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case nil:
		case []any:
			if len(v) > 0 {
				o.Append(pairs[i].(string), v)
			}
		case int:
			o.Append(pairs[i].(string), mlflow.Number(fmt.Sprint(v)))
		default:
			o.Append(pairs[i].(string), v)
		}
	}
	return o
}

func keyValues(m map[string]string) []any {
	var out []any
	for _, k := range sortedKeys(m) {
		out = append(out, members("key", k, "value", m[k]))
	}
	return out
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func lifecycle(deleted bool) string {
	if deleted {
		return "deleted"
	}
	return "active"
}

func moment(n int) mlflow.Number { return mlflow.Number(fmt.Sprint(fakeEpoch + n*1000)) }

// modelObject shows a registered model. Searches list latest_versions by
// stage, `get` in the order in which the stages first occur, as the database
// behind MLflow happens to do.
func (f *Fake) modelObject(m *FakeModel, search bool) *mlflow.Object {
	var order []string
	latest := map[string]*FakeVersion{}
	for i := range m.Versions {
		v := &m.Versions[i]
		if v.Deleted {
			continue
		}
		stage := or(v.Stage, "None")
		if latest[stage] == nil {
			order = append(order, stage)
		}
		latest[stage] = v
	}
	if search {
		order = sortedKeys(latest)
	}
	var versions, aliases []any
	for _, stage := range order {
		versions = append(versions, f.versionObject(m, latest[stage], false))
	}
	for _, a := range sortedKeys(m.Aliases) {
		if f.does.aliases {
			aliases = append(aliases, members("alias", a, "version", fmt.Sprint(m.Aliases[a])))
		}
	}
	tags := keyValues(m.Tags)
	if m.Prompt {
		tags = append(tags, members("key", "mlflow.prompt.is_prompt", "value", "true"))
	}
	return members("name", m.Name, "creation_timestamp", moment(0), "last_updated_timestamp", moment(1),
		"description", orNil(m.Description), "latest_versions", versions, "tags", tags, "aliases", aliases)
}

// versionObject shows a version; only `get` shows its aliases.
func (f *Fake) versionObject(m *FakeModel, v *FakeVersion, aliases bool) *mlflow.Object {
	var names []any
	for _, a := range sortedKeys(m.Aliases) {
		if aliases && f.does.aliases && m.Aliases[a] == v.Number {
			names = append(names, a)
		}
	}
	return members("name", m.Name, "version", fmt.Sprint(v.Number), "creation_timestamp", moment(v.Number), "last_updated_timestamp", moment(v.Number),
		"current_stage", or(v.Stage, "None"), "description", v.Description, "source", v.Source, "run_id", v.RunID, "status", or(v.Status, "READY"),
		"tags", keyValues(v.Tags), "run_link", "", "aliases", names)
}

func (f *Fake) experimentObject(e *FakeExperiment) *mlflow.Object {
	var workspace any
	if f.does.workspaces {
		workspace = "default"
	}
	return members("experiment_id", e.ID, "name", e.Name, "artifact_location", "mlflow-artifacts:/"+e.ID, "lifecycle_stage", lifecycle(e.Deleted),
		"last_update_time", moment(0), "creation_time", moment(0), "tags", keyValues(e.Tags), "workspace", workspace)
}

// runObject shows a run; see Fake for what searches leave out.
func (f *Fake) runObject(r *FakeRun, search bool) *mlflow.Object {
	start := 0
	for i := range f.world.Runs {
		if f.world.Runs[i].ID == r.ID {
			start = i
		}
	}
	var end any
	if r.Status != "RUNNING" {
		end = moment(start + 1)
	}
	info := members("run_uuid", r.ID, "experiment_id", r.Experiment, "run_name", r.Name, "user_id", "tester", "status", or(r.Status, "FINISHED"),
		"start_time", moment(start), "end_time", end, "artifact_uri", "mlflow-artifacts:/"+r.Experiment+"/"+r.ID+"/artifacts",
		"lifecycle_stage", lifecycle(r.Deleted), "run_id", r.ID)
	var metrics []any
	for _, k := range sortedKeys(r.Metrics) {
		value, err := mlflow.DecodeStrict(r.Metrics[k])
		if err != nil {
			panic(fmt.Sprintf("metric %s of run %s: %v", k, r.ID, err))
		}
		metrics = append(metrics, members("key", k, "value", value, "timestamp", moment(start), "step", 0))
	}
	data := members("metrics", metrics, "params", keyValues(r.Params), "tags", keyValues(r.Tags))
	run := members("info", info, "data", data)
	if f.does.datasets {
		run.Append("inputs", f.inputs(r, search))
	}
	if f.does.loggedModels && (!search || f.does.searchOutputs) {
		run.Append("outputs", members("model_outputs", modelIDs(r.ModelOutputs, true)))
	}
	return run
}

func (f *Fake) inputs(r *FakeRun, search bool) *mlflow.Object {
	var datasets, models []any
	for _, name := range r.Datasets {
		dataset := members("name", name, "digest", "9d861fa7", "source_type", "code", "source", `{"tags": {}}`)
		datasets = append(datasets, members("tags", []any{members("key", "mlflow.data.context", "value", "training")}, "dataset", dataset))
	}
	if f.does.loggedModels && !search {
		models = modelIDs(r.ModelInputs, false)
	}
	return members("dataset_inputs", datasets, "model_inputs", models)
}

func modelIDs(ids []string, steps bool) []any {
	var out []any
	for _, id := range ids {
		var step any
		if steps {
			step = 0
		}
		out = append(out, members("model_id", id, "step", step))
	}
	return out
}

func (f *Fake) loggedObject(l *FakeLoggedModel) *mlflow.Object {
	info := members("model_id", l.ID, "experiment_id", l.Experiment, "name", l.Name, "creation_timestamp_ms", moment(0), "last_updated_timestamp_ms", moment(1),
		"artifact_uri", l.artifactURI(), "status", "LOGGED_MODEL_READY", "model_type", "", "source_run_id", l.SourceRun, "tags", keyValues(l.Tags))
	return members("info", info, "data", members("params", keyValues(l.Params)))
}
