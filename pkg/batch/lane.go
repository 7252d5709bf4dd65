package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// How many objects are read at once from servers and from local stores, and
// how many such chunks are under way in a lane: while one reads files, the
// next asks for its objects. Of a server the first chunk is small and each next
// one twice as large, so that its files are asked for soon.
const (
	firstChunk   = 50
	serverChunk  = 200
	localChunk   = 100
	historyChunk = 25 // with whole metric histories, which may be large
	chunksAtOnce = 3
)

// heavyBundle is the size of text from which only one report is made at a time:
// JSON in it, exploded, takes twenty times the memory.
const heavyBundle = 1 << 20

// A lane does all entries of one host; lanes do not wait for each other.
type lane struct {
	*run
	host Host

	seen   map[int]bool // entries of which an object was found
	wanted job          // of the last object: what its entries want

	mu       sync.Mutex
	failures []failure
	covered  map[string]bool // registered models that entries cover, when that is asked for
}

// A failure is an object or an entry that gave no report this time.
type failure struct {
	entries []int
	ref     mlflow.Ref // zero for a selector
	issue   mlflow.Issue
	errs    []error
}

func (l *lane) work(ctx context.Context) error {
	if l.host.Err != nil {
		l.failAll()
	} else if err := l.readCaught(ctx); err != nil {
		return err
	}
	if err := l.addFailures(); err != nil {
		return err
	}
	return l.uncovered(ctx)
}

// failAll fails every entry of a host that cannot be used.
func (l *lane) failAll() {
	wants := l.wants()
	l.found(len(wants), true)
	for _, w := range wants {
		issue := mlflow.NewIssue("entry", mlflow.Unavailable, Asked(l.Entries[w.Entry]))
		l.fail(failure{[]int{w.Entry}, w.Ref, issue, []error{l.host.Err}})
	}
}

func (l *lane) found(n int, all bool) {
	if l.Found != nil {
		l.Found(l.host.Name, n, all)
	}
}

func (l *lane) fail(f failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, f)
}

// readCaught is readAll, in which a mistake of the program costs the entries
// of this host that are not done, and not the other hosts.
func (l *lane) readCaught(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			l.failUnseen(fmt.Errorf("mlreport made a mistake when it looked for the models of host %s, please report it: %v", l.host.Name, p))
		}
	}()
	return l.readAll(ctx)
}

// failUnseen fails the entries whose objects are not all known.
func (l *lane) failUnseen(err error) {
	for _, w := range l.wants() {
		if w.Selector != nil || !l.seen[w.Entry] {
			issue := mlflow.NewIssue("entry", mlflow.Unavailable, Asked(l.Entries[w.Entry]))
			l.fail(failure{[]int{w.Entry}, w.Ref, issue, []error{err}})
		}
	}
}

