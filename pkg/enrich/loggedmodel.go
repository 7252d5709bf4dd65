package enrich

import (
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// LoggedModel enriches what `logged-models/{id}` shows below `model`, and adds
// `runs`: the ids of the run that logged the model and of those that logged a
// metric of it. The seed tool knows no logged models; Compat changes nothing.
func LoggedModel(m mlflow.LoggedModel, o Options) mlflow.LoggedModel {
	if m.Object == nil {
		return m
	}
	out := m.Object.Shallow()
	if m.Info() != nil {
		info := m.Info().Shallow()
		tagsInPlace(info)
		addTimes(info, "creation_timestamp_ms", "last_updated_timestamp_ms")
		o.addLinks(info, experimentPage(m.ExperimentID())+"/models/"+segment(m.ID()), "logged-models/"+segment(m.ID()))
		out.Set("info", info)
	}
	if m.Data() != nil {
		data := m.Data().Shallow()
		replaceList(data, "metrics", sortMetrics)
		replaceList(data, "params", params)
		out.Set("data", data)
	}
	out.Set("runs", runsOf(m))
	return mlflow.LoggedModel{Object: out}
}

func runsOf(m mlflow.LoggedModel) []any {
	ids := []string{m.SourceRunID()}
	for metric := range m.Data().Objects("metrics") {
		ids = append(ids, metric.Text("run_id"))
	}
	slices.Sort(ids)
	runs := []any{}
	for _, id := range slices.Compact(ids) {
		if id != "" {
			runs = append(runs, id)
		}
	}
	return runs
}
