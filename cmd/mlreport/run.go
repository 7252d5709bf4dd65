package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// runCmd writes a tree.
type runCmd struct {
	askedFlags
	narrowFlags
	Out         string        `default:"mlreport-out" placeholder:"DIR" help:"Folder of the tree (default: ./mlreport-out). It must be new, empty, or written by mlreport."`
	JSON        bool          `name:"json" help:"Print one JSON object per entry on stdout, and a summary last."`
	FailOn      []string      `placeholder:"CODE" help:"Exit with 3 also when one of these issues occurs; any: every gap, lost: a section that was there before, new: a gap that the last index does not have. What the manifest's known-issues name never counts."`
	Compat      string        `enum:"none,seed" default:"none" help:"seed: write reports as the Python tool wrote them (as valid JSON)."`
	MetricsFile string        `placeholder:"FILE" help:"Write what the batch did for Prometheus (text format), also when it failed."`
	Format      string        `enum:",tree,jsonl,both" default:"" placeholder:"FORM" help:"tree: a folder per report (default). jsonl: a line per report in a few files, OUT/bulk/reports-*.jsonl.zst. both."`
	NoSync      bool          `hidden:"" help:"Leave it to the system when files become durable."`
	LockWait    time.Duration `placeholder:"DURATION" help:"How long to wait for another batch that writes to the same folder, such as 10m; without it, exit 5 at once."`

	retry bool // only entries of which something failed
}

// Run writes the tree and sums up.
func (c *runCmd) Run(ctx context.Context, s *session) error {
	if c.MetricsFile == "" {
		return c.run(ctx, s, &metrics{})
	}
	m, err := newMetrics(c.MetricsFile, s.env)
	if err != nil {
		return err
	}
	err = c.run(ctx, s, m)
	unwritten := m.write(exitCode(err))
	if err == nil {
		return unwritten
	}
	if unwritten != nil {
		(&tui{s.env}).error(unwritten, exitCode(err))
	}
	return err
}

// run is Run; what there is to measure is left in m.
func (c *runCmd) run(ctx context.Context, s *session, m *metrics) error {
	failOn, err := parseFailOn(c.FailOn)
	if err != nil {
		return err
	}
	if err := s.checkOut(c.Out); err != nil {
		return err
	}
	w, err := s.prepare(ctx, c.askedFlags, c.narrowing(), c.Compat == "seed")
	if err != nil {
		return err
	}
	defer w.close()
	w.command = c.command(s)
	format, err := w.formatOf(c.Format)
	if err != nil {
		return err
	}
	tree, err := sink.Open(ctx, sink.Options{
		Dir: c.Out, Now: s.Now, LockWait: c.LockWait, NoSync: c.NoSync, Same: report.SameButTimestamp, Writer: version(), Holder: holder(), Format: format,
	})
	if err != nil {
		return err
	}
	defer w.closeTree(tree)
	w.o.New = slices.Contains(failOn, failOnNew)
	result, err := w.run(ctx, tree, nil)
	m.batch(w, result)
	if ctx.Err() != nil {
		return w.interrupted(tree, result)
	}
	if err != nil {
		return err
	}
	if err := w.writeCoverage(tree, result); err != nil {
		return err
	}
	w.sayCommit(result)
	if err := tree.Commit(result.Index(), w.runFile(result, false)); err != nil {
		return err
	}
	if c.JSON {
		if err := w.printRows(c.Out, result); err != nil {
			return err
		}
	}
	w.nameModels(ctx)
	w.summary(tree, result, c)
	w.sayWhyFailed(result, c.Out)
	if asked := askedFatal(result, failOn); len(asked) > 0 {
		fmt.Fprintf(w.Stderr, "mlreport: error: --fail-on: there is %s\n", join(asked))
		return errSaid(exitPartial)
	}
	if result.Failed() {
		return errSaid(exitPartial)
	}
	return nil
}

// writeCoverage writes coverage.json, or removes it when the manifest asks for
// none any more. A batch of some entries cannot tell what none covers.
func (w *work) writeCoverage(tree *sink.Tree, r *batch.Result) error {
	switch {
	case w.o.Coverage:
		return tree.WriteCoverage(mlflow.EncodeReport(r.CoverageDocument()))
	case w.coverage:
		return nil
	}
	return tree.WriteCoverage(nil)
}

// narrowing says which part of what is asked for is read.
func (c *runCmd) narrowing() narrowFlags {
	part := c.narrowFlags
	if c.retry {
		part.failedIn = c.Out
	}
	return part
}

// formatOf is the format that the command line asks for, else the manifest.
// Objects and copies are files of their own, which lines alone cannot hold.
func (w *work) formatOf(flag string) (sink.Format, error) {
	format := sink.Format(cmp.Or(flag, w.format, string(sink.FormatTree)))
	if format == sink.FormatJSONL && slices.ContainsFunc(w.o.Entries, func(e manifest.Entry) bool { return e.Objects || e.Markdown || !e.Copy.IsZero() }) {
		return "", &mlflow.Error{Err: errUsage{errors.New("format jsonl has no place for the files of `objects:`, `copy:` and `markdown:`")}, Hint: "give --format both, or leave them out"}
	}
	return format, nil
}

