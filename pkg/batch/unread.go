package batch

import (
	"context"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// confirmUnread makes the rows of those objects that a store in the same state
// has already given in answer to the same question, if their files and reports
// are there as they were; it returns the other jobs.
func (l *lane) confirmUnread(ctx context.Context, f *fetch.Fetcher, jobs []job) ([]job, error) {
	state := fetch.StateOf(f.Source)
	if old, err := l.Tree.Previous(); state == "" || l.Fresh || !l.Since.IsZero() || old == nil || err != nil {
		return jobs, nil
	}
	var left []job
	for _, j := range jobs {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		confirmed, err := l.confirmedUnread(ctx, f, j, state)
		if err != nil {
			return nil, err
		}
		if !confirmed {
			left = append(left, j)
		}
	}
	return left, nil
}

// confirmedUnread is confirmUnread for one job with one report. Whoever had
// issues is read again: some pass without a change in the store.
func (l *lane) confirmedUnread(ctx context.Context, f *fetch.Fetcher, j job, state string) (bool, error) {
	if len(j.writes) != 1 {
		return false, nil
	}
	p := j.writes[0]
	n := decodeNote(l.Tree.Note(p.place))
	j.target.Known = n.known
	if n.asked == "" || n.asked != j.asking(state) || !f.FilesAreKnown(ctx, j.target) {
		return false, nil
	}
	row, ok, err := l.oldRow(p.place)
	if err != nil || !ok || row.Status != report.StatusOK || len(row.Issues) > 0 || row.Inputs == "" {
		return false, nil // reading says what is wrong with the index
	}
	if ok, err = l.Tree.Confirm(row); err != nil || !ok {
		if sink.OfOnePlace(err) {
			err = nil // writing says what is wrong
		}
		return false, err
	}
	w := &work{job: j, asked: n.asked, Outcome: fetch.Outcome{Known: n.known}}
	return true, l.addUnchanged(w, p, row)
}

func (l *lane) oldRow(place string) (report.Row, bool, error) {
	old, err := l.Tree.Previous()
	if old == nil || err != nil {
		return report.Row{}, false, err
	}
	return old.ByPlace(place)
}
