package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
	"github.com/mlreport/mlreport/pkg/view"
)

// planCmd shows what run would do.
type planCmd struct {
	askedFlags
	narrowFlags
	Out    string `default:"mlreport-out" placeholder:"DIR" help:"Folder of the tree to compare with (default: ./mlreport-out)."`
	JSON   bool   `name:"json" help:"Print one JSON object per object on stdout, and a summary last."`
	Compat string `enum:"none,seed" default:"none" help:"seed: compare reports as the Python tool wrote them."`
}

// Run reads everything and writes nothing.
func (c *planCmd) Run(ctx context.Context, s *session) error {
	if err := s.checkOut(c.Out); err != nil {
		return err
	}
	w, err := s.prepare(ctx, c.askedFlags, c.narrowFlags, c.Compat == "seed")
	if err != nil {
		return err
	}
	defer w.close()
	preview, err := sink.OpenPreview(sink.Options{Dir: c.Out, Same: report.SameButTimestamp, Writer: version()})
	if err != nil {
		return err
	}
	defer preview.Close()
	var steps steps
	result, err := w.run(ctx, preview, steps.add)
	if err != nil {
		return err
	}
	slices.SortFunc(steps.events, byRow)
	if c.JSON {
		err = steps.json(s, result, c.Out)
	} else {
		err = steps.table(s)
	}
	if err != nil {
		return err
	}
	w.nameModels(ctx)
	w.show.sayProblems("")
	if !s.cli.Quiet {
		fmt.Fprintf(s.Stderr, "plan: %s; nothing was written\n", join(steps.changes()))
	}
	w.sayWhyFailed(result, c.Out)
	if result.Failed() {
		return errSaid(exitPartial)
	}
	return nil
}

// steps are what a batch would do, object by object.
type steps struct {
	mu     sync.Mutex
	events []batch.Event
}

func (s *steps) add(e batch.Event) {
	if e.Kept {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

// change is a word for what would happen to a report.
func change(e batch.Event) string {
	if e.Change == "" { // failed, gone, dropped
		return string(e.Row.Status)
	}
	return string(e.Change)
}

// changes counts the words.
func (s *steps) changes() []string {
	n := map[string]int{}
	for _, e := range s.events {
		n[change(e)]++
	}
	var out []string
	for _, word := range []string{string(sink.New), string(sink.Changed), string(sink.Unchanged), string(sink.Stale), string(report.StatusGone), string(report.StatusDropped), string(report.StatusFailed)} {
		if n[word] > 0 {
			out = append(out, fmt.Sprintf("%d %s", n[word], word))
		}
	}
	if len(out) == 0 {
		return []string{"nothing to do"}
	}
	return out
}

func (s *steps) table(to *session) error {
	t := view.Table{Columns: []string{"CHANGE", "OBJECT", "PLACE", "ASKED AS"}}
	for _, e := range s.events {
		t.Rows = append(t.Rows, []string{change(e), e.Row.URI, cmp.Or(e.Row.Place, "-"), join(e.Row.URIs)})
	}
	return to.printTable(t, "text")
}

func (s *steps) json(to *session, r *batch.Result, out string) error {
	for _, e := range s.events {
		row, err := mlflow.DecodeJSON(report.AppendRow(nil, e.Row))
		if err != nil {
			return err
		}
		if err := writeLine(to.Stdout, mlflow.JSON{}.Append(nil, row.With("change", change(e)))); err != nil {
			return err
		}
	}
	return writeLine(to.Stdout, mlflow.JSON{}.Append(nil, summaryObject(r, absolute(out))))
}
