package main

import (
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/report"
)

// schemaCmd prints a JSON Schema.
type schemaCmd struct {
	Of string `arg:"" name:"document" enum:"manifest,report" help:"manifest: what editors check manifests with; report: what each report.json keeps to."`
}

// Run prints it.
func (c *schemaCmd) Run(s *session) error {
	schema := manifest.Schema()
	if c.Of == "report" {
		schema = report.Schema()
	}
	_, err := s.Stdout.Write(schema)
	return err
}
