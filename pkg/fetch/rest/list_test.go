package rest_test

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// names lists a sequence to its end or its error.
func names[V any](seq iter.Seq2[V, error], name func(V) string) (out []string, err error) {
	for v, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, name(v))
	}
	return out, nil
}

func modelName(m mlflow.RegisteredModel) string { return m.Name() }
func versionName(v fetch.Version) string        { return v.ID().String() }

// shown are the versions of a world that listings show, in order.
func shown(w *mlflowtest.FakeWorld, only ...string) (models, versions []string) {
	var ids []mlflow.VersionID
	for _, m := range w.Models {
		if m.Prompt || m.Forbidden || only != nil && !slices.Contains(only, m.Name) {
			continue
		}
		models = append(models, m.Name)
		for _, v := range m.Versions {
			if !v.Deleted {
				ids = append(ids, mlflow.VersionID{Model: m.Name, Version: int64(v.Number)})
			}
		}
	}
	slices.Sort(models)
	slices.SortFunc(ids, func(a, b mlflow.VersionID) int {
		return cmp.Or(strings.Compare(a.Model, b.Model), cmp.Compare(a.Version, b.Version))
	})
	for _, id := range ids {
		versions = append(versions, id.String())
	}
	return models, versions
}

func TestListsWhatThereIsInOrder(t *testing.T) {
	for _, version := range generations() {
		t.Run(version, func(t *testing.T) {
			_, r := small(t, version)
			wantModels, wantVersions := shown(mlflowtest.SmallFakeWorld())
			got, err := names(r.ListModels(t.Context(), fetch.Query{}), modelName)
			if d := gocmp.Diff(wantModels, got); d != "" || err != nil {
				t.Error("models", err, d)
			}
			got, err = names(r.ListVersions(t.Context(), fetch.Query{}), versionName)
			if d := gocmp.Diff(wantVersions, got); d != "" || err != nil {
				t.Error("versions", err, d)
			}
		})
	}
}

func TestListsOnlyTheModelsAskedFor(t *testing.T) {
	only := []string{"wine", "nope", `it's "quoted"`, "it's", "CaseTwin", "a prompt", "gone", "gone", `ends with \`, "empty"}
	for _, version := range generations() {
		t.Run(version, func(t *testing.T) {
			f, r := small(t, version)
			for _, some := range [][]string{only, {"wine"}, {"nope"}, {}} {
				wantModels, wantVersions := shown(mlflowtest.SmallFakeWorld(), append(some, "no more")...)
				got, err := names(r.ListModels(t.Context(), fetch.Query{Models: some}), modelName)
				if d := gocmp.Diff(wantModels, got); d != "" || err != nil {
					t.Error("models", some, err, d)
				}
				got, err = names(r.ListVersions(t.Context(), fetch.Query{Models: some}), versionName)
				if d := gocmp.Diff(wantVersions, got); d != "" || err != nil {
					t.Error("versions", some, err, d)
				}
			}
			if n := f.Count("model-versions/search"); version == "3.17.2" && n > 3 {
				t.Errorf("%d searches of versions, want one for each question", n)
			}
		})
	}
}

func TestPatternsAreAHelpOfTheServer(t *testing.T) {
	for _, version := range generations() {
		t.Run(version, func(t *testing.T) {
			f, r := small(t, version)
			got, err := names(r.ListModels(t.Context(), fetch.Query{Like: "Case%"}), modelName)
			if d := gocmp.Diff([]string{"CaseTwin"}, got); d != "" || err != nil {
				t.Error(err, d)
			}
			got, err = names(r.ListVersions(t.Context(), fetch.Query{Like: "w_ne"}), versionName)
			if d := gocmp.Diff([]string{"models:/wine/1", "models:/wine/2", "models:/wine/3"}, got); d != "" || err != nil {
				t.Error(err, d)
			}
			if _, err := names(r.ListModels(t.Context(), fetch.Query{Like: `'%"`}), modelName); err != nil {
				t.Error("a pattern that the server cannot be given:", err)
			}
			if n := f.Rows("registered-models/search"); n > 20 {
				t.Errorf("%d rows: the pattern was not sent", n)
			}
		})
	}
}

