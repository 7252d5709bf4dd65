//go:build unix

package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A filter string finds in a store what the real server on top of it finds.
func TestFiltersFindTheSameAtEachDoor(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers are slow")
	}
	for _, version := range []string{mlflowtest.MLflow2, mlflowtest.MLflow3} {
		for _, backend := range []string{"sqlite", "folder"} {
			t.Run(version+" "+backend, func(t *testing.T) {
				server, store := surveyDoors(t, mlflowtest.World(t, version, backend))
				behind := &listedOnce{Searcher: store.(fetch.Searcher), source: store}
				for _, f := range filtersOf(t, behind, version, map[string]int{"sqlite": 3, "folder": 1}[backend]) {
					want, got := f.found(server, server.(fetch.Searcher)), f.found(behind.source, behind)
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("%s: the store differs from its server (-server +store):\n%s", f, d)
					}
					if f.some && len(got) == 0 {
						t.Errorf("%s finds nothing: the test shows nothing", f)
					}
				}
			})
		}
	}
}

// A filterCase is one search.
type filterCase struct {
	kind   mlflow.FilterKind
	filter string
	view   fetch.View
	some   bool // it finds something in the test world
}

func (f filterCase) String() string { return fmt.Sprintf("%d %q %s", f.kind, f.filter, f.view) }

// listedOnce reads the runs of a store once, and searches among them.
type listedOnce struct {
	fetch.Searcher
	source fetch.Source
	runs   map[fetch.View][]mlflow.Run
}

// SearchRuns does what the reader does with its runs.
func (l *listedOnce) SearchRuns(ctx context.Context, q fetch.Search) iter.Seq2[mlflow.Run, error] {
	if l.runs[q.View] == nil {
		var runs []mlflow.Run
		for r, err := range l.Searcher.SearchRuns(ctx, fetch.Search{View: q.View}) {
			if err != nil {
				return func(yield func(mlflow.Run, error) bool) { yield(r, err) }
			}
			runs = append(runs, r)
		}
		l.runs = map[fetch.View][]mlflow.Run{q.View: runs}
	}
	all := func(yield func(mlflow.Run, error) bool) {
		for _, r := range l.runs[q.View] {
			if !yield(r, nil) {
				return
			}
		}
	}
	return fetch.Where(all, mlflow.RunFilter, q.Filter, func(r mlflow.Run) *mlflow.Object { return r.Object })
}

func filtersOf(t *testing.T, s *listedOnce, version string, most int) []filterCase {
	t.Helper()
	var cases []filterCase
	add := func(kind mlflow.FilterKind, some bool, filters ...string) {
		for _, f := range filters {
			cases = append(cases, filterCase{kind: kind, filter: f, some: some})
		}
	}
	add(mlflow.ModelFilter, true, "", "name LIKE '%'", "name LIKE 'S%'", "name ILIKE 's%'", "name = 'Sklearn_Wine'", `name != "Sklearn_Wine"`, "name LIKE 'Sklearn_Win_' AND name LIKE '%e'")
	add(mlflow.ModelFilter, false, "name LIKE 's%'", "name = 'sklearn_wine'", "tags.nowhere != 'x'", "tags.nowhere LIKE '%'")
	add(mlflow.VersionFilter, true, "", "version_number >= 2", "version_number != 1 and name LIKE '%e%'", "name = 'Sklearn_Wine'", "version_number = 1", "source_path LIKE '%model%'", "source_path ILIKE '%MODEL%'", "run_id != 'x'")
	add(mlflow.VersionFilter, false, "run_id = ''", "version_number > 9000")
	add(mlflow.ExperimentFilter, true, "", "name LIKE '%'", "name != 'Default'", "name ILIKE 'default'", "creation_time > 0")
	add(mlflow.ExperimentFilter, false, "name LIKE 'default'", "tags.nowhere = 'x'")
	add(mlflow.RunFilter, true, "", "status = 'FINISHED'", "attributes.status != 'RUNNING'", "start_time > 0", "tags.`mlflow.user` LIKE '%'", "run_name LIKE '%'")
	add(mlflow.RunFilter, false, "status = 'finished'", "status ILIKE 'finished'", "metrics.nowhere != 1", "params.nowhere LIKE '%'", "end_time < 1", "user_id = 'nobody'")
	if version == mlflowtest.MLflow3 {
		add(mlflow.ModelFilter, true, "name IN ('Sklearn_Wine','nowhere')", "name NOT IN ('Sklearn_Wine')")
		add(mlflow.VersionFilter, true, "name IN ('Sklearn_Wine')")
		add(mlflow.LoggedModelFilter, true, "", "name LIKE '%'", "name != 'x' AND creation_timestamp > 0", "source_run_id LIKE '%'")
		add(mlflow.LoggedModelFilter, false, "model_type = 'x'", "tags.nowhere != 'x'", "name ILIKE 'MODEL'")
	}
	for _, view := range []fetch.View{fetch.DeletedOnly, fetch.AllStages} {
		cases = append(cases, filterCase{kind: mlflow.ExperimentFilter, view: view, some: true}, filterCase{kind: mlflow.RunFilter, view: view, some: true})
	}
	return append(cases, filtersOfData(t, s, most)...)
}

