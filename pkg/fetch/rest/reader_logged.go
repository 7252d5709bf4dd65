package rest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// LoggedModels implements fetch.Reader. Deleted ones are not found, as in
// MLflow, where nothing shows that they are deleted.
func (r *Reader) LoggedModels(ctx context.Context, ids, in []string) (fetch.Results[string, mlflow.LoggedModel], error) {
	keys := fetch.Distinct(ids)
	out := newAnswers[string, mlflow.LoggedModel](len(keys))
	if len(keys) > 1 {
		s := search[string, mlflow.LoggedModel]{
			r: r, what: "logged models by id", can: &r.can.loggedIn,
			plan: func(keys []string) ([][]string, []string) { return byCount(keys, fitsPath) },
		}
		var err error
		keys, err = r.widen(ctx, keys, r.searchable(in), s.can, func(keys, experiments []string) ([]string, error) {
			s.ask = func(ctx context.Context, ids []string) (map[string]mlflow.LoggedModel, error) {
				return r.askLogged(ctx, ids, experiments)
			}
			return s.run(ctx, keys, out)
		})
		if err != nil {
			return out.all, err
		}
	}
	err := singly(ctx, r, keys, out, r.loggedModel)
	return out.all, err
}

// fitsPath tells whether an id may stand in a path: `..` would lead elsewhere.
func fitsPath(id string) bool {
	return id != "" && !strings.ContainsFunc(id, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-'
	})
}

var errNoLoggedModels = fmt.Errorf("the server has no logged models, which came with MLflow 3: %w", mlflow.ErrUnsupported)

func (r *Reader) loggedModel(ctx context.Context, id string) (mlflow.LoggedModel, error) {
	if r.can.loggedModels.no() {
		return mlflow.LoggedModel{}, fmt.Errorf("logged model %s: %w", id, errNoLoggedModels)
	}
	if !fitsPath(id) {
		return mlflow.LoggedModel{}, fmt.Errorf("logged model %q: %w", id, mlflow.ErrNotFound)
	}
	o, err := r.getOne(ctx, "logged-models/"+id, nil, "model", "logged model "+id, id, func(o *mlflow.Object) string { return mlflow.LoggedModel{Object: o}.ID() })
	r.learnLogged(err)
	return mlflow.LoggedModel{Object: o}, err
}

// learnLogged notes whether the server has logged models at all.
func (r *Reader) learnLogged(err error) {
	switch {
	case err == nil || errors.Is(err, mlflow.ErrNotFound):
		r.can.loggedModels.proved()
	case errors.Is(err, mlflow.ErrUnsupported):
		without(r.log, r.can.loggedModels.refused(), "logged models", err)
	}
}

func (r *Reader) askLogged(ctx context.Context, ids, experiments []string) (map[string]mlflow.LoggedModel, error) {
	body := mlflow.NewObject(
		mlflow.Member{Key: "experiment_ids", Value: mlflow.Texts(experiments)},
		mlflow.Member{Key: "filter", Value: inList("model_id", ids)},
		mlflow.Member{Key: "max_results", Value: number(len(ids) + 1)},
	)
	pages := r.postPages(ctx, "logged-models/search", body, "models")
	found, err := newPicked[string, mlflow.LoggedModel](ids, same).pick(pages, func(o *mlflow.Object) (string, mlflow.LoggedModel) {
		m := mlflow.LoggedModel{Object: o}
		return m.ID(), m
	})
	r.learnLogged(err)
	return found, err
}
