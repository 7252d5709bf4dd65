package main

import (
	"context"

	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// initCmd writes a first manifest.
type initCmd struct {
	Manifest string `arg:"" optional:"" default:"mlreport.yaml" help:"File to write, which must not be there yet (default: ./mlreport.yaml); - for stdout."`
	storeFlags
}

// Run looks at the store, and writes a manifest that names what is in it.
func (c *initCmd) Run(ctx context.Context, s *session) error {
	h, all, err := s.storeHere(ctx, c.storeFlags)
	if err != nil {
		return err
	}
	s.sayChoice(all)
	o := s.openHost(ctx, h, s.logger())
	k := s.takeStock(ctx, stock{host: h, name: h.Source, kind: kindOf(o)}, o)
	o.close(s.logger())
	if k.err != nil {
		return k.err
	}
	if k.kind == "server" { // that is large, and what nobody registered changes each day
		return s.writeManifest(c.Manifest, manifest.Write([]manifest.Starter{{
			Host: "server", Tracking: h.Tracking, Comment: "MLflow " + k.Version + ": " + k.holds(), Models: k.versions.N > 0,
		}}), false)
	}
	starter, err := s.starter(ctx, k, c.Manifest)
	if err != nil {
		return err
	}
	if !starter.Models && len(starter.URIs) == 0 {
		return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "there are no models in %s to write a manifest about", k.name), Hint: "mlreport find .. looks for other stores"}
	}
	return s.writeManifest(c.Manifest, manifest.Write([]manifest.Starter{starter}), false)
}
