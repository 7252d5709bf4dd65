package fetch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A chunk is the work of one Fetch: its items, and each object read so far.
type chunk struct {
	f      *Fetcher
	reader Reader
	items  []*item

	models      Results[string, mlflow.RegisteredModel]
	versions    Results[mlflow.VersionID, Version]
	logged      Results[string, mlflow.LoggedModel]
	runs        Results[string, mlflow.Run]
	experiments Results[string, mlflow.Experiment]
}

// An item is one target on its way to a bundle.
type item struct {
	Target
	b      *mlflow.Bundle
	failed *mlflow.Issue
	errs   []error

	viaRun  *mlflow.Ref // `runs:/id/path`, when the files are named that way
	places  []Location  // where the files may be, best first
	unknown error       // why it is not known where they are

	wanted      []WantedFile
	familyDone  bool // parent and children of the run were asked for
	historyDone bool // its metric history was asked for

	sums               Sums
	stamp              Stamp // of the MLmodel file
	fileLeft, listLeft bool  // not read, as they are Known
}

func newChunk(f *Fetcher, targets []Target) *chunk {
	c := &chunk{
		f: f, reader: f.memo.Over(f.Source),
		models: Results[string, mlflow.RegisteredModel]{}, versions: Results[mlflow.VersionID, Version]{},
		logged: Results[string, mlflow.LoggedModel]{}, runs: Results[string, mlflow.Run]{},
		experiments: Results[string, mlflow.Experiment]{},
	}
	for _, t := range targets {
		it := &item{Target: t, b: &mlflow.Bundle{URI: t.Ref}}
		if t.Ref.Kind == mlflow.RunRef {
			it.viaRun = &it.Ref
		}
		if t.Version != nil {
			c.versions[t.Ref.VersionID()] = Result[Version]{Value: *t.Version}
		}
		if t.Lineage {
			it.b.Family = &mlflow.Family{}
		}
		c.items = append(c.items, it)
	}
	return c
}

func (c *chunk) outcomes() []Outcome {
	out := make([]Outcome, len(c.items))
	for i, it := range c.items {
		out[i] = Outcome{Failed: it.failed, Errs: it.errs}
		if it.failed == nil {
			it.b.Issues = mlflow.SortIssues(it.b.Issues)
			out[i].Bundle, out[i].Wanted = it.b, it.wanted
			out[i].Sums, out[i].Known = it.sums, it.known(c.f.Began)
			out[i].level, out[i].fileLeft, out[i].listLeft = it.MaxLevel, it.fileLeft, it.listLeft
			if len(it.places) > 0 {
				out[i].at = it.places[0]
			}
		}
	}
	return out
}

// live ranges over the items that have not failed.
func (c *chunk) live(yield func(*item) bool) {
	for _, it := range c.items {
		if it.failed == nil && !yield(it) {
			return
		}
	}
}

// ask reads the keys that have not been read yet and keeps the answers. What a
// store that breaks its promise says nothing about is unavailable, not absent.
func ask[K comparable, V any](ctx context.Context, have Results[K, V], keys []K, read func(context.Context, []K) (Results[K, V], error)) error {
	var missing []K
	seen := map[K]bool{}
	for _, k := range keys {
		if _, ok := have[k]; !ok && !seen[k] {
			seen[k] = true
			missing = append(missing, k)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	fresh, err := read(ctx, missing)
	maps.Copy(have, fresh)
	for _, k := range missing {
		if _, ok := have[k]; !ok && err == nil {
			have[k] = Result[V]{Err: fmt.Errorf("%v was not answered: %w", k, mlflow.ErrUnavailable)}
		}
	}
	return err
}

// IssueOf says in a report why something is not there. gone is the issue of
// an object that does not exist; what names the object for all other reasons.
func IssueOf(section string, err error, gone mlflow.Issue, what string) mlflow.Issue {
	switch {
	case errors.Is(err, mlflow.ErrNotFound):
		return gone
	case errors.Is(err, mlflow.ErrDenied):
		return mlflow.NewIssue(section, mlflow.Denied, what)
	case errors.Is(err, mlflow.ErrTooLarge):
		return mlflow.NewIssue(section, mlflow.TooLarge, what)
	}
	return mlflow.NewIssue(section, mlflow.Unavailable, what)
}

// lack notes that a part of the bundle could not be read. What several parts
// lack for the same reason is told to people once.
func (it *item) lack(i mlflow.Issue, err error) {
	it.b.AddIssue(i)
	if err != nil && !slices.ContainsFunc(it.errs, func(e error) bool { return e.Error() == err.Error() }) {
		it.errs = append(it.errs, err)
	}
}

// hides tells whether sections of the bundle are missing for a reason of the
// moment, so that what they would name is not known.
func (it *item) hides(sections ...string) bool {
	return slices.ContainsFunc(it.b.Issues, func(i mlflow.Issue) bool {
		return slices.Contains(sections, i.Section) && (i.Code == mlflow.Unavailable || i.Code == mlflow.Denied)
	})
}

// lacks tells whether a section has an issue.
func (it *item) lacks(section string) bool {
	return slices.ContainsFunc(it.b.Issues, func(i mlflow.Issue) bool { return i.Section == section })
}

// fail ends the item: the object that its entry names could not be had.
func (it *item) fail(i mlflow.Issue, err error) {
	i.Section = "entry"
	it.failed = &i
	if err != nil {
		it.errs = append(it.errs, err)
	}
}

// sorted returns the keys of a set in order, so that requests are the same
// each time.
func sorted(set map[string]bool) []string {
	delete(set, "")
	return slices.Sorted(maps.Keys(set))
}
