package batch

import (
	"context"
	"log/slog"
	"strings"

	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// Prunable tells whether a row is about a report that only the past knows: its
// model is gone, or no entry asks for it any more.
func Prunable(row report.Row) bool {
	return row.Place != "" && (row.Status == report.StatusGone || row.Status == report.StatusDropped)
}

// A Pruned is a report that Prune removed, or left because it is not what the
// index says.
type Pruned struct {
	Row  report.Row
	Left bool
}

// Prune removes the reports whose rows are Prunable, and then these rows;
// every other row stays as it is. Killed at any moment, it is done by doing it
// again. The tree must have been opened in the format that it has.
func Prune(ctx context.Context, t *sink.Tree, log *slog.Logger) ([]Pruned, error) {
	old, err := t.Previous()
	if old == nil || err != nil {
		return nil, err
	}
	shared := map[string]struct{}{} // objects of rows that stay
	for row, err := range old.All() {
		if err != nil {
			return nil, err
		}
		for _, f := range row.Files {
			if !Prunable(row) && !strings.HasPrefix(f.Path, "model_reports/") {
				shared[f.Path] = struct{}{}
			}
		}
	}
	b := &run{Options: Options{Tree: t, Log: log}}
	var pruned []Pruned
	n := 0
	for row, err := range old.All() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return pruned, err
		}
		row.Entry = n // the order stays
		n++
		if Prunable(row) {
			removed, err := t.Remove(row, func(path string) bool { _, ok := shared[path]; return ok })
			if err != nil {
				return pruned, err
			}
			pruned = append(pruned, Pruned{Row: row, Left: !removed})
			if removed {
				continue
			}
		}
		if err := b.carry(row); err != nil {
			return pruned, err
		}
	}
	return pruned, t.CommitIndex(old.Index)
}

// carry hands a row on as it is.
func (b *run) carry(row report.Row) error {
	if row.Place != "" {
		kept := row
		there, err := b.stays(&kept)
		if err != nil {
			return err
		}
		if there {
			row.Line = kept.Line
		}
	}
	return b.Tree.Add(row)
}
