package main

import (
	"fmt"

	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// moreFlags are what reports of every entry are to hold beside what they
// always hold. Given on the command line, they win over a manifest.
type moreFlags struct {
	Copy          []string `placeholder:"FILES" help:"Keep files of the model and of its run beside each report: evidence (requirements, input example, *.json, *.png, *.svg, *.pdf, *.html), or patterns such as model/conda.yaml, run/plots/*.png or *.txt; none: no copies."`
	MetricHistory string   `placeholder:"N" help:"Report what was logged of each metric of the run: all of it, or N points; none: only the latest value."`
	Lineage       bool     `help:"Report where each model comes from as a graph, with the parent and the child runs of its run."`
	Markdown      bool     `help:"Write each report as a page for people, too: report.md beside report.json."`
	Environment   bool     `help:"Report the version of Python and the requirements of each model; costs about one request a model."`
}

// args are the words of a command line for the same again.
func (m moreFlags) args() (out []string) {
	for _, c := range m.Copy {
		out = append(out, "--copy", c)
	}
	if m.MetricHistory != "" {
		out = append(out, "--metric-history", m.MetricHistory)
	}
	if m.Environment {
		out = append(out, "--environment")
	}
	if m.Lineage {
		out = append(out, "--lineage")
	}
	if m.Markdown {
		out = append(out, "--markdown")
	}
	return out
}

// apply gives all entries what the flags say.
func (m moreFlags) apply(entries []manifest.Entry) error {
	files, err := manifest.ParseCopy(m.Copy)
	if err != nil {
		return &mlflow.Error{Err: errUsage{fmt.Errorf("--copy: %w", err)}, Hint: "write --copy evidence, or patterns such as model/conda.yaml, run/plots/*.png or '*.json'"}
	}
	points, err := parsePoints(m.MetricHistory)
	if err != nil {
		return err
	}
	for i := range entries {
		if m.Copy != nil {
			entries[i].Copy = files
			entries[i].Environment = entries[i].Environment || files.KeepsRequirements()
		}
		if m.MetricHistory != "" {
			entries[i].MetricHistory = manifest.Level(points)
		}
		entries[i].Environment = entries[i].Environment || m.Environment
		entries[i].Lineage = entries[i].Lineage || m.Lineage
		entries[i].Markdown = entries[i].Markdown || m.Markdown
	}
	return nil
}

// parsePoints reads --metric-history; "": no points.
func parsePoints(flag string) (int, error) {
	if flag == "" {
		return 0, nil
	}
	points, err := manifest.ParsePoints(flag)
	if err != nil {
		return 0, &mlflow.Error{Err: errUsage{fmt.Errorf("--metric-history %w", err)}, Hint: "write --metric-history 20, or --metric-history all"}
	}
	return int(points), nil
}
