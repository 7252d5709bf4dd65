package sqlstore

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

const (
	pageSize = 500    // objects that a listing reads at once
	maxLike  = 10_000 // bytes of a pattern; a longer one is not passed on
)

// ListModels implements fetch.Source. Each page is read as of one moment, and
// begins behind the last name of the one before.
func (s *Store) ListModels(ctx context.Context, q fetch.Query) iter.Seq2[mlflow.RegisteredModel, error] {
	l := listing{table: "registered_models", keys: []string{"name"}}
	s.hidePrompts(&l, "registered_model_tags")
	read := (*reader).Models
	if q.Names && q.Filter == "" {
		read = (*reader).named
	}
	all := list(ctx, s, s.narrow(l, q), firstText, read)
	return fetch.Where(all, mlflow.ModelFilter, q.Filter, func(m mlflow.RegisteredModel) *mlflow.Object { return m.Object })
}

// named makes registered models that show nothing but their names.
func (*reader) named(_ context.Context, names []string) (fetch.Results[string, mlflow.RegisteredModel], error) {
	out := make(fetch.Results[string, mlflow.RegisteredModel], len(names))
	for _, name := range names {
		out[name] = fetch.Result[mlflow.RegisteredModel]{Value: mlflow.RegisteredModel{Object: mlflow.NewObject(mlflow.Member{Key: "name", Value: name})}}
	}
	return out, nil
}

// ListVersions implements fetch.Source. A model is a prompt if it, or one of
// its versions, says so: servers look at the former to list models, at the
// latter to list versions.
func (s *Store) ListVersions(ctx context.Context, q fetch.Query) iter.Seq2[fetch.Version, error] {
	l := listing{table: "model_versions", keys: []string{"name", "version"}}
	l.where(s.dialect.name("current_stage")+" <> ?", deletedStage)
	s.hidePrompts(&l, "registered_model_tags")
	s.hidePrompts(&l, "model_version_tags")
	read := (*reader).Versions
	if q.Names && q.Filter == "" {
		read = (*reader).numbered
	}
	all := list(ctx, s, s.narrow(l, q), versionID, read)
	return fetch.Where(all, mlflow.VersionFilter, q.Filter, func(v fetch.Version) *mlflow.Object { return v.Object })
}

// numbered makes versions that show nothing but their names and numbers.
func (*reader) numbered(_ context.Context, ids []mlflow.VersionID) (fetch.Results[mlflow.VersionID, fetch.Version], error) {
	out := make(fetch.Results[mlflow.VersionID, fetch.Version], len(ids))
	for _, id := range ids {
		o := mlflow.NewObject(mlflow.Member{Key: "name", Value: id.Model}, mlflow.Member{Key: "version", Value: strconv.FormatInt(id.Version, 10)})
		out[id] = fetch.Result[fetch.Version]{Value: fetch.Version{ModelVersion: mlflow.ModelVersion{Object: o}, Partial: true}}
	}
	return out, nil
}

// A listing asks for keys of a table's rows in byte order.
type listing struct {
	table      string
	keys       []string // the first is the name of a registered model
	conditions []string
	values     []any
}

func (l *listing) where(condition string, values ...any) {
	l.conditions = append(slices.Clip(l.conditions), condition)
	l.values = append(slices.Clip(l.values), values...)
}

func (s *Store) hidePrompts(l *listing, tags string) {
	d := s.dialect
	hidden := "SELECT " + d.name("name") + " FROM " + d.name(tags) + " WHERE " + d.name("key") + " = ? AND " + d.name("value") + " = ?"
	values := []any{"mlflow.prompt.is_prompt", "true"}
	if s.schema.hasColumn(tags, "workspace") {
		hidden += " AND " + d.name("workspace") + " = ?"
		values = append(values, s.workspace)
	}
	l.where(d.name("name")+" NOT IN ("+hidden+")", values...)
}

// narrow makes of a listing and a query the listings that answer it, one after
// the other.
func (s *Store) narrow(l listing, q fetch.Query) []listing {
	d := s.dialect
	if s.schema.hasColumn(l.table, "workspace") {
		l.where(d.name("workspace")+" = ?", s.workspace)
	}
	if q.Like != "" && len(q.Like) <= maxLike {
		l.where(d.like("name", q.Like))
	}
	if q.Models == nil {
		return []listing{l}
	}
	var all []listing
	names := slices.Compact(slices.Sorted(slices.Values(q.Models)))
	for some := range slices.Chunk(names, maxKeys) {
		part := l
		part.where(d.in([]string{"name"}, len(some)), anys(some)...)
		all = append(all, part)
	}
	return all
}

// sql asks for a page of keys behind those given, or for the first.
func (l listing) sql(d dialect, after []any) (string, []any) {
	order := []string{d.byteOrder(l.keys[0])}
	for _, k := range l.keys[1:] {
		order = append(order, d.name(k))
	}
	if after != nil {
		l.where("("+strings.Join(order, ", ")+") > ("+repeat("?", len(after))+")", after...)
	}
	return "SELECT " + d.names(l.keys) + " FROM " + d.name(l.table) + " WHERE " + strings.Join(l.conditions, " AND ") +
		" ORDER BY " + strings.Join(order, ", ") + " LIMIT " + strconv.Itoa(pageSize), l.values
}

// list streams the objects of listings. No transaction is open while the
// caller has an object.
func list[K comparable, V any](ctx context.Context, s *Store, all []listing, key func(row []any) K, read func(*reader, context.Context, []K) (fetch.Results[K, V], error)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var none V
		for _, l := range all {
			var after []any
			for more := true; more; {
				keys, last, found, err := page(ctx, s, l, after, key, read)
				if err != nil {
					yield(none, err)
					return
				}
				for _, k := range keys {
					if v, ok := found[k]; ok && !yield(v.Value, nil) {
						return
					}
				}
				after, more = last, len(keys) == pageSize
			}
		}
	}
}

// page reads the keys and the objects of one page in one transaction.
func page[K comparable, V any](ctx context.Context, s *Store, l listing, after []any, key func(row []any) K, read func(*reader, context.Context, []K) (fetch.Results[K, V], error)) (keys []K, last []any, found fetch.Results[K, V], err error) {
	r, err := s.snapshot(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() { s.ended(r.end()) }()
	query, values := l.sql(s.dialect, after)
	err = r.scan(ctx, query, values, len(l.keys), func(row []any) {
		keys, last = append(keys, key(row)), slices.Clone(row)
	})
	if err != nil {
		return nil, nil, nil, cutOr(ctx, s.fault(err))
	}
	found, err = read(r, ctx, keys)
	for k, f := range found {
		switch {
		case errors.Is(f.Err, mlflow.ErrNotFound):
			delete(found, k) // a name that is not text: nobody can ask for it
		case f.Err != nil:
			return nil, nil, nil, f.Err
		}
	}
	return keys, last, found, err
}

// cutOr prefers ctx's error: what a query says that ctx interrupted is noise.
func cutOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
