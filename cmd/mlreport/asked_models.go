package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/find"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// page takes what a page of the web interface shows.
func (c *collector) page(ctx context.Context, address string, p mlflow.Page) error {
	h := c.storeSpec(p.Server)
	h.Workspace = p.Workspace
	host := c.addHost(h)
	var entries []manifest.Entry
	shown := ""
	switch {
	case p.Ref.Kind != 0:
		entries, shown = []manifest.Entry{{URI: p.Ref.String(), Ref: p.Ref}}, p.Ref.String()
	case p.Model != "":
		name, err := manifest.ParsePattern(manifest.Literal(p.Model))
		if err != nil {
			return err
		}
		entries, shown = []manifest.Entry{{Select: &manifest.Select{Models: name}}}, fmt.Sprintf("all versions of %q", p.Model)
	case p.RunID != "":
		refs, err := c.runModels(ctx, host, p.RunID)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			entries = append(entries, manifest.Entry{URI: ref.String(), Ref: ref})
		}
		shown = counted(len(refs), "model") + " of run " + p.RunID
	default:
		return &mlflow.Error{Err: errUsage{fmt.Errorf("%s is the page of an experiment, which is not one model", cleanURI(address))}, Hint: "give the page of a model, a version or a run, or the server's address for all models: " + p.Server}
	}
	if !c.cli.Quiet {
		fmt.Fprintf(c.Stderr, "the page is taken for %s on %s\n", harmless(shown), harmless(cleanURI(p.Server)))
	}
	for _, e := range entries {
		e.Host = host
		c.entry(e)
	}
	return nil
}

// runModels are the models that a run logged.
func (c *collector) runModels(ctx context.Context, host, id string) ([]mlflow.Ref, error) {
	o := c.openHost(ctx, c.plan.host(host), c.log)
	defer o.close(c.log)
	if o.Err != nil {
		return nil, o.Err
	}
	found, err := o.Source.Runs(ctx, []string{id}, nil)
	if err == nil {
		err = missing(found[id].Err, o.trackingAt, "run %s", id)
	}
	if err != nil {
		return nil, err
	}
	run := found[id].Value
	refs := fetch.RunModels(run)
	for model := range run.Outputs() {
		refs = append(refs, mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: model})
	}
	if len(refs) == 0 {
		return nil, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "run %s logged no model", id), Hint: "mlreport get-run --run-id " + id + " prints the run"}
	}
	return refs, nil
}

// modelFolder tells whether a word names a model folder: one of this machine
// that holds an MLmodel file, which path is then, or a place where MLflow
// keeps artifacts.
func modelFolder(word string) (path string, ok bool) {
	if slices.Contains([]string{"mlflow-artifacts", "s3", "gs", "wasbs", "abfss", "dbfs", "hdfs"}, mlflow.SchemeOf(word)) {
		return "", true
	}
	path, local := mlflow.LocalPath(word)
	if local && filepath.Base(path) == "MLmodel" && isFile(path) {
		path = filepath.Dir(path)
	}
	return path, local && whatIs(path) == aModel
}

// modelFolder takes a model folder. What belongs to the model is read in the
// store that the flags or the environment name, else in the one that the
// folder lies in, else in the one that is here.
func (c *collector) modelFolder(ctx context.Context, w, path string) error {
	ref, err := parseRef(strings.TrimSuffix(w, "/MLmodel"))
	if err != nil {
		return err
	}
	h, err := c.storeOfFolder(ctx, path)
	if err != nil {
		return err
	}
	if !c.cli.Quiet {
		fmt.Fprintf(c.Stderr, "%s is a model folder; its run is looked for in %s\n", harmless(w), harmless(h.Source))
	}
	e := manifest.Entry{URI: ref.Location, Ref: ref, Host: c.addHost(h), Name: c.folderName(ref.Location)}
	c.nameFolder(c.plan, &e)
	c.entry(e)
	return nil
}

// folderName is the name of a model folder's report: that of the folder, with
// a number where another has it.
func (c *collector) folderName(location string) string {
	base := filepath.Base(strings.TrimRight(filepath.ToSlash(location), "/"))
	if base == "." || base == ".." {
		base = filepath.Base(absolute(location))
	}
	name := base
	for n := 2; slices.ContainsFunc(c.plan.entries, func(e manifest.Entry) bool { return e.Name == name }); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	return name
}

// storeOfFolder is the store that knows the model of a folder: the fullest in
// the nearest folder above it that holds any.
func (c *collector) storeOfFolder(ctx context.Context, path string) (hostSpec, error) {
	named := c.TrackingURI != "" || c.get("MLFLOW_TRACKING_URI") != ""
	for dir := filepath.Dir(absolute(path)); path != "" && !named; dir = filepath.Dir(dir) {
		all, _, err := c.storesBelow(ctx, c.relative(dir), find.Options{Depth: -1, MaxEntries: 20_000})
		if ctx.Err() != nil {
			return hostSpec{}, ctx.Err()
		}
		if sortStores(all); err == nil && len(all) > 0 && all[0].worth() > 1 {
			return all[0].host, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	h, all, err := c.storeHere(ctx, c.storeFlags)
	if err == nil && !c.has(h) {
		c.sayChoice(all)
	}
	return h, err
}

// relative is a path as a person in the current folder would write it.
func (e *env) relative(path string) string {
	if rel, err := filepath.Rel(e.Dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
