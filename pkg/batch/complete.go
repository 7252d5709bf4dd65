package batch

import (
	"cmp"
	"context"
	"slices"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// CoverageFormat is the member `format` of coverage.json.
const CoverageFormat = "mlreport-coverage/1"

// HostCoverage says which registered models of a host no entry covers.
type HostCoverage struct {
	Host      string
	Listed    int64    // registered models of the host
	Uncovered []string // names, in byte order
	Issue     *mlflow.Issue
}

// CoverageDocument is what coverage.json holds.
func (r *Result) CoverageDocument() *mlflow.Object {
	hosts := mlflow.NewObject()
	slices.SortFunc(r.Coverage, func(a, b HostCoverage) int { return cmp.Compare(a.Host, b.Host) })
	for _, c := range r.Coverage {
		o := mlflow.NewObject(
			mlflow.Member{Key: "listed", Value: mlflow.Integer(c.Listed)},
			mlflow.Member{Key: "covered", Value: mlflow.Integer(c.Listed - int64(len(c.Uncovered)))},
			mlflow.Member{Key: "uncovered", Value: mlflow.Texts(c.Uncovered)})
		if c.Issue != nil {
			o.Append("issue", c.Issue.Message)
		}
		hosts.Append(c.Host, o)
	}
	return mlflow.NewObject(mlflow.Member{Key: "format", Value: CoverageFormat}, mlflow.Member{Key: "hosts", Value: hosts})
}

// listed notes how many names the listing of a selector showed.
func (r *run) listed(entry, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.result.selectors {
		if s := &r.result.selectors[i]; s.entry == entry {
			s.Listed = int64(n)
		}
	}
}

// covers notes that an entry is about a registered model.
func (l *lane) covers(ref mlflow.Ref) {
	if !l.Coverage || !ref.NamesModel() {
		return
	}
	if l.covered == nil {
		l.covered = map[string]bool{}
	}
	l.covered[ref.Model] = true
}

// uncovered lists the registered models that no entry is about.
func (l *lane) uncovered(ctx context.Context) error {
	if !l.Coverage {
		return nil
	}
	c, err := HostCoverage{Host: l.host.Name}, l.host.Err
	if err == nil {
		for m, failed := range l.host.Source.ListModels(ctx, fetch.Query{}) {
			if err = failed; err != nil {
				break
			}
			c.Listed++
			if name := m.Name(); !l.covered[name] {
				c.Uncovered = append(c.Uncovered, name)
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		issue := fetch.IssueOf("entry", err, mlflow.NewIssue("entry", mlflow.Unavailable, "the list of registered models"), "the list of registered models")
		l.Log.Warn("listing what no entry covers", "host", c.Host, "err", err)
		c = HostCoverage{Host: c.Host, Issue: &issue}
	}
	slices.Sort(c.Uncovered)
	l.run.mu.Lock()
	defer l.run.mu.Unlock()
	l.result.Coverage = append(l.result.Coverage, c)
	return nil
}

// compareSelections holds each selection against the last tree: a token that
// sees less must not look like a quiet night. A selection that failed says so
// itself.
func (r *run) compareSelections() error {
	if r.MaxShrink <= 0 {
		return nil
	}
	old, err := r.Tree.Previous()
	if old == nil || err != nil {
		return nil // the first tree, or nothing is known of the last one
	}
	for i := range r.result.selectors {
		s := &r.result.selectors[i]
		for _, before := range old.Index.Selectors {
			if before.Select != s.Select || before.Host != s.Host || s.Failed > s.Selected || s.left {
				continue
			}
			if lost := before.Selected - s.Selected; lost > 0 && lost*100 > before.Selected*int64(r.MaxShrink) {
				issue := mlflow.NewIssue("entry", mlflow.SelectionShrunk, s.Select, s.Selected, before.Selected)
				s.Issues = append(s.Issues, issue)
				r.result.Codes[mlflow.SelectionShrunk]++
				r.result.shrank(issue, r.isKnown(Event{Row: report.Row{URI: s.Select}, entries: []int{s.entry}}, issue))
			}
		}
	}
	return nil
}
