package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

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
	names, listErr := namesIn(ctx, s.opened)
	if listErr != nil {
		return err
	}
	return &mlflow.Error{Err: err, Hint: s.modelsInstead(ctx, s.opened, name, names)}
}

// namesIn lists registered models for a hint; an error says that there is none.
func namesIn(ctx context.Context, o *opened) ([]string, error) {
	var names []string
	for m, err := range o.Source.ListModels(ctx, fetch.Query{}) {
		if err != nil {
			return nil, err
		}
		if names = append(names, m.Name()); len(names) == maxNames {
			break
		}
	}
	return names, nil
}

// modelsInstead names the registered models that may have been meant.
func (s *session) modelsInstead(ctx context.Context, o *opened, name string, names []string) string {
	if len(names) == 0 {
		if beside, ok := s.fullerBeside(ctx, o.registryAt.uri); ok {
			return s.besideHint(beside)
		}
		return "there are no registered models at all: " + s.program() + o.flagged() + " shows what there is, mlreport find .. other stores"
	}
	return nearest(name, names) + "; " + s.program() + o.flagged() + " lists all"
}

// nameModels adds to entries whose registered model is not there which names
// are.
func (w *work) nameModels(ctx context.Context) {
	names := map[string][]string{}
	for i, e := range w.show.worst {
		o := w.host(e.Row.Host)
		gone := slices.ContainsFunc(e.Row.Issues, func(i mlflow.Issue) bool { return i.Section == "entry" && i.Code == mlflow.ModelNotFound })
		if !gone || o == nil || o.Err != nil {
			continue
		}
		if _, listed := names[o.Name]; !listed {
			list, err := namesIn(ctx, o)
			if err != nil {
				continue
			}
			names[o.Name] = list
		}
		name := e.Row.Model
		if ref, err := mlflow.ParseRef(e.Row.URI); name == "" && err == nil {
			name = ref.Model
		}
		w.show.worst[i].Problems = append(slices.Clone(e.Problems), &mlflow.Error{Err: mlflow.ErrNotFound, Hint: w.modelsInstead(ctx, o, name, names[o.Name])})
	}
}

// host is an opened host by its name in the manifest.
func (w *work) host(name string) *opened {
	for _, o := range w.hosts {
		if o.Name == name {
			return o
		}
	}
	return nil
}

// nearest says which names are there that are like one that is not.
func nearest(name string, names []string) string {
	near := manifest.NearestOf(name, names, 3)
	for i, n := range near {
		near[i] = strconv.Quote(n)
	}
	switch {
	case manifest.Nearest(name, names) == "":
		return "the nearest names are " + join(near)
	case len(near) == 1:
		return "did you mean " + near[0] + "? there is no other"
	}
	return "did you mean " + near[0] + "? the next ones are " + join(near[1:])
}

// flagged is the flag that leads another command to the same store.
func (o *opened) flagged() string {
	if !o.named {
		return ""
	}
	return " --tracking-uri " + shellWord(cleanURI(o.trackingAt.uri))
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
	return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "registered model %q has no version %d in %s", id.Model, id.Version, s.registryAt), Hint: fetch.InsteadOfVersion(model)}
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
