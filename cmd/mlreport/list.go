package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/mlreport/mlreport/pkg/listing"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// listFlags are those that all list commands share.
type listFlags struct {
	In string `placeholder:"OUT" help:"Read a finished tree of reports instead of a store."`
	storeFlags
	Output     string   `enum:"table,csv,json,jsonl" default:"table" help:"table, csv, json or jsonl."`
	Columns    []string `placeholder:"NAME" help:"Columns, with commas between; tags.KEY is one tag; +NAME adds to the default; all."`
	Filter     string   `placeholder:"FILTER" help:"MLflow's filter string, such as \"tags.tier = '1'\"; servers get it unchanged."`
	OrderBy    []string `placeholder:"COLUMN" help:"Sort by a column, such as 'metrics.auc DESC'."`
	MaxResults int      `placeholder:"N" help:"At most so many rows (default: all)."`
	Without    []string `placeholder:"COLUMN" help:"Only rows that have nothing in this column, such as tags.owner."`
}

// A lister is where a list command finds objects: an opened store, or a
// finished tree.
type lister interface {
	// objects streams what there is of a kind. columns are those that will be
	// looked at: some take asking for more.
	objects(ctx context.Context, q listQuery, columns []listing.Column) iter.Seq2[*mlflow.Object, error]
}

// A listQuery says which objects a list command is about.
type listQuery struct {
	kind         listing.Kind
	filter       string
	match        func(name string) bool // nil: all
	alias, stage string
	experiments  []string // ids or names; nil: all
	view         string   // active, deleted or all
	unregistered bool
}

// list runs a list command.
func (s *session) list(ctx context.Context, f listFlags, q listQuery) error {
	shown, err := f.shown(q.kind)
	if err != nil {
		return err
	}
	q.filter = f.Filter
	from, done, err := s.lister(ctx, f)
	if err != nil {
		return err
	}
	defer done()
	return s.print(f, shown, from.objects(ctx, q, shown.looked))
}

// print writes the rows of a list command.
func (s *session) print(f listFlags, shown shownColumns, rows iter.Seq2[*mlflow.Object, error]) error {
	rows = listing.Pick(rows, shown.without, shown.by, f.MaxResults)
	n, err := listing.Write(s.Stdout, f.Output, s.columns(), shown.columns, rows)
	if err == nil && n == 0 && f.Output == listing.Table && !s.cli.Quiet {
		fmt.Fprintln(s.Stderr, "nothing is there that matches")
	}
	return err
}

// shownColumns are the columns that flags name.
type shownColumns struct {
	columns, without []listing.Column
	by               []listing.Order
	looked           []listing.Column // all of them
}

func (f listFlags) shown(k listing.Kind) (c shownColumns, err error) {
	if f.MaxResults < 0 {
		return c, errUsage{errors.New("--max-results is less than 0")}
	}
	if c.columns, err = listing.Choose(k, f.Columns, f.Output == listing.Table); err != nil {
		return c, inFlag("--columns", err)
	}
	c.looked = slices.Clone(c.columns)
	for _, name := range f.Without {
		column, err := listing.Choose(k, []string{name}, false)
		if err != nil {
			return c, inFlag("--without", err)
		}
		c.without, c.looked = append(c.without, column...), append(c.looked, column...)
	}
	for _, text := range f.OrderBy {
		o, err := listing.ParseOrder(k, text)
		if err != nil {
			return c, inFlag("--order-by", err)
		}
		c.by, c.looked = append(c.by, o), append(c.looked, o.Column)
	}
	return c, nil
}

// inFlag says which flag a mistake is in.
func inFlag(name string, err error) error {
	return &mlflow.Error{Err: errUsage{fmt.Errorf("%s: %w", name, err)}, Hint: mlflow.Hint(err)}
}

