package main

import (
	"context"
	"fmt"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// getRegisteredModelCmd is the seed tool's get-registered-model.
type getRegisteredModelCmd struct {
	RegisteredModel  string `required:"" placeholder:"NAME" help:"Registered model name."`
	GetRun           bool   `help:"Get the run of each of the current versions."`
	ArtifactMaxLevel int    `default:"-1" placeholder:"N" help:"Number of artifact levels to recurse for run artifacts; -1: none."`
	GetPermissions   bool   `help:"Get permissions, where the store knows them."`
	outputFlags
}

// Run prints the registered model.
func (c *getRegisteredModelCmd) Run(ctx context.Context, s *session) error {
	return s.show(ctx, c.outputFlags, func(sh *shower) (*mlflow.Object, error) {
		m, err := sh.model(ctx, c.RegisteredModel)
		if err != nil {
			return nil, err
		}
		var runs []report.VersionRun
		var issues []mlflow.Issue
		if c.GetRun {
			if runs, issues, err = sh.latestRuns(ctx, m, c.ArtifactMaxLevel); err != nil {
				return nil, err
			}
		}
		var permissions *mlflow.Object
		if c.GetPermissions {
			p, more, err := sh.permissions(ctx, fetch.ModelKind, m.Name(), fmt.Sprintf("registered model %q", m.Name()))
			if err != nil {
				return nil, err
			}
			permissions, issues = p.Lists, append(issues, more...)
			if p.Shown != nil {
				m = mlflow.RegisteredModel{Object: p.Shown}
			}
		}
		if !c.GetRaw {
			m = enrich.RegisteredModel(m, sh.enrich)
		}
		return report.RegisteredModelDocument(m, runs, permissions, issues), nil
	})
}

// latestRuns reads the runs of the versions that a registered model shows.
func (s *shower) latestRuns(ctx context.Context, m mlflow.RegisteredModel, maxLevel int) ([]report.VersionRun, []mlflow.Issue, error) {
	runs, issues := []report.VersionRun{}, []mlflow.Issue{}
	for v := range m.LatestVersions() {
		doc, more, err := s.versionRun(ctx, v, maxLevel)
		if err != nil {
			return nil, nil, err
		}
		issues = append(issues, more...)
		if doc != nil {
			runs = append(runs, report.VersionRun{Version: v.Text("version"), Run: doc})
		}
	}
	return runs, issues, nil
}
