package main

import (
	"context"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// getLoggedModelCmd shows a logged model of MLflow 3.
type getLoggedModelCmd struct {
	ModelID string `name:"model-id" required:"" placeholder:"ID" help:"Logged model ID, such as m-0123..."`
	outputFlags
}

// Run prints the logged model.
func (c *getLoggedModelCmd) Run(ctx context.Context, s *session) error {
	return s.show(ctx, c.outputFlags, func(sh *shower) (*mlflow.Object, error) {
		found, err := sh.Source.LoggedModels(ctx, []string{c.ModelID}, nil)
		if err != nil {
			return nil, err
		}
		m := found[c.ModelID]
		if m.Err != nil {
			return nil, missing(m.Err, sh.trackingAt, "logged model %s", c.ModelID)
		}
		if !c.GetRaw {
			m.Value = enrich.LoggedModel(m.Value, sh.enrich)
		}
		return report.LoggedModelDocument(m.Value, nil), nil
	})
}