// checkOut refuses a tree that cannot be one by its name.
func (s *session) checkOut(out string) error {
	hint := "give a folder: a new one, an empty one, or one that mlreport wrote"
	if info, err := os.Stat(out); err == nil && !info.IsDir() {
		return &mlflow.Error{Err: errUsage{fmt.Errorf("--out %s is a file, not a folder", out)}, Hint: hint}
	}
	if out == "" {
		return &mlflow.Error{Err: errUsage{errors.New("--out is empty")}, Hint: hint}
	}
	if absolute(out) == absolute(s.Dir) && whatIs(out) != aTree {
		if list, err := os.ReadDir(out); err == nil && len(list) > 0 {
			return &mlflow.Error{
				Err:  errUsage{fmt.Errorf("--out %s is the folder that you are in, which holds other files", out)},
				Hint: "leave --out away to write to ./mlreport-out, or give a folder of its own",
			}
		}
	}
	return nil
}

func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return "pid " + strconv.Itoa(os.Getpid()) + " on " + host
}

// A work is one batch of a command.
type work struct {
	*session
	log     *slog.Logger
	hosts   []*opened
	o       batch.Options
	format  string // of the manifest
	command *sink.Command

	coverage bool // of the manifest
	started  time.Time
	show     *progress
}

// prepare reads what is asked for and opens its stores: all that can be wrong
// before anything is asked or written.
func (s *session) prepare(ctx context.Context, asked askedFlags, part narrowFlags, compat bool) (*work, error) {
	if err := asked.apply(nil); err != nil { // before anybody is asked
		return nil, err
	}
	p, err := s.planFor(ctx, asked)
	if err != nil {
		return nil, err
	}
	w := &work{session: s, log: s.logger(), started: s.Now()}
	w.o = batch.Options{Entries: p.entries, DefaultHost: p.defaultHost, Compat: compat, Began: w.started, Listed: p.listed, Log: w.log}
	if err := part.narrow(p, &w.o); err != nil {
		return nil, err
	}
	if err := asked.apply(p.entries); err != nil {
		return nil, err
	}
	w.o.Coverage, w.o.MaxShrink, w.o.KnownIssues = p.coverage && p.chosen == nil, p.maxShrink, p.known
	w.coverage = p.coverage
	w.format = p.format
	if p.chosen != nil {
		w.o.Chosen = p.reads
	}
	if w.o.Timestamp, err = s.timestamp(); err != nil {
		return nil, err
	}
	w.hosts, err = s.open(ctx, p, w.log)
	if err != nil {
		w.close()
		return nil, err
	}
	for _, h := range w.hosts {
		w.o.Hosts = append(w.o.Hosts, h.Host)
	}
	return w, nil
}

func (w *work) close() {
	for _, h := range w.hosts {
		h.close(w.log)
	}
}

func (w *work) closeTree(t *sink.Tree) {
	if err := t.Close(); err != nil {
		w.log.Warn("closing the tree", "err", err)
	}
}

// run runs the batch with progress shown; done hears of each row.
func (w *work) run(ctx context.Context, tree batch.Tree, done func(batch.Event)) (*batch.Result, error) {
	w.show = newProgress(w.env, w.o.Hosts, w.cli.Quiet, w.cli.Verbose)
	defer w.show.close()
	w.o.Tree = tree
	w.o.Done = func(e batch.Event) {
		if done != nil {
			done(e)
		}
		w.show.done(e)
	}
	w.o.Found = w.show.found
	return batch.Run(ctx, w.o)
}

// interrupted ends a batch that a signal ended: the old index stays, and so
// does what was written.
func (w *work) interrupted(tree *sink.Tree, r *batch.Result) error {
	if err := tree.WriteRun(w.runFile(r, true)); err != nil {
		w.log.Warn("writing run.json", "err", err)
	}
	fmt.Fprintf(w.Stderr, "mlreport: interrupted after %s: what was written is valid; run the same command again to complete it\n", counted(reportsOf(r), "report"))
	return errSaid(exitInterrupted)
}

// runFile is what run.json says.
func (w *work) runFile(r *batch.Result, interrupted bool) sink.Run {
	f := sink.Run{Mlreport: version(), Command: w.command, Started: w.started, Ended: w.Now(), Interrupted: interrupted, Timestamp: w.o.Timestamp, Entries: r.Statuses, Reports: r.Changes, Known: r.Verdict.Known}
	for _, h := range w.hosts {
		rh := sink.RunHost{Name: h.Name}
		if h.Err != nil {
			rh.Error = h.Err.Error()
		}
		for _, st := range h.stores {
			if st.client != nil {
				stats := st.client.Stats()
				rh.Requests += stats.Requests
				rh.Retries += stats.Retries
				rh.Bytes += stats.Bytes
			}
		}
		f.Hosts = append(f.Hosts, rh)
	}
	for _, e := range w.show.worst {
		for _, p := range e.Problems {
			f.Failed = append(f.Failed, sink.RunFailure{URI: e.Row.URI, Host: e.Row.Host, Error: p.Error()})
		}
	}
	return f
}
