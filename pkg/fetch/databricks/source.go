package databricks

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Source is fetch.Source over a workspace: runs, experiments and logged
// models of its tracking server, registered models and versions of the registry
// that Options name.
type Source struct {
	*rest.Reader
	w  *Workspace
	uc *catalog // nil: the workspace's own registry
}

var (
	_ fetch.Source = (*Source)(nil)
	_ fetch.Keeper = (*Source)(nil)
)

// Source reads the workspace's objects. log may be nil; see rest.NewReader.
func (w *Workspace) Source(log *slog.Logger) *Source {
	s := &Source{Reader: rest.NewReader(w.client, log), w: w}
	s.Databricks = true
	if w.opts.UnityCatalog {
		s.uc = &catalog{w: w, reader: s.Reader}
	}
	return s
}

// Models implements fetch.Reader.
func (s *Source) Models(ctx context.Context, names []string) (fetch.Results[string, mlflow.RegisteredModel], error) {
	if s.uc != nil {
		return fetch.Each(ctx, fetch.Distinct(names), s.w.inFlight(), s.uc.model)
	}
	found, err := s.Reader.Models(ctx, names)
	for name, r := range found {
		if errors.Is(r.Err, mlflow.ErrNotFound) && isCatalogName(name) {
			r.Err = &mlflow.Error{Err: r.Err, Hint: "if it is a model of Unity Catalog, read that registry: `registry: databricks-uc` of the host in the manifest, or MLFLOW_REGISTRY_URI=databricks-uc"}
			found[name] = r
		}
	}
	return found, err
}

// Versions implements fetch.Reader.
func (s *Source) Versions(ctx context.Context, ids []mlflow.VersionID) (fetch.Results[mlflow.VersionID, fetch.Version], error) {
	if s.uc != nil {
		return fetch.Each(ctx, fetch.Distinct(ids), s.w.inFlight(), s.uc.version)
	}
	found, err := s.Reader.Versions(ctx, ids)
	for id, r := range found {
		r.Value.DownloadURI = "" // the registry has a copy of its own
		found[id] = r
	}
	return found, err
}

// ListModels implements fetch.Source. Unity Catalog lists models without their
// aliases and tags.
func (s *Source) ListModels(ctx context.Context, q fetch.Query) iter.Seq2[mlflow.RegisteredModel, error] {
	if s.uc != nil && q.Models == nil {
		return s.uc.list(ctx)
	}
	if s.uc == nil {
		return s.Reader.ListModels(ctx, q)
	}
	return func(yield func(mlflow.RegisteredModel, error) bool) {
		found, err := s.Models(ctx, q.Models)
		for _, name := range fetch.Distinct(q.Models) {
			r := found[name]
			if err == nil && !fetch.Final(r.Err) {
				err = r.Err
			}
			if err != nil {
				yield(mlflow.RegisteredModel{}, err)
				return
			}
			if r.Err == nil && !yield(r.Value, nil) {
				return
			}
		}
	}
}

// ListVersions implements fetch.Source. Versions of Unity Catalog are listed
// without their aliases and tags.
func (s *Source) ListVersions(ctx context.Context, q fetch.Query) iter.Seq2[fetch.Version, error] {
	list := s.Reader.ListVersions
	if s.uc != nil {
		list = s.uc.listVersions
	}
	return func(yield func(fetch.Version, error) bool) {
		for v, err := range list(ctx, q) {
			if s.uc == nil {
				v.DownloadURI = ""
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// DownloadURI implements fetch.Locator.
func (s *Source) DownloadURI(ctx context.Context, id mlflow.VersionID) (string, error) {
	if s.uc != nil {
		return s.uc.downloadURI(ctx, id)
	}
	return s.Reader.DownloadURI(ctx, id)
}

// KeepsFiles implements fetch.Keeper: both registries copy the files of what is
// registered.
func (s *Source) KeepsFiles() bool { return true }

// ListsWhole implements fetch.WholeLister.
func (s *Source) ListsWhole() bool { return s.uc == nil }

// HasNoStages implements fetch.Stageless.
func (s *Source) HasNoStages() bool { return s.uc != nil }

func (w *Workspace) inFlight() int {
	if w.opts.Server.InFlight > 0 {
		return w.opts.Server.InFlight
	}
	return 8
}

// one asks for one object: a member of the answer, or with "" the answer. What
// names it in errors.
func (w *Workspace) one(ctx context.Context, path string, q query, member, what string) (*mlflow.Object, error) {
	answer, err := w.client.Get(ctx, path, q.values())
	if errors.Is(err, mlflow.ErrInvalid) { // of that name there can be none
		err = mlflow.Mark(mlflow.ErrNotFound, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if member == "" {
		return answer, nil
	}
	o := answer.Object(member)
	if o == nil {
		return nil, fmt.Errorf("%s: %w", what, w.nonsense(path, "has no "+member))
	}
	return o, nil
}

// nonsense is an answer that no workspace gives.
func (w *Workspace) nonsense(path, what string) error {
	return &mlflow.Error{
		Err:  mlflow.Reason(mlflow.ErrUnavailable, "the answer of %s to %s %s", w.Host(), path, what),
		Hint: "is it a Databricks workspace that answers there, and does no proxy change its answers?",
	}
}

// isCatalogName tells whether a name could be one of Unity Catalog:
// `catalog.schema.model`.
func isCatalogName(name string) bool {
	parts := strings.Split(name, ".")
	return len(parts) == 3 && parts[0] != "" && parts[1] != "" && parts[2] != ""
}
