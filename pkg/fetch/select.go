package fetch

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// How many registered models are read at once to resolve aliases, stages and
// selectors. It begins with few and doubles, so that the first versions are
// there soon.
const (
	firstNames  = 50
	namesAtOnce = 200
)

// A Want is what one entry of a manifest asks of a store: a ref or a selector.
type Want struct {
	Entry    int // comes back in Selected.Entries
	Ref      mlflow.Ref
	Selector *Selector
}

// A Selector picks many objects: versions of registered models, models that
// runs logged, or logged models.
type Selector struct {
	Of     SelectorOf
	Text   string // as the manifest has it, for messages
	Match  func(name string) bool
	Like   string // see Query
	Filter string // MLflow's filter string about registered models, runs or logged models

	Experiments func(name string) bool      // of which runs or logged models are looked at; nil: all
	Exclude     func(name, uri string) bool // what is passed over, by the name that Match looks at (of runs: that of the experiment) or the resolved URI; nil: nothing
	Versions    VersionRule                 // of registered models
	AllowEmpty  bool
}

// SelectorOf says what a selector picks.
type SelectorOf int

// What selectors pick.
const (
	OfModels       SelectorOf = iota // versions of registered models, by the model's name
	OfRuns                           // models that runs logged
	OfLoggedModels                   // logged models of MLflow 3, by their name
)

func (s *Selector) excludes(name, uri string) bool { return s.Exclude != nil && s.Exclude(name, uri) }

// A VersionRule says which versions of a model are picked. The zero value
// picks all.
type VersionRule struct {
	Latest  int    // the n highest
	Aliases bool   // each that has an alias
	Alias   string // the one with this alias
	Stage   string // the highest in this stage
	Filter  string // those that MLflow's filter string about versions finds
}

func (r VersionRule) needsListing() bool {
	return r.Latest > 1 || r == VersionRule{}
}

// Selected is one object that entries resolve to, or an entry that resolves to
// none.
type Selected struct {
	Ref     mlflow.Ref // resolved: never an alias, a stage or latest; as asked when Failed
	Version *Version   // when it was listed
	Entries []int      // of all wants that resolve to it, ascending
	Failed  *mlflow.Issue
	Err     error // what the store said, when Failed
}

// Select resolves wants: each object once, however many entries ask for it.
// Versions come before what is not in the registry, by model as far as the
// store lists them so; see Claim. Memory holds the numbers of the versions of
// some hundred models, not the versions. The error, which ends the sequence, is
// ctx's.
func (f *Fetcher) Select(ctx context.Context, wants []Want) iter.Seq2[Selected, error] {
	return func(yield func(Selected, error) bool) {
		s := &selection{f: f, yield: yield, explicit: map[string][]Want{}, found: map[int]int{}}
		s.sort(wants)
		if !ListsWhole(f.Source) { // else the listing brings all models, long before their versions come
			f.memo.models.keepFew()
		}
		if err := s.run(ctx); err != nil && !s.stopped {
			yield(Selected{}, err)
		}
	}
}

type selection struct {
	f       *Fetcher
	yield   func(Selected, error) bool
	stopped bool

	selectors []Want
	explicit  map[string][]Want // by model name
	others    map[mlflow.Ref][]int
	names     map[string][]string           // by filter: the models that it finds, sorted
	versions  map[string]map[string][]int64 // by filter about versions: what it finds, by model
	found     map[int]int                   // selector's entry -> objects selected
	broken    map[int]bool                  // entries that have failed, each said once
}

func (s *selection) sort(wants []Want) {
	s.others, s.broken = map[mlflow.Ref][]int{}, map[int]bool{}
	for _, w := range wants {
		switch {
		case w.Selector != nil:
			s.selectors = append(s.selectors, w)
		case w.Ref.NamesModel():
			s.explicit[w.Ref.Model] = append(s.explicit[w.Ref.Model], w)
		default:
			s.others[w.Ref] = append(s.others[w.Ref], w.Entry)
		}
	}
}

func (s *selection) run(ctx context.Context) error {
	listed, err := s.listNames(ctx)
	if err != nil {
		return err
	}
	set := map[string]bool{}
	for n := range s.explicit {
		set[n] = true
	}
	for _, n := range listed {
		set[n] = true
	}
	names := slices.Sorted(maps.Keys(set))
	for n := firstNames; len(names) > 0; n = min(2*n, namesAtOnce) {
		n = min(n, len(names))
		if err := s.models(ctx, names[:n], listed); err != nil || s.stopped {
			return err
		}
		names = names[n:]
	}
	if err := s.listOthers(ctx); err != nil {
		return err
	}
	for _, ref := range slices.SortedFunc(maps.Keys(s.others), func(a, b mlflow.Ref) int { return strings.Compare(a.String(), b.String()) }) {
		slices.Sort(s.others[ref])
		s.emit(Selected{Ref: ref, Entries: s.others[ref]})
	}
	for _, w := range s.selectors {
		if s.found[w.Entry] == 0 && !w.Selector.AllowEmpty && !s.broken[w.Entry] {
			issue := mlflow.NewIssue("entry", mlflow.EmptySelection, w.Selector.Text)
			err := &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "%s", issue.Message), Hint: "see how the names are spelled; if nothing is right, add allow-empty: true to the entry"}
			s.fail(w, issue, err)
		}
	}
	return nil
}

func (s *selection) emit(v Selected) {
	if !s.stopped && !s.yield(v, nil) {
		s.stopped = true
	}
}

func (s *selection) fail(w Want, issue mlflow.Issue, err error) {
	if s.broken[w.Entry] {
		return
	}
	s.broken[w.Entry] = true
	s.emit(Selected{Ref: w.Ref, Entries: []int{w.Entry}, Failed: &issue, Err: err})
}

// unlisted fails a selector whose listing failed: whatever the store said, it
// did not say that there is nothing.
func (s *selection) unlisted(w Want, err error) {
	issue := IssueOf("entry", err, mlflow.NewIssue("entry", mlflow.Unavailable, w.Selector.Text), w.Selector.Text)
	if errors.Is(err, mlflow.ErrInvalid) {
		issue = mlflow.NewIssue("entry", mlflow.FilterRefused, w.Selector.Text)
	}
	s.fail(w, issue, err)
}
