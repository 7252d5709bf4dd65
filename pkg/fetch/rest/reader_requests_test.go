package rest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// TestRequestsOfABatch is the budget of 200 versions of 50 models: what each
// step of a batch asks, in the order in which a batch takes them.
func TestRequestsOfABatch(t *testing.T) {
	type counts map[string]int
	for name, want := range map[string]struct {
		logged bool
		counts counts
	}{
		"1.30.1": {false, counts{"registered-models/search": 1, "registered-models/get": 0, "model-versions/search": 52, "runs/search": 1, "runs/get": 200, "experiments/search": 1, "experiments/get": 2}},
		"2.22.1": {false, counts{"registered-models/search": 1, "registered-models/get": 50, "model-versions/search": 50, "runs/search": 1, "runs/get": 1, "experiments/search": 1, "experiments/get": 2}},
		"3.8.1":  {true, counts{"registered-models/search": 1, "registered-models/get": 50, "model-versions/search": 50, "logged-models/search": 1, "runs/search": 1, "graphql": 20, "experiments/search": 1, "experiments/get": 2}},
		"3.17.2": {true, counts{"registered-models/search": 1, "model-versions/search": 1, "logged-models/search": 1, "runs/search": 1, "graphql": 20, "experiments/search": 1}},
		// Of a server that has no logged model no run has read one.
		"3.17.2 upgraded": {false, counts{"registered-models/search": 1, "model-versions/search": 1, "logged-models/search": 1, "runs/search": 1, "graphql": 0, "experiments/search": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			version, _, _ := strings.Cut(name, " ")
			w := mlflowtest.BulkFakeWorld(50, 4, want.logged)
			f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: version})
			r := newReader(t, f, rest.Options{})
			readAll(t, r, w)
			got := f.Counts()
			for endpoint, n := range want.counts {
				if got[endpoint] != n {
					t.Errorf("%s: %d requests, want %d", endpoint, got[endpoint], n)
				}
			}
			if limit := map[string]int{"2.22.1": 140, "3.17.2": 40}[version]; limit > 0 && f.Count("") > limit {
				t.Errorf("%d requests, more than %d: %v", f.Count(""), limit, got)
			}
		})
	}
}

// readAll reads all of a world, as a batch would.
func readAll(t *testing.T, r *rest.Reader, w *mlflowtest.FakeWorld) {
	t.Helper()
	var names, runs, logged []string
	var versions []mlflow.VersionID
	for _, m := range w.Models {
		names = append(names, m.Name)
		for _, v := range m.Versions {
			versions = append(versions, mlflow.VersionID{Model: m.Name, Version: int64(v.Number)})
		}
	}
	for _, run := range w.Runs {
		runs = append(runs, run.ID)
	}
	for _, l := range w.LoggedModels {
		logged = append(logged, l.ID)
	}
	wantAll(t, read(t, names, r.Models))
	wantAll(t, read(t, versions, r.Versions))
	if len(logged) > 0 {
		wantAll(t, read(t, logged, in(r.LoggedModels, "1")))
	}
	wantAll(t, read(t, runs, in(r.Runs, "1")))
	wantAll(t, read(t, []string{"0", "1"}, r.Experiments))
}

func wantAll[K comparable, V any](t *testing.T, got fetch.Results[K, V]) {
	t.Helper()
	for k, v := range got {
		if v.Err != nil {
			t.Errorf("%v: %v", k, v.Err)
		}
	}
}

func TestWhatAServerCannotDoIsNotAskedAgain(t *testing.T) {
	for version, want := range map[string]map[string]int{
		"1.30.1": {"registered-models/get": 6, "model-versions/get": 6, "model-versions/search": 1, "experiments/get": 2, "runs/get": 2},
		"2.22.1": {"registered-models/get": 6, "model-versions/search": 2, "experiments/get": 2, "runs/search": 1},
	} {
		t.Run(version, func(t *testing.T) {
			f, r := small(t, version)
			w := mlflowtest.SmallFakeWorld()
			var names []string
			for _, m := range w.Models[:6] {
				names = append(names, m.Name)
			}
			versions := []mlflow.VersionID{{Model: "wine", Version: 1}, {Model: "wine", Version: 2}, {Model: "gone", Version: 1}, {Model: "gone", Version: 2}}
			again := func() {
				read(t, names, r.Models)
				read(t, versions, r.Versions)
				read(t, []string{"1", "2"}, r.Experiments)
				read(t, []string{w.Runs[0].ID, w.Runs[1].ID}, in(r.Runs, "1"))
				read(t, []string{"m-1", "m-2"}, in(r.LoggedModels, "1"))
			}
			again()
			f.Forget()
			again()
			if version == "1.30.1" {
				delete(want, "model-versions/search")
				want["model-versions/get"] = 4
			} else {
				want["model-versions/get"] = 1 // the deleted version, which the search hides
			}
			if d := cmp.Diff(want, f.Counts()); d != "" {
				t.Errorf("the second time: %s", d)
			}
		})
	}
}

