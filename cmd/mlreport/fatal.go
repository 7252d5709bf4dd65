package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Words of --fail-on that are no codes of issues.
const (
	failOnAny  mlflow.Code = "any"
	failOnLost mlflow.Code = "lost"
	failOnNew  mlflow.Code = "new"
)

// parseFailOn reads which issues of a batch end it with exit code 3.
func parseFailOn(words []string) ([]mlflow.Code, error) {
	var out []mlflow.Code
	known := append([]mlflow.Code{failOnAny, failOnLost, failOnNew}, mlflow.Codes()...)
	for _, w := range words {
		if !slices.Contains(known, mlflow.Code(w)) {
			var names []string
			for _, c := range known {
				names = append(names, string(c))
			}
			hint := "it is one of " + join(names)
			if near := manifest.Nearest(w, names); near != "" {
				hint = "did you mean " + near + "?"
			}
			return nil, &mlflow.Error{Err: errUsage{fmt.Errorf("--fail-on: there is no issue code %q", w)}, Hint: hint}
		}
		out = append(out, mlflow.Code(w))
	}
	return out, nil
}

// askedFatal lists which issues occurred that were asked to be fatal.
func askedFatal(r *batch.Result, failOn []mlflow.Code) []string {
	var out []string
	for _, c := range failOn {
		n, what := r.Verdict.Codes[c], string(c)
		switch c {
		case failOnAny:
			n, what = r.Verdict.Gaps, "a gap"
		case failOnLost:
			n, what = r.Verdict.Lost, "a lost section"
		case failOnNew:
			n, what = r.Verdict.New, "a new issue"
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%s in %s", what, counted(n, "report")))
		}
	}
	return out
}

// sayWhyFailed says what makes a batch fail that no entry says.
func (w *work) sayWhyFailed(r *batch.Result, out string) {
	u := &tui{w.env}
	for _, i := range r.Shrunk {
		u.error(fmt.Errorf("%s", i.String()), exitPartial)
	}
	away := r.Away()
	for _, host := range slices.Sorted(maps.Keys(away)) {
		are := "are"
		if away[host] == 1 {
			are = "is"
		}
		u.error(&mlflow.Error{
			Err:  fmt.Errorf("host %s went away: %s %s not whole", host, counted(away[host], "report"), are),
			Hint: "when it is back, " + w.program() + " retry " + shellWord(out) + " reads what is missing",
		}, exitPartial)
	}
	for _, k := range r.Verdict.Expired {
		u.error(&mlflow.Error{
			Err: fmt.Errorf("%s:%d: the known issue %s of %s ended on %s (%s)",
				k.File, k.Line, k.Code, strconv.Quote(k.Entry.String()), k.Until.Format(time.DateOnly), k.Reason),
			Hint: "mend what causes it and remove it from known-issues, or give it a later until:",
		}, exitPartial)
	}
}

// knownOf says which issues do not count because the manifest knows them.
func knownOf(r *batch.Result) []string {
	var out []string
	for _, c := range slices.Sorted(maps.Keys(r.Verdict.Known)) {
		out = append(out, fmt.Sprintf("%d %s", r.Verdict.Known[c], c))
	}
	return out
}
