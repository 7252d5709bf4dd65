package fetch

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// listNames lists the models that selectors match, sorted: those of each
// filter apart.
func (s *selection) listNames(ctx context.Context) ([]string, error) {
	s.names, s.versions = map[string][]string{}, map[string]map[string][]int64{}
	var listed []string
	for _, filter := range s.filters() {
		wants := s.wantsOf(filter)
		names, err := s.listStable(ctx, filter, wants)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			s.drop(wants, err)
			continue
		}
		s.names[filter] = names
		listed = append(listed, names...)
		for _, w := range wants {
			s.sayListed(w, len(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !w.Selector.picks(n) })))
		}
	}
	for _, w := range slices.Clone(s.selectors) {
		if err := s.listVersions(ctx, w.Selector.Versions.Filter); ctx.Err() != nil {
			return nil, ctx.Err()
		} else if err != nil {
			s.drop([]Want{w}, err)
		}
	}
	slices.Sort(listed)
	return slices.Compact(listed), nil
}

// picks tells whether a selector is about a model of this name.
func (s *Selector) picks(name string) bool { return s.Match(name) && !s.excludes(name, "") }

func (s *selection) sayListed(w Want, n int) {
	if s.f.Listed != nil {
		s.f.Listed(w.Entry, n)
	}
}

// filters lists the filters about registered models, each once.
func (s *selection) filters() []string {
	var filters []string
	for _, w := range s.selectors {
		if f := w.Selector.Filter; w.Selector.Of == OfModels && !slices.Contains(filters, f) {
			filters = append(filters, f)
		}
	}
	return filters
}

func (s *selection) wantsOf(filter string) []Want {
	var wants []Want
	for _, w := range s.selectors {
		if w.Selector.Of == OfModels && w.Selector.Filter == filter {
			wants = append(wants, w)
		}
	}
	return wants
}

// drop fails selectors and forgets them.
func (s *selection) drop(wants []Want, err error) {
	for _, w := range wants {
		s.unlisted(w, err)
		s.selectors = slices.DeleteFunc(s.selectors, func(x Want) bool { return x.Entry == w.Entry })
	}
}

// listStable lists names. A listing in pages is no snapshot, so it is repeated
// until two agree; the second follows behind the first.
func (s *selection) listStable(ctx context.Context, filter string, wants []Want) ([]string, error) {
	type listing struct {
		names []string
		err   error
	}
	var second chan listing
	behind, stop := context.WithCancel(ctx)
	defer stop()
	names, err := s.listOnce(ctx, filter, wants, func() {
		second = make(chan listing, 1)
		go func() {
			names, err := s.listOnce(behind, filter, wants, nil)
			second <- listing{names, err}
		}()
	})
	if second == nil {
		return names, err
	}
	if err != nil {
		stop()
		<-second
		return nil, err
	}
	again := <-second
	for try := 2; again.err == nil; try++ {
		if slices.Equal(names, again.names) {
			return names, nil
		}
		names = again.names
		if try == 4 {
			for _, w := range wants {
				s.fail(w, mlflow.NewIssue("entry", mlflow.SelectionUnstable, w.Selector.Text), nil)
			}
			return names, nil
		}
		again.names, again.err = s.listOnce(ctx, filter, wants, nil)
	}
	return nil, again.err
}