func TestIgnoredListsAreNoticedEverywhere(t *testing.T) {
	w := mlflowtest.SmallFakeWorld()
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{IgnoresLists: true})
	r := newReader(t, f, rest.Options{})
	experiments, runs := []string{"1", "3"}, []string{w.Runs[0].ID, w.Runs[1].ID}
	logged := []string{w.LoggedModels[1].ID, w.LoggedModels[2].ID}
	for range 2 {
		f.Forget()
		for k, v := range read(t, []string{"wine", "casetwin"}, r.Models) {
			if v.Err != nil || v.Value.Name() != k {
				t.Error(k, v)
			}
		}
		for k, v := range read(t, experiments, r.Experiments) {
			if v.Err != nil || v.Value.ID() != k {
				t.Error(k, v)
			}
		}
		for k, v := range read(t, runs, in(r.Runs, "1", "3")) {
			if v.Err != nil || v.Value.ID() != k {
				t.Error(k, v)
			}
		}
		for k, v := range read(t, logged, in(r.LoggedModels, "1")) {
			if v.Err != nil || v.Value.ID() != k {
				t.Error(k, v)
			}
		}
	}
	want := map[string]int{"registered-models/get": 2, "experiments/get": 2, "runs/get": 2, "logged-models/get": 2}
	if d := cmp.Diff(want, f.Counts()); d != "" {
		t.Errorf("the second time: %s", d)
	}
}

func TestServersWithoutLoggedModelsAreAskedOnce(t *testing.T) {
	f, r := small(t, "2.22.1")
	for range 2 {
		for id, got := range read(t, []string{"m-1", "m-2", "m-3", "m-4", "m-5"}, in(r.LoggedModels, "1")) {
			if !errors.Is(got.Err, mlflow.ErrUnsupported) || !strings.Contains(got.Err.Error(), id) {
				t.Errorf("%s: %v", id, got.Err)
			}
		}
	}
	if n := f.Count(""); n != 1 {
		t.Errorf("%d requests, want 1: %v", n, f.Counts())
	}
}

func TestExperimentsAreListedOnceToFindRuns(t *testing.T) {
	f, r := small(t, "3.17.2")
	w := mlflowtest.SmallFakeWorld()
	var ids []string
	for _, run := range w.Runs {
		ids = append(ids, run.ID)
	}
	for range 2 {
		wantAll(t, read(t, ids, in(r.Runs)))
		wantAll(t, read(t, ids, in(r.Runs, "3")))
	}
	want := map[string]int{"experiments/search": 1, "runs/search": 6, "graphql": 8}
	if d := cmp.Diff(want, f.Counts()); d != "" {
		t.Error(d)
	}
}

func TestLongNamesFitIntoRequestLines(t *testing.T) {
	for _, version := range []string{"2.22.1", "3.17.2"} {
		t.Run(version, func(t *testing.T) {
			w := &mlflowtest.FakeWorld{Experiments: []mlflowtest.FakeExperiment{{ID: "0", Name: "Default"}, {ID: "1", Name: "long"}}}
			for i := range 40 {
				for range 3 {
					w.AddVersion(fmt.Sprintf("%d %s", i, strings.Repeat("ü'\"☃"[:2+i%6], 40)), false)
				}
			}
			f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: version, Prefix: "/some/prefix"})
			readAll(t, newReader(t, f, rest.Options{}), w)
			for _, req := range f.Requests() {
				if req.Line > 3900 {
					t.Errorf("a request line of %d bytes", req.Line)
				}
			}
		})
	}
}

func TestFewVersionsOfManyAreNotDownloadedAll(t *testing.T) {
	w := &mlflowtest.FakeWorld{}
	big := mlflowtest.FakeModel{Name: "big"}
	for n := range 10000 {
		big.Versions = append(big.Versions, mlflowtest.FakeVersion{Number: n + 1})
	}
	huge := big
	huge.Name = "huge"
	w.Models = append(w.Models, big, huge)
	for i := range 30 {
		w.Models = append(w.Models, mlflowtest.FakeModel{Name: fmt.Sprint("small", i), Versions: []mlflowtest.FakeVersion{{Number: 1}, {Number: 2}}})
	}
	ids := []mlflow.VersionID{{Model: "big", Version: 3}, {Model: "big", Version: 900}, {Model: "big", Version: 5000}, {Model: "big", Version: 9999}, {Model: "big", Version: 10000}, {Model: "huge", Version: 6000}}
	for i := range 30 {
		ids = append(ids, mlflow.VersionID{Model: fmt.Sprint("small", i), Version: int64(i%2 + 1)})
	}
	for version, most := range map[string]int{"1.30.1": 40, "2.22.1": 40, "3.17.2": 8} {
		t.Run(version, func(t *testing.T) {
			f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: version})
			wantAll(t, read(t, ids, newReader(t, f, rest.Options{}).Versions))
			if rows := f.Rows("model-versions/search"); rows > 300 {
				t.Errorf("%d versions were downloaded to get %d", rows, len(ids))
			}
			if n := f.Count(""); n > most {
				t.Errorf("%d requests, more than %d: %v", n, most, f.Counts())
			}
		})
	}
}

func TestManyVersionsOfOneModelComeInFewRequests(t *testing.T) {
	w := &mlflowtest.FakeWorld{}
	big := mlflowtest.FakeModel{Name: "big"}
	var ids []mlflow.VersionID
	for n := range 5000 {
		big.Versions = append(big.Versions, mlflowtest.FakeVersion{Number: n + 1})
		ids = append(ids, mlflow.VersionID{Model: "big", Version: int64(n + 1)})
	}
	w.Models = append(w.Models, big)
	slices.Reverse(ids)
	for version, most := range map[string]int{"1.30.1": 10, "2.22.1": 3, "3.17.2": 3} {
		t.Run(version, func(t *testing.T) {
			f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: version})
			wantAll(t, read(t, ids, newReader(t, f, rest.Options{}).Versions))
			if n := f.Count(""); n > most {
				t.Errorf("%d requests, more than %d: %v", n, most, f.Counts())
			}
		})
	}
}
