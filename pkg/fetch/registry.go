package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// readModels reads the registered models of all versions asked for.
func (c *chunk) readModels(ctx context.Context) error {
	var names []string
	for it := range c.live {
		if it.Ref.Kind == mlflow.VersionRef {
			names = append(names, it.Ref.Model)
		}
	}
	return ask(ctx, c.models, names, c.reader.Models)
}

// readVersions reads the versions asked for; one that is not there fails its
// item.
func (c *chunk) readVersions(ctx context.Context) error {
	var ids []mlflow.VersionID
	for it := range c.live {
		if it.Ref.Kind == mlflow.VersionRef {
			ids = append(ids, it.Ref.VersionID())
		}
	}
	if err := ask(ctx, c.versions, ids, c.reader.Versions); err != nil {
		return err
	}
	for it := range c.live {
		if it.Ref.Kind == mlflow.VersionRef {
			c.takeVersion(it)
		}
	}
	return nil
}

func (c *chunk) takeVersion(it *item) {
	id := it.Ref.VersionID()
	model, version := c.models[id.Model], c.versions[id]
	if version.Err != nil {
		gone := mlflow.NewIssue("entry", mlflow.VersionNotFound, id.Model, id.Version)
		err := version.Err
		switch {
		case Final(model.Err) && model.Err != nil:
			gone = mlflow.NewIssue("entry", mlflow.ModelNotFound, id.Model)
		case model.Err == nil && errors.Is(err, mlflow.ErrNotFound):
			err = &mlflow.Error{Err: err, Hint: InsteadOfVersion(model.Value)}
		}
		it.fail(IssueOf("entry", version.Err, gone, fmt.Sprintf("version %d of registered model %q", id.Version, id.Model)), err)
		return
	}
	if model.Err != nil {
		gone := mlflow.NewIssue("registered_model", mlflow.ModelNotFound, id.Model)
		it.lack(IssueOf("registered_model", model.Err, gone, fmt.Sprintf("registered model %q", id.Model)), model.Err)
	}
	it.b.RegisteredModel = model.Value
	it.b.ModelVersion = WithAliases(version.Value.ModelVersion, model.Value)
	it.b.DownloadURI = version.Value.DownloadURI
}

// WithAliases gives a version the aliases that its registered model shows, so
// that both sections of a report always agree.
func WithAliases(v mlflow.ModelVersion, m mlflow.RegisteredModel) mlflow.ModelVersion {
	if m.Object == nil {
		return v
	}
	var names []string
	for alias, n := range m.Aliases() {
		if n == v.ID().Version {
			names = append(names, alias)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		if !v.Has("aliases") {
			return v
		}
		o := v.With("aliases", nil)
		o.Delete("aliases")
		return mlflow.ModelVersion{Object: o}
	}
	list := make([]any, len(names))
	for i, n := range names {
		list[i] = n
		if !v.Has("current_stage") { // Unity Catalog: as a registered model has them
			list[i] = mlflow.NewObject(mlflow.Member{Key: "alias", Value: n}, mlflow.Member{Key: "version", Value: v.Text("version")})
		}
	}
	return mlflow.ModelVersion{Object: v.With("aliases", list)}
}

// readCopies follows `source: models:/name/version` from copy to copy, all
// items one link a round.
func (c *chunk) readCopies(ctx context.Context) error {
	tips := map[*item]mlflow.VersionID{}
	for it := range c.live {
		if id, ok := copiedFrom(it.b.ModelVersion); ok {
			tips[it] = id
		}
	}
	for range maxCopies {
		if len(tips) == 0 {
			return nil
		}
		if err := c.readTips(ctx, tips); err != nil {
			return err
		}
		for it, id := range tips {
			if next, ok := c.addCopy(it, id); ok {
				tips[it] = next
			} else {
				delete(tips, it)
			}
		}
	}
	for it := range tips {
		it.lack(mlflow.NewIssue("copied_from", mlflow.TooLarge, fmt.Sprintf("the chain of copies behind its link %d", maxCopies)), nil)
	}
	return nil
}

func (c *chunk) readTips(ctx context.Context, tips map[*item]mlflow.VersionID) error {
	var ids []mlflow.VersionID
	names := map[string]bool{}
	for it := range c.live { // in the order of the items
		if id, ok := tips[it]; ok {
			ids = append(ids, id)
			names[id.Model] = true
		}
	}
	if err := ask(ctx, c.models, sorted(names), c.reader.Models); err != nil {
		return err
	}
	return ask(ctx, c.versions, ids, c.reader.Versions)
}

// addCopy adds one link to an item's chain and tells which comes next. A link
// that cannot be read ends the chain.
func (c *chunk) addCopy(it *item, id mlflow.VersionID) (next mlflow.VersionID, more bool) {
	r := c.versions[id]
	if r.Err != nil {
		gone := mlflow.NewIssue("copied_from", mlflow.VersionNotFound, id.Model, id.Version)
		it.lack(IssueOf("copied_from", r.Err, gone, fmt.Sprintf("version %d of registered model %q", id.Version, id.Model)), r.Err)
		return next, false
	}
	model := c.models[id.Model]
	if model.Err != nil {
		gone := mlflow.NewIssue("copied_from", mlflow.ModelNotFound, id.Model)
		it.lack(IssueOf("copied_from", model.Err, gone, fmt.Sprintf("registered model %q", id.Model)), model.Err)
	}
	v := WithAliases(r.Value.ModelVersion, model.Value)
	it.b.CopiedFrom = append(it.b.CopiedFrom, mlflow.Copied{ModelVersion: v})
	next, more = copiedFrom(v)
	if next == it.b.ModelVersion.ID() || slices.ContainsFunc(it.b.CopiedFrom, func(k mlflow.Copied) bool { return k.ModelVersion.ID() == next }) {
		return next, false
	}
	return next, more
}

// copiedFrom reads the version that another was copied from off its source;
// false for one of another registry.
func copiedFrom(v mlflow.ModelVersion) (mlflow.VersionID, bool) {
	if v.Object == nil {
		return mlflow.VersionID{}, false
	}
	r, err := mlflow.ParseRef(v.Source())
	if err != nil || r.Kind != mlflow.VersionRef || r.Registry != "" {
		return mlflow.VersionID{}, false
	}
	return r.VersionID(), true
}
