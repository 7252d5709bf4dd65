package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/listing"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// listChunk is how many rows are completed at once.
const listChunk = 200

// A storeLister lists what an opened store has.
type storeLister struct {
	*opened
	log  *slog.Logger
	memo fetch.Memo
}

func (l *storeLister) objects(ctx context.Context, q listQuery, columns []listing.Column) iter.Seq2[*mlflow.Object, error] {
	rows := l.found(ctx, q)
	if q.kind == listing.ModelVersions && (asks(columns, "aliases") || q.alias != "") {
		rows = inChunks(ctx, rows, l.addAliases)
	}
	rows = kept(rows, q)
	if asks(columns, "experiment") {
		rows = inChunks(ctx, rows, l.addExperiments)
	}
	if asks(columns, "flavor") || asks(columns, "size") {
		rows = inChunks(ctx, rows, l.addFiles)
	}
	return rows
}

func asks(columns []listing.Column, name string) bool {
	return slices.ContainsFunc(columns, func(c listing.Column) bool { return c.Name == name })
}

// found streams the objects of a kind as the store lists them.
func (l *storeLister) found(ctx context.Context, q listQuery) iter.Seq2[*mlflow.Object, error] {
	switch q.kind {
	case listing.RegisteredModels:
		return objectsOf(l.Source.ListModels(ctx, fetch.Query{Filter: q.filter}), func(m mlflow.RegisteredModel) *mlflow.Object { return m.Object })
	case listing.ModelVersions:
		return objectsOf(l.Source.ListVersions(ctx, fetch.Query{Filter: q.filter}), func(v fetch.Version) *mlflow.Object { return v.Object })
	}
	store, ok := l.Source.(fetch.Searcher)
	if !ok {
		return failing(mlflow.Reason(mlflow.ErrUnsupported, "this kind of store cannot list %s", q.kind))
	}
	search := fetch.Search{Filter: q.filter, View: viewOf(q.view)}
	if q.kind == listing.Experiments {
		return objectsOf(store.SearchExperiments(ctx, search), func(e mlflow.Experiment) *mlflow.Object { return e.Object })
	}
	var err error
	if search.Experiments, err = l.experiments(ctx, q.experiments); err != nil {
		return failing(err)
	}
	keep, err := l.unregistered(ctx, q)
	switch {
	case err != nil:
		return failing(err)
	case q.kind == listing.Runs:
		return only(objectsOf(store.SearchRuns(ctx, search), func(r mlflow.Run) *mlflow.Object { return r.Object }), keep)
	}
	return only(objectsOf(store.SearchLoggedModels(ctx, search), func(m mlflow.LoggedModel) *mlflow.Object { return m.Object }), keep)
}

func viewOf(word string) fetch.View {
	switch word {
	case "deleted":
		return fetch.DeletedOnly
	case "all":
		return fetch.AllStages
	}
	return fetch.ActiveOnly
}

// experiments finds the ids of experiments that a command line names.
func (l *storeLister) experiments(ctx context.Context, names []string) ([]string, error) {
	var ids []string
	for _, name := range names {
		e, err := l.Source.ExperimentByName(ctx, name)
		if errors.Is(err, mlflow.ErrNotFound) {
			found, cut := l.Source.Experiments(ctx, []string{name})
			if cut != nil {
				return nil, cut
			}
			if e, err = found[name].Value, found[name].Err; errors.Is(err, mlflow.ErrNotFound) || errors.Is(err, mlflow.ErrInvalid) {
				return nil, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "there is no experiment %q in %s", name, l.trackingAt), Hint: "mlreport list-experiments lists those that there are"}
			}
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, e.ID())
	}
	return ids, nil
}

