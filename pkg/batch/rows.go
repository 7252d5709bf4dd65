package batch

import (
	"cmp"
	"slices"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// writeOne writes one report and its row.
func (l *lane) writeOne(j job, w placing, r sink.Report, inventory report.Inventory, o fetch.Outcome) error {
	written, err := l.Tree.WriteReport(r)
	if sink.OfOnePlace(err) {
		l.Tree.Unstage(r.Place, r.Files)
		l.fail(failure{w.entries, j.target.Ref, mlflow.NewIssue("entry", mlflow.Unavailable, j.target.Ref), []error{err}})
		return nil
	}
	if err != nil {
		return err
	}
	if written.Change == sink.Stale {
		inventory = written.Inventory
	}
	inventory.Owner = l.owner(w.entries, inventory.Owner)
	row := report.Row{
		Entry: w.entries[0], URI: j.target.Ref.String(), URIs: l.asked(w.entries), Host: l.host.Name,
		Place: w.place, Inventory: inventory, Sections: written.Sections, Files: written.Files, Issues: r.Issues, Lost: written.Lost, Line: written.Line,
	}
	if j.target.Ref.Kind == mlflow.VersionRef {
		row.Model, row.Version = j.target.Ref.Model, j.target.Ref.Version
	}
	switch {
	case written.Change == sink.Stale:
		row.Status = report.StatusStale
	case mlflow.HasGap(r.Issues):
		row.Status = report.StatusPartial
	default:
		row.Status = report.StatusOK
	}
	return l.add(Event{Row: row, Change: written.Change, Problems: o.Errs, entries: w.entries})
}

// owner is who answers for an object: the first `owner:` of its entries, else
// what its tags say, else the manifest's default.
func (r *run) owner(entries []int, tagged string) string {
	fallback := tagged
	for _, e := range entries {
		if o := r.Entries[e].Owner; o != "" {
			return o
		}
		fallback = cmp.Or(fallback, r.Entries[e].DefaultOwner)
	}
	return fallback
}

// asked lists what entries ask for, in their words, each once.
func (r *run) asked(entries []int) []string {
	var out []string
	for _, e := range entries {
		if uri := Asked(r.Entries[e]); !slices.Contains(out, uri) {
			out = append(out, uri)
		}
	}
	return out
}

// Asked is what an entry asks for, in its own words: what index.json lists
// under `uris`.
func Asked(e manifest.Entry) string {
	if e.Select != nil {
		return "select " + e.Select.String()
	}
	return e.URI
}

// addFailures makes the rows of what failed, when the lane is done: then it is
// known which reports of earlier batches stay behind.
func (l *lane) addFailures() error {
	slices.SortStableFunc(l.failures, func(a, b failure) int { return cmp.Compare(a.entries[0], b.entries[0]) })
	for _, f := range l.failures {
		kept, err := l.addStale(f)
		if err != nil {
			return err
		}
		if kept {
			continue
		}
		row := report.Row{
			Status: report.StatusFailed, Entry: f.entries[0], URI: l.asked(f.entries)[0], URIs: l.asked(f.entries),
			Host: l.host.Name, Issues: []mlflow.Issue{f.issue},
			Inventory: report.Inventory{Owner: l.owner(f.entries, "")},
		}
		if f.ref.Kind != 0 {
			row.URI = f.ref.String()
		}
		if f.ref.NamesModel() {
			row.Model, row.Version = f.ref.Model, f.ref.Version
		}
		if err := l.add(Event{Row: row, Problems: f.errs, entries: f.entries}); err != nil {
			return err
		}
	}
	return nil
}

// addStale makes a row for each report that earlier batches wrote for what
// failed now, and tells whether there is one.
func (l *lane) addStale(f failure) (kept bool, err error) {
	old, err := l.Tree.Previous()
	if old == nil || err != nil {
		return false, nil // without an index nothing is known of earlier batches
	}
	for _, uri := range l.urisOf(f) {
		for row, err := range old.ByURI(l.host.Name, uri) {
			if err != nil { // a damaged index costs what it knew, not this batch
				l.Log.Warn("reading the last index", "err", err)
				return kept, nil
			}
			if row.Place == "" || l.hasRow(row.Place) {
				continue
			}
			done, err := l.keep(f, row)
			if err != nil {
				return kept, err
			}
			kept = kept || done
		}
	}
	return kept, nil
}

// urisOf lists under which URIs the last index may know what failed: as it was
// resolved, else as it was asked for.
func (l *lane) urisOf(f failure) []string {
	switch f.ref.Kind {
	case mlflow.VersionRef, mlflow.LoggedModelRef, mlflow.RunRef, mlflow.LocationRef:
		return []string{f.ref.String()}
	}
	return l.asked(f.entries)
}

func (l *lane) keep(f failure, row report.Row) (bool, error) {
	w, ok, err := l.Tree.Keep(row.Place)
	if sink.OfOnePlace(err) || err == nil && !ok {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	row.Entry, row.Status, row.URIs = f.entries[0], report.StatusStale, l.asked(f.entries)
	row.Inventory = w.Inventory
	row.Owner = l.owner(f.entries, row.Owner)
	row.Files, row.Sections, row.Lost, row.Issues = w.Files, w.Sections, w.Lost, []mlflow.Issue{f.issue}
	row.Line = w.Line
	return true, l.add(Event{Row: row, Change: sink.Stale, Problems: f.errs, entries: f.entries})
}
