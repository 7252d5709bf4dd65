package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// getModelVersionCmd is the seed tool's get-model-version.
type getModelVersionCmd struct {
	RegisteredModel  string `required:"" placeholder:"NAME" help:"Registered model name."`
	Version          string `required:"" placeholder:"N|ALIAS" help:"Registered model version: a number, an alias, or latest."`
	GetRun           bool   `help:"Get run."`
	GetExpanded      bool   `help:"Get all that belongs to the version, with permissions: the document of get-mlflow-model-wide."`
	ArtifactMaxLevel int    `default:"-1" placeholder:"N" help:"Number of artifact levels to recurse for run artifacts; -1: none."`
	outputFlags
}

// Run prints the version.
func (c *getModelVersionCmd) Run(ctx context.Context, s *session) error {
	if c.GetExpanded {
		ref, err := versionRef(c.RegisteredModel, c.Version)
		if err != nil {
			return err
		}
		wide := getMLflowModelWideCmd{ModelURI: ref.String(), GetPermissions: true, outputFlags: c.outputFlags}
		return wide.Run(ctx, s)
	}
	return s.show(ctx, c.outputFlags, func(sh *shower) (*mlflow.Object, error) {
		v, err := sh.version(ctx, c.RegisteredModel, c.Version)
		if err != nil {
			return nil, err
		}
		var run *mlflow.Object
		var issues []mlflow.Issue
		if c.GetRun {
			if run, issues, err = sh.versionRun(ctx, v.ModelVersion, c.ArtifactMaxLevel); err != nil {
				return nil, err
			}
		}
		shown := v.ModelVersion
		if !c.GetRaw {
			requests, more, err := sh.transitionRequests(ctx, shown.ID())
			if err != nil {
				return nil, err
			}
			issues = append(issues, more...)
			shown = enrich.RequestedVersion(shown, v.DownloadURI, requests, sh.enrich)
		}
		return report.ModelVersionDocument(shown, run, issues), nil
	})
}

// version reads one version, by number, alias or `latest`.
func (s *shower) version(ctx context.Context, name, version string) (fetch.Version, error) {
	ref, err := versionRef(name, version)
	if err != nil {
		return fetch.Version{}, err
	}
	var model mlflow.RegisteredModel
	if ref.Kind != mlflow.VersionRef || s.Local {
		if model, err = s.model(ctx, name); err != nil {
			return fetch.Version{}, err
		}
	}
	n, ok := fetch.Resolve(ref, model)
	if ref.Kind == mlflow.LatestRef && fetch.HasNoStages(s.Source) {
		if n, err = s.highest(ctx, name); err != nil {
			return fetch.Version{}, err
		}
		ok = n > 0
	}
	if !ok {
		_, err := fetch.Unresolved(ref, model)
		return fetch.Version{}, err
	}
	id := mlflow.VersionID{Model: name, Version: n}
	found, err := s.Source.Versions(ctx, []mlflow.VersionID{id})
	if err != nil {
		return fetch.Version{}, err
	}
	v := found[id]
	if v.Err != nil {
		return v.Value, s.noVersion(ctx, id, v.Err)
	}
	if s.Local { // other stores show a single version's aliases themselves
		v.Value.ModelVersion = fetch.WithAliases(v.Value.ModelVersion, model)
	}
	if l, ok := s.Source.(fetch.Locator); ok && v.Value.DownloadURI == "" && !s.out.GetRaw {
		v.Value.DownloadURI, _ = l.DownloadURI(ctx, id) // an attribute that may be absent
	}
	return v.Value, ctx.Err()
}

// highest is the highest version of a model whose versions must be listed; 0:
// it has none.
func (s *shower) highest(ctx context.Context, name string) (n int64, err error) {
	for v, err := range s.Source.ListVersions(ctx, fetch.Query{Models: []string{name}}) {
		if err != nil {
			return 0, err
		}
		n = max(n, v.ID().Version)
	}
	return n, nil
}

// versionRef reads the word behind --version: digits are a number, `@x` and
// other words an alias.
func versionRef(name, version string) (mlflow.Ref, error) {
	alias := strings.TrimPrefix(version, "@")
	switch {
	case alias == "":
		return mlflow.Ref{}, errUsage{errors.New("--version is empty: give a number, an alias or latest")}
	case strings.Trim(strings.TrimPrefix(version, "-"), "0123456789") == "":
		n, err := strconv.ParseInt(version, 10, 64)
		if err != nil || n < 1 {
			return mlflow.Ref{}, errUsage{fmt.Errorf("--version %s is not a number from 1", version)}
		}
		return mlflow.VersionID{Model: name, Version: n}.Ref(), nil
	case strings.EqualFold(version, "latest"):
		return mlflow.Ref{Kind: mlflow.LatestRef, Model: name}, nil
	}
	return mlflow.Ref{Kind: mlflow.AliasRef, Model: name, Alias: alias}, nil
}

func (s *shower) model(ctx context.Context, name string) (mlflow.RegisteredModel, error) {
	found, err := s.Source.Models(ctx, []string{name})
	if err != nil {
		return mlflow.RegisteredModel{}, err
	}
	return found[name].Value, s.noModel(ctx, name, found[name].Err)
}

// versionRun reads a version's run as a document; one that cannot be had is an
// issue.
func (s *shower) versionRun(ctx context.Context, v mlflow.ModelVersion, maxLevel int) (*mlflow.Object, []mlflow.Issue, error) {
	id := v.RunID()
	if id == "" {
		return nil, []mlflow.Issue{mlflow.NewIssue("run", mlflow.NoRun, v.ID())}, nil
	}
	r, err := s.run(ctx, id)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return nil, []mlflow.Issue{fetch.IssueOf("run", err, mlflow.NewIssue("run", mlflow.RunNotFound, id), "run "+id)}, nil
	}
	shown, files, issues, err := s.shownRun(ctx, r, maxLevel)
	if r.Deleted() {
		issues = append(issues, mlflow.NewIssue("run", mlflow.RunDeleted, id))
	}
	return report.RunDocument(shown, files, nil), issues, err
}