// unregistered tells which runs or logged models are to be kept; nil: all.
func (l *storeLister) unregistered(ctx context.Context, q listQuery) (func(*mlflow.Object) bool, error) {
	if !q.unregistered {
		return nil, nil
	}
	w := whole{}
	if err := w.addUnregistered(ctx, l.Source, 0); err != nil {
		return nil, err
	}
	models, runs := map[string]bool{}, map[string]bool{}
	for _, ref := range w.unregistered {
		models[ref.ModelID], runs[ref.RunID] = true, true
	}
	if q.kind == listing.LoggedModels {
		return func(o *mlflow.Object) bool { return models[mlflow.LoggedModel{Object: o}.ID()] }, nil
	}
	for m, err := range l.Source.(fetch.Searcher).SearchLoggedModels(ctx, fetch.Search{}) {
		if err != nil {
			return nil, err
		}
		if models[m.ID()] {
			runs[m.SourceRunID()] = true
		}
	}
	return func(o *mlflow.Object) bool { return runs[mlflow.Run{Object: o}.ID()] }, nil
}

// kept leaves out what a query does not mean.
func kept(rows iter.Seq2[*mlflow.Object, error], q listQuery) iter.Seq2[*mlflow.Object, error] {
	return only(rows, func(o *mlflow.Object) bool {
		name := o.Text("name")
		if info := o.Object("info"); info != nil {
			name = info.Text("name")
		}
		return (q.match == nil || q.match(name)) && (q.alias == "" || hasAlias(o, q.alias)) && (q.stage == "" || hasStage(o, q.stage))
	})
}

// hasAlias looks at the aliases of a model, which are objects, or of a
// version, which are names.
func hasAlias(o *mlflow.Object, alias string) bool {
	return slices.ContainsFunc(o.List("aliases"), func(a any) bool {
		named, _ := a.(*mlflow.Object)
		return a == any(alias) || named.Text("alias") == alias
	})
}

func hasStage(o *mlflow.Object, stage string) bool {
	if strings.EqualFold(o.Text("current_stage"), stage) {
		return true
	}
	for v := range o.Objects("latest_versions") {
		if strings.EqualFold(v.Text("current_stage"), stage) {
			return true
		}
	}
	return false
}

// addAliases gives versions the aliases that their models show.
func (l *storeLister) addAliases(ctx context.Context, rows []*mlflow.Object) error {
	models, err := l.memo.Over(l.Source).Models(ctx, distinct(rows, func(o *mlflow.Object) string { return o.Text("name") }))
	if err != nil {
		return err
	}
	for i, row := range rows {
		m := models[row.Text("name")]
		if m.Err != nil {
			return m.Err
		}
		var aliases []any
		for alias, version := range m.Value.Aliases() {
			if fmt.Sprint(version) == row.Text("version") {
				aliases = append(aliases, alias)
			}
		}
		slices.SortFunc(aliases, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		rows[i] = row.With("aliases", aliases)
	}
	return nil
}

// addExperiments gives runs and logged models the names of their experiments.
func (l *storeLister) addExperiments(ctx context.Context, rows []*mlflow.Object) error {
	id := func(o *mlflow.Object) string { return o.Object("info").Text("experiment_id") }
	found, err := l.memo.Over(l.Source).Experiments(ctx, distinct(rows, id))
	if err != nil {
		return err
	}
	for i, row := range rows {
		if name := found[id(row)].Value.Text("name"); name != "" {
			rows[i] = row.With("info", row.Object("info").With(listing.ExperimentMember, name))
		}
	}
	return nil
}

// addFiles gives versions and logged models what their MLmodel files say.
func (l *storeLister) addFiles(ctx context.Context, rows []*mlflow.Object) error {
	targets := make([]fetch.Target, len(rows))
	for i, row := range rows {
		ref := mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: mlflow.LoggedModel{Object: row}.ID()}
		if !row.Has("info") {
			ref = mlflow.ModelVersion{Object: row}.ID().Ref()
		}
		targets[i] = fetch.Target{Ref: ref}
	}
	f := &fetch.Fetcher{Source: l.Source, Artifacts: l.Artifacts, Log: l.log}
	out, err := f.Fetch(ctx, targets)
	if err != nil {
		return err
	}
	for i, o := range out {
		if o.Bundle == nil {
			continue
		}
		content := enrich.Bundle(o.Bundle, enrich.Options{}).File.Content
		for member, key := range map[string]string{listing.FlavorMember: "model_flavor", listing.SizeMember: "model_size_bytes"} {
			if v, ok := content.Get(key); ok {
				rows[i] = rows[i].With(member, v)
			}
		}
	}
	return nil
}
