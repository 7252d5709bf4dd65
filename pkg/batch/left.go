package batch

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// leftAtOnce is how many objects are asked about at once that no entry came to.
const leftAtOnce = 200

// addLeft makes the rows of what the last index knows and this batch did not
// come to: what was not to be read keeps its row, all else is gone or dropped.
func (b *run) addLeft(ctx context.Context) error {
	old, err := b.Tree.Previous()
	if old == nil || err != nil {
		return nil // said where the tree was opened
	}
	left := map[string][]report.Row{} // by host
	for row, err := range old.All() {
		if err != nil { // a damaged index costs what it knew, not this batch
			b.Log.Warn("reading the last index", "err", err)
			break
		}
		if row.Place != "" && b.hasRow(row.Place) {
			continue
		}
		entries := b.entriesOf(row)
		row.Entry = len(b.Entries)
		if len(entries) > 0 {
			row.Entry = entries[0]
		}
		switch {
		case slices.ContainsFunc(entries, b.leaves):
			err = b.addKept(row, entries)
		case row.Place == "":
		case row.Status == report.StatusGone, row.Status == report.StatusDropped, len(entries) == 0 && !b.Listed, !b.reads(row.Host):
			if row.Status != report.StatusGone {
				row = b.unseen(row, report.StatusDropped)
			}
			err = b.addOld(row)
		default:
			if left[row.Host] = append(left[row.Host], row); len(left[row.Host]) == leftAtOnce {
				err = b.askAfter(ctx, row.Host, left[row.Host])
				delete(left, row.Host)
			}
		}
		if err != nil {
			return err
		}
	}
	for host, rows := range left {
		if err := b.askAfter(ctx, host, rows); err != nil {
			return err
		}
	}
	return nil
}

