package filestore

import (
	"context"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// inputs reads what went into a run: datasets, and logged models. f is the
// folder of the run, experiment that of its experiment.
func (s *Store) inputs(ctx context.Context, f folder, experiment string) (*mlflow.Object, error) {
	links, err := f.metas(ctx, "inputs")
	if err != nil {
		return nil, err
	}
	var datasets, models []any
	for _, in := range links {
		switch in.Text("source_type") {
		case "DATASET":
			d, err := s.dataset(ctx, experiment, in)
			if err != nil {
				return nil, err
			}
			if d != nil {
				datasets = append(datasets, d)
			}
		case "MODEL":
			models = append(models, mlflow.NewObject(mlflow.Member{Key: "model_id", Value: in.Text("source_id")}))
		}
	}
	byText(datasets, func(o *mlflow.Object) string {
		return o.Object("dataset").Text("name") + "\x00" + o.Object("dataset").Text("digest")
	})
	byText(models, func(o *mlflow.Object) string { return o.Text("model_id") })
	o := mlflow.NewObject()
	putList(o, "dataset_inputs", datasets)
	putList(o, "model_inputs", models)
	return o, nil
}

// outputs reads which logged models a run made.
func outputs(ctx context.Context, f folder) (*mlflow.Object, error) {
	links, err := f.metas(ctx, "outputs")
	if err != nil {
		return nil, err
	}
	var models []any
	for _, out := range links {
		if out.Text("destination_type") != "MODEL_OUTPUT" {
			continue
		}
		m := mlflow.NewObject(mlflow.Member{Key: "model_id", Value: out.Text("destination_id")})
		put(m, "step", number(out, "step"))
		models = append(models, m)
	}
	o := mlflow.NewObject()
	putList(o, "model_outputs", models)
	return o, nil
}

// metas reads the meta.yaml of each folder in a folder.
func (f folder) metas(ctx context.Context, name string) ([]*mlflow.Object, error) {
	names, err := f.dirs(name)
	if err != nil {
		if absent(err) {
			err = nil
		}
		return nil, err
	}
	if len(names) > maxObjectFiles {
		return nil, tooLarge(f.path+"/"+name, 0)
	}
	list := make([]*mlflow.Object, 0, len(names))
	for _, n := range names {
		sub, err := f.sub(name + "/" + n)
		if err != nil {
			return nil, err
		}
		meta, err := sub.meta(ctx)
		sub.close()
		if err != nil {
			return nil, err
		}
		list = append(list, meta)
	}
	return list, nil
}

// dataset reads a dataset that an input names, nil when it is not there.
func (s *Store) dataset(ctx context.Context, experiment string, in *mlflow.Object) (any, error) {
	id := in.Text("source_id")
	if !component(id) {
		s.log.Warn("an input names no dataset", "store", s.dir, "experiment", experiment, "dataset", id)
		return nil, nil
	}
	f, err := s.root.sub(experiment + "/datasets/" + id)
	if absent(err) {
		s.log.Warn("the dataset of an input is not there", "store", s.dir, "experiment", experiment, "dataset", id)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.close()
	meta, err := f.meta(ctx)
	if err != nil {
		return nil, err
	}
	d := mlflow.NewObject()
	for _, key := range []string{"name", "digest", "source_type", "source"} {
		put(d, key, text(meta, key))
	}
	put(d, "schema", unlessEmpty(text(meta, "schema")))
	put(d, "profile", unlessEmpty(text(meta, "profile")))
	o := mlflow.NewObject()
	var tags []any
	for key, value := range in.Object("tags").All() {
		if v, ok := value.(string); ok {
			tags = append(tags, pair(key, v))
		}
	}
	byText(tags, func(o *mlflow.Object) string { return o.Text("key") })
	putList(o, "tags", tags)
	o.Append("dataset", d)
	return o, nil
}

// byText sorts a list of objects.
func byText(list []any, of func(*mlflow.Object) string) {
	slices.SortStableFunc(list, func(a, b any) int {
		x, y := of(a.(*mlflow.Object)), of(b.(*mlflow.Object))
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
}
