package enrich

import (
	"slices"
	"sync"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Bundle enriches all objects of a bundle. What is missing stays missing.
func Bundle(b *mlflow.Bundle, o Options) *mlflow.Bundle { return (&Shared{}).Bundle(b, o) }

// Shared enriches bundles of which several hold the very same objects, as
// versions of one model do, and each of these once: so the enriched bundles
// share objects, too. The zero value is ready, for bundles with the same
// Options; it is safe for concurrent use and grows with what it has seen.
type Shared struct {
	mu     sync.Mutex
	models map[*mlflow.Object]mlflow.RegisteredModel
}

func (s *Shared) registeredModel(m mlflow.RegisteredModel, o Options) mlflow.RegisteredModel {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, ok := s.models[m.Object]
	if !ok {
		if s.models == nil {
			s.models = map[*mlflow.Object]mlflow.RegisteredModel{}
		}
		out = RegisteredModel(m, o)
		s.models[m.Object] = out
	}
	return out
}

// Bundle is as the function of that name.
func (s *Shared) Bundle(b *mlflow.Bundle, o Options) *mlflow.Bundle {
	out := *b
	out.RegisteredModel = s.registeredModel(b.RegisteredModel, o)
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
