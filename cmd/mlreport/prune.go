package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
	"github.com/mlreport/mlreport/pkg/view"
)

// pruneCmd removes reports that only the past knows.
type pruneCmd struct {
	Tree     string        `arg:"" help:"Folder that mlreport run wrote."`
	DryRun   bool          `help:"Say what would be removed, and remove nothing."`
	JSON     bool          `name:"json" help:"Print one JSON object per report on stdout: its row of the index."`
	LockWait time.Duration `placeholder:"DURATION" help:"How long to wait for a batch that writes to the folder, such as 10m; without it, exit 5 at once."`
}

// Run removes what is gone or dropped, and says so.
func (c *pruneCmd) Run(ctx context.Context, s *session) error {
	if whatIs(c.Tree) != aTree || isFile(c.Tree) {
		return &mlflow.Error{Err: errUsage{fmt.Errorf("%s is no tree of reports: there is no .mlreport.json in it", c.Tree)}, Hint: "give the folder that mlreport run wrote, mostly mlreport-out"}
	}
	pruned, err := c.prune(ctx, s)
	if printErr := c.print(s, pruned); printErr != nil {
		return errors.Join(err, printErr)
	}
	if err != nil {
		return err
	}
	c.sum(s, pruned)
	return nil
}

func (c *pruneCmd) prune(ctx context.Context, s *session) ([]batch.Pruned, error) {
	o := sink.Options{Dir: c.Tree, Now: s.Now, LockWait: c.LockWait, Writer: version(), Holder: holder(), Format: sink.FormatOf(c.Tree)}
	if c.DryRun {
		return prunable(o)
	}
	tree, err := sink.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	pruned, err := batch.Prune(ctx, tree, s.logger())
	return pruned, errors.Join(err, tree.Close())
}

// prunable is what would be removed now.
func prunable(o sink.Options) (list []batch.Pruned, err error) {
	preview, err := sink.OpenPreview(o)
	if err != nil {
		return nil, err
	}
	defer preview.Close()
	old, err := preview.Previous()
	if old == nil || err != nil {
		return nil, err
	}
	for row, err := range old.All() {
		if err != nil {
			return nil, err
		}
		if batch.Prunable(row) {
			list = append(list, batch.Pruned{Row: row})
		}
	}
	return list, nil
}

// print lists the reports that are removed on stdout.
func (c *pruneCmd) print(s *session, pruned []batch.Pruned) error {
	t := view.Table{Columns: []string{"STATUS", "OBJECT", "PLACE", "LAST SEEN"}}
	for _, p := range pruned {
		switch row := p.Row; {
		case p.Left:
		case c.JSON:
			if err := writeLine(s.Stdout, report.AppendRow(nil, row)); err != nil {
				return err
			}
		default:
			t.Rows = append(t.Rows, []string{string(row.Status), row.URI, row.Place, cmp.Or(row.LastSeen, "-")})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return s.printTable(t, "text")
}

// sum says how much it was, and what was left although its model is gone.
func (c *pruneCmd) sum(s *session, pruned []batch.Pruned) {
	n := 0
	for _, p := range pruned {
		if !p.Left {
			n++
			continue
		}
		fmt.Fprintf(s.Stderr, "left %s: its report.json is not what index.json says; mlreport run or retry settles that\n", harmless(p.Row.URI))
	}
	if s.cli.Quiet {
		return
	}
	switch {
	case n == 0:
		fmt.Fprintf(s.Stderr, "nothing to remove: no report in %s is gone or dropped\n", shellWord(c.Tree))
	case c.DryRun:
		fmt.Fprintf(s.Stderr, "%s would be removed; nothing was\n", counted(n, "report"))
	default:
		fmt.Fprintf(s.Stderr, "removed %s\n", counted(n, "report"))
	}
}
