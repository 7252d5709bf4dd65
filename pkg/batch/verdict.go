package batch

import (
	"slices"

	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// A Verdict is what decides how a batch ends: issues of entries that were
// read, but for those that the manifest calls known, and but for those of
// reports that nobody asks for any more.
type Verdict struct {
	Codes map[mlflow.Code]int // entries that have an issue of this code
	Gaps  int                 // partial reports
	Lost  int                 // reports that lost a section for good
	New   int                 // entries with a gap that the last index does not have, when Options.New asks for it

	Known   map[mlflow.Code]int   // entries whose issue of this code counts for nothing
	Expired []manifest.KnownIssue // whose last day is over: they hide nothing

	failed  int            // entries without a report of today
	waiting map[string]int // by host: partial reports that lack what was unavailable
}

// judge tells which issues of a row are known.
func (r *run) judge(e Event) Event {
	for _, i := range e.Row.Issues {
		if r.isKnown(e, i) {
			e.Known = append(e.Known, i)
		}
	}
	return e
}

// isKnown tells whether the manifest calls an issue known.
func (r *run) isKnown(e Event, i mlflow.Issue) bool {
	if len(r.KnownIssues) == 0 {
		return false
	}
	names := append(slices.Clone(e.Row.URIs), e.Row.URI)
	if m := e.Row.Model; m != "" {
		names = append(names, m, "models:/"+m)
	}
	return slices.ContainsFunc(r.KnownIssues, func(k manifest.KnownIssue) bool {
		if k.Code != i.Code || k.Expired(r.Timestamp) {
			return false
		}
		if len(e.entries) == 0 { // a report that no entry comes to
			return k.Fits(names...)
		}
		return slices.ContainsFunc(e.entries, func(n int) bool {
			entry := r.Entries[n]
			return k.IsAbout(entry) && (k.Fits(names...) || entry.Name != "" && k.Fits(entry.Name))
		})
	})
}

// unknown lists the issues of a row that are not known.
func (e Event) unknown() []mlflow.Issue {
	return slices.DeleteFunc(slices.Clone(e.Row.Issues), func(i mlflow.Issue) bool { return slices.Contains(e.Known, i) })
}

// AllKnown tells whether the row has gaps, and the manifest calls all of them known.
func (e Event) AllKnown() bool { return len(e.Known) > 0 && !mlflow.HasGap(e.unknown()) }

// isNew tells whether a row has a gap that is not known, and that the last
// index does not have for the object.
func (r *run) isNew(e Event) bool {
	if !r.New || e.Kept || e.Row.Status == report.StatusGone && !e.Failed {
		return false
	}
	gaps := slices.DeleteFunc(e.unknown(), func(i mlflow.Issue) bool { return i.Level != mlflow.Gap })
	if len(gaps) == 0 {
		return false
	}
	before := r.issuesBefore(e.Row)
	return slices.ContainsFunc(gaps, func(i mlflow.Issue) bool {
		return !slices.ContainsFunc(before, func(b mlflow.Issue) bool { return b.Section == i.Section && b.Code == i.Code })
	})
}

// issuesBefore are those that the last index has for the object of a row, or
// for the entry that gave none. Without an index that can be read there are
// none.
func (r *run) issuesBefore(row report.Row) (all []mlflow.Issue) {
	old, err := r.Tree.Previous()
	if old == nil || err != nil {
		return nil
	}
	if row.Place != "" {
		if was, ok, err := old.ByPlace(row.Place); ok && err == nil {
			return was.Issues
		}
	}
	for was, err := range old.ByURI(row.Host, row.URI) {
		if err != nil {
			break
		}
		if was.URI == row.URI {
			all = append(all, was.Issues...)
		}
	}
	return all
}

// take counts a row.
func (v *Verdict) take(e Event, isNew bool) {
	count(v.Known, e.Known)
	if (e.Row.Status == report.StatusGone || e.Row.Status == report.StatusDropped) && !e.Failed {
		return
	}
	left := e.unknown()
	count(v.Codes, left)
	gap := mlflow.HasGap(left)
	switch {
	case e.Failed && !e.AllKnown():
		v.failed++
	case e.Row.Status == report.StatusPartial && gap:
		v.Gaps++
		if slices.ContainsFunc(left, func(i mlflow.Issue) bool { return i.Code == mlflow.Unavailable }) {
			v.waiting[e.Row.Host]++
		}
	}
	if isNew {
		v.New++
	}
	if slices.ContainsFunc(e.Row.Lost, func(section string) bool {
		return !slices.ContainsFunc(e.Known, func(i mlflow.Issue) bool { return i.Section == section })
	}) {
		v.Lost++
	}
}

// count counts each code of some issues once.
func count(to map[mlflow.Code]int, issues []mlflow.Issue) {
	var seen []mlflow.Code
	for _, i := range issues {
		if !slices.Contains(seen, i.Code) {
			seen = append(seen, i.Code)
			to[i.Code]++
		}
	}
}

// shrank notes that a selection shrank by more than it may.
func (r *Result) shrank(issue mlflow.Issue, known bool) {
	if known {
		r.Verdict.Known[issue.Code]++
		return
	}
	r.Shrunk = append(r.Shrunk, issue)
	r.Verdict.Codes[issue.Code]++
}
