package enrich

import (
	"cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Run enriches what `runs/get` shows below `run`. experimentName is the name
// of its experiment, or "" when it is not known.
func Run(r mlflow.Run, experimentName string, o Options) mlflow.Run {
	if r.Object == nil {
		return r
	}
	out := r.Object.Shallow()
	if r.Info() != nil {
		out.Set("info", runInfo(r, experimentName, o))
	}
	if o.Compat {
		if r.Data() != nil {
			data := r.Data().Shallow()
			tagsToEnd(data)
			out.Set("data", data)
		}
		return mlflow.Run{Object: explodeAll(out)}
	}
	if r.Data() != nil {
		out.Set("data", runData(r.Data()))
	}
	if in := out.Object("inputs"); in != nil {
		out.Set("inputs", runInputs(in))
	}
	if made := out.Object("outputs"); made != nil {
		made = made.Shallow()
		replaceList(made, "model_outputs", sortModels)
		out.Set("outputs", made)
	}
	return mlflow.Run{Object: out}
}

func runInfo(r mlflow.Run, experimentName string, o Options) *mlflow.Object {
	info := r.Info().Shallow()
	addTimes(info, "start_time", "end_time")
	addDuration(info)
	if experimentName != "" {
		info.Set("_experiment_name", experimentName)
	}
	o.addLinks(info, runPage(r.ExperimentID(), r.ID()), "runs/get?run_id="+query(r.ID()))
	return info
}

func runData(data *mlflow.Object) *mlflow.Object {
	data = data.Shallow()
	replaceList(data, "metrics", sortMetrics)
	replaceList(data, "params", params)
	tagsInPlace(data)
	return data
}

// params explodes the values of parameters and puts them in order of their keys.
func params(list []any) []any {
	return sortObjects(mapObjects(list, explodeValue), byText("key"))
}

// runInputs does the datasets and models that a run used. Tags of a dataset
// stay a list, as in the seed tool, but in order.
func runInputs(in *mlflow.Object) *mlflow.Object {
	in = in.Shallow()
	replaceList(in, "dataset_inputs", func(list []any) []any {
		list = mapObjects(list, func(input *mlflow.Object) *mlflow.Object {
			input = input.Shallow()
			replaceList(input, "tags", params)
			return input
		})
		return mapObjects(sortObjects(list, byDataset), explodeDataset)
	})
	replaceList(in, "model_inputs", sortModels)
	return in
}

// byDataset orders dataset inputs by the text that MLflow sent.
func byDataset(a, b *mlflow.Object) int {
	return byText("name", "digest", "source_type", "source")(a.Object("dataset"), b.Object("dataset"))
}

func explodeDataset(input *mlflow.Object) *mlflow.Object {
	dataset := input.Object("dataset")
	if dataset == nil {
		return input
	}
	dataset = dataset.Shallow()
	explodeMembers(dataset, "source", "schema", "profile")
	input.Set("dataset", dataset) // a copy already
	return input
}

func sortModels(list []any) []any {
	return sortObjects(list, func(a, b *mlflow.Object) int {
		return cmp.Or(byText("model_id")(a, b), byNumber("step")(a, b))
	})
}

func sortMetrics(list []any) []any {
	byKey := byText("key")
	return sortObjects(list, func(a, b *mlflow.Object) int {
		if c := byKey(a, b); c != 0 { // nearly always: numbers need not be read
			return c
		}
		return cmp.Or(byNumber("step", "timestamp", "value")(a, b), byText("run_id", "dataset_name", "dataset_digest")(a, b))
	})
}
