package main

import (
	"context"
	"fmt"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A whole is all models of a store: registered versions, and what was logged
// but never registered.
type whole struct {
	versions     []mlflow.ModelVersion
	unregistered []mlflow.Ref
	more         bool // there are more than the limit
}

// wholeStore lists all models of a store, as many as limit; 0: all. Without
// unregistered only registered versions.
func wholeStore(ctx context.Context, source fetch.Source, limit int, unregistered bool) (whole, error) {
	w := whole{}
	full := func() bool { return limit > 0 && len(w.versions)+len(w.unregistered) > limit }
	for v, err := range source.ListVersions(ctx, fetch.Query{}) {
		if err != nil {
			return w, err
		}
		if w.versions = append(w.versions, v.ModelVersion); full() {
			w.more = true
			return w, nil
		}
	}
	sv, ok := source.(fetch.Surveyor)
	if !ok || !unregistered {
		return w, nil
	}
	for ref, err := range fetch.Unregistered(ctx, sv, w.versions) {
		if err != nil {
			return w, err
		}
		if w.unregistered = append(w.unregistered, ref); full() {
			w.more = true
			return w, nil
		}
	}
	return w, nil
}

// maxUnasked is how many models of a server are read without being asked for.
const maxUnasked = 100

// entries are those of a manifest that would ask for all of it.
func (w whole) entries(host string, at int) ([]manifest.Entry, error) {
	var out []manifest.Entry
	if len(w.versions) > 0 {
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
