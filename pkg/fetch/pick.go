package fetch

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// models resolves all wants of some registered models.
func (s *selection) models(ctx context.Context, names, listed []string) error {
	objects := Results[string, mlflow.RegisteredModel]{}
	if err := ask(ctx, objects, names, s.f.memo.Over(s.f.Source).Models); err != nil {
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
	s.claim(picks)
	for _, p := range picks {
		if !p.needsListing() {
			p.emitRest()
		}
	}
	if err := s.addListed(ctx, list, picks); err != nil {
		return s.listingFailed(ctx, picks, err)
	}
	for _, p := range picks {
		p.addLast()
		p.failUnlisted()
		p.emitRest()
	}
	return nil
}

// claim announces the models of which versions will come, in byte order: the
// versions themselves come in whatever order the store lists names.
func (s *selection) claim(picks []*pick) {
	if s.f.Claim == nil {
		return
	}
	for _, p := range picks {
		if len(p.entries) > 0 || p.needsListing() && (HasNoStages(s.f.Source) || len(p.model.Value.List("latest_versions")) > 0) {
			s.f.Claim(p.name)
		}
	}
}

// addListed lists the versions of some models and gives each to its pick.
func (s *selection) addListed(ctx context.Context, names []string, picks []*pick) error {
	if len(names) == 0 {
		return nil
	}
	byName := make(map[string]*pick, len(names))
	for _, p := range picks {
		if p.needsListing() {
			byName[p.name] = p
		}
	}
	for v, err := range s.f.Source.ListVersions(ctx, Query{Models: names, Names: !s.f.ShowVersions}) {
		if err != nil || s.stopped {
			return err
		}
		if p := byName[v.ID().Model]; p != nil {
			p.addListed(v)
		}
	}
	return nil
}

// listingFailed ends the selectors whose versions could not be listed; what
// was asked for by name is still reported.
func (s *selection) listingFailed(ctx context.Context, picks []*pick, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, p := range picks {
		for _, w := range p.listing {
			s.unlisted(w, err)
		}
		p.last = nil // nobody knows whether they are the last
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
	latest  []Want          // those of them that are no selectors: `models:/name/latest`
	keep    int             // how many of the highest versions a latest:N rule wants
	last    []Version       // the highest listed so far, ascending, up to keep
	listed  map[int64]bool
}

func (s *selection) pick(name string, model Result[mlflow.RegisteredModel], listed bool) *pick {
	p := &pick{s: s, name: name, model: model, entries: map[int64][]int{}}
	for _, w := range s.explicit[name] {
		if w.Ref.Kind == mlflow.LatestRef && model.Err == nil && HasNoStages(s.f.Source) {
			w.Selector = &Selector{Text: w.Ref.String(), Versions: VersionRule{Latest: 1}}
			p.listing, p.latest, p.keep = append(p.listing, w), append(p.latest, w), 1
			continue
		}
		p.resolve(w)
	}
	if !listed {
		return p
	}
	for _, w := range s.selectors {
		switch {
		case !s.isListed(w, name):
		case !Final(model.Err):
			s.fail(w, IssueOf("entry", model.Err, mlflow.Issue{}, fmt.Sprintf("registered model %q", name)), model.Err)
		case w.Selector.Versions.needsListing() || w.Selector.Versions.Latest == 1 && HasNoStages(s.f.Source):
			p.listing = append(p.listing, w)
			p.keep = max(p.keep, w.Selector.Versions.Latest)
		default:
			p.choose(w)
		}
	}
	return p
}

// isListed tells whether a selector is about a model, and its filter found it.
func (s *selection) isListed(w Want, name string) bool {
	if w.Selector.Of != OfModels || !w.Selector.picks(name) {
		return false
	}
	_, ok := slices.BinarySearch(s.names[w.Selector.Filter], name)
	return ok
}

func (p *pick) needsListing() bool { return len(p.listing) > 0 }

func (p *pick) want(version int64, entry int) {
	if !slices.Contains(p.entries[version], entry) {
		p.entries[version] = append(p.entries[version], entry)
	}
}

// failUnlisted fails what asked for the latest version of a model that has
// none.
func (p *pick) failUnlisted() {
	for _, w := range p.latest {
		if p.s.found[w.Entry] == 0 {
			issue, err := Unresolved(w.Ref, p.model.Value)
			p.s.fail(w, issue, err)
		}
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
	case rule.Filter != "":
		for _, v := range p.s.versions[rule.Filter][p.name] {
			p.selected(v, w)
		}
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
	if w.Selector.Exclude != nil && w.Selector.Exclude("", mlflow.VersionID{Model: p.name, Version: version}.String()) {
		return
	}
	p.want(version, w.Entry)
	p.s.found[w.Entry]++
}

// addListed takes one version off the listing and passes on what no latest:N
// rule can want any more. A version that comes again, because pages moved
// meanwhile, is dropped.
func (p *pick) addListed(v Version) {
	n := v.ID().Version
	if p.listed[n] {
		return
	}
	if p.listed == nil {
		p.listed = map[int64]bool{}
	}
	p.listed[n] = true
	at, _ := slices.BinarySearchFunc(p.last, n, func(l Version, n int64) int { return cmp.Compare(l.ID().Version, n) })
	if p.last = slices.Insert(p.last, at, v); len(p.last) > p.keep {
		p.pass(p.last[0], 0)
		p.last = p.last[1:]
	}
}

// addLast passes on the last versions, when it is known that they are.
func (p *pick) addLast() {
	for i, v := range p.last {
		p.pass(v, len(p.last)-i)
	}
	p.last = nil
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
	shown := &v
	if v.Partial {
		shown = nil
	}
	p.s.emit(Selected{Ref: v.ID().Ref(), Version: shown, Entries: entries})
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