// lister opens the store or the tree that a list command reads.
func (s *session) lister(ctx context.Context, f listFlags) (lister, func(), error) {
	if f.In != "" {
		if f.TrackingURI != "" || f.RegistryURI != "" {
			return nil, nil, errUsage{errors.New("--in reads a tree, which needs no store: leave out --tracking-uri and --registry-uri")}
		}
		return treeLister{f.In}, func() {}, nil
	}
	h, all, err := s.storeHere(ctx, f.storeFlags)
	if err != nil {
		return nil, nil, err
	}
	s.sayChoice(all)
	log := s.logger()
	o := s.openHost(ctx, h, log)
	if o.Err != nil {
		o.close(log)
		return nil, nil, o.Err
	}
	return &storeLister{opened: o, log: log}, func() { o.close(log) }, nil
}

// namePattern is a pattern of names that a command line gives.
func namePattern(flag, text string) (func(string) bool, error) {
	if text == "" {
		return nil, nil
	}
	p, err := manifest.ParsePattern(text)
	if err != nil {
		return nil, errUsage{fmt.Errorf("%s: %q %w", flag, text, err)}
	}
	return p.Match, nil
}

type listRegisteredModelsCmd struct {
	Name  string `arg:"" optional:"" help:"Names, as a pattern: * any text, ? one character."`
	Alias string `placeholder:"NAME" help:"Only models that have this alias."`
	Stage string `placeholder:"NAME" help:"Only models that have a version in this stage."`
	listFlags
}

// Run lists registered models.
func (c *listRegisteredModelsCmd) Run(ctx context.Context, s *session) error {
	match, err := namePattern("NAME", c.Name)
	if err != nil {
		return err
	}
	return s.list(ctx, c.listFlags, listQuery{kind: listing.RegisteredModels, match: match, alias: c.Alias, stage: c.Stage})
}

type listModelVersionsCmd struct {
	Name  string `arg:"" optional:"" help:"Names of registered models, as a pattern: * any text, ? one character."`
	Alias string `placeholder:"NAME" help:"Only versions that have this alias."`
	Stage string `placeholder:"NAME" help:"Only versions in this stage."`
	listFlags
}

// Run lists model versions.
func (c *listModelVersionsCmd) Run(ctx context.Context, s *session) error {
	match, err := namePattern("NAME", c.Name)
	if err != nil {
		return err
	}
	return s.list(ctx, c.listFlags, listQuery{kind: listing.ModelVersions, match: match, alias: c.Alias, stage: c.Stage})
}

// viewFlag says which stages of life are listed.
type viewFlag struct {
	ViewType string `enum:"active,deleted,all" default:"active" help:"active, deleted or all."`
}

type listExperimentsCmd struct {
	Name string `arg:"" optional:"" help:"Names, as a pattern: * any text, ? one character."`
	viewFlag
	listFlags
}

// Run lists experiments.
func (c *listExperimentsCmd) Run(ctx context.Context, s *session) error {
	match, err := namePattern("NAME", c.Name)
	if err != nil {
		return err
	}
	return s.list(ctx, c.listFlags, listQuery{kind: listing.Experiments, match: match, view: c.ViewType})
}

type listRunsCmd struct {
	Experiment   []string `placeholder:"ID|NAME" help:"Only runs of these experiments, by id or name."`
	Unregistered bool     `help:"Only runs that logged a model which nobody registered."`
	viewFlag
	listFlags
}

// Run lists runs.
func (c *listRunsCmd) Run(ctx context.Context, s *session) error {
	return s.list(ctx, c.listFlags, listQuery{kind: listing.Runs, experiments: c.Experiment, view: c.ViewType, unregistered: c.Unregistered})
}

type listLoggedModelsCmd struct {
	Name         string   `arg:"" optional:"" help:"Names, as a pattern: * any text, ? one character."`
	Experiment   []string `placeholder:"ID|NAME" help:"Only logged models of these experiments, by id or name."`
	Unregistered bool     `help:"Only those that nobody registered."`
	listFlags
}

// Run lists logged models.
func (c *listLoggedModelsCmd) Run(ctx context.Context, s *session) error {
	match, err := namePattern("NAME", c.Name)
	if err != nil {
		return err
	}
	return s.list(ctx, c.listFlags, listQuery{kind: listing.LoggedModels, match: match, experiments: c.Experiment, unregistered: c.Unregistered})
}