// filtersOfData look for some (most of each kind) tags, metrics and params that the world has, in
// several ways.
func filtersOfData(t *testing.T, s *listedOnce, most int) []filterCase {
	t.Helper()
	seen := map[string]int{}
	var cases []filterCase
	add := func(kind mlflow.FilterKind, o *mlflow.Object, member, value string) {
		for p := range o.Objects(member) {
			key, text := p.Text("key"), p.Text("value")
			if each := fmt.Sprint(kind, member); len(text) > 200 || !plainText(key) || !plainText(text) || seen[each+key] > 0 || seen[each] == most {
				continue
			} else {
				seen[each]++
				seen[each+key]++
			}
			for _, op := range []string{"=", "!=", "LIKE", "ILIKE", ">", "<="} {
				filter := fmt.Sprintf("%s.`%s` %s %s", member, key, op, fmt.Sprintf(value, text))
				if number := value == "%s"; number != (op == ">" || op == "<=") && op != "=" && op != "!=" {
					continue
				}
				cases = append(cases, filterCase{kind: kind, filter: filter})
			}
		}
	}
	for v, err := range s.source.ListModels(context.Background(), fetch.Query{}) {
		fatal(t, err)
		add(mlflow.ModelFilter, v.Object, "tags", "'%s'")
	}
	for v, err := range s.source.ListVersions(context.Background(), fetch.Query{}) {
		fatal(t, err)
		add(mlflow.VersionFilter, v.Object, "tags", "'%s'")
	}
	for v, err := range s.SearchRuns(context.Background(), fetch.Search{}) {
		fatal(t, err)
		add(mlflow.RunFilter, v.Data(), "tags", "'%s'")
		add(mlflow.RunFilter, v.Data(), "params", "'%s'")
		add(mlflow.RunFilter, v.Data(), "metrics", "%s")
	}
	for v, err := range s.SearchLoggedModels(context.Background(), fetch.Search{}) {
		fatal(t, err)
		add(mlflow.LoggedModelFilter, v.Data(), "params", "'%s'")
		add(mlflow.LoggedModelFilter, v.Info(), "tags", "'%s'")
	}
	return cases
}

// plainText tells whether text can stand in a filter string of any server, and
// means there what it says: MLflow 2 on a folder takes patterns for regular
// expressions.
func plainText(s string) bool {
	if _, err := strconv.ParseFloat(s, 64); err == nil && strings.Trim(s, "0123456789.-") != "" {
		return false // servers cannot read 1e+16 and NaN
	}
	for _, c := range s {
		if c < ' ' || c > '~' || c == '\'' || c == '"' || c == '`' || strings.ContainsRune(`\\[](){}*+?^$|`, c) {
			return false
		}
	}
	return s != ""
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// found lists what a search finds, in byte order.
func (f filterCase) found(s fetch.Source, sr fetch.Searcher) []string {
	ctx, q := context.Background(), fetch.Search{Filter: f.filter, View: f.view}
	switch f.kind {
	case mlflow.ModelFilter:
		return foundNames(s.ListModels(ctx, fetch.Query{Filter: f.filter}), mlflow.RegisteredModel.Name)
	case mlflow.VersionFilter:
		return foundNames(s.ListVersions(ctx, fetch.Query{Filter: f.filter}), func(v fetch.Version) string { return v.ID().String() })
	case mlflow.ExperimentFilter:
		return foundNames(sr.SearchExperiments(ctx, q), mlflow.Experiment.ID)
	case mlflow.RunFilter:
		return foundNames(sr.SearchRuns(ctx, q), mlflow.Run.ID)
	default:
		return foundNames(sr.SearchLoggedModels(ctx, q), mlflow.LoggedModel.ID)
	}
}

func foundNames[V any](all iter.Seq2[V, error], name func(V) string) []string {
	out := []string{}
	for v, err := range all {
		if err != nil {
			return []string{"error: " + err.Error()}
		}
		out = append(out, name(v))
	}
	slices.Sort(out)
	return out
}
