package batch

import (
	"cmp"
	"slices"

	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// writeOne writes one report and its row.
func (l *lane) writeOne(w *work, p placing, r sink.Report, inventory report.Inventory) error {
	written, err := l.Tree.WriteReport(r)
	if sink.OfOnePlace(err) {
		l.Tree.Unstage(r.Place, r.Files)
		l.fail(failure{p.entries, w.target.Ref, mlflow.NewIssue("entry", mlflow.Unavailable, w.target.Ref), []error{err}})
		return nil
	}
	if err != nil {
		return err
	}
	if written.Change == sink.Stale {
		inventory = written.Inventory
	}
	inventory.Owner = l.owner(p.entries, inventory.Owner)
	row := l.rowOf(w.job, p, report.Row{Inventory: inventory, Sections: written.Sections, Files: written.Files, Issues: r.Issues, Lost: written.Lost, Line: written.Line})
	row.Status, row.Inputs = statusOf(r.Issues), w.inputs
	if written.Change == sink.Stale {
		row.Status, row.Inputs = report.StatusStale, l.oldInputs(row)
	}
	return l.addNoted(w, Event{Row: row, Change: written.Change, Problems: w.Errs, Failed: row.Status == report.StatusStale, entries: p.entries})
}

// rowOf fills in what a row says about its object and its entries.
func (l *lane) rowOf(j job, p placing, row report.Row) report.Row {
	ref := j.target.Ref
	row.Entry, row.URI, row.URIs, row.Host, row.Place = p.entries[0], ref.String(), l.asked(p.entries), l.host.Name, p.place
	row.Model, row.Version = "", 0
	if ref.Kind == mlflow.VersionRef {
		row.Model, row.Version = ref.Model, ref.Version
	}
	return row
}

// oldInputs are those of the report that stays where it was; "" when it is not
// the one that the last index knows.
func (l *lane) oldInputs(row report.Row) string {
	old, err := l.Tree.Previous()
	if old == nil || err != nil {
		return ""
	}
	was, ok, err := old.ByPlace(row.Place)
	if err != nil || !ok || !slices.Equal(was.Files, row.Files) {
		return ""
	}
	return was.Inputs
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
		kept, err := false, error(nil)
		if f.issue.Code != mlflow.EmptySelection { // what it selected once is asked about later
			kept, err = l.addStale(f)
		}
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
		if err := l.add(Event{Row: row, Problems: f.errs, Failed: true, entries: f.entries}); err != nil {
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
	row.Entry, row.URIs = f.entries[0], l.asked(f.entries)
	status := report.StatusStale
	if isGone(f.issue) {
		status = report.StatusGone
	}
	owner := row.Owner
	row.Inventory = w.Inventory
	row.Owner = l.owner(f.entries, row.Owner)
	row = l.unseen(row, status, f.issue)
	if !slices.Equal(row.Files, w.Files) || row.Owner != owner {
		row.Inputs = ""
	} else if err := l.keepNote(row.Place); err != nil {
		return false, err
	}
	row.Files, row.Sections, row.Lost = w.Files, w.Sections, w.Lost
	row.Line = w.Line
	e := Event{Row: row, Problems: f.errs, Failed: true, entries: f.entries}
	if row.Status == report.StatusStale {
		e.Change = sink.Stale
	}
	return true, l.add(e)
}
