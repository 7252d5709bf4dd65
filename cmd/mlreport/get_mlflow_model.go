package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/fetch"
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
	return s.show(ctx, c.outputFlags, func(sh *shower) (*mlflow.Object, error) {
		b, err := sh.bundle(ctx, c.ModelURI)
		if err != nil {
			return nil, err
		}
		if b.File.Content == nil {
			return nil, noMLmodel(b)
		}
		shown := enrich.Bundle(b, sh.enrich)
		if c.GetRaw {
			shown = report.RawRun(shown, b)
		}
		return report.MLmodelDocument(shown, c.GetRun, sh.enrich.Compat), nil
	})
}

// noMLmodel says why there is nothing to print.
func noMLmodel(b *mlflow.Bundle) error {
	for _, i := range b.Issues {
		if i.Section == "mlflow_model" && i.Level == mlflow.Gap {
			return fmt.Errorf("%s: %s", b.URI, i)
		}
	}
	return fmt.Errorf("%s has no MLmodel file: %w", b.URI, mlflow.ErrNotFound)
}

// getMLflowModelWideCmd is the seed tool's get-mlflow-model-wide.
type getMLflowModelWideCmd struct {
	ModelURI       string `name:"model-uri" required:"" placeholder:"URI" help:"Model URI such as 'models:/my-model/123', 'models:/my-model@champion' or 'runs:/123/my-model'."`
	GetPermissions bool   `help:"Get permissions, where the store knows them."`
	outputFlags
}

// Run prints the wide report.
func (c *getMLflowModelWideCmd) Run(ctx context.Context, s *session) error {
	return s.show(ctx, c.outputFlags, func(sh *shower) (*mlflow.Object, error) {
		b, err := sh.bundle(ctx, c.ModelURI)
		if err != nil {
			return nil, err
		}
		shown := enrich.Bundle(b, sh.enrich)
		if c.GetRaw {
			shown = report.RawRun(shown, b)
		}
		now, err := s.timestamp()
		if err != nil {
			return nil, err
		}
		return report.New(shown, report.Options{Source: sh.Tracking, Timestamp: now, Compat: sh.enrich.Compat, MLflowVersion: batch.CompatMLflow}), nil
	})
}

// bundle resolves a model URI and reads all that belongs to it, its list of
// files too.
func (s *shower) bundle(ctx context.Context, uri string) (*mlflow.Bundle, error) {
	ref, err := mlflow.ParseRef(uri)
	if err != nil {
		return nil, errUsageKeepHint(err)
	}
	f := &fetch.Fetcher{Source: s.Source, Artifacts: s.Artifacts, Log: s.logger()}
	for sel, err := range f.Select(ctx, []fetch.Want{{Ref: ref}}) {
		if err != nil {
			return nil, err
		}
		if sel.Failed != nil {
			return nil, failedError(uri, *sel.Failed, sel.Err)
		}
		out, err := f.Fetch(ctx, []fetch.Target{{Ref: sel.Ref, Version: sel.Version, MaxLevel: -1}})
		if err != nil {
			return nil, err
		}
		if out[0].Failed != nil {
			return nil, failedError(uri, *out[0].Failed, errors.Join(out[0].Errs...))
		}
		return out[0].Bundle, nil
	}
	return nil, fmt.Errorf("%s: %w", uri, mlflow.ErrNotFound)
}

// failedError is what a person reads: what the store said when it said
// something, else the issue.
func failedError(uri string, i mlflow.Issue, err error) error {
	if err != nil && !errors.Is(err, mlflow.ErrNotFound) {
		return err
	}
	return &mlflow.Error{Err: fmt.Errorf("%s: %s", uri, i), Hint: mlflow.Hint(err)}
}

func errUsageKeepHint(err error) error {
	return &mlflow.Error{Err: errUsage{err}, Hint: mlflow.Hint(err)}
}

// localFolder is the folder that a model URI names on this machine, if it does.
func localFolder(ref mlflow.Ref, dir string) (string, bool) {
	if ref.Kind != mlflow.LocationRef {
		return "", false
	}
	path, ok := mlflow.LocalPath(ref.Location)
	if ok && !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return path, ok
}
