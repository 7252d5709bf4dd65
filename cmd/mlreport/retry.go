package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/sink"
)

// retryCmd runs what failed once more.
type retryCmd struct {
	Tree        string        `arg:"" optional:"" default:"mlreport-out" help:"Folder that mlreport run wrote, or its index.json (default: ./mlreport-out). Its run.json says which manifest made it."`
	JSON        bool          `name:"json" help:"Print one JSON object per entry on stdout, and a summary last."`
	FailOn      []string      `placeholder:"CODE" help:"Exit with 3 also when one of these issues occurs, as of run."`
	MetricsFile string        `placeholder:"FILE" help:"Write what the batch did for Prometheus, as run does."`
	LockWait    time.Duration `placeholder:"DURATION" help:"How long to wait for another batch that writes to the same folder."`
}

// Run runs the command that made the tree, for what failed.
func (c *retryCmd) Run(ctx context.Context, s *session) error {
	out := c.Tree
	if filepath.Base(out) == "index.json" && !isFolder(out) {
		out = filepath.Dir(out)
	}
	again, err := s.runOf(out)
	if err != nil {
		return err
	}
	again.Out, again.Failed, again.retry = out, true, true
	again.JSON, again.FailOn, again.MetricsFile, again.LockWait = c.JSON, c.FailOn, c.MetricsFile, c.LockWait
	return again.Run(ctx, s)
}

// repeated are the words and flags of a run that its tree depends on.
type repeated struct {
	askedFlags
	Compat string `enum:"none,seed" default:"none"`
	Format string `enum:",tree,jsonl,both" default:""`
}

// args are what a person types for the same reports again. A password in an
// address is never written down, so that there are none then.
func (c *runCmd) args() []string {
	asked := c.askedFlags
	asked.What = asked.what()
	args := asked.args()
	if c.Compat != "none" {
		args = append(args, "--compat", c.Compat)
	}
	if c.Format != "" {
		args = append(args, "--format", c.Format)
	}
	for _, a := range args {
		if mlflow.Redact(a) != a {
			return nil
		}
	}
	return args
}

// command is what run.json says about how the tree is made.
func (c *runCmd) command(s *session) *sink.Command {
	args := c.args()
	if args == nil {
		return nil
	}
	dir := absolute(s.Dir)
	if rel, err := filepath.Rel(absolute(c.Out), dir); err == nil {
		dir = filepath.ToSlash(rel) // a tree may be moved together with its manifest
	}
	return &sink.Command{Dir: dir, Args: args}
}

// runOf is the run that made a tree.
func (s *session) runOf(out string) (*runCmd, error) {
	data, err := os.ReadFile(filepath.Join(out, "run.json"))
	if err != nil {
		if _, indexErr := os.Stat(filepath.Join(out, "index.json")); !errors.Is(err, fs.ErrNotExist) || indexErr == nil {
			return nil, s.notRepeatable(out, fmt.Errorf("reading run.json of %s, which says what made it: %w", out, withoutPath(err)))
		}
		return nil, &mlflow.Error{Err: errUsage{fmt.Errorf("%s is no tree of reports: there is no run.json in it", out)}, Hint: "give the folder that mlreport run wrote, mostly mlreport-out"}
	}
	made, ok := sink.ReadCommand(data)
	if !ok {
		return nil, s.notRepeatable(out, fmt.Errorf("run.json of %s does not say which command made it", out))
	}
	var again repeated
	parser, err := kong.New(&again, kong.Exit(func(int) {}), kong.WithHyphenPrefixedParameters(true))
	if err == nil {
		_, err = parser.Parse(made.Args)
	}
	if err != nil {
		return nil, s.notRepeatable(out, fmt.Errorf("run.json of %s names a command that this mlreport does not know: %w", out, err))
	}
	if err := s.findWords(out, made, &again); err != nil {
		return nil, err
	}
	return &runCmd{askedFlags: again.askedFlags, Compat: again.Compat, Format: again.Format}, nil
}

// notRepeatable is about a tree of which nobody knows what made it.
func (s *session) notRepeatable(out string, err error) error {
	return &mlflow.Error{Err: errUsage{err}, Hint: s.program() + " run MANIFEST --out " + shellWord(out) + " --failed, with the manifest that made it, does the same"}
}

// findWords lets the words of a run mean what they meant where it was typed.
// Only paths of manifests can be told from elsewhere: all else decides about
// names of stores in reports, or about which store is found.
func (s *session) findWords(out string, made sink.Command, again *repeated) error {
	dir := filepath.FromSlash(made.Dir)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(absolute(out), dir)
	}
	here := sameFolder(dir, s.Dir)
	for i, w := range again.What {
		switch {
		case w == "-":
			return s.notRepeatable(out, fmt.Errorf("the manifest of %s came from standard input, which is gone", out))
		case here || filepath.IsAbs(w):
		case s.isManifest(filepath.Join(dir, w)):
			again.What[i] = s.relative(filepath.Join(dir, w))
		default:
			return s.elsewhere(out, dir)
		}
	}
	if !here && len(again.What) == 0 {
		return s.elsewhere(out, dir)
	}
	return nil
}

// elsewhere is about a command that means the same only where it was typed.
func (s *session) elsewhere(out, dir string) error {
	return &mlflow.Error{
		Err:  errUsage{fmt.Errorf("%s was made in another folder, of what was there", out)},
		Hint: "cd " + shellWord(dir) + " && " + s.program() + " retry " + shellWord(absolute(out)),
	}
}

func sameFolder(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// chooseFailed leaves out the entries of which nothing failed in the last
// batch. Without an index that can be read, nothing is left out; nor where
// coverage is asked for, which is about all entries.
func (p *plan) chooseFailed(out string) {
	if p.coverage {
		return
	}
	index, done, err := treeIndex(out)
	if err != nil {
		return
	}
	defer done()
	type asked struct{ host, uri string }
	failed := map[asked]bool{} // those that have a row at all
	for row, err := range index.All() {
		if err != nil {
			return
		}
		for _, uri := range row.URIs {
			failed[asked{row.Host, uri}] = failed[asked{row.Host, uri}] || batch.Failed(row)
		}
	}
	chosen := make([]bool, len(p.entries))
	for i, e := range p.entries {
		again, known := failed[asked{e.Host, batch.Asked(e)}]
		chosen[i] = p.reads(i) && (again || !known)
	}
	p.chosen = chosen
}
