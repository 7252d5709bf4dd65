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
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// summary tells a person what could not be read, what was written and where,
// and what to type next.
func (w *work) summary(t *sink.Tree, r *batch.Result, c *runCmd) {
	since, changed := t.LastChange()
	if !changed && !r.Failed() && r.Kept == 0 {
		w.sayUnchanged(r, since)
		return
	}
	w.show.sayProblems(c.Out)
	if w.cli.Quiet {
		return
	}
	if c.retry && len(r.Statuses) == 0 && !r.Failed() {
		fmt.Fprintf(w.Stderr, "nothing to read again: nothing failed in %s\n", shellWord(c.Out))
		return
	}
	took := w.Now().Sub(w.started).Round(10 * time.Millisecond)
	if w.records != nil {
		w.records.Info("batch done", "reports", reportsOf(r), "entries", r.Statuses, "changes", r.Changes, "issues", r.Codes, "known_issues", r.Verdict.Known,
			"seconds", took.Seconds(), "tree", absolute(c.Out))
		return
	}
	fmt.Fprintf(w.Stderr, "%s in %s%s\n", counted(reportsOf(r), "report"), took, inBrackets(changes(r)))
	fmt.Fprintf(w.Stderr, "  entries: %s\n", join(statuses(r)))
	if r.Kept > 0 {
		fmt.Fprintf(w.Stderr, "  left out: %s, as the last batch left them\n", counted(r.Kept, "entry"))
	}
	if known := knownOf(r); len(known) > 0 {
		fmt.Fprintf(w.Stderr, "  known:   %s; the manifest's known-issues say that these count for nothing\n", join(known))
	}
	fmt.Fprintf(w.Stderr, "  tree:    %s\n", absolute(c.Out))
	if lines := filepath.Join(c.Out, filepath.FromSlash(sink.BulkFiles())); isThere(lines) {
		fmt.Fprintf(w.Stderr, "  lines:   %s\n", absolute(lines))
	}
	w.next(r, c)
}

// slowCommit is from how many reports on a batch says that it puts them in
// order: then that takes some seconds after the last progress.
const slowCommit = 100_000

func (w *work) sayCommit(r *batch.Result) {
	if n := reportsOf(r); n >= slowCommit && !w.cli.Quiet {
		fmt.Fprintf(w.Stderr, "mlreport: all is read; putting %d reports in order\n", n)
	}
}

// sayUnchanged sums up a batch that found everything as it was.
func (w *work) sayUnchanged(r *batch.Result, since time.Time) {
	if w.cli.Quiet {
		return
	}
	var but []string
	for _, s := range []report.Status{report.StatusPartial, report.StatusGone, report.StatusDropped} {
		if n := r.Statuses[s]; n > 0 {
			but = append(but, fmt.Sprintf("%d %s", n, s))
		}
	}
	if known := knownOf(r); len(known) > 0 {
		but = append(but, "known issues: "+join(known))
	}
	fmt.Fprintf(w.Stderr, "nothing changed: %s%s, last change %s\n", counted(reportsOf(r), "model"), inBrackets(but), since.UTC().Format(time.DateOnly))
}

// isThere tells whether a pattern names a file.
func isThere(pattern string) bool {
	found, err := filepath.Glob(pattern)
	return err == nil && len(found) > 0
}

// next says what to type next.
func (w *work) next(r *batch.Result, c *runCmd) {
	if i := slices.IndexFunc(w.show.example.Row.Files, func(f report.FileRef) bool { return strings.HasSuffix(f.Path, "/report.json") }); i >= 0 {
		fmt.Fprintf(w.Stderr, "next: less %s\n", shellWord(filepath.Join(c.Out, filepath.FromSlash(w.show.example.Row.Files[i].Path))))
	} else {
		fmt.Fprintf(w.Stderr, "next: less %s\n", shellWord(filepath.Join(c.Out, "index.json")))
	}
	switch {
	case r.Failed() || r.Codes[mlflow.Unavailable] > 0:
		if w.command == nil || slices.Contains(c.What, "-") || r.Codes[mlflow.Unavailable]+r.Codes[mlflow.Denied] == 0 {
			fmt.Fprintln(w.Stderr, "      the same command again completes what failed and keeps what is there")
			return
		}
		fmt.Fprintf(w.Stderr, "      %s retry %s    # reads what failed once more and keeps what is there\n", w.program(), shellWord(c.Out))
	case !slices.Contains(c.What, "-"):
		fmt.Fprintf(w.Stderr, "      %s    # what has changed since\n", cmp.Or(w.Program, "mlreport")+" plan"+c.words()+c.flags())
	}
}

