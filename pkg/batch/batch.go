package batch

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// A Host is one store of the manifest, opened.
type Host struct {
	Name      string
	Source    fetch.Source
	Artifacts fetch.Artifacts
	Err       error // why the host cannot be used at all; then Source is nil

	Tracking  string // address as the manifest has it, without user info and query
	Registry  string // the same; "" when it is Tracking
	UI        string // base of links; "" for none
	Workspace string // of MLflow 3, for links
	Local     bool   // files and tables of this machine: larger chunks pay off

	Databricks   bool                         // a workspace of Databricks: its links are its own
	UnityCatalog bool                         // the registry is Unity Catalog
	WorkspaceID  func(context.Context) string // of Databricks, for links; nil: not known

	// Answered tells whether the host gives answers: false of one that never
	// gave any, and of one that went away and did not come back; nil: always.
	Answered func() bool
}

// A Tree is where reports go: a *sink.Tree, or a *sink.Preview that only tells
// what would change.
type Tree interface {
	Stage(place, file string, data []byte) (sink.StagedFile, error)
	Unstage(place string, files []sink.StagedFile)
	WriteReport(sink.Report) (sink.Written, error)
	Keep(place string) (sink.Written, bool, error)
	Previous() (*report.IndexReader, error)
	LastCommit() time.Time
	Confirm(report.Row) (bool, error)
	ReadModel(place string) []byte
	Note(place string) []byte
	AddNote(place string, note []byte) error
	Add(report.Row) error
}

// Options say what a batch does. Entries, Hosts and Tree must be set.
type Options struct {
	Entries     []manifest.Entry
	Hosts       []Host
	DefaultHost string // the one whose places have no `@host` before them
	Tree        Tree
	Timestamp   time.Time // of all reports
	Began       time.Time // by the clock of this machine; zero: what files of folders say about their age is not relied on
	Compat      bool      // reports as the seed tool wrote them
	Fresh       bool      // reads, makes and compares all, whatever the last batch knew

	// What narrows a batch: what it leaves out keeps the row that it has.
	Chosen func(entry int) bool // entries that are read; nil: all
	Retry  bool                 // only objects that failed, or that the last index does not know
	Since  time.Time            // only objects that were made or updated since; zero: all

	// Listed says that the entries were made by listing stores: what is none
	// of them any more is asked about before it counts as dropped.
	Listed    bool
	Coverage  bool // list what no entry covers: Result.Coverage
	MaxShrink int  // by how many percent a selection may shrink against the last tree; 0: any

	KnownIssues []manifest.KnownIssue // that decide nothing: see Verdict
	New         bool                  // find out which gaps the last index does not have

	Done func(Event) // called after each row, from many goroutines at once; may be nil

	// Found is called by each host's lane as it learns what its entries mean:
	// with the number of objects and failures so far, each of which will have a
	// row or more, and whether these are all. It may be nil.
	Found func(host string, n int, all bool)
	Log   *slog.Logger
}

// An Event is one entry or object that is done.
type Event struct {
	Row      report.Row
	Change   sink.Change // what became of its report
	Problems []error     // what the stores said about what is missing, for people
	Failed   bool        // an entry has no report of today
	Kept     bool        // it was not to be read: the row is that of the last index

	Known []mlflow.Issue // of the row's issues: those that the manifest calls known

	entries []int // whose row it is
}

// Run reads everything that the entries name and writes it to the tree, all
// hosts side by side. The rows of the index are the result; an error means
// that the batch could not go on (ctx ended, the disk is full): what was
// written until then is valid.
func Run(ctx context.Context, o Options) (*Result, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := &run{Options: o, result: newResult(o), places: sink.NewPlaces(o.DefaultHost), seed: maphash.MakeSeed(), placed: map[uint64]struct{}{}}
	b.claimPlaces()
	b.nameEntries()
	g, gctx := errgroup.WithContext(ctx)
	for _, h := range o.Hosts {
		g.Go(func() error { return (&lane{run: b, host: h, seen: map[int]bool{}}).work(gctx) })
	}
	err := g.Wait()
	if err == nil {
		err = b.compareSelections()
	}
	if err == nil && ctx.Err() == nil {
		err = b.addLeft(ctx)
	}
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	return b.result, err
}

// run is one batch under way.
type run struct {
	Options
	places  *sink.Places
	seed    maphash.Seed
	byAsked map[askedOf][]int // entries by what they ask for
	heavy   sync.Mutex        // held by who makes a report of a heavy bundle

	mu     sync.Mutex
	result *Result
	placed map[uint64]struct{} // hashes of the places that have their row, when there is an index of an earlier batch
}

// claimPlaces settles what the lanes would otherwise race for.
func (b *run) claimPlaces() {
	var hosts, names []string
	for _, h := range b.Hosts {
		hosts = append(hosts, h.Name)
	}
	for _, e := range b.Entries {
		if e.Name != "" {
			names = append(names, e.Name)
		}
	}
	b.places.Claim(hosts, names)
}

// nameEntries learns which entries ask for what.
func (b *run) nameEntries() {
	b.byAsked = map[askedOf][]int{}
	for i, e := range b.Entries {
		key := askedOf{e.Host, Asked(e)}
		b.byAsked[key] = append(b.byAsked[key], i)
	}
}

// add records one row.
func (b *run) add(e Event) error {
	e = b.judge(e)
	isNew := b.isNew(e)
	old, _ := b.Tree.Previous()
	b.mu.Lock()
	if old != nil { // without an index nothing can be left of it
		b.placed[b.hash(e.Row.Place)] = struct{}{}
	}
	b.result.count(e, isNew)
	b.mu.Unlock()
	if b.Done != nil {
		b.Done(e)
	}
	return b.Tree.Add(e.Row)
}

// selected counts an object for the selectors that found it.
func (b *run) selected(s fetch.Selected) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.result.selected(s.Entries, s.Ref.Model)
}

// hasRow tells whether a place has its row.
func (b *run) hasRow(place string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.placed[b.hash(place)]
	return ok
}

func (b *run) hash(place string) uint64 { return maphash.String(b.seed, place) }
