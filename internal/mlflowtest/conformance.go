package mlflowtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Conformance compares two doors to one store: a server, and what reads the
// store behind it. All that one shows the other must show, member by member,
// but for what Differences permits. The zero value is ready; it remembers
// which of the differences it met, over all comparisons.
type Conformance struct {
	met []bool // by index of Differences
}

// Keys name objects of a store; Check adds those that listings show, and some
// that are nowhere.
type Keys struct {
	Models       []string
	Versions     []mlflow.VersionID
	Runs         []string
	Experiments  []string // ids
	LoggedModels []string
}

// A Pair of doors is what Check compares.
type Pair struct {
	Keys   Keys
	Where  string       // which pair it is, as Difference.Where has it
	Server fetch.Source // shows what is right
	Store  fetch.Source
}

// Check reads everything at both doors: by key one at a time, by key all at
// once, and by listing. It returns what differs and may not, a line for each.
func (c *Conformance) Check(ctx context.Context, p Pair) []string {
	k := &comparison{c: c, Pair: p}
	k.findKeys(ctx)
	k.byKey(ctx)
	k.byListing(ctx)
	return slices.Compact(slices.Sorted(slices.Values(k.wrong)))
}

// CheckKeys is Check for the keys given, and nothing else.
func (c *Conformance) CheckKeys(ctx context.Context, p Pair) []string {
	k := &comparison{c: c, Pair: p}
	k.byKey(ctx)
	return slices.Compact(slices.Sorted(slices.Values(k.wrong)))
}

// Documents compares what mlreport made of the objects of both doors: a report,
// what a command shows, or an index. It returns what differs and may not.
func (c *Conformance) Documents(where, name string, server, store *mlflow.Object) []string {
	k := &comparison{c: c, Pair: Pair{Where: where}}
	for _, d := range deltas(server, store) {
		section, rest, _ := strings.Cut(d.field, ".")
		kind := kindOf(section)
		if kind != "" {
			d.field = rest
		} else {
			kind = "report"
		}
		k.differ(kind, name, d)
	}
	return k.wrong
}

// kindOf is the kind of object that a section of a document holds.
func kindOf(section string) string {
	switch section {
	case "run", "experiment":
		return section
	case "registered_model", "model_version", "logged_model", "metric_history":
		return strings.ReplaceAll(section, "_", " ")
	case "entries":
		return "report" // of an index
	}
	return ""
}

// Unmet lists the permitted differences that no comparison came upon.
func (c *Conformance) Unmet() []Difference {
	var out []Difference
	for i, d := range Differences() {
		if i >= len(c.met) || !c.met[i] {
			out = append(out, d)
		}
	}
	return out
}

// permits tells whether a difference is in the table, and notes that it was met.
func (c *Conformance) permits(d Difference) bool {
	all := Differences()
	if c.met == nil {
		c.met = make([]bool, len(all))
	}
	ok := false
	for i, a := range all {
		if a.covers(d) {
			c.met[i], ok = true, true
		}
	}
	return ok
}

// A comparison is one Check.
type comparison struct {
	Pair
	c     *Conformance
	names []string // of experiments
	wrong []string // what differs and may not
}

func (k *comparison) fail(format string, args ...any) {
	k.wrong = append(k.wrong, k.Where+": "+fmt.Sprintf(format, args...))
}

// differ reports that the doors show different things, unless they may.
func (k *comparison) differ(kind, name string, d delta) {
	seen := Difference{Kind: kind, Field: d.field, Where: k.Where, Server: shown(d.want), Store: shown(d.got)}
	if !k.c.permits(seen) {
		k.fail("%s %s: %s: the server shows %s, the store %s", kind, name, d.path, brief(d.want), brief(d.got))
	}
}

// findKeys adds to the keys what both doors list, and what is nowhere.
func (k *comparison) findKeys(ctx context.Context) {
	ids := &k.Keys
	for _, door := range []fetch.Source{k.Server, k.Store} {
		for m, err := range door.ListModels(ctx, fetch.Query{}) {
			if err == nil {
				ids.Models = append(ids.Models, m.Name())
			}
		}
		for v, err := range door.ListVersions(ctx, fetch.Query{}) {
			if err == nil {
				ids.Versions = append(ids.Versions, v.ID())
			}
		}
	}
	for _, v := range ids.Versions {
		ids.Models = append(ids.Models, v.Model)
	}
	k.names = append(experimentNames(ctx, k.Store, ids.Experiments), "no such experiment", "it's", "1")
	awkward := []string{"nowhere", "a'b\"c\\d", "a/b", "%", "_", "é\n", strings.Repeat("x", 300)}
	ids.Models = distinctKeys(append(ids.Models, awkward...))
	ids.Versions = distinctKeys(append(ids.Versions, mlflow.VersionID{Model: "nowhere", Version: 1}, mlflow.VersionID{Model: "eleven", Version: 12},
		mlflow.VersionID{Model: "eleven", Version: 1 << 40}, mlflow.VersionID{Model: "empty_model", Version: 1}, mlflow.VersionID{Model: "a/b", Version: 1}))
	ids.Runs = distinctKeys(append(ids.Runs, append(awkward, strings.Repeat("0", 32))...))
	ids.LoggedModels = distinctKeys(append(ids.LoggedModels, append(awkward, "m-"+strings.Repeat("0", 32))...))
	ids.Experiments = distinctKeys(append(ids.Experiments, "987654", "nowhere", "a/b", strings.Repeat("9", 20)))
}

func experimentNames(ctx context.Context, s fetch.Source, ids []string) []string {
	var names []string
	found, err := s.Experiments(ctx, ids)
	for _, id := range ids {
		if err == nil && found[id].Err == nil {
			names = append(names, found[id].Value.Text("name"))
		}
	}
	return names
}

func distinctKeys[K comparable](keys []K) []K {
	seen := map[K]bool{}
	return slices.DeleteFunc(slices.Clone(keys), func(k K) bool {
		was := seen[k]
		seen[k] = true
		return was
	})
}

// plain is text that is shown as it is.
type plain string

// reason is the sentinel that an error wraps.
func reason(err error) plain {
	if err == nil {
		return "an answer"
	}
	for _, s := range []error{mlflow.ErrNotFound, mlflow.ErrDenied, mlflow.ErrUnsupported, mlflow.ErrTooLarge, mlflow.ErrUnavailable, mlflow.ErrOutside, mlflow.ErrInvalid} {
		if errors.Is(err, s) {
			return plain(s.Error())
		}
	}
	return plain(err.Error())
}
