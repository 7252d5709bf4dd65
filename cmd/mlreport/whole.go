package main

import (
	"context"
	"fmt"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A whole is all models of a store: how many registered versions there are,
// and what was logged but never registered.
type whole struct {
	versions     int
	examples     []string // the newest versions of the first models
	unregistered []mlflow.Ref
	more         bool // there are more than the limit
}

// maxExamples is how many examples a whole has.
const maxExamples = 3

// wholeStore counts all models of a store, as many as limit; 0: all. Without
// unregistered only registered versions.
func wholeStore(ctx context.Context, source fetch.Source, limit int, unregistered bool) (whole, error) {
	w, err := countVersions(ctx, source, limit)
	if err != nil || w.more || !unregistered {
		return w, err
	}
	return w, w.addUnregistered(ctx, source, limit)
}

// countVersions counts registered versions, as many as limit; 0: all.
func countVersions(ctx context.Context, source fetch.Source, limit int) (whole, error) {
	w := whole{}
	var last mlflow.VersionID
	done := func() {
		if w.versions > 0 && len(w.examples) < maxExamples {
			w.examples = append(w.examples, last.String())
		}
	}
	for v, err := range source.ListVersions(ctx, fetch.Query{Names: true}) {
		if err != nil {
			return w, err
		}
		if v.ID().Model != last.Model {
			done()
		}
		last = v.ID()
		if w.versions++; limit > 0 && w.versions > limit {
			w.more = true
			return w, nil
		}
	}
	done()
	return w, nil
}

// addUnregistered adds what no version names, up to limit with the versions; 0: all.
func (w *whole) addUnregistered(ctx context.Context, source fetch.Source, limit int) error {
	sv, ok := source.(fetch.Surveyor)
	if !ok {
		return nil
	}
	for ref, err := range fetch.Unregistered(ctx, sv, source.ListVersions(ctx, fetch.Query{})) {
		if err != nil {
			return err
		}
		if w.unregistered = append(w.unregistered, ref); limit > 0 && w.versions+len(w.unregistered) > limit {
			w.more = true
			return nil
		}
	}
	return nil
}

// maxUnasked is how many models of a server are read without being asked for.
const maxUnasked = 100

// entries are those of a manifest that would ask for all of it.
func (w whole) entries(host string, at int) ([]manifest.Entry, error) {
	var out []manifest.Entry
	if w.versions > 0 {
		all, err := manifest.ParsePattern("*")
		if err != nil {
			return nil, err
		}
		out = append(out, manifest.Entry{Index: at, Host: host, Select: &manifest.Select{Models: all}})
	}
	for _, ref := range w.unregistered {
		out = append(out, manifest.Entry{Index: at + len(out), Host: host, URI: ref.String(), Ref: ref})
	}
	return out, nil
}

// tooMany refuses to read a large server that nobody asked for.
func tooMany(at string) error {
	return &mlflow.Error{
		Err:  errUsage{fmt.Errorf("%s has more than %d models", at, maxUnasked)},
		Hint: "--all reports on all of them; models:/NAME/latest on one; a manifest selects some: mlreport init writes one",
	}
}
