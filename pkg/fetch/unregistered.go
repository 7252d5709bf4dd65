package fetch

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Unregistered streams the models of a store that no version of a registered
// model names, each once: logged models of MLflow 3 as `models:/m-<id>`, then
// models that MLflow 1 and 2 logged as `runs:/<id>/<path>`.
//
// registered are the versions of the store; a version that was copied from
// another is passed over.
func Unregistered(ctx context.Context, s Surveyor, registered []mlflow.ModelVersion) iter.Seq2[mlflow.Ref, error] {
	return func(yield func(mlflow.Ref, error) bool) {
		seen := newKnown(registered)
		for m, err := range s.ListLoggedModels(ctx) {
			if err != nil {
				yield(mlflow.Ref{}, err)
				return
			}
			if seen.logged(m) && !yield(mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: m.ID()}, nil) {
				return
			}
		}
		for r, err := range s.ListModelRuns(ctx) {
			if err != nil {
				yield(mlflow.Ref{}, err)
				return
			}
			for _, ref := range RunModels(r) {
				if !seen[ref.String()] && !yield(ref, nil) {
					return
				}
			}
		}
	}
}

// RunModels are the models that a run logged as MLflow 1 and 2 note it, in the
// order of their paths.
func RunModels(r mlflow.Run) []mlflow.Ref {
	var refs []mlflow.Ref
	for t := range r.Data().Objects("tags") {
		if t.Text("key") != HistoryTag {
			continue
		}
		v, err := mlflow.DecodeStrict(t.Text("value"))
		list, ok := v.([]any)
		if err != nil || !ok {
			continue // cut off at MLflow's limit of a tag, or written by somebody else
		}
		for _, entry := range list {
			o, _ := entry.(*mlflow.Object)
			ref := mlflow.Ref{Kind: mlflow.RunRef, RunID: r.ID(), Path: strings.Trim(o.Text("artifact_path"), "/")}
			if ref.Path != "" && !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	slices.SortFunc(refs, func(a, b mlflow.Ref) int { return strings.Compare(a.Path, b.Path) })
	return refs
}

// known holds the URIs of models that need not be listed.
type known map[string]bool

func newKnown(registered []mlflow.ModelVersion) known {
	k := known{}
	for _, v := range registered {
		source := v.Source()
		if ref, err := mlflow.ParseRef(source); err == nil && (ref.Kind == mlflow.LoggedModelRef || ref.Kind == mlflow.RunRef) {
			k[ref.String()] = true
			continue
		}
		if id := v.Text("model_id"); id != "" {
			k[mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: id}.String()] = true
		}
		if id := loggedModelOf(source, ""); id != "" {
			k[mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: id}.String()] = true
		}
		if path, ok := pathInRun(source, v.RunID()); ok {
			k[mlflow.Ref{Kind: mlflow.RunRef, RunID: v.RunID(), Path: path}.String()] = true
		}
	}
	return k
}

// logged tells whether a logged model is to be listed, and notes that its run
// need not name it again.
func (k known) logged(m mlflow.LoggedModel) bool {
	uri := mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: m.ID()}.String()
	asRun := mlflow.Ref{Kind: mlflow.RunRef, RunID: m.SourceRunID(), Path: m.Name()}.String()
	fresh := !k[uri] && !k[asRun]
	k[uri], k[asRun] = true, true
	return fresh
}

// pathInRun is the path below a run's artifacts in the location of a model,
// such as `model` in `file:///C:/x/mlruns/1/<run>/artifacts/model`.
func pathInRun(location, runID string) (string, bool) {
	if runID == "" {
		return "", false
	}
	location = strings.ReplaceAll(location, `\`, "/")
	_, path, ok := strings.Cut(location, "/"+runID+"/artifacts/")
	path = strings.Trim(path, "/")
	return path, ok && path != ""
}
