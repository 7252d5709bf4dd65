package filestore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// ListModels implements fetch.Source. A model that cannot be read is listed
// with its name alone, so that it is not lost and reading it says why; a
// folder without meta.yaml is none, and passed over with a warning.
func (s *Store) ListModels(ctx context.Context, q fetch.Query) iter.Seq2[mlflow.RegisteredModel, error] {
	return fetch.Where(s.listModels(ctx, q), mlflow.ModelFilter, q.Filter, func(m mlflow.RegisteredModel) *mlflow.Object { return m.Object })
}

func (s *Store) listModels(ctx context.Context, q fetch.Query) iter.Seq2[mlflow.RegisteredModel, error] {
	return func(yield func(mlflow.RegisteredModel, error) bool) {
		names, err := s.modelNames(ctx, q)
		if err != nil {
			yield(mlflow.RegisteredModel{}, err)
			return
		}
		for chunk := range slices.Chunk(names, 64) {
			models, err := s.Models(ctx, chunk)
			if err != nil {
				yield(mlflow.RegisteredModel{}, err)
				return
			}
			for _, name := range chunk {
				m := models[name]
				if m.Err != nil {
					if s.passOver("registered model "+name, m.Err, nil) == nil {
						continue
					}
					m.Value.Object = mlflow.NewObject(mlflow.Member{Key: "name", Value: name})
				}
				if !m.Value.IsPrompt() && !yield(m.Value, nil) {
					return
				}
			}
		}
	}
}

// ListVersions implements fetch.Source. A version that cannot be read is
// listed with its name and number alone, as with ListModels.
func (s *Store) ListVersions(ctx context.Context, q fetch.Query) iter.Seq2[fetch.Version, error] {
	return fetch.Where(s.listVersions(ctx, q), mlflow.VersionFilter, q.Filter, func(v fetch.Version) *mlflow.Object { return v.Object })
}

func (s *Store) listVersions(ctx context.Context, q fetch.Query) iter.Seq2[fetch.Version, error] {
	return func(yield func(fetch.Version, error) bool) {
		names, err := s.modelNames(ctx, q)
		if err != nil {
			yield(fetch.Version{}, err)
			return
		}
		for _, name := range names {
			ids, err := s.versionIDs(name)
			if err != nil { // the model is listed, and says why
				_ = s.passOver("the versions of registered model "+name, err, nil)
			}
			for chunk := range slices.Chunk(ids, 64) {
				if !s.yieldVersions(ctx, chunk, yield) {
					return
				}
			}
		}
	}
}

func (s *Store) yieldVersions(ctx context.Context, ids []mlflow.VersionID, yield func(fetch.Version, error) bool) bool {
	versions, err := s.Versions(ctx, ids)
	if err != nil {
		yield(fetch.Version{}, err)
		return false
	}
	for _, id := range ids {
		v := versions[id]
		switch {
		case errors.Is(v.Err, mlflow.ErrNotFound): // deleted
			continue
		case v.Err != nil:
			if s.passOver(id.String(), v.Err, nil) == nil {
				continue
			}
			v.Value.Object = nameOnly(id)
		}
		if !yield(v.Value, nil) {
			return false
		}
	}
	return true
}

// modelNames lists the names of registered models, prompts too.
func (s *Store) modelNames(ctx context.Context, q fetch.Query) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	names, err := s.root.dirs(modelsDir)
	if err != nil && !absent(err) {
		return nil, failed("listing the registered models of "+s.dir, err)
	}
	if q.Models != nil {
		names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(q.Models, n) })
	}
	return names, nil
}

// versionIDs lists the versions of a registered model; none of a prompt.
func (s *Store) versionIDs(name string) ([]mlflow.VersionID, error) {
	f, err := s.openModel(name)
	if errors.Is(err, mlflow.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer f.close()
	tags, _ := f.values("tags") // what is wrong with them shows when the model is read
	model := mlflow.RegisteredModel{Object: mlflow.NewObject(mlflow.Member{Key: "tags", Value: tags})}
	if model.IsPrompt() {
		return nil, nil
	}
	numbers, err := f.versionNumbers()
	ids := make([]mlflow.VersionID, len(numbers))
	for i, n := range numbers {
		ids[i] = mlflow.VersionID{Model: name, Version: n}
	}
	return ids, failed(fmt.Sprintf("listing the versions of registered model %q", name), err)
}
