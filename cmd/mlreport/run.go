package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// maxProblems is how many entries with problems run.json and the terminal list.
const maxProblems = 20

// runCmd writes a tree.
type runCmd struct {
	Manifest string        `arg:"" help:"Manifest that lists the models; - for standard input."`
	Out      string        `default:"mlreport-out" placeholder:"DIR" help:"Folder of the tree (default: ./mlreport-out). It must be new, empty, or written by mlreport."`
	JSON     bool          `name:"json" help:"Print one JSON object per entry on stdout, and a summary last."`
	FailOn   []string      `placeholder:"CODE,..." help:"Exit with 3 also when one of these issues occurs; any: every gap, lost: a section that was there before."`
	Only     string        `placeholder:"GLOB" help:"Only entries whose URI, name or model matches."`
	Compat   string        `enum:"none,seed" default:"none" help:"seed: write reports as the Python tool wrote them (as valid JSON)."`
	NoSync   bool          `hidden:"" help:"Leave it to the system when files become durable."`
	LockWait time.Duration `hidden:"" help:"How long to wait for another batch."`
}

// Run writes the tree and sums up.
func (c *runCmd) Run(ctx context.Context, s *session) error {
	failOn, err := parseFailOn(c.FailOn)
	if err != nil {
		return err
	}
	w, err := s.prepare(c.Manifest, c.Only)
	if err != nil {
		return err
	}
	tree, err := sink.Open(ctx, sink.Options{
		Dir: c.Out, Now: s.Now, LockWait: c.LockWait, NoSync: c.NoSync, Same: report.SameButTimestamp, Holder: holder(),
	})
	if err != nil {
		return err
	}
	defer tree.Close()
	w.options(ctx, c.Compat == "seed")
	defer w.close()
	w.o.Tree = tree
	result, err := w.run(ctx)
	if err != nil {
		return w.broken(tree, err)
	}
	if err := tree.Commit(result.Index(), w.runFile(result, false)); err != nil {
		return err
	}
	if c.JSON {
		if err := w.printRows(c.Out, result); err != nil {
			return err
		}
	}
	w.summary(result, c.Out, c.Manifest)
	if result.Failed() || fatal(result, failOn) {
		return errSaid(exitPartial)
	}
	return nil
}

// fatal tells whether an issue occurred that was asked to be fatal.
func fatal(r *batch.Result, failOn []mlflow.Code) bool {
	return slices.ContainsFunc(failOn, func(c mlflow.Code) bool {
		switch c {
		case "any":
			return r.Statuses[report.StatusPartial] > 0
		case "lost":
			return r.Lost > 0
		}
		return r.Codes[c] > 0
	})
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
	plan    *plan
	o       batch.Options
	stores  []*store
	started time.Time
	show    *progress
	close   func()
}

// prepare reads the manifest: all that can be wrong before anything is asked
// or written.
func (s *session) prepare(name, only string) (*work, error) {
	m, err := s.load(name)
	if err != nil {
		return nil, err
	}
	p, err := s.planOf(m)
	if err != nil {
		return nil, err
	}
	if err := p.only(only); err != nil {
		return nil, err
	}
	w := &work{session: s, plan: p, started: s.Now(), close: func() {}}
	w.o.Timestamp, err = s.timestamp()
	return w, err
}

// options opens the hosts and fills in what the batch needs but for the tree.
func (w *work) options(ctx context.Context, compat bool) {
	log := w.logger()
	hosts, stores, closeHosts := w.open(ctx, w.plan, log)
	w.stores, w.close = stores, closeHosts
	w.o.Entries, w.o.Hosts, w.o.DefaultHost, w.o.Compat, w.o.Log = w.plan.entries, hosts, w.plan.defaultHost, compat, log
}

// run runs the batch with progress shown.
func (w *work) run(ctx context.Context) (*batch.Result, error) {
	w.show = newProgress(w.env, w.cli.Quiet)
	w.o.Done = w.show.done
	result, err := batch.Run(ctx, w.o)
	w.show.close()
	return result, err
}

// broken ends a batch that could not go on: the old index stays, and so does
// what was written.
func (w *work) broken(tree *sink.Tree, err error) error {
	result := &batch.Result{}
	if errors.Is(err, context.Canceled) {
		if e := tree.WriteRun(w.runFile(result, true)); e != nil {
			w.logger().Warn("writing run.json", "err", e)
		}
		fmt.Fprintln(w.Stderr, "mlreport: interrupted: what was written is valid; run the same command again to complete it")
		return errSaid(exitInterrupted)
	}
	return err
}

// runFile is what run.json says.
func (w *work) runFile(r *batch.Result, interrupted bool) sink.Run {
	f := sink.Run{Mlreport: version(), Started: w.started, Ended: w.Now(), Interrupted: interrupted, Entries: r.Statuses, Reports: r.Changes}
	for i, h := range w.o.Hosts {
		rh := sink.RunHost{Name: h.Name}
		if h.Err != nil {
			rh.Error = h.Err.Error()
		}
		if st := w.stores[i]; st != nil && st.client != nil {
			stats := st.client.Stats()
			rh.Requests, rh.Retries, rh.Bytes = stats.Requests, stats.Retries, stats.Bytes
		}
		f.Hosts = append(f.Hosts, rh)
	}
	for _, e := range w.show.problems {
		for _, p := range e.Problems {
			f.Failed = append(f.Failed, sink.RunFailure{URI: e.Row.URI, Host: e.Row.Host, Error: p.Error()})
		}
	}
	return f
}
