package fetch

import (
	"context"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// The loader of Databricks feature-store models, which hold the real model
// inside.
const featureStoreLoader = "databricks.feature_store.mlflow_model"

// readRawModel reads the model inside a feature-store model. A model with no
// flavor but python_function, and a loader of its own, is `unknown`.
func (c *chunk) readRawModel(ctx context.Context, it *item) error {
	flavors := it.b.File.Content.Object("flavors")
	loader := flavors.Object("python_function").Text("loader_module")
	if flavors.Len() != 1 || loader == "" || loader == "mlflow.pyfunc.model" {
		return nil
	}
	if loader != featureStoreLoader {
		it.b.RawModel = &mlflow.RawModel{Type: "unknown", LoaderModule: loader}
		return nil
	}
	raw := &mlflow.RawModel{Type: "feature_store"}
	it.b.RawModel = raw
	var err error
	if raw.Content, err = c.readYAML(ctx, it, "data/feature_store/raw_model/MLmodel"); err != nil {
		return err
	}
	raw.FeatureSpec, err = c.readYAML(ctx, it, "data/feature_store/feature_spec.yaml")
	return err
}

// readYAML reads one more YAML file of an item's model; what is wrong with it
// becomes an issue.
func (c *chunk) readYAML(ctx context.Context, it *item, path string) (*mlflow.Object, error) {
	f, err := c.f.Artifacts.ReadFile(ctx, it.places[0], path, MLmodelLimit, Stamp{})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		it.lack(fileIssue("mlflow_model_raw", err, it.places[0], path), err)
		return nil, nil
	}
	content, code := parseMLmodel(f.Data)
	if code != "" {
		it.lack(mlflow.NewIssue("mlflow_model_raw", code, nameOf(it.places[0], path)), nil)
	}
	return content, nil
}

// followMLmodel reads what only the MLmodel files name (a version that was
// registered without a run), and notes where the objects contradict each other.
func (c *chunk) followMLmodel(ctx context.Context) error {
	if err := c.readLineage(ctx); err != nil {
		return err
	}
	if err := c.readFamilies(ctx); err != nil {
		return err
	}
	if err := c.readHistories(ctx); err != nil {
		return err
	}
	for it := range c.live {
		it.checkRun()
		it.compareRuns()
	}
	return nil
}

// checkRun notes that nobody names a training run, or that nobody could be
// asked.
func (it *item) checkRun() {
	switch id, _ := it.runOf(); {
	case id != "":
	case it.hides("logged_model", "mlflow_model"):
		it.lack(mlflow.NewIssue("run", mlflow.Unavailable, "the training run of "+it.Ref.String()), nil)
	default:
		it.lack(mlflow.NewIssue("run", mlflow.NoRun, it.Ref), nil)
	}
}

// compareRuns notes when two objects name different training runs; the one
// that stands in the report is right about the version.
func (it *item) compareRuns() {
	shown, by := it.runOf()
	others := []struct{ name, id string }{
		{"logged_model", it.b.LoggedModel.SourceRunID()},
		{"mlflow_model", it.b.File.Content.Text("run_id")},
	}
	if by == "" {
		by = "the entry"
	}
	for _, o := range others {
		if shown != "" && o.id != "" && o.id != shown {
			it.lack(mlflow.NewIssue("run", mlflow.LineageBroken, by, "run "+shown, o.name, "run "+o.id).AsNote(), nil)
		}
	}
}
