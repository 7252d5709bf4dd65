package main

import (
	"context"
	"errors"
	"strings"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// getExperimentCmd is the seed tool's get-experiment.
type getExperimentCmd struct {
	ExperimentIDOrName string `name:"experiment-id-or-name" required:"" placeholder:"ID|NAME" help:"Experiment ID or name; an ID wins over an equal name."`
	GetRuns            bool   `help:"Get runs."`
	GetPermissions     bool   `help:"Get permissions, where the store knows them."`
	ArtifactMaxLevel   int    `default:"-1" placeholder:"N" help:"Number of artifact levels to recurse for run artifacts; -1: none."`
	outputFlags
}

// Run prints the experiment.
func (c *getExperimentCmd) Run(ctx context.Context, s *session) error {
	return s.show(ctx, c.outputFlags, func(sh *shower) (*mlflow.Object, error) {
		e, err := sh.experiment(ctx, c.ExperimentIDOrName)
		if err != nil {
			return nil, err
		}
		var runs []*mlflow.Object
		var issues []mlflow.Issue
		if c.GetRuns {
			if runs, issues, err = sh.runsOf(ctx, e, c.ArtifactMaxLevel); err != nil {
				return nil, err
			}
		}
		var permissions *mlflow.Object
		if c.GetPermissions {
			p, more, err := sh.permissions(ctx, fetch.ExperimentKind, e.ID(), "experiment "+e.ID())
			if err != nil {
				return nil, err
			}
			permissions, issues = p.Lists, append(issues, more...)
		}
		if !c.GetRaw {
			e = enrich.Experiment(e, sh.enrich)
		}
		return report.ExperimentDocument(e, runs, permissions, issues), nil
	})
}

// experiment finds an experiment by id, else by name.
func (s *shower) experiment(ctx context.Context, idOrName string) (mlflow.Experiment, error) {
	if strings.Trim(idOrName, "0123456789abcdef") == "" {
		found, err := s.Source.Experiments(ctx, []string{idOrName})
		if err != nil {
			return mlflow.Experiment{}, err
		}
		if r := found[idOrName]; !errors.Is(r.Err, mlflow.ErrNotFound) {
			return r.Value, r.Err
		}
	}
	e, err := s.Source.ExperimentByName(ctx, idOrName)
	return e, missing(err, s.trackingAt, "experiment with the ID or name %q", idOrName)
}

// runsOf lists an experiment's runs, each as get-run shows it.
func (s *shower) runsOf(ctx context.Context, e mlflow.Experiment, maxLevel int) ([]*mlflow.Object, []mlflow.Issue, error) {
	docs, issues := []*mlflow.Object{}, []mlflow.Issue{}
	for r, err := range s.Source.ListRuns(ctx, e.ID()) {
		if err != nil {
			return nil, nil, err
		}
		if s.out.GetRaw {
			docs = append(docs, report.RunDocument(r, nil, nil))
			continue
		}
		files, more, err := s.runFiles(ctx, r, maxLevel)
		if err != nil {
			return nil, nil, err
		}
		issues = append(issues, more...)
		docs = append(docs, report.RunDocument(enrich.Run(r, e.Text("name"), s.enrich), files, nil))
	}
	return docs, issues, nil
}
