package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/artifact"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// getMLflowModelCmd is the seed tool's get-mlflow-model.
type getMLflowModelCmd struct {
	ModelURI string `name:"model-uri" required:"" placeholder:"URI" help:"Model URI such as 'models:/my-model/123', 'models:/my-model@champion' or 'runs:/123/my-model'."`
	GetRun   bool   `help:"Get run."`
	outputFlags
}

// Run prints the MLmodel file.
func (c *getMLflowModelCmd) Run(ctx context.Context, s *session) error {
	return s.showModel(ctx, c.outputFlags, c.ModelURI, func(sh *shower, ref mlflow.Ref) (*mlflow.Object, error) {
		b, errs, err := sh.bundle(ctx, fetch.Target{Ref: ref, MaxLevel: -1})
		if err != nil {
			return nil, err
		}
		if b.File.Content == nil {
			return nil, sh.noMLmodel(ctx, b, errs)
		}
		return report.MLmodelDocument(sh.shownBundle(b), c.GetRun, sh.enrich.Compat), nil
	})
}

// shownBundle is a bundle as commands show it, with the run as it came when
// raw is asked for.
func (s *shower) shownBundle(b *mlflow.Bundle) *mlflow.Bundle {
	shown := enrich.Bundle(b, s.enrich)
	if s.out.GetRaw {
		return report.RawRun(shown, b)
	}
	return shown
}

// noMLmodel says why there is nothing to print.
func (s *shower) noMLmodel(ctx context.Context, b *mlflow.Bundle, errs []error) error {
	i := slices.IndexFunc(b.Issues, func(i mlflow.Issue) bool { return i.Section == "mlflow_model" && i.Level == mlflow.Gap })
	if i < 0 {
		return mlflow.Reason(mlflow.ErrNotFound, "%s has no MLmodel file", b.URI)
	}
	return s.notHad(ctx, b.URI, b.Issues[i], errs)
}

// getMLflowModelWideCmd is the seed tool's get-mlflow-model-wide.
type getMLflowModelWideCmd struct {
	ModelURI       string `name:"model-uri" required:"" placeholder:"URI" help:"Model URI such as 'models:/my-model/123', 'models:/my-model@champion' or 'runs:/123/my-model'."`
	GetPermissions bool   `help:"Get permissions, where the store knows them."`
	Lineage        bool   `help:"Show where the model comes from as a graph, with the parent and the child runs of its run."`
	Environment    bool   `help:"Show the version of Python and the requirements of the model."`
	MetricHistory  string `placeholder:"N" help:"Show what was logged of each metric of the run: all of it, or N points."`
	outputFlags
}

// Run prints the wide report.
func (c *getMLflowModelWideCmd) Run(ctx context.Context, s *session) error {
	points, err := parsePoints(c.MetricHistory)
	if err != nil {
		return err
	}
	want := fetch.Target{MaxLevel: -1, Permissions: c.GetPermissions, Lineage: c.Lineage, Environment: c.Environment, History: points}
	return s.showModel(ctx, c.outputFlags, c.ModelURI, func(sh *shower, ref mlflow.Ref) (*mlflow.Object, error) {
		want.Ref = ref
		b, _, err := sh.bundle(ctx, want)
		if err != nil {
			return nil, err
		}
		now, err := s.timestamp()
		if err != nil {
			return nil, err
		}
		return report.New(sh.shownBundle(b), report.Options{Source: sh.Tracking, Timestamp: now, Compat: sh.enrich.Compat, MLflowVersion: batch.CompatMLflow}), nil
	})
}

// showModel is show for a model URI, which may be a folder of this machine.
func (s *session) showModel(ctx context.Context, out outputFlags, uri string, document func(*shower, mlflow.Ref) (*mlflow.Object, error)) error {
	ref, err := parseRef(uri)
	if err != nil {
		return err
	}
	var folders []artifact.Root
	if folder, ok := givenFolder(ref, s.Dir); ok {
		folders = append(folders, folder)
	}
	return s.showFrom(ctx, out, folders, func(sh *shower) (*mlflow.Object, error) { return document(sh, ref) })
}

// bundle resolves a model URI and reads all that belongs to it. The errors are what stores said about what is missing in it.
func (s *shower) bundle(ctx context.Context, want fetch.Target) (*mlflow.Bundle, []error, error) {
	f := &fetch.Fetcher{Source: s.Source, Artifacts: s.Artifacts, Log: s.logger()}
	for sel, err := range f.Select(ctx, []fetch.Want{{Ref: want.Ref}}) {
		if err != nil {
			return nil, nil, err
		}
		if sel.Failed != nil {
			return nil, nil, s.notHad(ctx, want.Ref, *sel.Failed, []error{sel.Err})
		}
		want.Ref, want.Version = sel.Ref, sel.Version
		out, err := f.Fetch(ctx, []fetch.Target{want})
		if err != nil {
			return nil, nil, err
		}
		if out[0].Failed != nil {
			return nil, nil, s.notHad(ctx, sel.Ref, *out[0].Failed, out[0].Errs)
		}
		return out[0].Bundle, out[0].Errs, nil
	}
	return nil, nil, mlflow.Reason(mlflow.ErrNotFound, "there is nothing at %s", want.Ref)
}

// parseRef reads a model URI of the command line.
func parseRef(uri string) (mlflow.Ref, error) {
	ref, err := mlflow.ParseRef(uri)
	switch {
	case err != nil:
		return ref, &mlflow.Error{Err: errUsage{err}, Hint: mlflow.Hint(err)}
	case ref.Registry != "":
		err := notServed(fmt.Sprintf("a registry in a model URI (%q)", uri), "")
		return ref, &mlflow.Error{Err: errUsage{err}, Hint: "name the registry with --registry-uri (databricks://PROFILE, databricks-uc://PROFILE)"}
	}
	return ref, nil
}
