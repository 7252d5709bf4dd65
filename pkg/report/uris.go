package report

import (
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
// version's source says, or read off where the run's artifacts are.
func runRef(b *mlflow.Bundle) mlflow.Ref {
	if b.URI.Kind == mlflow.RunRef {
		return b.URI
	}
	content := b.File.Content
	if path := content.Text("artifact_path"); isRelative(path) && content.Text("run_id") != "" {
		return runRefTo(content.Text("run_id"), path)
	}
	if m := b.LoggedModel; m.SourceRunID() != "" && m.Name() != "" {
		return runRefTo(m.SourceRunID(), m.Name())
	}
	source := b.ModelVersion.Source()
	if r, err := mlflow.ParseRef(source); err == nil && r.Kind == mlflow.RunRef {
		return r
	}
	if path, below := strings.CutPrefix(source, artifactRoot(b)+"/"); below && path != "" && artifactRoot(b) != "" {
		return runRefTo(b.Run.ID(), path)
	}
	return mlflow.Ref{}
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
