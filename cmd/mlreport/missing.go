package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// maxNames is how many registered models are listed for a hint.
const maxNames = 1000

// missing says in one sentence that an object is not in its store, whatever
// words that kind of store has for it; every other error stays what it is.
func missing(err error, in address, format string, args ...any) error {
	if !errors.Is(err, mlflow.ErrNotFound) {
		return err
	}
	what := fmt.Sprintf(format, args...)
	return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "there is no %s in %s", what, in), Hint: mlflow.Hint(err)}
}

// noModel is about a registered model that could not be read.
func (s *shower) noModel(ctx context.Context, name string, err error) error {
	if !errors.Is(err, mlflow.ErrNotFound) {
		return err
	}
	err = missing(err, s.registryAt, "registered model %q", name)
	return &mlflow.Error{Err: err, Hint: s.modelsInstead(ctx, name)}
}

// modelsInstead names the registered model that may have been meant.
func (s *shower) modelsInstead(ctx context.Context, name string) string {
	var names []string
	for m, err := range s.Source.ListModels(ctx, fetch.Query{}) {
		if err != nil {
			return ""
		}
		if names = append(names, m.Name()); len(names) == maxNames {
			break
		}
	}
	if near := manifest.Nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(names) == 0 {
		return "there are no registered models at all; is this the right store?"
	}
	return ""
}

// noVersion is about a version that could not be read.
func (s *shower) noVersion(ctx context.Context, id mlflow.VersionID, err error) error {
	if !errors.Is(err, mlflow.ErrNotFound) {
		return err
	}
	model, modelErr := s.model(ctx, id.Model)
	if modelErr != nil {
		return modelErr
	}
	hint := "it has no versions"
	if highest, ok := fetch.Resolve(mlflow.Ref{Kind: mlflow.LatestRef}, model); ok {
		hint = fmt.Sprintf("its highest version is %d", highest)
	}
	return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "registered model %q has no version %d in %s", id.Model, id.Version, s.registryAt), Hint: hint}
}

// notHad is about a model that a command was to show: what the store said, or
// the issue when that says it all.
func (s *shower) notHad(ctx context.Context, ref mlflow.Ref, i mlflow.Issue, errs []error) error {
	for _, err := range errs {
		if err != nil && !errors.Is(err, mlflow.ErrNotFound) {
			return err
		}
	}
	switch {
	case i.Code == mlflow.ModelNotFound:
		return s.noModel(ctx, ref.Model, mlflow.ErrNotFound)
	case i.Code == mlflow.VersionNotFound && ref.Kind == mlflow.VersionRef:
		return s.noVersion(ctx, ref.VersionID(), mlflow.ErrNotFound)
	case i.Code == mlflow.RunNotFound:
		return missing(mlflow.ErrNotFound, s.trackingAt, "run %s", ref.RunID)
	case i.Code == mlflow.LoggedModelNotFound:
		return missing(mlflow.ErrNotFound, s.trackingAt, "logged model %s", ref.ModelID)
	}
	return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "%s", i.Message), Hint: mlflow.Hint(errors.Join(errs...))}
}
