package fetch

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// models resolves all wants of some registered models.
func (s *selection) models(ctx context.Context, names, listed []string) error {
	objects, err := s.f.memo.Over(s.f.Source).Models(ctx, names)
	if err != nil {
		return err
	}
	picks := make([]*pick, len(names))
	var list []string
	for i, name := range names {
		_, isListed := slices.BinarySearch(listed, name)
		picks[i] = s.pick(name, objects[name], isListed)
		if picks[i].needsListing() {
			list = append(list, name)
		}
	}
	versions := s.versionsOf(ctx, list)
	defer versions.stop()
	for _, p := range picks {
		if p.needsListing() {
			if err := p.addListed(versions); err != nil {
				return s.listingFailed(ctx, picks, err)
			}
		}
		p.emitRest()
	}
	if err := versions.rest(); err != nil {
		return s.listingFailed(ctx, picks, err)
	}
	return nil
}

// A listing is a stream of versions that can be looked one ahead.
type listing struct {
	next  func() (Version, error, bool)
	stop  func()
	ahead *Version
	last  mlflow.VersionID // that was taken
}

func (s *selection) versionsOf(ctx context.Context, names []string) *listing {
	if len(names) == 0 {
		return &listing{stop: func() {}}
	}
	next, stop := iter.Pull2(s.f.Source.ListVersions(ctx, Query{Models: names}))
	return &listing{next: next, stop: stop}
}

// of takes the next version off the listing if it is one of this model; others
// stay. A version that comes again, because pages moved meanwhile, is dropped.
func (l *listing) of(model string) (*Version, error) {
	for {
		if l.ahead == nil {
			v, err, ok := l.next()
			if err != nil || !ok {
				return nil, err
			}
			l.ahead = &v
		}
		v := l.ahead
		id := v.ID()
		if id.Model != model {
			return nil, nil
		}
		l.ahead = nil
		if id.Model != l.last.Model || id.Version > l.last.Version {
			l.last = id
			return v, nil
		}
	}
}

// rest makes sure that nothing is left: a store that breaks the order of
// listings must not lose versions silently.
func (l *listing) rest() error {
	if l.next == nil {
		return nil
	}
	v, err, more := Version{}, error(nil), l.ahead != nil
	if more {
		v = *l.ahead
	} else {
		v, err, more = l.next()
	}
	if err == nil && more {
		err = fmt.Errorf("versions were not listed in the order of names: %s came late: %w", v.ID(), mlflow.ErrUnavailable)
	}
	return err
}

// listingFailed ends the selectors whose versions could not be listed; what
// was asked for by name is still reported.
func (s *selection) listingFailed(ctx context.Context, picks []*pick, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, w := range s.selectors {
		if w.Selector.Versions.needsListing() && !s.broken[w.Entry] {
			s.fail(w, IssueOf("entry", err, mlflow.NewIssue("entry", mlflow.EmptySelection, w.Selector.Text), w.Selector.Text), err)
		}
	}
	for _, p := range picks {
		p.emitRest()
	}
	return nil
}

// A pick gathers which versions of one model are wanted by which entries.
type pick struct {
	s       *selection
	name    string
	model   Result[mlflow.RegisteredModel]
	entries map[int64][]int // version -> entries that want it, once resolved
	listing []Want          // selectors that need all versions listed
}

func (s *selection) pick(name string, model Result[mlflow.RegisteredModel], listed bool) *pick {
	p := &pick{s: s, name: name, model: model, entries: map[int64][]int{}}
	for _, w := range s.explicit[name] {
		p.resolve(w)
	}
	if !listed {
		return p
	}
	for _, w := range s.selectors {
		switch {
		case !w.Selector.Match(name):
		case !Final(model.Err):
			s.fail(w, IssueOf("entry", model.Err, mlflow.Issue{}, fmt.Sprintf("registered model %q", name)), model.Err)
		case w.Selector.Versions.needsListing():
			p.listing = append(p.listing, w)
		default:
			p.choose(w)
		}
	}
	return p
}

func (p *pick) needsListing() bool { return len(p.listing) > 0 }

func (p *pick) want(version int64, entry int) {
	if !slices.Contains(p.entries[version], entry) {
		p.entries[version] = append(p.entries[version], entry)
	}
}