// listOnce lists the names that any of wants picks; paged is told, once, when
// that takes more than one page. Of models that the listing shows whole, the first are remembered.
func (s *selection) listOnce(ctx context.Context, filter string, wants []Want, paged func()) ([]string, error) {
	whole := ListsWhole(s.f.Source)
	q := Query{Filter: filter, Paged: paged, Names: !whole}
	if len(wants) == 1 { // the store may narrow the listing when one pattern is all there is
		q.Like = wants[0].Selector.Like
	}
	var names []string
	for m, err := range s.f.Source.ListModels(ctx, q) {
		if err != nil {
			return nil, err
		}
		name := m.Name()
		if !slices.ContainsFunc(wants, func(w Want) bool { return w.Selector.picks(name) }) {
			continue
		}
		names = append(names, name)
		if whole && len(names) <= memoSize { // the first are needed first
			s.f.memo.models.keep(Results[string, mlflow.RegisteredModel]{name: {Value: m}})
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// listVersions lists what a filter about versions finds.
func (s *selection) listVersions(ctx context.Context, filter string) error {
	if filter == "" || s.versions[filter] != nil {
		return nil
	}
	found := map[string][]int64{}
	for v, err := range s.f.Source.ListVersions(ctx, Query{Filter: filter}) {
		if err != nil {
			return err
		}
		id := v.ID()
		found[id.Model] = append(found[id.Model], id.Version)
	}
	s.versions[filter] = found
	return nil
}

// listOthers lists what selectors find beside registered models.
func (s *selection) listOthers(ctx context.Context) error {
	for _, w := range slices.Clone(s.selectors) {
		if w.Selector.Of == OfModels {
			continue
		}
		refs, n, err := s.loggedBy(ctx, w.Selector)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.drop([]Want{w}, err)
			continue
		}
		s.sayListed(w, n)
		for _, ref := range refs {
			if !slices.Contains(s.others[ref], w.Entry) {
				s.others[ref] = append(s.others[ref], w.Entry)
				s.found[w.Entry]++
			}
		}
	}
	return nil
}

// loggedBy finds the models that runs logged, or logged models; n is how many
// runs or logged models were found.
func (s *selection) loggedBy(ctx context.Context, sel *Selector) (refs []mlflow.Ref, n int, err error) {
	store, ok := s.f.Source.(Searcher)
	if !ok {
		return nil, 0, mlflow.Reason(mlflow.ErrUnsupported, "this kind of store cannot be searched for runs and logged models")
	}
	q := Search{}
	if sel.Experiments != nil || sel.Of == OfRuns {
		if q.Experiments, err = experimentsOf(ctx, store, sel); err != nil || len(q.Experiments) == 0 {
			return nil, 0, err
		}
	}
	if sel.Of == OfLoggedModels {
		q.Filter = sel.Filter
		for m, err := range store.SearchLoggedModels(ctx, q) {
			if err != nil {
				return nil, 0, err
			}
			ref := mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: m.ID()}
			if sel.Match(m.Name()) && !sel.excludes(m.Name(), ref.String()) {
				refs = append(refs, ref)
				n++
			}
		}
		return refs, n, nil
	}
	return loggedByRuns(ctx, store, sel, q)
}

// experimentsOf lists the ids of the experiments that a selector is about.
func experimentsOf(ctx context.Context, store Searcher, sel *Selector) (ids []string, err error) {
	for e, err := range store.SearchExperiments(ctx, Search{}) {
		if err != nil {
			return nil, err
		}
		name := e.Text("name")
		if (sel.Experiments == nil || sel.Experiments(name)) && (sel.Of != OfRuns || !sel.excludes(name, "")) {
			ids = append(ids, e.ID())
		}
	}
	return ids, nil
}

// loggedByRuns finds the models that runs logged: MLflow 3's logged models by
// their source run, and what MLflow 1 and 2 noted in a tag.
func loggedByRuns(ctx context.Context, store Searcher, sel *Selector, q Search) (refs []mlflow.Ref, n int, err error) {
	runs, noted := map[string]bool{}, []mlflow.Ref{}
	for r, err := range store.SearchRuns(ctx, Search{Filter: sel.Filter, Experiments: q.Experiments}) {
		if err != nil {
			return nil, 0, err
		}
		runs[r.ID()] = true
		noted = append(noted, RunModels(r)...)
	}
	covered := known{}
	for m, err := range modelsOf(ctx, store, q, len(runs)) {
		if err != nil {
			return nil, 0, err
		}
		if ref := (mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: m.ID()}); runs[m.SourceRunID()] && covered.logged(m) && !sel.excludes("", ref.String()) {
			refs = append(refs, ref)
		}
	}
	for _, ref := range noted {
		if !covered.has(ref) && !sel.excludes("", ref.String()) {
			refs = append(refs, ref)
		}
	}
	return refs, len(runs), nil
}

// modelsOf lists logged models, unless no run asks for any; a store older than
// MLflow 3 has none.
func modelsOf(ctx context.Context, store Searcher, q Search, runs int) iter.Seq2[mlflow.LoggedModel, error] {
	return func(yield func(mlflow.LoggedModel, error) bool) {
		if runs == 0 {
			return
		}
		for m, err := range store.SearchLoggedModels(ctx, q) {
			if errors.Is(err, mlflow.ErrUnsupported) || !yield(m, err) {
				return
			}
		}
	}
}
