package main

import (
	"context"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// getRunCmd is the seed tool's get-run.
type getRunCmd struct {
	RunID            string `name:"run-id" required:"" placeholder:"ID" help:"Run ID."`
	ArtifactMaxLevel int    `default:"-1" placeholder:"N" help:"Number of artifact levels to recurse for run artifacts; -1: none."`
	outputFlags
}

// Run prints the run.
func (c *getRunCmd) Run(ctx context.Context, s *session) error {
	return s.show(ctx, c.outputFlags, func(sh *shower) (*mlflow.Object, error) {
		r, err := sh.run(ctx, c.RunID)
		if err != nil {
			return nil, err
		}
		shown, files, issues, err := sh.shownRun(ctx, r, c.ArtifactMaxLevel)
		if err != nil {
			return nil, err
		}
		return report.RunDocument(shown, files, issues), nil
	})
}
