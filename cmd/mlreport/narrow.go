package main

import (
	"fmt"
	"time"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// narrowFlags say which part of what is asked for is read. What they leave out
// keeps the reports and the rows of the index that it has.
type narrowFlags struct {
	Only   string `placeholder:"GLOB" help:"Only entries whose URI, name or model matches; all others keep what they have."`
	Since  string `placeholder:"DATE" help:"Only versions that were made or updated since a date such as 2026-11-02; a new alias or tag updates none in MLflow. All others keep what they have."`
	Failed bool   `help:"Only what failed or is stale in the last batch, and what it did not know. All others keep what they have."`
	Fresh  bool   `help:"Read and make everything anew, also what cannot have changed since the last batch."`

	failedIn string // a tree: only entries of which something failed in its last batch; "": all
}

// again is what a person types for the same part, each behind a blank.
func (f narrowFlags) again() string {
	words := ""
	if f.Only != "" {
		words += " --only " + shellWord(f.Only)
	}
	if f.Since != "" {
		words += " --since " + shellWord(f.Since)
	}
	if f.Failed {
		words += " --failed"
	}
	return words
}

// narrow takes over what the flags say.
func (f narrowFlags) narrow(p *plan, o *batch.Options) (err error) {
	o.Fresh, o.Retry = f.Fresh, f.Failed
	if o.Since, err = parseSince(f.Since); err != nil {
		return err
	}
	if f.failedIn != "" {
		p.chooseFailed(f.failedIn)
	}
	if f.Only == "" {
		return nil
	}
	glob, err := manifest.ParsePattern(f.Only)
	if err != nil {
		return errUsage{fmt.Errorf("--only %q %w", f.Only, err)}
	}
	return p.choose(func(e manifest.Entry) bool {
		return glob.Match(e.Name) || glob.Match(batch.Asked(e)) || glob.Match(e.Ref.Model)
	}, fmt.Errorf("--only %q matches no entry of the manifest", f.Only), "it is compared with names, URIs and model names; * stands for any text")
}

// choose leaves out the entries that want does not hold for.
func (p *plan) choose(want func(manifest.Entry) bool, none error, hint string) error {
	chosen := make([]bool, len(p.entries))
	some := false
	for i, e := range p.entries {
		chosen[i] = p.reads(i) && want(e)
		some = some || chosen[i]
	}
	if !some {
		return &mlflow.Error{Err: errUsage{none}, Hint: hint}
	}
	p.chosen = chosen
	return nil
}

// parseSince reads a day, in UTC, or a moment.
func parseSince(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &mlflow.Error{Err: errUsage{fmt.Errorf("--since %q is no date", text)}, Hint: "write 2026-11-02, or 2026-11-02T08:00:00Z"}
}
