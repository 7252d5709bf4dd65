package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// summary tells a person what a batch did, what it could not do, where the
// tree is, and what to type next.
func (w *work) summary(r *batch.Result, out, manifestName string) {
	w.show.sayProblems()
	if w.cli.Quiet {
		return
	}
	dir, n := absolute(out), reportsOf(r)
	fmt.Fprintf(w.Stderr, "%s in %s%s\n", counted(n, "report"), w.Now().Sub(w.started).Round(10*time.Millisecond), inBrackets(changes(r)))
	fmt.Fprintf(w.Stderr, "  %s\n", join(statuses(r)))
	fmt.Fprintf(w.Stderr, "  tree: %s\n", dir)
	fmt.Fprintf(w.Stderr, "next: read %s", filepath.Join(out, "index.json"))
	if n > 0 {
		fmt.Fprint(w.Stderr, " and "+filepath.Join(out, "model_reports"))
	}
	if r.Failed() {
		fmt.Fprintf(w.Stderr, "; run the same command again to complete it")
	} else if manifestName != "-" {
		fmt.Fprintf(w.Stderr, "; mlreport plan %s shows what has changed since", manifestName)
	}
	fmt.Fprintln(w.Stderr)
}

// reportsOf counts the reports that the tree has of this batch's entries.
func reportsOf(r *batch.Result) int {
	return r.Statuses[report.StatusOK] + r.Statuses[report.StatusPartial] + r.Statuses[report.StatusStale]
}

func changes(r *batch.Result) []string {
	var out []string
	for _, c := range []sink.Change{sink.New, sink.Changed, sink.Unchanged} {
		if n := r.Changes[c]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, c))
		}
	}
	return out
}

func statuses(r *batch.Result) []string {
	var out []string
	for _, s := range []report.Status{report.StatusOK, report.StatusPartial, report.StatusStale, report.StatusFailed} {
		if n := r.Statuses[s]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(out) == 0 {
		return []string{"nothing was asked for"}
	}
	return out
}

func join(list []string) string { return strings.Join(list, ", ") }

func inBrackets(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (" + join(list) + ")"
}

// sayProblems lists what is missing: each entry with its gaps, and what the
// stores said when that tells more.
func (p *progress) sayProblems() {
	slices.SortStableFunc(p.problems, func(a, b batch.Event) int {
		return cmp.Or(cmp.Compare(a.Row.Entry, b.Row.Entry), cmp.Compare(a.Row.Model, b.Row.Model), cmp.Compare(a.Row.Version, b.Row.Version))
	})
	said := map[string]bool{}
	for _, e := range p.problems {
		for _, i := range e.Row.Issues {
			if i.Level == mlflow.Gap {
				fmt.Fprintf(p.Stderr, "%s %s: %s\n", e.Row.Status, harmless(e.Row.URI), harmless(i.String()))
			}
		}
		for _, err := range e.Problems {
			p.sayOnce(said, err)
		}
	}
	if more := p.bad - len(p.problems); more > 0 {
		fmt.Fprintf(p.Stderr, "and %d more: see index.json\n", more)
	}
}

// sayOnce says what a store said, unless it is only that something is not
// there: the issue has said so.
func (p *progress) sayOnce(said map[string]bool, err error) {
	text := harmless(err.Error())
	if errors.Is(err, mlflow.ErrNotFound) || said[text] {
		return
	}
	said[text] = true
	fmt.Fprintln(p.Stderr, "  "+text)
	if hint := harmless(mlflow.Hint(err)); hint != "" && !said[hint] {
		said[hint] = true
		fmt.Fprintln(p.Stderr, "  hint: "+hint)
	}
}

// printRows prints the rows of index.json, in its order, and a summary.
func (w *work) printRows(out string, r *batch.Result) error {
	f, err := os.Open(filepath.Join(out, "index.json"))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	index, err := report.ReadIndex(f, info.Size())
	if err != nil {
		return err
	}
	for row, err := range index.All() {
		if err != nil {
			return err
		}
		if err := writeLine(w.Stdout, report.AppendRow(nil, row)); err != nil {
			return err
		}
	}
	return writeLine(w.Stdout, mlflow.JSON{}.Append(nil, summaryObject(r, absolute(out))))
}

// summaryObject is the last line of --json.
func summaryObject(r *batch.Result, out string) *mlflow.Object {
	s := &mlflow.Object{}
	s.Append("entries", countsObject(r.Statuses))
	s.Append("reports", countsObject(r.Changes))
	s.Append("issues", countsObject(r.Codes))
	s.Append("out", out)
	return mlflow.NewObject(mlflow.Member{Key: "summary", Value: s})
}

func countsObject[K ~string](m map[K]int) *mlflow.Object {
	o := &mlflow.Object{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		o.Append(string(k), mlflow.Number(fmt.Sprint(m[k])))
	}
	return o
}

func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