// flags are those of a run that its plan needs too.
func (c *runCmd) flags() string {
	flags := ""
	if c.Out != "mlreport-out" {
		flags += " --out " + shellWord(c.Out)
	}
	flags += c.narrowFlags.again()
	if c.Compat != "none" {
		flags += " --compat " + c.Compat
	}
	return flags
}

// shellWord quotes what a shell would take apart.
func shellWord(s string) string {
	s = harmless(s)
	if s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c < 0x80 && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_./+,:@%=", c)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// reportsOf counts the reports that the tree has of this batch's entries.
func reportsOf(r *batch.Result) int {
	return r.Statuses[report.StatusOK] + r.Statuses[report.StatusPartial] + r.Statuses[report.StatusStale]
}

func changes(r *batch.Result) []string {
	var out []string
	for _, c := range []sink.Change{sink.New, sink.Changed, sink.Unchanged, sink.Stale} {
		if n := r.Changes[c]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, c))
		}
	}
	return out
}

func statuses(r *batch.Result) []string {
	var out []string
	for _, s := range []report.Status{report.StatusOK, report.StatusPartial, report.StatusStale, report.StatusFailed, report.StatusGone, report.StatusDropped} {
		if n := r.Statuses[s]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(out) == 0 {
		return []string{"none"}
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
// stores said when that tells more. Of a quiet program only failures are news.
// Without out, nothing was written to look at.
func (p *progress) sayProblems(out string) {
	said := map[string]bool{}
	for _, e := range p.worst {
		if p.quiet && !e.Failed {
			continue
		}
		if p.records != nil {
			p.recordProblems(e)
			continue
		}
		for _, i := range e.Row.Issues {
			if i.Level == mlflow.Gap && !slices.Contains(e.Known, i) {
				p.sayOnceLine(said, fmt.Sprintf("%s %s: %s", e.Row.Status, harmless(e.Row.URI), harmless(i.String())))
			}
		}
		for _, err := range e.Problems {
			p.sayOnce(said, e, err)
		}
	}
	if more := p.bad - len(p.worst); more > 0 && !p.quiet {
		where := "--json prints them"
		if out != "" {
			where = "see " + shellWord(filepath.Join(out, "index.json"))
		}
		fmt.Fprintf(p.Stderr, "and %s more: %s\n", counted(more, "entry"), where)
	}
}

// sayOnceLine says a line, once: two sections can lack the same.
func (p *progress) sayOnceLine(said map[string]bool, line string) {
	if !said[line] {
		said[line] = true
		fmt.Fprintln(p.Stderr, line)
	}
}

// sayOnce says what a store said about an entry, unless it is only that
// something is not there, which an issue has said, and what to do about it. Of
// a server that says the same to everything, one example will do.
func (p *progress) sayOnce(said map[string]bool, e batch.Event, err error) {
	known := errors.Is(err, mlflow.ErrNotFound) && !slices.ContainsFunc(e.Row.Issues, func(i mlflow.Issue) bool { return i.Code == mlflow.Unavailable })
	text := harmless(err.Error())
	same := text
	var answer *rest.APIError
	if errors.As(err, &answer) {
		same = fmt.Sprint(e.Row.Host, " answered ", answer.Status, answer.Code, answer.Message)
	}
	if !known && !said[same] {
		said[same] = true
		fmt.Fprintln(p.Stderr, "  "+text)
	}
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
	if len(r.Verdict.Known) > 0 {
		s.Append("known_issues", countsObject(r.Verdict.Known))
	}
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