// entriesOf lists the entries that ask for what a row was asked for.
func (b *run) entriesOf(row report.Row) []int {
	var out []int
	for _, uri := range row.URIs {
		out = append(out, b.byAsked[askedOf{row.Host, uri}]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type askedOf struct{ host, asked string }

// leaves tells whether an entry is not to be read.
func (b *run) leaves(entry int) bool { return b.Chosen != nil && !b.Chosen(entry) }

func (b *run) reads(host string) bool {
	return slices.ContainsFunc(b.Hosts, func(h Host) bool { return h.Name == host && h.Err == nil })
}

// addKept keeps the row of something that was not to be read.
func (b *run) addKept(row report.Row, entries []int) error {
	if row.Place != "" {
		if there, err := b.stays(&row); err != nil || !there {
			return err
		}
	}
	return b.add(Event{Row: row, Kept: true, entries: entries})
}

// stays tells whether the report of a row that stays as it is is there, and
// what the row says about its files.
func (b *run) stays(row *report.Row) (bool, error) {
	ok, err := b.Tree.Confirm(*row)
	if err == nil && !ok {
		var w sink.Written
		if w, ok, err = b.Tree.Keep(row.Place); ok {
			if !slices.Equal(w.Files, row.Files) {
				row.Inputs = ""
			}
			row.Inventory, row.Files, row.Sections, row.Lost, row.Line = w.Inventory, w.Files, w.Sections, w.Lost, w.Line
		}
	}
	if sink.OfOnePlace(err) || err == nil && !ok {
		return false, nil
	}
	if err == nil {
		err = b.keepNote(row.Place)
	}
	return err == nil, err
}

// keepNote hands on what the last batch noted on a place.
func (b *run) keepNote(place string) error {
	if note := b.Tree.Note(place); note != nil {
		return b.Tree.AddNote(place, note)
	}
	return nil
}

// addOld keeps the row of a report that nobody asks for, as long as the report
// is there.
func (b *run) addOld(row report.Row) error {
	if there, err := b.stays(&row); err != nil || !there {
		return err
	}
	e := Event{Row: row}
	if row.Status == report.StatusStale {
		e.Change, e.Failed = sink.Stale, true
	}
	return b.add(e)
}

// askAfter makes the rows of objects of one host that no entry came to: they
// are gone, or there and only not asked for any more.
func (b *run) askAfter(ctx context.Context, host string, rows []report.Row) error {
	i := slices.IndexFunc(b.Hosts, func(h Host) bool { return h.Name == host })
	refs := make([]mlflow.Ref, len(rows))
	for n, row := range rows {
		refs[n], _ = mlflow.ParseRef(row.URI) // what is none is not found below
	}
	found, err := fetch.Lookup(ctx, b.Hosts[i].Source, refs)
	if err != nil {
		return err
	}
	for n, row := range rows {
		switch issue := found[refs[n]]; {
		case issue == nil:
			err = b.addOld(b.unseen(row, report.StatusDropped))
		case isGone(*issue):
			err = b.addOld(b.unseen(row, report.StatusGone, *issue))
		default:
			err = b.addOld(b.unseen(row, report.StatusStale, *issue))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unseen makes a row that of an object which this batch did not see, and says
// when it was seen last.
func (b *run) unseen(row report.Row, now report.Status, why ...mlflow.Issue) report.Row {
	current := row.Status == report.StatusOK || row.Status == report.StatusPartial || row.Status == report.StatusStale
	if t := b.Tree.LastCommit(); current && row.LastSeen == "" && !t.IsZero() {
		row.LastSeen = t.UTC().Format(time.DateTime)
	}
	if row.Status = now; len(why) > 0 {
		row.Issues = why
	}
	return row
}

// isGone tells whether an issue says that an object is not there, rather than
// that it could not be read.
func isGone(i mlflow.Issue) bool {
	switch i.Code {
	case mlflow.ModelNotFound, mlflow.VersionNotFound, mlflow.LoggedModelNotFound, mlflow.RunNotFound:
		return true
	}
	return false
}

// narrowed tells whether an object is not to be read, and keeps its row.
func (l *lane) narrowed(j job) (bool, error) {
	out := !l.changedSince(j.target.Version) || l.Retry && !l.failedBefore(j)
	if !out {
		return false, nil
	}
	return true, l.leave(j)
}

// leave keeps the rows of an object that is not to be read or written.
func (l *lane) leave(j job) error {
	old, err := l.Tree.Previous()
	if old == nil || err != nil {
		return nil
	}
	for _, p := range j.writes {
		row, ok, err := old.ByPlace(p.place)
		if err != nil || !ok {
			continue
		}
		if err := l.addKept(l.rowOf(j, p, row), p.entries); err != nil {
			return err
		}
	}
	return nil
}

// failedBefore tells whether the last batch left something to do about an
// object.
func (l *lane) failedBefore(j job) bool {
	old, err := l.Tree.Previous()
	if old == nil || err != nil {
		return true
	}
	for _, p := range j.writes {
		row, ok, err := old.ByPlace(p.place)
		if err != nil || !ok || Failed(row) {
			return true
		}
	}
	return false
}

// Failed tells whether a row of an index says that something is worth another
// try: nothing or not all could be read, for a reason of the moment.
func Failed(row report.Row) bool {
	switch row.Status {
	case report.StatusFailed, report.StatusStale:
		return true
	}
	return slices.ContainsFunc(row.Issues, func(i mlflow.Issue) bool { return i.Code == mlflow.Unavailable })
}

// changedSince tells whether a version was made or updated since the date that
// the batch is about; one without a time was.
func (l *lane) changedSince(v *fetch.Version) bool {
	if l.Since.IsZero() || v == nil {
		return true
	}
	return l.isSince(v.ModelVersion.Text("creation_timestamp"), v.ModelVersion.Text("last_updated_timestamp"))
}

// bundleSince is changedSince for all that was read of an object.
func (l *lane) bundleSince(b *mlflow.Bundle) bool {
	switch {
	case l.Since.IsZero():
		return true
	case b.ModelVersion.Object != nil:
		return l.isSince(b.ModelVersion.Text("creation_timestamp"), b.ModelVersion.Text("last_updated_timestamp"))
	case b.LoggedModel.Object != nil:
		return l.isSince(b.LoggedModel.Info().Text("creation_timestamp_ms"), b.LoggedModel.Info().Text("last_updated_timestamp_ms"))
	}
	return l.isSince(b.Run.Info().Text("start_time"), b.Run.Info().Text("end_time"))
}

// isSince tells whether one of several times in milliseconds is late enough.
func (l *lane) isSince(times ...string) bool {
	known := false
	for _, t := range times {
		ms, err := strconv.ParseInt(t, 10, 64)
		if err == nil && ms >= l.Since.UnixMilli() {
			return true
		}
		known = known || err == nil && ms > 0
	}
	return !known
}

// withLeft adds to the entries that came to an object those that were not to
// be read and came to it in the last batch: they share its report.
func (l *lane) withLeft(s fetch.Selected) []int {
	old, err := l.Tree.Previous()
	if l.Chosen == nil || old == nil || err != nil {
		return s.Entries
	}
	entries := slices.Clone(s.Entries)
	for row, err := range old.ByURI(l.host.Name, s.Ref.String()) {
		if err != nil || row.URI != s.Ref.String() {
			break
		}
		for _, i := range l.entriesOf(row) {
			if l.leaves(i) {
				entries = append(entries, i)
			}
		}
	}
	slices.Sort(entries)
	return slices.Compact(entries)
}
