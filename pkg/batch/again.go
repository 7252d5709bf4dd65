package batch

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// maxRoom is how much memory is kept from one object to the next, in bytes.
const maxRoom = 1 << 20

// A work is one object of a chunk, from what was read to its reports.
type work struct {
	job
	fetch.Outcome
	inputs string
	asked  string         // see job.asking
	shared *enrich.Shared // by all of a chunk
	room   []byte         // to encode a report in: that of the report before
}

// do does one chunk. What is as it was when the last batch wrote the report is
// only confirmed: without reading, if the store can tell that it is.
func (l *lane) do(ctx context.Context, f *fetch.Fetcher, jobs []job) error {
	jobs, err := l.confirmUnread(ctx, f, jobs)
	if err != nil || len(jobs) == 0 {
		return err
	}
	return l.read(ctx, f, jobs)
}

// read reads one chunk and writes its reports.
func (l *lane) read(ctx context.Context, f *fetch.Fetcher, jobs []job) error {
	state := fetch.StateOf(f.Source)
	outcomes, err := l.fetch(ctx, f, jobs)
	if fetch.StateOf(f.Source) != state {
		state = "" // objects may be of before or after
	}
	var much *fetch.TooMuchError
	if errors.As(err, &much) {
		for part := range slices.Chunk(jobs, max(1, min(len(jobs)/2, much.Fit*2/3))) {
			if err := l.read(ctx, f, part); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	write, wait := l.writers(ctx, f, outcomes)
	var left []*work
	var room []byte
	shared := &enrich.Shared{}
	for i, o := range outcomes {
		w := &work{job: jobs[i], Outcome: o, asked: jobs[i].asking(state), shared: shared}
		outcomes[i] = fetch.Outcome{} // what is written need not be kept until the chunk is done
		if o.Failed != nil && l.onlySelected(w.entries) && isGone(*o.Failed) {
			continue // deleted since it was listed: as if it had not been found
		}
		if o.Failed != nil {
			l.fail(failure{w.entries, w.target.Ref, *o.Failed, o.Errs})
			continue
		}
		if !l.bundleSince(o.Bundle) {
			if err := l.leave(w.job); err != nil {
				return errors.Join(err, wait())
			}
			continue
		}
		if w.inputs, room = l.inputs(w.job, o, room); len(room) > maxRoom {
			room = nil
		}
		if err := l.confirm(w); err != nil {
			return errors.Join(err, wait())
		}
		switch {
		case len(w.writes) == 0:
		case w.Partial():
			left = append(left, w)
		default:
			write(w)
		}
	}
	if err := wait(); err != nil {
		return err
	}
	return l.complete(ctx, f, left)
}

// writers begins to write the reports of a chunk beside what its caller goes on
// with: write hands one over, wait tells when all are written.
func (l *lane) writers(ctx context.Context, f *fetch.Fetcher, outcomes []fetch.Outcome) (write func(*work), wait func() error) {
	n := 1
	if slices.ContainsFunc(outcomes, func(o fetch.Outcome) bool { return len(o.Wanted) > 0 }) {
		n = copiesAtOnce
	}
	g, gctx := errgroup.WithContext(ctx)
	next := make(chan *work)
	for range n {
		g.Go(func() error {
			var room []byte
			for w := range next {
				w.room = room
				if err := l.write(gctx, f, w); err != nil {
					return err
				}
				if room = w.room; cap(room) > maxRoom {
					room = nil
				}
			}
			return nil
		})
	}
	write = func(w *work) {
		select {
		case next <- w:
		case <-gctx.Done(): // wait knows why
		}
	}
	return write, func() error { close(next); return g.Wait() }
}

// complete reads what was left out of some objects because it is known, and
// writes their reports: something else about them has changed.
func (l *lane) complete(ctx context.Context, f *fetch.Fetcher, left []*work) error {
	if len(left) == 0 {
		return nil
	}
	outcomes := make([]*fetch.Outcome, len(left))
	for i, w := range left {
		outcomes[i] = &w.Outcome
	}
	kept := func(i int) []byte { return l.Tree.ReadModel(left[i].writes[0].place) }
	if err := f.Complete(ctx, outcomes, kept); err != nil {
		return err
	}
	var outdated []job
	var room []byte
	for _, w := range left {
		if w.Outdated {
			w.again = true
			outdated = append(outdated, w.job)
			continue
		}
		w.inputs, room = l.inputs(w.job, w.Outcome, room)
		if err := l.write(ctx, f, w); err != nil {
			return err
		}
	}
	if len(outdated) == 0 {
		return nil
	}
	return l.read(ctx, f, outdated)
}

// confirm makes the rows of those places of an object where the last batch
// wrote the very report that would be written now; the others are left.
func (l *lane) confirm(w *work) error {
	old, err := l.Tree.Previous()
	if l.Fresh || old == nil || err != nil || w.target.Copy != nil { // copies are compared by content
		return nil
	}
	var left []placing
	for _, p := range w.writes {
		row, ok, err := old.ByPlace(p.place)
		if err != nil { // a damaged index costs what it knew, not this batch
			l.Log.Warn("reading the last index", "err", err)
		}
		if ok = ok && err == nil && row.Inputs == w.inputs && l.Tree.Note(p.place) != nil; ok {
			if ok, err = l.Tree.Confirm(row); sink.OfOnePlace(err) {
				ok = false // writing says what is wrong
			} else if err != nil {
				return err
			}
		}
		if !ok {
			left = append(left, p)
			continue
		}
		row.Issues = report.Issues(w.Bundle)
		if err := l.addUnchanged(w, p, row); err != nil {
			return err
		}
	}
	w.writes = left
	return nil
}

// addUnchanged is the row of the last index for a report that stays as it is.
func (l *lane) addUnchanged(w *work, p placing, row report.Row) error {
	row = l.rowOf(w.job, p, row)
	row.Status, row.LastSeen = statusOf(row.Issues), ""
	return l.addNoted(w, Event{Row: row, Change: sink.Unchanged, Problems: w.Errs, entries: p.entries})
}

func statusOf(issues []mlflow.Issue) report.Status {
	if mlflow.HasGap(issues) {
		return report.StatusPartial
	}
	return report.StatusOK
}

// addNoted adds a row and what the next batch may know about it.
func (l *lane) addNoted(w *work, e Event) error {
	if err := l.Tree.AddNote(e.Row.Place, note{w.Known, w.asked}.encode()); err != nil {
		return err
	}
	return l.add(e)
}

// known is what the last batch noted on an object's files.
func (l *lane) known(j job) *fetch.Known {
	if l.Fresh || len(j.writes) == 0 {
		return nil
	}
	return decodeNote(l.Tree.Note(j.writes[0].place)).known
}
