package report

import (
	"cmp"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// modelURIs are the ways to name the model: as the entry resolved, below its
// run, and where the registry's and the run's copy of its files can be
// downloaded. What is not known is not there.
func modelURIs(b *mlflow.Bundle) *mlflow.Object {
	uris := mlflow.NewObject(mlflow.Member{Key: "model_uri", Value: b.URI.String()})
	run := runRef(b)
	if run.RunID != "" {
		uris.Append("run_uri", run.String())
	}
	if b.ModelVersion.Object != nil {
		addText(uris, "reg_model_download_uri", b.DownloadURI)
	}
	addText(uris, "run_model_download_uri", runModelURI(b, run))
	return uris
}

// runRef is the model as `runs:/id/path`: as the entry says, as the MLmodel
// file says, by its name in the run (MLflow 3 keeps its files apart), as the
// version's source says, or read off where the run's artifacts are. What names
// another run than the report's says nothing about that one.
func runRef(b *mlflow.Bundle) mlflow.Ref {
	if b.URI.Kind == mlflow.RunRef {
		return b.URI
	}
	id, content, source := runID(b), b.File.Content, b.ModelVersion.Source()
	if path := content.Text("artifact_path"); isRelative(path) && id != "" && content.Text("run_id") == id {
		return runRefTo(id, path)
	}
	if m := b.LoggedModel; id != "" && m.SourceRunID() == id && m.Name() != "" {
		return runRefTo(id, m.Name())
	}
	if r, err := mlflow.ParseRef(source); err == nil && r.Kind == mlflow.RunRef && (id == "" || r.RunID == id) {
		return r
	}
	if path, below := strings.CutPrefix(source, artifactRoot(b)+"/"); below && path != "" && artifactRoot(b) != "" {
		return runRefTo(id, path)
	}
	return mlflow.Ref{}
}

// runID is the run of the report, as fetch finds it, or would have found it.
func runID(b *mlflow.Bundle) string {
	return cmp.Or(b.Run.ID(), b.ModelVersion.RunID(), b.LoggedModel.SourceRunID(), b.File.Content.Text("run_id"))
}

func runRefTo(id, path string) mlflow.Ref {
	return mlflow.Ref{Kind: mlflow.RunRef, RunID: id, Path: strings.Trim(path, "/")}
}

// isRelative tells a path below a run's artifacts from the URI that MLflow 3
// writes in its place.
func isRelative(path string) bool {
	return strings.Trim(path, "/") != "" && !strings.HasPrefix(path, "/") && !strings.Contains(path, ":")
}

// runModelURI is where the files that the run logged are: in MLflow 3 the
// logged model's folder, else below the run's artifacts.
func runModelURI(b *mlflow.Bundle, run mlflow.Ref) string {
	if run.RunID == "" {
		return ""
	}
	if m := b.LoggedModel; m.SourceRunID() == run.RunID && m.ArtifactURI() != "" {
		if rest, ok := strings.CutPrefix(run.Path+"/", m.Name()+"/"); ok {
			return strings.TrimSuffix(m.ArtifactURI()+"/"+rest, "/")
		}
	}
	if run.RunID != b.Run.ID() || artifactRoot(b) == "" {
		return ""
	}
	return artifactRoot(b) + "/" + run.Path
}

func artifactRoot(b *mlflow.Bundle) string { return strings.TrimSuffix(b.Run.ArtifactURI(), "/") }
