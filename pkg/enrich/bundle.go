package enrich

import (
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Bundle enriches all objects of a bundle. What is missing stays missing.
func Bundle(b *mlflow.Bundle, o Options) *mlflow.Bundle {
	out := *b
	out.RegisteredModel = RegisteredModel(b.RegisteredModel, o)
	out.PermittedModel = RegisteredModel(b.PermittedModel, o)
	out.ModelVersion = RequestedVersion(b.ModelVersion, b.DownloadURI, b.TransitionRequests, o)
	out.ServingEndpoints = servingEndpoints(b.ServingEndpoints, o)
	out.LoggedModel = LoggedModel(b.LoggedModel, o)
	out.Run = Run(b.Run, experimentName(b.Experiment, b.Run), o)
	out.Experiment = Experiment(b.Experiment, o)
	out.CopiedFrom = make([]mlflow.Copied, len(b.CopiedFrom))
	for i, c := range b.CopiedFrom {
		out.CopiedFrom[i] = mlflow.Copied{
			ModelVersion: ModelVersion(c.ModelVersion, "", o),
			Run:          Run(c.Run, experimentName(c.Experiment, c.Run), o),
		}
	}
	out.File.Content = MLmodel(b.File.Content, b.Files, withArtifactRoot(b, o))
	out.RawModel = rawModel(b.RawModel, o)
	out.Environment = Environment(b)
	out.Issues = slices.Clone(b.Issues)
	return &out
}

// experimentName is the name of a run's experiment, as far as it is known.
func experimentName(e mlflow.Experiment, r mlflow.Run) string {
	if r.Object == nil || e.ID() != r.ExperimentID() {
		return ""
	}
	return e.Text("name")
}

// withArtifactRoot fills in what the seed's artifact tree of a model calls its
// root: the run's artifacts, or the model's own folder where it has one.
func withArtifactRoot(b *mlflow.Bundle, o Options) Options {
	o.ArtifactRoot = b.File.URI
	if pathInRun(b.File.Content) != "" && b.Run.Object != nil {
		o.ArtifactRoot = b.Run.ArtifactURI()
	}
	return o
}
