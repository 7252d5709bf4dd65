package fetch

import (
	"context"
	"errors"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// readLineage reads logged models, runs and experiments, in the order in which
// each names the next, and gives the items their share.
func (c *chunk) readLineage(ctx context.Context) error {
	for _, step := range []func(context.Context) error{c.readLoggedModels, c.readRuns, c.readRunModels, c.readExperiments} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// loggedModelID is the logged model that an item's files belong to, or "". Who
// says so: the entry, the registry, or, once it is read, the MLmodel file.
func (it *item) loggedModelID() string {
	if it.Ref.Kind == mlflow.LoggedModelRef {
		return it.Ref.ModelID
	}
	if it.b.ModelVersion.Object != nil {
		if id := it.b.ModelVersion.Text("model_id"); id != "" { // Unity Catalog
			return id
		}
		if id := loggedModelOf(it.b.ModelVersion.Source(), it.b.DownloadURI); id != "" {
			return id
		}
	}
	return it.b.File.Content.Text("model_id")
}

// loggedModelOf reads a logged model's id off a version's source
// (`models:/m-...`) or off the path of its files (`.../models/m-.../artifacts`; on Databricks `.../logged_models/m-...`).
func loggedModelOf(source, location string) string {
	if r, err := mlflow.ParseRef(source); err == nil && r.Kind == mlflow.LoggedModelRef {
		return r.ModelID
	}
	for _, uri := range []string{location, source} {
		parts := strings.Split(strings.ReplaceAll(uri, `\`, "/"), "/")
		for i, p := range parts {
			if i > 0 && i+1 < len(parts) && (parts[i-1] == "models" || parts[i-1] == "logged_models") && strings.HasPrefix(p, "m-") && parts[i+1] == "artifacts" {
				return p
			}
		}
	}
	return ""
}

// experimentOf reads the experiment off the path of a run's or a logged
// model's files: `.../<experiment>/<run>/artifacts`, `.../<experiment>/models/m-...`.
func experimentOf(uri, id string) string {
	parts := strings.Split(uri, "/")
	for i, p := range parts {
		if id == "" || p != id || i == 0 {
			continue
		}
		if (parts[i-1] == "models" || parts[i-1] == "logged_models") && i > 1 {
			i--
		}
		return strings.TrimPrefix(parts[i-1], "mlflow-artifacts:")
	}
	return ""
}

func (c *chunk) readLoggedModels(ctx context.Context) error {
	ids, in := map[string]bool{}, map[string]bool{}
	for it := range c.live {
		if id := it.loggedModelID(); id != "" && it.b.LoggedModel.Object == nil {
			ids[id] = true
			in[experimentOf(it.b.DownloadURI, id)] = true
			in[experimentOf(it.source(), id)] = true
		}
	}
	if err := c.askLoggedModels(ctx, ids, in); err != nil {
		return err
	}
	for it := range c.live {
		if id := it.loggedModelID(); id != "" && it.b.LoggedModel.Object == nil {
			c.takeLoggedModel(it, id)
		}
	}
	return nil
}

// source is where the version's creator took the model from, or "".
func (it *item) source() string {
	if it.b.ModelVersion.Object == nil {
		return ""
	}
	return it.b.ModelVersion.Source()
}

func (c *chunk) askLoggedModels(ctx context.Context, ids, in map[string]bool) error {
	return ask(ctx, c.logged, sorted(ids), func(ctx context.Context, ids []string) (Results[string, mlflow.LoggedModel], error) {
		return c.reader.LoggedModels(ctx, ids, sorted(in))
	})
}

func (c *chunk) takeLoggedModel(it *item, id string) {
	r := c.logged[id]
	if r.Err == nil {
		it.b.LoggedModel = r.Value
		return
	}
	err := r.Err
	if errors.Is(err, mlflow.ErrUnsupported) { // a store older than MLflow 3 has none
		err = errors.Join(mlflow.ErrNotFound, err)
	}
	gone := mlflow.NewIssue("logged_model", mlflow.LoggedModelNotFound, id)
	issue := IssueOf("logged_model", err, gone, "logged model "+id)
	if it.Ref.Kind == mlflow.LoggedModelRef {
		it.fail(issue, r.Err)
		return
	}
	it.lack(issue, r.Err)
}

// runOf is the training run of an item and which object names it.
func (it *item) runOf() (id, foundBy string) {
	if it.Ref.Kind == mlflow.RunRef {
		return it.Ref.RunID, ""
	}
	if it.b.ModelVersion.Object != nil && it.b.ModelVersion.RunID() != "" {
		return it.b.ModelVersion.RunID(), "model_version"
	}
	if id := it.b.LoggedModel.SourceRunID(); id != "" {
		return id, "logged_model"
	}
	return it.b.File.Content.Text("run_id"), "mlflow_model"
}

func (c *chunk) readRuns(ctx context.Context) error {
	ids, in := map[string]bool{}, map[string]bool{}
	for it := range c.live {
		id, _ := it.runOf()
		ids[id] = true
		in[it.b.LoggedModel.ExperimentID()] = true
		in[experimentOf(it.b.DownloadURI, id)] = true
		in[experimentOf(it.source(), id)] = true
		if it.viaRun == nil && it.Ref.Kind == mlflow.VersionRef {
			it.viaRun = runPath(it.b)
		}
		if it.viaRun != nil {
			ids[it.viaRun.RunID] = true
		}
		for _, k := range it.b.CopiedFrom {
			ids[k.ModelVersion.RunID()] = true
			in[experimentOf(k.ModelVersion.Source(), k.ModelVersion.RunID())] = true
		}
	}
	err := ask(ctx, c.runs, sorted(ids), func(ctx context.Context, ids []string) (Results[string, mlflow.Run], error) {
		return c.reader.Runs(ctx, ids, sorted(in))
	})
	if err == nil {
		err = c.confirmRuns(ctx)
	}
	if err != nil {
		return err
	}
	for it := range c.live {
		c.takeRun(it)
	}
	return nil
}

// confirmRuns asks once more, each by itself, for the runs of experiments that
// may not be read: searches of MLflow 2 show them to everybody, `get` does not,
// and a report must not depend on how many runs were asked for together.
func (c *chunk) confirmRuns(ctx context.Context) error {
	of := map[string]bool{}
	for _, r := range c.runs {
		of[r.Value.ExperimentID()] = true
	}
	if err := ask(ctx, c.experiments, sorted(of), c.reader.Experiments); err != nil {
		return err
	}
	for id, r := range c.runs {
		if r.Err != nil || !errors.Is(c.experiments[r.Value.ExperimentID()].Err, mlflow.ErrDenied) {
			continue
		}
		alone, err := c.reader.Runs(ctx, []string{id}, nil)
		if err != nil {
			return err
		}
		c.runs[id] = alone[id]
	}
	return nil
}

// runPath is the `runs:/id/path` that a version's files are named by, or nil.
func runPath(b *mlflow.Bundle) *mlflow.Ref {
	uri := b.DownloadURI
	if uri == "" {
		uri = b.ModelVersion.Source()
	}
	if r, err := mlflow.ParseRef(uri); err == nil && r.Kind == mlflow.RunRef {
		return &r
	}
	return nil
}

func (c *chunk) takeRun(it *item) {
	for i, k := range it.b.CopiedFrom {
		id := k.ModelVersion.RunID()
		r := c.runs[id]
		it.b.CopiedFrom[i].Run = r.Value
		if r.Err != nil {
			it.lack(IssueOf("copied_from", r.Err, mlflow.NewIssue("copied_from", mlflow.RunNotFound, id), "run "+id), r.Err)
		}
	}
	id, foundBy := it.runOf()
	if id == "" || it.b.Run.Object != nil {
		return
	}
	r := c.runs[id]
	if r.Err != nil {
		issue := IssueOf("run", r.Err, mlflow.NewIssue("run", mlflow.RunNotFound, id), "run "+id)
		if it.Ref.Kind == mlflow.RunRef {
			it.fail(issue, r.Err)
		} else {
			it.lack(issue, r.Err)
		}
		return
	}
	it.b.Run, it.b.RunFoundBy = r.Value, foundBy
	if r.Value.Deleted() {
		it.lack(mlflow.NewIssue("run", mlflow.RunDeleted, id), nil)
	}
}

// readRunModels finds the logged model behind `runs:/id/name`: MLflow 3 keeps
// its files apart from the run's, and of several with one name the newest is
// the one that MLflow's client downloads.
func (c *chunk) readRunModels(ctx context.Context) error {
	ids, in := map[string]bool{}, map[string]bool{}
	for it := range c.live {
		if it.viaRun == nil || it.b.LoggedModel.Object != nil {
			continue
		}
		run := c.runs[it.viaRun.RunID].Value
		for id := range run.Outputs() {
			ids[id] = true
			in[run.ExperimentID()] = true
		}
	}
	if err := c.askLoggedModels(ctx, ids, in); err != nil {
		return err
	}
	for it := range c.live {
		if it.viaRun != nil && it.b.LoggedModel.Object == nil {
			c.takeRunModel(it)
		}
	}
	return nil
}

// takeRunModel gives an item the newest of its run's logged models that have
// the right name. When one cannot be read, none is taken: it may be that one.
func (c *chunk) takeRunModel(it *item) {
	run := c.runs[it.viaRun.RunID]
	it.unknown = run.Err
	name, _, _ := strings.Cut(it.viaRun.Path, "/")
	var best mlflow.LoggedModel
	for id := range run.Value.Outputs() {
		r := c.logged[id]
		if r.Err != nil && !errors.Is(r.Err, mlflow.ErrNotFound) {
			it.lack(IssueOf("logged_model", r.Err, mlflow.Issue{}, "logged model "+id), r.Err)
			it.unknown = r.Err
		}
		if m := r.Value; m.Name() == name && (best.Object == nil || newer(m, best)) {
			best = m
		}
	}
	if it.unknown == nil {
		it.b.LoggedModel = best
	}
}

func newer(a, b mlflow.LoggedModel) bool {
	x, y := a.Info().Text("creation_timestamp_ms"), b.Info().Text("creation_timestamp_ms")
	return len(x) > len(y) || len(x) == len(y) && x > y // numbers of milliseconds
}

func (c *chunk) readExperiments(ctx context.Context) error {
	ids := map[string]bool{}
	for it := range c.live {
		ids[it.experimentID()] = true
		for _, k := range it.b.CopiedFrom {
			ids[k.Run.ExperimentID()] = true
		}
	}
	if err := ask(ctx, c.experiments, sorted(ids), c.reader.Experiments); err != nil {
		return err
	}
	for it := range c.live {
		if id := it.experimentID(); id != "" && it.b.Experiment.Object == nil {
			c.takeExperiment(it, id)
		}
		for i, k := range it.b.CopiedFrom {
			it.b.CopiedFrom[i].Experiment = c.experiments[k.Run.ExperimentID()].Value
		}
	}
	return nil
}

func (it *item) experimentID() string {
	if id := it.b.Run.ExperimentID(); id != "" {
		return id
	}
	return it.b.LoggedModel.ExperimentID()
}

func (c *chunk) takeExperiment(it *item, id string) {
	r := c.experiments[id]
	if r.Err != nil {
		it.lack(IssueOf("experiment", r.Err, mlflow.NewIssue("experiment", mlflow.ExperimentNotFound, id), "experiment "+id), r.Err)
		return
	}
	it.b.Experiment = r.Value
	if r.Value.Deleted() {
		it.lack(mlflow.NewIssue("experiment", mlflow.ExperimentDeleted, id), nil)
	}
}