// readAll selects and reads, a chunk at a time.
func (l *lane) readAll(ctx context.Context) error {
	f := &fetch.Fetcher{
		Source: l.host.Source, Artifacts: l.host.Artifacts, Began: l.Began, Log: l.Log,
		Claim:  func(model string) { l.places.Model(l.host.Name, model) },
		Listed: l.listed, ShowVersions: !l.Since.IsZero(),
	}
	size := firstChunk
	if l.host.Local {
		size = localChunk
	}
	g, gctx := errgroup.WithContext(ctx)
	defer func() { _ = g.Wait() }() // for a panic: what is under way ends first
	g.SetLimit(max(chunksAtOnce, runtime.GOMAXPROCS(0)))
	var chunk []job
	send := func() {
		jobs := chunk
		chunk = nil
		if !l.host.Local {
			size = min(2*size, serverChunk)
		}
		g.Go(func() error { return l.do(gctx, f, jobs) })
	}
	found := 0
	for s, err := range f.Select(gctx, l.wants()) {
		if err != nil {
			break // the context ended: g knows why
		}
		found++
		l.found(found, false)
		for _, e := range s.Entries {
			l.seen[e] = true
		}
		l.covers(s.Ref)
		if s.Failed != nil {
			l.fail(failure{s.Entries, s.Ref, *s.Failed, notNil(s.Err)})
			continue
		}
		l.selected(s)
		s.Entries = l.withLeft(s)
		j, err := l.jobOf(gctx, s)
		if err != nil {
			l.fail(failure{s.Entries, s.Ref, mlflow.NewIssue("entry", mlflow.Unavailable, s.Ref), []error{err}})
			continue
		}
		if out, err := l.narrowed(j); err != nil {
			return errors.Join(err, g.Wait())
		} else if out {
			continue
		}
		if chunk = append(chunk, j); len(chunk) >= size || j.target.History < 0 && len(chunk) >= historyChunk {
			send()
		}
	}
	l.found(found, true)
	if len(chunk) > 0 && gctx.Err() == nil {
		send()
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func notNil(err error) []error {
	if err == nil {
		return nil
	}
	return []error{err}
}

// wants lists what the entries ask of this host.
func (l *lane) wants() []fetch.Want {
	var out []fetch.Want
	for i, e := range l.Entries {
		if e.Host != l.host.Name || l.leaves(i) {
			continue
		}
		w := fetch.Want{Entry: i, Ref: e.Ref}
		if e.Select != nil {
			w.Selector = selectorOf(e)
		}
		out = append(out, w)
	}
	return out
}

func selectorOf(e manifest.Entry) *fetch.Selector {
	from := e.Select
	s := &fetch.Selector{Text: Asked(e), Match: from.Models.Match, Like: from.Models.Like(), Filter: from.Filter, AllowEmpty: from.AllowEmpty}
	if len(from.Exclude) > 0 {
		s.Exclude = from.Excludes
	}
	if from.Experiments != nil {
		s.Experiments = from.Experiments.Match
	}
	switch {
	case from.LoggedModels != nil:
		s.Of, s.Match = fetch.OfLoggedModels, from.LoggedModels.Match
	case from.Runs != nil:
		s.Of, s.Filter = fetch.OfRuns, *from.Runs
	}
	switch v := from.Versions; v.Kind {
	case manifest.LatestVersions:
		s.Versions.Latest = v.N
	case manifest.AliasVersions:
		s.Versions.Aliases = true
	case manifest.AliasVersion:
		s.Versions.Alias = v.Name
	case manifest.StageVersions:
		s.Versions.Stage = v.Name
	case manifest.FilterVersions:
		s.Versions.Filter = v.Name
	}
	return s
}

// fetch reads one chunk; a mistake of the program that data brings to light
// fails this chunk only.
func (l *lane) fetch(ctx context.Context, f *fetch.Fetcher, jobs []job) (outcomes []fetch.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			outcomes, err = nil, nil
			for _, j := range jobs {
				l.crashed(j, p)
			}
		}
	}()
	targets := make([]fetch.Target, len(jobs))
	for i, j := range jobs {
		targets[i] = j.target
		if !j.again {
			targets[i].Known = l.known(j)
		}
	}
	return f.Fetch(ctx, targets)
}

// onlySelected tells whether no entry names an object: selectors found it.
func (l *lane) onlySelected(entries []int) bool {
	return !slices.ContainsFunc(entries, func(i int) bool { return l.Entries[i].Select == nil })
}

// crashed fails a job that met a mistake of the program.
func (l *lane) crashed(j job, p any) {
	issue := mlflow.NewIssue("entry", mlflow.Unavailable, j.target.Ref)
	l.fail(failure{j.entries, j.target.Ref, issue, []error{fmt.Errorf("mlreport made a mistake with %s, please report it: %v", j.target.Ref, p)}})
}

// names lists the distinct `name:` of some entries, in the order of the
// manifest; "" when none has one.
func (l *lane) names(entries []int) []string {
	var out []string
	for _, i := range entries {
		if n := l.Entries[i].Name; n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return []string{""}
	}
	return out
}
