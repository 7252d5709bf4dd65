package fetch

import (
	"context"
	"crypto/sha256"
	"iter"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Unregistered streams the models of a store that no version of a registered
// model names, each once: logged models of MLflow 3 as `models:/m-<id>`, then
// models that MLflow 1 and 2 logged as `runs:/<id>/<path>`.
//
// registered are the versions of the store, asked for only when there is
// anything that they could name; a version that was copied from another is
// passed over.
func Unregistered(ctx context.Context, s Surveyor, registered iter.Seq2[Version, error]) iter.Seq2[mlflow.Ref, error] {
	return func(yield func(mlflow.Ref, error) bool) {
		var seen known
		for m, err := range s.ListLoggedModels(ctx) {
			if err == nil && seen == nil {
				seen, err = newKnown(registered)
			}
			if err != nil {
				yield(mlflow.Ref{}, err)
				return
			}
			if seen.logged(m) && !yield(mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: m.ID()}, nil) {
				return
			}
		}
		for r, err := range s.ListModelRuns(ctx) {
			refs := RunModels(r)
			if err == nil && seen == nil && len(refs) > 0 {
				seen, err = newKnown(registered)
			}
			if err != nil {
				yield(mlflow.Ref{}, err)
				return
			}
			for _, ref := range refs {
				if !seen.has(ref) && !yield(ref, nil) {
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

// known holds models that need not be listed: sums of their URIs, for there may
// be millions.
type known map[[16]byte]struct{}

func (k known) key(ref mlflow.Ref) [16]byte {
	sum := sha256.Sum256([]byte(ref.String()))
	return [16]byte(sum[:16])
}

func (k known) has(ref mlflow.Ref) bool { _, ok := k[k.key(ref)]; return ok }
func (k known) add(ref mlflow.Ref)      { k[k.key(ref)] = struct{}{} }

func newKnown(registered iter.Seq2[Version, error]) (known, error) {
	k := known{}
	for v, err := range registered {
		if err != nil {
			return nil, err
		}
		k.addVersion(v.ModelVersion)
	}
	return k, nil
}

// addVersion adds what a version names.
func (k known) addVersion(v mlflow.ModelVersion) {
	source := v.Source()
	if ref, err := mlflow.ParseRef(source); err == nil && (ref.Kind == mlflow.LoggedModelRef || ref.Kind == mlflow.RunRef) {
		k.add(ref)
		return
	}
	if id := v.Text("model_id"); id != "" {
		k.add(mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: id})
	}
	if id := loggedModelOf(source, ""); id != "" {
		k.add(mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: id})
	}
	if path, ok := pathInRun(source, v.RunID()); ok {
		k.add(mlflow.Ref{Kind: mlflow.RunRef, RunID: v.RunID(), Path: path})
	}
}

// logged tells whether a logged model is to be listed, and notes that its run
// need not name it again.
func (k known) logged(m mlflow.LoggedModel) bool {
	own := mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: m.ID()}
	ofRun := mlflow.Ref{Kind: mlflow.RunRef, RunID: m.SourceRunID(), Path: m.Name()}
	fresh := !k.has(own) && !k.has(ofRun)
	k.add(own)
	k.add(ofRun)
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