func TestListsInPages(t *testing.T) {
	w := &mlflowtest.FakeWorld{}
	for i := range 2500 {
		w.Models = append(w.Models, mlflowtest.FakeModel{Name: fmt.Sprintf("m%05d", i), Versions: []mlflowtest.FakeVersion{{Number: 1}}})
	}
	wantModels, wantVersions := shown(w)
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
	r := newReader(t, f, rest.Options{})
	models, err := names(r.ListModels(t.Context(), fetch.Query{}), modelName)
	if err != nil || !slices.Equal(models, wantModels) {
		t.Errorf("%d models, %v", len(models), err)
	}
	versions, err := names(r.ListVersions(t.Context(), fetch.Query{}), versionName)
	if err != nil || !slices.Equal(versions, wantVersions) {
		t.Errorf("%d versions, %v", len(versions), err)
	}
	if d := gocmp.Diff(map[string]int{"registered-models/search": 3, "model-versions/search": 3}, f.Counts()); d != "" {
		t.Error(d)
	}
}

func TestListingStopsWhenItsReaderDoes(t *testing.T) {
	w := mlflowtest.BulkFakeWorld(3, 400, false)
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
	r := newReader(t, f, rest.Options{})
	for range r.ListVersions(t.Context(), fetch.Query{}) {
		break
	}
	for range r.ListRuns(t.Context(), "1") {
		break
	}
	if d := gocmp.Diff(map[string]int{"model-versions/search": 1, "runs/search": 1, "experiments/search": 1, "logged-models/search": 1}, f.Counts()); d != "" {
		t.Errorf("want a page of versions, one of runs, and whether they could have read logged models: %s", d)
	}
}

func TestListsTheActiveRunsOfAnExperiment(t *testing.T) {
	for _, version := range generations() {
		t.Run(version, func(t *testing.T) {
			w := mlflowtest.SmallFakeWorld()
			for range 450 {
				w.AddVersion("many", true)
			}
			var want []string
			for _, run := range w.Runs {
				if run.Experiment == "1" && !run.Deleted {
					want = append([]string{run.ID}, want...)
				}
			}
			f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: version})
			r := newReader(t, f, rest.Options{})
			var got []string
			for run, err := range r.ListRuns(t.Context(), "1") {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, run.ID())
				if run.ID() == w.Runs[1].ID {
					whole := read(t, []string{run.ID()}, in(r.Runs))[run.ID()]
					if d := gocmp.Diff(show(whole.Value.Object, whole.Err), show(run.Object, nil)); d != "" {
						t.Error("the run is not as get shows it:", d)
					}
				}
			}
			if d := gocmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestListingsEndWithTheServersError(t *testing.T) {
	for name, c := range map[string]struct {
		fault mlflowtest.Fault
		want  string
	}{
		"denied":            {mlflowtest.Fault{Status: 403}, "denied"},
		"same token":        {mlflowtest.Fault{SameToken: true}, "unavailable"},
		"pages without end": {mlflowtest.Fault{NewTokens: true}, "unavailable"},
		"second page":       {mlflowtest.Fault{Status: 503, After: 1}, "unavailable"},
		"another program":   {mlflowtest.Fault{Body: `{"hello": "world"}`}, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			f := mlflowtest.StartFake(t, mlflowtest.BulkFakeWorld(1100, 1, false), mlflowtest.FakeOptions{})
			r := newReader(t, f, rest.Options{})
			fail := func() {
				f.Heal()
				f.Fail(c.fault)
			}
			fail()
			if got, err := names(r.ListModels(t.Context(), fetch.Query{}), modelName); kind(err) != c.want || len(got) > 2000 {
				t.Error("models:", len(got), err)
			}
			fail()
			if got, err := names(r.ListVersions(t.Context(), fetch.Query{}), versionName); kind(err) != c.want || len(got) > 2000 {
				t.Error("versions:", len(got), err)
			}
			fail()
			if _, err := names(r.ListRuns(t.Context(), "1"), mlflow.Run.ID); kind(err) != c.want || !strings.Contains(err.Error(), "experiment 1") {
				t.Error("runs:", err)
			}
			fail()
			if _, err := names(r.ListVersions(t.Context(), fetch.Query{Models: []string{"bulk_0001", "bulk_0002"}}), versionName); kind(err) != c.want {
				t.Error("versions of models:", err)
			}
		})
	}
}

func TestExperimentsByName(t *testing.T) {
	_, r := small(t, "3.17.2")
	e, err := r.ExperimentByName(t.Context(), "deleted")
	if err != nil || e.ID() != "2" || !e.Deleted() {
		t.Error(e, err)
	}
	if _, err := r.ExperimentByName(t.Context(), "nope"); !errors.Is(err, mlflow.ErrNotFound) {
		t.Error(err)
	}
}