// resolve finds the version that an entry names.
func (p *pick) resolve(w Want) {
	if w.Ref.Kind == mlflow.VersionRef {
		p.want(w.Ref.Version, w.Entry)
		return
	}
	if p.model.Err != nil {
		gone := mlflow.NewIssue("entry", mlflow.ModelNotFound, p.name)
		p.s.fail(w, IssueOf("entry", p.model.Err, gone, fmt.Sprintf("registered model %q", p.name)), p.model.Err)
		return
	}
	if v, ok := Resolve(w.Ref, p.model.Value); ok {
		p.want(v, w.Entry)
		return
	}
	issue, err := Unresolved(w.Ref, p.model.Value)
	p.s.fail(w, issue, err)
}

// Resolve finds the version that an alias, a stage or `latest` means, in what
// the registered model shows: a pure function, so that a report that shows the
// model also shows why it has this version.
func Resolve(ref mlflow.Ref, m mlflow.RegisteredModel) (version int64, ok bool) {
	switch ref.Kind {
	case mlflow.AliasRef:
		for alias, v := range m.Aliases() {
			if alias == ref.Alias {
				return v, true
			}
		}
		return 0, false
	case mlflow.VersionRef:
		return ref.Version, true
	}
	for v := range m.LatestVersions() {
		if ref.Kind == mlflow.LatestRef || strings.EqualFold(v.Stage(), ref.Stage) {
			version = max(version, v.ID().Version)
		}
	}
	return version, version > 0
}

// choose applies a rule that needs nothing but the registered model.
func (p *pick) choose(w Want) {
	rule, m := w.Selector.Versions, p.model.Value
	switch {
	case rule.Aliases:
		for _, v := range m.Aliases() {
			p.selected(v, w)
		}
		return
	case rule.Alias != "":
		p.chooseRef(w, mlflow.Ref{Kind: mlflow.AliasRef, Alias: rule.Alias})
	case rule.Stage != "":
		p.chooseRef(w, mlflow.Ref{Kind: mlflow.StageRef, Stage: rule.Stage})
	default:
		p.chooseRef(w, mlflow.Ref{Kind: mlflow.LatestRef})
	}
}

func (p *pick) chooseRef(w Want, ref mlflow.Ref) {
	if v, ok := Resolve(ref, p.model.Value); ok {
		p.selected(v, w)
	}
}

func (p *pick) selected(version int64, w Want) {
	p.want(version, w.Entry)
	p.s.found[w.Entry]++
}

// addListed takes this model's versions off the listing, which is ordered by
// name and version, and passes them on as they come.
func (p *pick) addListed(l *listing) error {
	keep := 0 // how many of the last versions a latest:N rule may still want
	for _, w := range p.listing {
		keep = max(keep, w.Selector.Versions.Latest)
	}
	var last []Version
	for {
		v, err := l.of(p.name)
		if err != nil {
			return err
		}
		if v == nil {
			break
		}
		last = append(last, *v)
		if len(last) > keep {
			p.pass(last[0], 0)
			last = last[1:]
		}
	}
	for i, v := range last {
		p.pass(v, len(last)-i)
	}
	return nil
}

// pass emits a listed version that anybody wants; fromEnd is 1 for the highest.
func (p *pick) pass(v Version, fromEnd int) {
	n := v.ID().Version
	for _, w := range p.listing {
		if latest := w.Selector.Versions.Latest; latest == 0 || fromEnd > 0 && fromEnd <= latest {
			p.selected(n, w)
		}
	}
	entries := p.entries[n]
	if len(entries) == 0 {
		return
	}
	delete(p.entries, n)
	slices.Sort(entries)
	p.s.emit(Selected{Ref: v.ID().Ref(), Version: &v, Entries: entries})
}

// emitRest emits the versions that no listing showed.
func (p *pick) emitRest() {
	for _, n := range slices.Sorted(maps.Keys(p.entries)) {
		entries := p.entries[n]
		slices.Sort(entries)
		p.s.emit(Selected{Ref: mlflow.VersionID{Model: p.name, Version: n}.Ref(), Entries: entries})
	}
	clear(p.entries)
}
